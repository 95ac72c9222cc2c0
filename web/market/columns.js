// Rows as typed columns, addressed by their position in the server's ring. They grow at both ends: new rows at the end,
// history at the front. All values are whole numbers; a float64 holds them exactly up to 2^53, which is a price of nine
// million points in 1e-9 units.

const FIRST_ROWS = 1024;
export const MAX_ROWS = 1 << 20;

export class Columns {
  constructor(names) {
    this.names = names;
    this.clear();
  }

  clear() {
    this.start = this.stop = 0; // positions of the rows
    this.origin = 0; // position of index 0
    this.capacity = 0;
    for (const name of this.names) this[name] = new Float64Array(0);
  }

  get count() {
    return this.stop - this.start;
  }

  index(position) {
    return position - this.origin;
  }

  // Add rows from `position` on: `columns` has an array for each name. Existing rows are kept, because closed rows
  // never change. Returns false and adds nothing if rows would be missing in between.
  put(position, columns) {
    const end = position + columns[this.names[0]].length;
    if (end === position) return true;
    if (this.count === 0) {
      this.start = this.stop = position;
      this.origin = position;
    }
    if (position > this.stop || end < this.start) return false;
    if (end > this.stop) {
      const from = this.stop;
      this.#reserve(this.start, end);
      this.#copy(columns, from - position, end - position, from);
      this.stop = end;
    }
    if (position < this.start) {
      const until = this.start;
      this.#reserve(position, this.stop);
      this.#copy(columns, 0, until - position, position);
      this.start = position;
    }
    if (this.count > MAX_ROWS) this.start = this.stop - MAX_ROWS;
    return true;
  }

  #copy(columns, first, stop, position) {
    for (const name of this.names) this[name].set(columns[name].subarray(first, stop), this.index(position));
  }

  // Make room for positions [start, stop), half of what is free at either end.
  #reserve(start, stop) {
    if (start >= this.origin && stop <= this.origin + this.capacity) return;
    const capacity = Math.max(FIRST_ROWS, 2 ** Math.ceil(Math.log2(2 * (stop - start))));
    const origin = start - Math.floor((capacity - (stop - start)) / 2);
    for (const name of this.names) {
      const longer = new Float64Array(capacity);
      longer.set(this[name].subarray(this.index(this.start), this.index(this.stop)), this.start - origin);
      this[name] = longer;
    }
    this.origin = origin;
    this.capacity = capacity;
  }

  // First position from whose row on the first column (ids, times) is at least `id`.
  positionOf(id) {
    const ids = this[this.names[0]];
    let [low, high] = [this.index(this.start), this.index(this.stop)];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ids[middle] < id) low = middle + 1;
      else high = middle;
    }
    return this.origin + low;
  }
}
