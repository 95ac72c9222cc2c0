// Developing VWAP and its bands: a curve from the session's first trade through the values at each minute's end. It stops
// at a gap. A session without known minutes has flat lines at its closing values instead (levels.js).

import { GapKind } from "../market/market.js";
import { mix } from "./labels.js";
import { sessionsInView } from "./sessions.js";
import { vwapPoints } from "./vwap_points.js";

const BANDS_PX = 260; // minimum width of a finished session that is drawn with bands, ...
const MIN_PX = 8; // ... and with VWAP
const FAINTER = 0.8;
const MAX_SHARE = 0.5; // maximum number of points per pixel of the pane

export const vwapColor = ({ text, information }) => mix(text, information, 0.25);

export function addVwap(chart, scene) {
  const {
    price: { scale, rect },
    price: view,
    market,
    now,
    until,
    style: { palette, visible },
  } = scene;
  if (!visible.has("levels") || !market.session?.tradeCount) return;
  const gaps = market.gaps.filter(({ kind }) => kind !== GapKind.CLOSED);
  for (const { session, left, right } of sessionsInView(scene)) {
    if (session.isFinished && right - left < MIN_PX * scale) continue;
    const range = [Math.max(session.start, view.left), Math.min(view.right, session.end, now, until)];
    const points = vwapPoints(scene, session, ...range, MAX_SHARE * rect.width + 2);
    if (!points.length) continue;
    const xs = points.map(([time]) => view.pixelX(time));
    const joined = points.slice(1).map(
      ([time], i) => !gaps.some(({ start, end, isOpen }) => start < time && (isOpen || end > points[i][0])),
    );
    if (!session.isFinished && xs.at(-1) < right) {
      // The present value holds up to the price axis.
      points.push([Infinity, ...points.at(-1).slice(1)]);
      xs.push(right);
      joined.push(true);
    }
    const alpha = session.isFinished ? FAINTER : 1;
    const hasBands = !session.isFinished || right - left >= BANDS_PX * scale;
    for (const [factor, color, opacity] of [
      [0, vwapColor(palette), 0.75],
      [1, palette.quiet, 0.42],
      [2, palette.quiet, 0.3],
    ]) {
      if (factor && !hasBands) break;
      for (const sign of factor ? [1, -1] : [0]) {
        const ys = points.map(([, vwap, deviation]) =>
          view.y(((vwap + sign * factor * deviation) * 1e9) / market.tickSize),
        );
        for (let i = 0; i + 1 < points.length; i++) {
          const isSeen = Math.min(ys[i], ys[i + 1]) < rect.bottom && Math.max(ys[i], ys[i + 1]) >= rect.y;
          if (!isSeen || !joined[i] || xs[i + 1] < xs[i]) continue;
          chart.curves.line([xs[i], ys[i]], [xs[i + 1], ys[i + 1]], (factor ? 1 : 1.5) * scale, color, alpha * opacity);
        }
      }
    }
  }
}
