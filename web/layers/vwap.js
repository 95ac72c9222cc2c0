// Developing VWAP and its bands: a curve through the values at each minute's end, within its session. A session without
// known minutes has flat lines at its closing values instead (levels.js).

import { GapKind } from "../market/market.js";
import { mix } from "./labels.js";
import { sessionsInView } from "./sessions.js";

const MINUTE_NS = 60e9;
const PAUSE_NS = 3 * MINUTE_NS; // shorter times without trades are slopes
const BANDS_PX = 260; // minimum width of a finished session that is drawn with bands, ...
const MIN_PX = 8; // ... and with VWAP
const FAINTER = 0.8;
const MAX_SHARE = 0.5; // maximum number of points per pixel of the pane

export const vwapColor = ({ text, information }) => mix(text, information, 0.25);

// Indices [first, stop) of a session's minutes. A minute belongs to the session in which it began.
function minutesOf({ market: { minutes }, now, until }, { start, end }) {
  const [first, stop] = [start, Math.min(end, now, until)].map((time) => minutes.index(minutes.positionOf(time + 1)));
  return [first, Math.max(first, stop)];
}

function present({ now, until }, { isFinished, numbers }) {
  const isKnown = !isFinished && until >= now && Number.isFinite(numbers.vwap) && Number.isFinite(numbers.vwapSd);
  return isKnown ? [numbers.vwap, numbers.vwapSd] : null;
}

// VWAP and standard deviation of a session at a time, points; null if none of its minutes is known.
export function vwapAt(scene, session, time) {
  const { minutes } = scene.market;
  const [first, stop] = minutesOf(scene, session);
  if (first === stop) return null;
  const pair = (i) => [minutes.vwap[i], minutes.vwapSd[i]];
  const at = Math.min(Math.max(minutes.index(minutes.positionOf(time)), first), stop);
  if (at === stop) return present(scene, session) ?? pair(stop - 1);
  if (at === first) return pair(first);
  const part = Math.max(0, 1 - (minutes.tsEvent[at] - time) / MINUTE_NS);
  const [before, after] = [pair(at - 1), pair(at)];
  return before.map((value, i) => value + part * (after[i] - value));
}

// Points of a session's curve in view: [time, vwap, deviation].
function pointsOf(scene, session) {
  const {
    price,
    market: { minutes },
    now,
    until,
  } = scene;
  const [first, stop] = minutesOf(scene, session);
  const [from, to] = [price.left, price.right].map((time) => minutes.index(minutes.positionOf(time)));
  const [begin, end] = [Math.max(first, from - 1), Math.min(stop, to + 1)];
  const step = Math.max(1, Math.ceil((end - begin) / (MAX_SHARE * price.rect.width + 2)));
  const points = [];
  for (let i = begin; i < end; i++) {
    const isPause = i > begin && minutes.tsEvent[i] - minutes.tsEvent[i - 1] > PAUSE_NS;
    // Without trades the values stay the same.
    if (isPause) points.push([minutes.tsEvent[i] - MINUTE_NS, minutes.vwap[i - 1], minutes.vwapSd[i - 1]]);
    if (isPause || i % step === 0 || i === end - 1)
      points.push([minutes.tsEvent[i], minutes.vwap[i], minutes.vwapSd[i]]);
  }
  const last = present(scene, session);
  if (points.length && last && end === stop) points.push([Math.min(now, until), ...last]);
  return points;
}

export function addVwap(chart, scene) {
  const {
    price: { scale, rect },
    price: view,
    market,
    style: { palette, visible },
  } = scene;
  if (!visible.has("levels") || !market.minutes.count) return;
  const gaps = market.gaps.filter(({ kind }) => kind === GapKind.FEED).map(({ start }) => start);
  for (const { session, left, right } of sessionsInView(scene)) {
    if (session.isFinished && right - left < MIN_PX * scale) continue;
    const points = pointsOf(scene, session);
    if (!points.length) continue;
    if (!session.isFinished) points.push([Infinity, ...points.at(-1).slice(1)]); // up to the price axis
    const xs = points.map(([time]) => (time === Infinity ? right : Math.min(Math.max(view.pixelX(time), left), right)));
    const isJoined = (i) =>
      !gaps.some((start) => points[i][0] < start && start <= points[i + 1][0]) || points[i + 1][0] === Infinity;
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
          if (!isSeen || !isJoined(i) || xs[i + 1] < xs[i]) continue;
          chart.curves.line([xs[i], ys[i]], [xs[i + 1], ys[i + 1]], (factor ? 1 : 1.5) * scale, color, alpha * opacity);
        }
      }
    }
  }
}
