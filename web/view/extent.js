// The ranges that automatic axes fit. A few bad prints are left out and reported instead, by the rule of the desktop's
// layers/rows/extent.py: ten times the range of most trades is always shown.

const REACH = 10;
const MIN_TICKS = 24;
const MAX_ROWS = 1024; // number of rows searched for bad prints
const [FEW, FEW_OF] = [20, 50];
const MIN_CONTRACTS = 20;
const ZERO_LEAVES = 1.5;

// Indices [from, to) of the rows of a level in a time range.
function rowsWithin({ bubbles, widthNs }, left, right) {
  return [
    bubbles.index(bubbles.positionOf(Math.floor(left / widthNs))),
    bubbles.index(bubbles.positionOf(Math.floor(right / widthNs) + 1)),
  ];
}

function openWithin({ openRow, widthNs }, left, right) {
  return openRow && openRow.id >= Math.floor(left / widthNs) && openRow.id * widthNs <= right ? openRow : null;
}

// Lowest and highest price in view, ticks; null if nothing traded. `below` and `above` describe what is left out.
export function priceExtent(lod, left, right, tickSize) {
  const { bubbles } = lod;
  const [from, to] = rowsWithin(lod, left, right);
  const open = openWithin(lod, left, right);
  let [low, high] = open ? [open.low, open.high] : [Infinity, -Infinity];
  for (let i = from; i < to; i++) {
    if (bubbles.low[i] < low) low = bubbles.low[i];
    if (bubbles.high[i] > high) high = bubbles.high[i];
  }
  if (low > high) return null;
  if (high - low <= REACH * MIN_TICKS * tickSize || to === from)
    return { low: low / tickSize, high: high / tickSize };
  return withoutBadPrints(lod, from, to, open, tickSize);
}

// At most MAX_ROWS rows of a range, merged from several rows each, as at a coarser level.
function merged({ id, open, high, low, close, trades }, from, to) {
  const step = Math.ceil((to - from) / MAX_ROWS);
  const found = { id: [], open: [], high: [], low: [], close: [], trades: [] };
  for (let i = from; i < to; i += step) {
    const stop = Math.min(i + step, to);
    let [top, bottom, sum] = [high[i], low[i], 0];
    for (let j = i; j < stop; j++) {
      top = Math.max(top, high[j]);
      bottom = Math.min(bottom, low[j]);
      sum += trades[j];
    }
    found.id.push(id[i]);
    found.open.push(open[i]);
    found.high.push(top);
    found.low.push(bottom);
    found.close.push(close[stop - 1]);
    found.trades.push(sum);
  }
  return found;
}

function withoutBadPrints({ bubbles, widthNs }, from, to, open, tickSize) {
  const { id, open: opened, high, low, close, trades } = merged(bubbles, from, to);
  const rows = id.map((_, i) => i);
  const total = rows.reduce((sum, i) => sum + trades[i], 0);
  const beyond = (order, budget, value) => {
    let passed = 0;
    return value(order.find((i) => (passed += trades[i]) > budget) ?? order.at(-1));
  };
  const budget = Math.min(FEW, Math.floor(total / FEW_OF));
  const middle = beyond(
    [...rows].sort((a, b) => close[a] - close[b]),
    total / 2,
    (i) => close[i],
  );
  // Of open and close, use the one nearer to the middle: the other may be a bad print.
  const own = (i) => (Math.abs(opened[i] - middle) < Math.abs(close[i] - middle) ? opened[i] : close[i]);
  const sorted = [...rows].sort((a, b) => own(a) - own(b));
  const [core, top] = [beyond(sorted, budget, own), beyond([...sorted].reverse(), budget, own)];
  const usual = rows.map((i) => high[i] - low[i]).sort((a, b) => a - b)[(rows.length - 1) >> 1];
  const reach = REACH * Math.max(top - core, usual, MIN_TICKS * tickSize);
  const [least, most] = [core - reach, top + reach];
  let [lowest, highest] = [Infinity, -Infinity];
  const use = (...prices) => {
    for (const price of prices) {
      if (price < least || price > most) continue;
      lowest = Math.min(lowest, price);
      highest = Math.max(highest, price);
    }
  };
  for (const i of rows) use(low[i], high[i], opened[i], close[i]);
  if (open) use(open.low, open.high);
  const tell = (out, prices, sign) => {
    if (!out.length) return null;
    const farthest = out.reduce((a, b) => (sign * prices[b] > sign * prices[a] ? b : a));
    return { count: out.length, price: prices[farthest], time: (id[farthest] + 0.5) * widthNs };
  };
  return {
    low: lowest / tickSize,
    high: highest / tickSize,
    below: tell(
      rows.filter((i) => low[i] < least),
      low,
      -1,
    ),
    above: tell(
      rows.filter((i) => high[i] > most),
      high,
      1,
    ),
  };
}

// Lowest and highest CVD in view; null if nothing traded.
export function cvdExtent(lod, left, right, hasCandles) {
  const { cvd } = lod;
  let [from, to] = rowsWithin(lod, left, right);
  if (from > cvd.index(cvd.start) && !hasCandles) from--;
  const open = openWithin(lod, left, right)?.cvd;
  let [low, high] = open ? [open.close, open.close] : [Infinity, -Infinity];
  if (open && hasCandles) [low, high] = [open.low, open.high];
  const [lows, highs] = hasCandles ? [cvd.low, cvd.high] : [cvd.close, cvd.close];
  for (let i = from; i < to; i++) {
    if (lows[i] < low) low = lows[i];
    if (highs[i] > high) high = highs[i];
  }
  return low > high ? null : [low, high];
}

// Whether zero is shown: if the visible values then still take at least half of the pane. Once shown, it goes only
// when it is clearly farther away, so that the axis does not oscillate.
export function isZeroNear([low, high], wasNear) {
  const far = Math.max(low, -high, 0);
  return far <= (wasNear ? ZERO_LEAVES : 1) * Math.max(high - low, MIN_CONTRACTS);
}
