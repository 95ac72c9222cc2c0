// The numbers that a chart draws: the last price, CVD and the size reference. They do not change during a pause.

import { signedText } from "../view/words.js";
import { referenceAt } from "./discs.js";

const EASE_S = 0.12;

export class ShownValues {
  constructor(steps) {
    this.steps = steps;
    this.lastPrice = 0; // 1e-9; 0 before the first trade
    this.cvd = 0;
    this.reference = 0; // contracts of the largest disc, eased towards ...
    this.referenceGoal = 0; // ... those at the level of detail in force
    this.cvdReference = null; // {text}: CVD counted from a chosen moment
    this.lod = null;
    this.market = null;
  }

  // `counted`: {cvd, time} from which CVD is counted a second time, or null.
  update(market, lod, dt, isPaused, counted) {
    const goal = referenceAt(market.reference, market.bucketNs, lod.widthNs, this.steps);
    const isNew = this.lod !== lod || this.reference <= 0;
    this.reference = isNew ? goal : this.reference + (goal - this.reference) * Math.min(1, dt / EASE_S);
    if (Math.abs(this.reference - goal) < 0.002 * goal) this.reference = goal;
    this.referenceGoal = goal;
    if (!isPaused || this.market !== market) {
      this.lastPrice = market.session?.lastPrice ?? 0;
      this.cvd = market.session?.cvd ?? 0;
    }
    [this.lod, this.market] = [lod, market];
    this.cvdReference = counted && { text: `${signedText(this.cvd - counted.cvd)}, session ${signedText(this.cvd)}` };
  }
}
