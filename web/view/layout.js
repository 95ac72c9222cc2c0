// The panes of the chart on the canvas, as the desktop divides a chart below its header (ui/state/layout.py).

import { Rect, roundEven } from "./view.js";

const TIME_AXIS_PX = 24;
const PRICE_AXIS_PX = 110;
const MIN_AXIS_PX = 88;
const PROFILE_SHARE = 0.14;
export const SPLITTER_PX = 8;
export const CVD_SHARE = 0.2;
const CVD_SHARE_RANGE = [0.08, 0.6];

// `axisPx` is the minimum width of the price axis, which its numbers need.
export function arrange(width, height, scale, cvdShare, axisPx) {
  let axis = 0;
  if (width >= 230 * scale && height >= 110 * scale) {
    axis = Math.min(PRICE_AXIS_PX * scale, Math.max(MIN_AXIS_PX * scale, 0.12 * width));
    axis = roundEven(Math.min(Math.max(axis, axisPx), 0.5 * width));
  }
  const timeAxis = height >= 110 * scale ? roundEven(TIME_AXIS_PX * scale) : 0;
  const bottom = height - timeAxis;
  const cvdHeight = height >= 130 * scale ? roundEven(bottom * cvdShare) : 1;
  const plot = Math.max(1, width - axis);
  const price = new Rect(0, 0, plot, Math.max(1, bottom - cvdHeight));
  const cvd = new Rect(0, price.bottom, plot, Math.max(1, bottom - price.bottom));
  const profileWidth = roundEven(plot * PROFILE_SHARE);
  const grip = cvdHeight > 1 ? SPLITTER_PX * scale : 0;
  return {
    price,
    cvd,
    timeAxis: new Rect(0, bottom, plot, timeAxis),
    priceAxis: new Rect(plot, 0, axis, price.height),
    cvdAxis: new Rect(plot, cvd.y, axis, cvd.height),
    profile: new Rect(plot - profileWidth, 0, profileWidth, price.height),
    splitter: new Rect(0, cvd.y - grip / 2, width, grip),
  };
}

// The CVD pane's share if its upper border is dragged to y.
export function shareFromDrag(layout, y) {
  const share = (layout.cvd.bottom - y) / layout.cvd.bottom;
  return Math.min(Math.max(share, CVD_SHARE_RANGE[0]), CVD_SHARE_RANGE[1]);
}
