// The two axes that a user moves: time, and a value axis (price, CVD) per pane. The same rules as ui/state/axes.py.

import { NO_FOLDS } from "./folds.js";

export const EDGE_SHARE = 0.92; // place of the live edge in the plot
const MIN_NS_PER_PX = 1e6;
const MAX_NS_PER_PX = 3.6e12;
const DEFAULT_SPAN_NS = 180e9;
const SNAP_PX = 12;
const BEFORE_SHARE = 0.01; // place of the data's beginning when all of them are in view
const EASE_S = 0.16;
const REST_PX = 0.02;
const MIN_PER_PX = 1e-6;
const MARGIN_SHARE = 0.09;
const LOOSE = 1.9; // an axis tightens once it shows this many times the range that it needs

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// `timeline` has the folds in force and the time at which the data begin (null before there are any).
export const NO_TIMELINE = { folds: NO_FOLDS, first: null };

export class TimeAxis {
  constructor() {
    this.nsPerPx = 0; // 0 until the first plot width is known
    this.fixedTime = null; // the time at the live edge's place; null follows the newest
    this.width = 0;
  }

  get isLive() {
    return this.fixedTime === null;
  }

  edge(now) {
    return this.fixedTime ?? now;
  }

  timeAt(x, now, timeline = NO_TIMELINE) {
    return timeline.folds.at(this.nsPerPx).shifted(this.edge(now), (x - EDGE_SHARE * this.width) * this.nsPerPx);
  }

  // Set the plot's width of this frame; the span stays the same.
  fit(width) {
    if (width <= 0) return;
    if (this.nsPerPx <= 0) this.nsPerPx = clamp(DEFAULT_SPAN_NS / width, MIN_NS_PER_PX, MAX_NS_PER_PX);
    else if (this.width && width !== this.width) {
      this.nsPerPx = clamp((this.nsPerPx * this.width) / width, MIN_NS_PER_PX, MAX_NS_PER_PX);
    }
    this.width = width;
  }

  // Multiply the scale; the time at x stays there. There is nothing right of the live edge, so a zoom from there keeps
  // following. A zoom out ends when all data are in view.
  zoom(factor, x, now, timeline = NO_TIMELINE) {
    const edge = EDGE_SHARE * this.width;
    const fixed = this.timeAt(x, now, timeline);
    const wanted = clamp(this.nsPerPx * factor, MIN_NS_PER_PX, MAX_NS_PER_PX);
    this.nsPerPx = this.#farthest(wanted, now, timeline);
    if (this.isLive && x >= edge) return;
    const folded = timeline.folds.at(this.nsPerPx);
    this.#anchorAt(folded.shifted(fixed, (edge - x) * this.nsPerPx), now);
    if (factor > 1 && timeline.first !== null && !this.isLive) {
      const least = folded.shifted(timeline.first, (EDGE_SHARE - BEFORE_SHARE) * this.width * this.nsPerPx);
      this.#anchorAt(Math.max(this.edge(now), least), now);
    }
  }

  // Drag the picture by dx pixels to the right, at most until the data's beginning is in the middle.
  pan(dx, now, timeline = NO_TIMELINE) {
    if (!dx) return;
    const folded = timeline.folds.at(this.nsPerPx);
    const edge = this.edge(now);
    let wanted = folded.shifted(edge, -dx * this.nsPerPx);
    if (dx > 0 && timeline.first !== null) {
      const beyond = (EDGE_SHARE - 0.5) * this.width * this.nsPerPx;
      wanted = Math.max(wanted, Math.min(folded.shifted(timeline.first, beyond), edge));
    }
    this.#anchorAt(wanted, now);
  }

  // After a gesture, follow again if the live edge is nearly back in its place.
  settle(now, timeline = NO_TIMELINE, scale = 1) {
    if (this.isLive) return;
    const behind = timeline.folds.at(this.nsPerPx).between(this.fixedTime, now);
    if (behind <= SNAP_PX * scale * this.nsPerPx) this.fixedTime = null;
  }

  follow() {
    this.fixedTime = null;
  }

  reset() {
    this.nsPerPx = 0;
    this.fit(this.width);
    this.follow();
  }

  #anchorAt(edge, now) {
    this.fixedTime = edge >= now ? null : edge;
  }

  #farthest(wanted, now, { folds, first }) {
    if (first === null || wanted <= this.nsPerPx || this.width <= 0) return wanted;
    const room = (EDGE_SHARE - BEFORE_SHARE) * this.width;
    const holdsAll = (nsPerPx) => folds.at(nsPerPx).between(first, now) <= room * nsPerPx;
    let [low, high] = [Math.max(this.nsPerPx, Math.min(DEFAULT_SPAN_NS / this.width, wanted)), wanted];
    if (!holdsAll(high)) return high;
    if (holdsAll(low)) return low;
    for (let step = 0; step < 40; step++) {
      const middle = Math.sqrt(low * high);
      [low, high] = holdsAll(middle) ? [low, middle] : [middle, high];
    }
    return high;
  }
}

// A vertical scale: automatic (fitted to what is visible, eased, with hysteresis) or fixed by the user.
export class ValueAxis {
  constructor(leastSpan) {
    this.leastSpan = leastSpan;
    this.isAuto = true;
    this.middle = 0;
    this.perPx = 0; // 0 until the first fit
    this.goalMiddle = 0;
    this.goalSpan = 0;
  }

  top(height) {
    return this.middle + 0.5 * height * this.perPx;
  }

  // Bring [low, high] into view: at once the first time, later eased by `dt` seconds. Returns whether it is still
  // moving.
  fit(low, high, height, dt) {
    if (!this.isAuto || height <= 0) return false;
    const wanted = Math.max(high - low, this.leastSpan) / (1 - 2 * MARGIN_SHARE);
    const half = 0.5 * this.goalSpan * (1 - 0.5 * MARGIN_SHARE);
    const isOutside = low < this.goalMiddle - half || high > this.goalMiddle + half;
    if (this.goalSpan <= 0 || isOutside || this.goalSpan > LOOSE * wanted) {
      [this.goalMiddle, this.goalSpan] = [0.5 * (low + high), 1.12 * wanted];
    }
    const goal = this.goalSpan / height;
    if (this.perPx <= 0) {
      [this.middle, this.perPx] = [this.goalMiddle, goal];
      return false;
    }
    const isThere = Math.abs(this.goalSpan - this.perPx * height) < REST_PX * goal;
    if (isThere && Math.abs(this.goalMiddle - this.middle) < REST_PX * goal) {
      [this.middle, this.perPx] = [this.goalMiddle, goal];
      return false;
    }
    const share = 1 - Math.exp(-Math.max(0, dt) / EASE_S);
    this.middle += (this.goalMiddle - this.middle) * share;
    this.perPx *= (goal / this.perPx) ** share;
    return true;
  }

  // Multiply the scale; the value at y stays there. Fixes the axis.
  zoom(factor, y, height) {
    if (this.perPx <= 0) return;
    const fixed = this.top(height) - y * this.perPx;
    const next = Math.max(this.perPx * factor, MIN_PER_PX);
    this.middle = fixed + (this.middle - fixed) * (next / this.perPx);
    this.perPx = next;
    this.isAuto = false;
  }

  pan(dy) {
    if (!dy || this.perPx <= 0) return;
    this.middle += dy * this.perPx;
    this.isAuto = false;
  }

  reset() {
    this.isAuto = true;
    this.goalSpan = 0;
  }
}
