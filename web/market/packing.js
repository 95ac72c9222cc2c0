// Packs rows for the shaders: 32-bit numbers relative to a base price and time.

export const FARTHEST = 2 ** 30 - 1; // largest distance from the base, buckets or ticks
export const REACH = 2 ** 28; // a view farther from the base than this gets a new base
const PARTS_PER_TICK = 1024;
const HALF = 2 ** 24; // of CVD: the lower part is exact in a float32

// The base of packed rows, bucket 0 and tick 0: `bucket` an id, `price` on the tick grid, `tickSize` in 1e-9.
export class Base {
  constructor(bucket, price, tickSize, bucketNs) {
    Object.assign(this, { bucket, price, tickSize, bucketNs });
  }

  index(id) {
    return clipped(id - this.bucket);
  }

  reaches(id, tick) {
    return Math.abs(id - this.bucket) < REACH && Math.abs(tick - this.price / this.tickSize) < REACH;
  }
}

export function clipped(distance) {
  return Math.min(Math.max(distance, -FARTHEST), FARTHEST);
}

// Upper and lower part of contracts: upper * 2^24 + lower.
export function splitContracts(count) {
  const upper = Math.floor(count / HALF);
  return [clipped(upper), count - upper * HALF];
}

// Follows rows in order and says before which of them a line breaks: at a gap or a roll that lies between two rows, or
// where two rows of one bucket belong to two instruments. `breaks` has `starts` and `ends`, ns, oldest first.
function breakFinder(breaks, bucketNs) {
  let found = -1;
  return (previous, id) => {
    while (found + 1 < breaks.starts.length && breaks.starts[found + 1] <= id * bucketNs) found++;
    return previous === id || (found >= 0 && breaks.ends[found] >= (previous + 1) * bucketNs);
  };
}

// Pack bubbles of `columns` with indices [from, to) into a RowTexture's memory, from row `row` on. `previous` is the id
// of the row before, or null.
export function packBubbles(columns, from, to, base, breaks, previous, rows, row) {
  const { id, price, high, low, close, buy, sell, unsided } = columns;
  const { ints, floats } = rows;
  const { tickSize } = base;
  const isBroken = breakFinder(breaks, base.bucketNs);
  const perTick = PARTS_PER_TICK / tickSize;
  let before = previous ?? id[from] - 1;
  for (let i = from, at = 8 * row; i < to; i++, at += 8) {
    const distance = price[i] - base.price;
    const tick = Math.floor(distance / tickSize);
    const part = Math.trunc((distance - tick * tickSize) * perTick);
    const sided = buy[i] + sell[i];
    ints[at] = clipped(id[i] - base.bucket);
    ints[at + 1] = clipped(tick);
    ints[at + 2] = part | (isBroken(before, id[i]) ? 1 << 16 : 0);
    ints[at + 3] = clipped(Math.floor((close[i] - base.price) / tickSize));
    ints[at + 4] = clipped(Math.floor((high[i] - base.price) / tickSize));
    ints[at + 5] = clipped(Math.floor((low[i] - base.price) / tickSize));
    floats[at + 6] = sided > 0 ? Math.max(buy[i], sell[i]) : unsided[i];
    floats[at + 7] = (buy[i] - sell[i]) / Math.max(sided, 1);
    before = id[i];
  }
}

// Pack CVD points likewise. `previous` is [id, close] of the row before, or null. The line also breaks at a reset.
export function packCvd(columns, from, to, base, breaks, previous, rows, row) {
  const { id, open, high, low, close } = columns;
  const { ints } = rows;
  const isBroken = breakFinder(breaks, base.bucketNs);
  let [before, last] = previous ?? [id[from] - 1, open[from]];
  for (let i = from, at = 8 * row; i < to; i++, at += 8) {
    const upper = Math.floor(close[i] / HALF);
    ints[at] = clipped(id[i] - base.bucket);
    ints[at + 1] = clipped(upper);
    ints[at + 2] = close[i] - upper * HALF;
    ints[at + 3] = isBroken(before, id[i]) || open[i] !== last ? 1 : 0;
    ints[at + 4] = clipped(open[i] - close[i]);
    ints[at + 5] = clipped(high[i] - close[i]);
    ints[at + 6] = clipped(low[i] - close[i]);
    ints[at + 7] = 0;
    before = id[i];
    last = close[i];
  }
}
