// Folds of the time axis: closed hours drawn as a band of a fixed width. The same map as the desktop's core/folds.py.
// Times are float64 ns: exact to 256 ns, a fraction of a thousandth of a pixel at the closest zoom.

// First index whose value is greater than `value`.
export function bisectRight(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class FoldedTime {
  constructor(intervals = [], keptNs = 0) {
    const folded = intervals.filter(([start, end]) => end - start > keptNs);
    this.keptNs = folded.length ? keptNs : 0;
    this.starts = folded.map(([start]) => start);
    this.ends = folded.map(([, end]) => end);
    this.removed = [0]; // time removed before each fold, and in total
    for (const [start, end] of folded) this.removed.push(this.removed.at(-1) + end - start - keptNs);
    this.startPositions = this.starts.map((start, at) => start - this.removed[at]);
  }

  position(time) {
    const at = bisectRight(this.starts, time) - 1;
    if (at < 0) return time;
    const [start, end] = [this.starts[at], this.ends[at]];
    if (time >= end) return time - this.removed[at + 1];
    return this.startPositions[at] + (time - start) * (this.keptNs / (end - start));
  }

  time(position) {
    const at = bisectRight(this.startPositions, position) - 1;
    if (at < 0) return position;
    const inside = position - this.startPositions[at];
    if (inside >= this.keptNs) return position + this.removed[at + 1];
    return this.starts[at] + inside * ((this.ends[at] - this.starts[at]) / this.keptNs);
  }

  shifted(time, by) {
    return this.starts.length ? this.time(this.position(time) + by) : time + by;
  }

  between(first, last) {
    return this.starts.length ? this.position(last) - this.position(first) : last - first;
  }

  // Indices [first, stop) of the folds that overlap a time range.
  within(first, last) {
    const from = bisectRight(this.ends, first);
    return [from, Math.max(from, bisectRight(this.starts, last - 1))];
  }

  // Buckets [first, stop) whose middles lie in a fold.
  buckets(at, width) {
    const half = Math.floor(width / 2);
    return [Math.ceil((this.starts[at] - half) / width), Math.ceil((this.ends[at] - half) / width)];
  }

  // Time at which a bubble is drawn: its bucket's middle or, if that lies in a fold, the fold's nearer end.
  bubbleTime(id, width) {
    const middle = id * width + Math.floor(width / 2);
    const at = bisectRight(this.starts, middle) - 1;
    if (at < 0 || middle >= this.ends[at]) return middle;
    const [first, stop] = this.buckets(at, width);
    return 2 * id < first + stop ? this.starts[at] : this.ends[at];
  }
}

export const UNFOLDED = new FoldedTime();

// The intervals to fold and the width of a band; `at` gives the map at a scale.
export class Folds {
  constructor(intervals = [], bandPx = 0) {
    this.intervals = intervals;
    this.bandPx = bandPx;
    this.scale = 0;
    this.folded = UNFOLDED;
  }

  at(nsPerPx) {
    if (this.intervals.length && nsPerPx !== this.scale) {
      this.scale = nsPerPx;
      this.folded = new FoldedTime(this.intervals, Math.max(1, Math.floor(this.bandPx * nsPerPx)));
    }
    return this.folded;
  }
}

export const NO_FOLDS = new Folds();
