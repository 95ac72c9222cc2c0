// The transform from a pane's world to the canvas, for one frame: time to x, ticks or contracts to y. Canvas pixels have
// their origin at the top left.

export class Rect {
  constructor(x, y, width, height) {
    Object.assign(this, { x, y, width, height });
  }

  get right() {
    return this.x + this.width;
  }

  get bottom() {
    return this.y + this.height;
  }

  contains(x, y) {
    return this.x <= x && x < this.right && this.y <= y && y < this.bottom;
  }

  overlaps(other) {
    return this.x < other.right && other.x < this.right && this.y < other.bottom && other.y < this.bottom;
  }

  encloses(other) {
    return this.x <= other.x && other.right <= this.right && this.y <= other.y && other.bottom <= this.bottom;
  }
}

export class View {
  // `right` is the time at the right border, `top` the world's y at the upper one.
  constructor({ rect, right, nsPerPx, top, perPx, scale, folded }) {
    Object.assign(this, { rect, right, nsPerPx, top, perPx, scale, folded });
  }

  get left() {
    return this.folded.shifted(this.right, -this.rect.width * this.nsPerPx);
  }

  get bottom() {
    return this.top - this.rect.height * this.perPx;
  }

  x(time) {
    return this.rect.right - this.folded.between(time, this.right) / this.nsPerPx;
  }

  // Moves by whole pixels, measured from the right border.
  pixelX(time) {
    return this.rect.right - roundEven(this.folded.between(time, this.right) / this.nsPerPx);
  }

  bubbleX(id, width) {
    return this.x(this.folded.bubbleTime(id, width));
  }

  y(value) {
    return this.rect.y + (this.top - value) / this.perPx;
  }

  timeAt(x) {
    return this.folded.shifted(this.right, -(this.rect.right - x) * this.nsPerPx);
  }

  valueAt(y) {
    return this.top - (y - this.rect.y) * this.perPx;
  }
}

// Rounds halves to the even number, as the desktop program does, so that lines are on the same pixels.
export function roundEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
