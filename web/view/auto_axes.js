// The value axes of an instrument, and the ranges that they fit while automatic.

import { ValueAxis } from "./axes.js";
import { cvdExtent, isZeroNear, priceExtent } from "./extent.js";

const MIN_TICKS = 24;
const MIN_CONTRACTS = 20;
const SEARCH_S = 0.1; // between two searches for the visible range

export class AutoAxes {
  constructor() {
    this.price = new ValueAxis(MIN_TICKS);
    this.cvd = new ValueAxis(MIN_CONTRACTS);
    this.priceSeen = null; // {low, high, below, above}: ticks, and what is off the scale at either end
    this.cvdSeen = null;
    this.isZeroNear = false;
    this.searchedAt = -Infinity;
  }

  // Find what is visible in [left, right] (ns), at most every SEARCH_S seconds unless `isDue`.
  search(market, lod, left, right, { wall, isDue, hasCandles }) {
    if (!isDue && wall - this.searchedAt <= SEARCH_S && this.price.perPx > 0) return;
    this.searchedAt = wall;
    this.priceSeen = priceExtent(lod, left, right, market.tickSize) ?? this.priceSeen;
    const seen = cvdExtent(lod, left, right, hasCandles);
    if (seen) {
      this.isZeroNear = isZeroNear(seen, this.isZeroNear);
      this.cvdSeen = this.isZeroNear ? [Math.min(seen[0], 0), Math.max(seen[1], 0)] : seen;
    }
    if (!this.priceSeen && market.session?.tradeCount) {
      const last = market.session.lastPrice / market.tickSize;
      this.priceSeen = { low: last, high: last };
    }
  }

  // Move the axes towards the visible data. Returns whether they are still moving.
  fit(layout, dt) {
    const { priceSeen, cvdSeen } = this;
    const movesPrice = priceSeen ? this.price.fit(priceSeen.low, priceSeen.high, layout.price.height, dt) : false;
    const movesCvd = cvdSeen ? this.cvd.fit(...cvdSeen, layout.cvd.height, dt) : false;
    return movesPrice || movesCvd;
  }
}
