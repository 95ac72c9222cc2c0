// Places of labels: a label is placed only where no other is, so more important layers add their labels first.

export class Placed {
  constructor() {
    this.boxes = [];
  }

  clear() {
    this.boxes.length = 0;
  }

  // Reserve a box if it lies within a pane and overlaps no other. Returns whether it did.
  take(box, within) {
    if (!within.encloses(box) || this.boxes.some((other) => box.overlaps(other))) return false;
    this.boxes.push(box);
    return true;
  }
}

// Mix two colours: share 0 is the first, 1 the second.
export function mix(a, b, share) {
  return a.map((value, at) => value + (b[at] - value) * share);
}
