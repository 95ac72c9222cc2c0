// The data of one instrument: closed rows by level of detail, and records that still change. `feed.js` writes them and
// the layers read them. Prices are whole numbers of 1e-9, times float64 ns, sizes contracts.

import { Columns } from "./columns.js";

export const BUBBLE = ["id", "price", "open", "high", "low", "close", "buy", "sell", "unsided", "trades"];
export const CVD = ["id", "open", "high", "low", "close"];
const MINUTE = ["tsEvent", "vwap", "vwapSd"];
export const UNDEF_PRICE = Number(2n ** 63n - 1n);
export const UNKNOWN_TICK_SIZE = 10_000_000;
const FALLBACK_REFERENCE = 50;
export const GapKind = { FEED: 1, NO_TRADES: 2, CLOSED: 3, UNSCHEDULED: 4 };
export const EventKind = { ZERO_CROSS: 1, ABSORPTION: 2, DIVERGENCE: 3, STACKED_IMBALANCE: 4, LARGE_TRADE: 5 };

// The rows of one level of detail. Row i of `cvd` is the same bucket as row i of `bubbles`.
export class Lod {
  constructor(widthNs) {
    this.widthNs = widthNs;
    this.bubbles = new Columns(BUBBLE);
    this.cvd = new Columns(CVD);
    this.open = null; // the open bubble: an object with the fields of BUBBLE and `cvd` (the fields of CVD)
    this.oldest = Infinity; // position of the oldest row that the server sends
    this.version = 0; // rises with each clear, after which everything must be packed again
  }

  // Forget the closed rows. The open row is sent separately, before or after them.
  clear() {
    this.bubbles.clear();
    this.cvd.clear();
    this.oldest = Infinity;
    this.version++;
  }

  // The open bubble, unless it has closed meanwhile.
  get openRow() {
    const { open, bubbles } = this;
    if (!open) return null;
    const newest = bubbles.count ? bubbles.id[bubbles.index(bubbles.stop - 1)] : -Infinity;
    return open.id > newest ? open : null;
  }
}

export class Market {
  constructor({ requested, symbol, tickSize, widthsNs }) {
    this.requested = requested;
    this.symbol = symbol;
    this.tickSize = tickSize || UNKNOWN_TICK_SIZE;
    this.widthsNs = widthsNs;
    this.lods = widthsNs.map((width) => new Lod(width));
    this.minutes = new Columns(MINUTE); // VWAP at the end of each minute, points
    this.levels = null; // initial balance, opening range, naked POCs: the fields of LEVELS
    this.session = null; // numbers of the current session: the fields of SESSION in core/schema.py
    this.profile = null; // {tickSize, ticksPerRow, base, row, buy, sell, unsided, poc, vah, val, lvn, version}
    this.finished = []; // finished sessions: {numbers, profile}, oldest first
    this.rolls = []; // {lastTs, firstTs, from, to}, oldest first
    this.gaps = []; // {start, end, kind, isOpen}, oldest first
    this.events = []; // {time, kind, price, direction, strength, value}, in the order they became known
    this.eventsVersion = 0; // rises when events are replaced, not when one is added
    this.breaksVersion = 0;
  }

  // Fields that may become known later, or change at a roll.
  describe(symbol, tickSize) {
    this.symbol = symbol;
    this.tickSize = tickSize || UNKNOWN_TICK_SIZE;
  }

  get bucketNs() {
    return this.widthsNs[0];
  }

  get hasTrades() {
    return Boolean(this.session?.tradeCount) || this.lods.some((lod) => lod.bubbles.count > 0);
  }

  get reference() {
    return this.session?.reference || FALLBACK_REFERENCE;
  }

  setGaps(gaps) {
    // The end of an open gap does not affect any row yet.
    const key = (all) => all.map(({ start, end, kind, isOpen }) => `${start} ${isOpen ? "" : end} ${kind}`).join();
    if (key(gaps) !== key(this.gaps)) this.breaksVersion++;
    this.gaps = gaps;
  }

  setRolls(rolls) {
    this.rolls = rolls;
    this.breaksVersion++;
  }

  // Gaps and rolls, which no line may cross, oldest first.
  get breaks() {
    const all = this.gaps.map(({ start, end }) => [start, end]);
    for (const { lastTs, firstTs } of this.rolls) if (firstTs < 2 ** 62) all.push([lastTs + 1, firstTs]);
    all.sort((a, b) => a[0] - b[0]);
    return { starts: all.map(([start]) => start), ends: all.map(([, end]) => end) };
  }

  // Start of the data, ns: the oldest bucket of the levels whose history is complete; null before that.
  get firstNs() {
    let found = null;
    for (const { bubbles, widthNs, oldest } of this.lods) {
      if (!bubbles.count || bubbles.start > oldest) continue;
      const first = bubbles.id[bubbles.index(bubbles.start)] * widthNs;
      if (found === null || first < found) found = first;
    }
    return found;
  }
}
