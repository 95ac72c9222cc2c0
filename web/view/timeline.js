// The time axis of an instrument's data: their beginning, and which intervals are folded.

import { GapKind } from "../market/market.js";
import { Folds } from "./folds.js";

const BAND_PX = 22;
export const FOLDED = { closed: [GapKind.CLOSED], all: [GapKind.CLOSED, GapKind.NO_TRADES], none: [] };

export class Timeline {
  constructor() {
    this.folds = new Folds();
    this.first = null; // ns; null before the complete history of a level has arrived
    this.key = "";
  }

  // The folds remain the same object while the gaps are unchanged.
  update(market, folding, now, scale) {
    this.first = market.firstNs;
    const intervals = market.gaps
      .filter(({ kind }) => FOLDED[folding].includes(kind))
      .map(({ start, end, isOpen }) => [start, isOpen ? Math.max(end, now) : end]);
    const key = `${scale} ${intervals.map(([start, end]) => `${start} ${Math.round(end / 1e9)}`).join()}`;
    if (key === this.key) return;
    this.key = key;
    this.folds = new Folds(intervals, BAND_PX * scale);
  }
}
