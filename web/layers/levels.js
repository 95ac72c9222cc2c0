// Price levels as lines with labels: POC, value area, VWAP with its bands, low-volume nodes, the prior session's, the
// initial balance. The most important first: a label that would overlap another moves right on its line or is left out.

import { UNDEF_PRICE } from "../market/market.js";
import { Rect, roundEven } from "../view/view.js";
import { priceText } from "../view/words.js";
import { currentLeft, currentProfile, sessionsInView, sessionsOf } from "./sessions.js";
import { vwapColor } from "./vwap.js";
import { vwapAt } from "./vwap_points.js";

const LABEL_PX = 13;
const COLUMNS = 5;
const GAP_PX = 10;
const LABELS_SHARE = 0.6;
const MIN_LABELS_PX = 320;
const NODE_LINE_PX = 24;
const PRIOR = [
  ["priorHigh", "pHigh"],
  ["priorLow", "pLow"],
  ["priorClose", "pClose"],
  ["priorPoc", "pPOC"],
  ["priorVah", "pVAH"],
  ["priorVal", "pVAL"],
  ["overnightHigh", "ON high"],
  ["overnightLow", "ON low"],
];

function levelsOf(palette, profile, session) {
  const star = session.partial ? "*" : "";
  const priorStar = session.priorPartial ? "*" : "";
  const hours = profile.isRegular ? " RTH" : "";
  const found = [
    { price: profile.poc, name: `POC${hours}${star}`, color: palette.attention, alpha: 0.9, period: 10, dash: 6 },
    { price: profile.vah, name: `VAH${hours}${star}`, color: palette.information, alpha: 0.75, period: 10, dash: 6 },
    { price: profile.val, name: `VAL${hours}${star}`, color: palette.information, alpha: 0.75, period: 10, dash: 6 },
  ];
  const { vwap, vwapSd } = session;
  if (Number.isFinite(vwap) && session.tradeCount) {
    found.push({
      price: roundEven(vwap * 1e9),
      name: `VWAP${star}`,
      color: vwapColor(palette),
      alpha: 0.6,
      period: 0,
      dash: 0,
      deviations: 0,
    });
    for (const factor of Number.isFinite(vwapSd) && vwapSd > 0 ? [1, 2] : []) {
      for (const [sign, text] of [
        [1, "+"],
        [-1, "\u2212"],
      ]) {
        const price = roundEven((vwap + sign * factor * vwapSd) * 1e9);
        found.push({
          price,
          name: `${text}${factor} SD${star}`,
          color: palette.quiet,
          alpha: 0.3,
          period: 6,
          dash: 2,
          deviations: sign * factor,
        });
      }
    }
  }
  for (const [field, name] of PRIOR) {
    const ofProfile = session.priorRegular && /Poc|Vah|Val$/.test(field) ? " RTH" : "";
    const suffix = field.startsWith("prior") ? ofProfile + priorStar : star;
    found.push({
      price: session[field] ?? 0,
      name: name + suffix,
      color: palette.quiet,
      alpha: 0.4,
      period: 3,
      dash: 5,
    });
  }
  return found.filter(({ price }) => price !== 0 && price !== UNDEF_PRICE && Number.isFinite(price));
}

export function addLevels(chart, scene) {
  const {
    market,
    price: view,
    style: { palette, visible },
  } = scene;
  if (!visible.has("levels") || !market.session || !market.profile) return;
  for (const { session, left, right } of sessionsInView(scene)) {
    if (!session.isFinished) continue;
    const levels = levelsOf(palette, session.profile, session.numbers).filter(({ name }) =>
      /^(POC|VAH|VAL|VWAP)/.test(name),
    );
    for (const level of levels) if (!isCurve(scene, session, level)) addLine(chart, scene, level, left, right);
  }
  const begin = currentLeft(scene);
  if (begin >= view.rect.right) return;
  const session = sessionsOf(market).at(-1);
  for (const level of levelsOf(palette, market.profile, market.session)) {
    if (isCurve(scene, session, level)) addLabel(chart, scene, level, begin, (x) => curveY(scene, session, level, x));
    else if (addLine(chart, scene, level, begin, view.rect.right)) addLabel(chart, scene, level, begin);
  }
  addNodes(chart, scene);
}

// VWAP and its bands are curves where their minutes are known (vwap.js).
function isCurve(scene, session, { deviations }) {
  return deviations !== undefined && vwapAt(scene, session, session.start) !== null;
}

function curveY(scene, session, { deviations }, x) {
  const [vwap, deviation] = vwapAt(scene, session, scene.price.timeAt(x));
  return lineY(scene, roundEven((vwap + deviations * deviation) * 1e9));
}

export function lineY(scene, price) {
  return roundEven(scene.price.y(price / scene.market.tickSize));
}

export function addLine(chart, scene, level, left, right) {
  const { rect, scale } = scene.price;
  const y = lineY(scene, level.price);
  if (y < rect.y || y >= rect.bottom) return false;
  const line = Math.max(1, roundEven(scale));
  if (level.period) {
    chart.under.dashed(left, y, right - left, line, level.color, level.alpha, level.period * scale, level.dash * scale);
  } else chart.under.rect(left, y, right - left, line, level.color, level.alpha);
  return true;
}

// `curve`: y of a level that is a curve, by x.
function addLabel(chart, scene, level, begin, curve = null) {
  const { rect, scale } = scene.price;
  if (rect.width < 200 * scale || rect.height < 160 * scale) return;
  const size = LABEL_PX * scale;
  // A curve has a different value at its left end.
  const isElsewhere = curve && Math.abs(curve(begin) - scene.price.y(level.price / scene.market.tickSize)) > size;
  const text =
    level.deviations || isElsewhere ? level.name : `${level.name} ${priceText(level.price, scene.market.tickSize)}`;
  const width = chart.text.width(text, size) + size;
  const room = rect.right - begin;
  const first = firstX(begin, rect.right, width, size, scale);
  const least = Math.min(MIN_LABELS_PX * scale, LABELS_SHARE * rect.width);
  const end = begin + Math.min(Math.max(LABELS_SHARE * room, least), room);
  const flat = Math.min(Math.max(lineY(scene, level.price), rect.y + size), rect.bottom - size);
  const box = freePlace(chart.placed.boxes, first, curve ?? (() => flat), [width, 1.5 * size], GAP_PX * scale);
  if (!box || box.right > end || box.y < rect.y || box.bottom > rect.bottom) return;
  chart.placed.boxes.push(box);
  chart.text.add(text, roundEven(box.x + 0.5 * size), box.y + 0.5 * box.height, {
    size,
    color: level.color,
    plate: scene.style.palette.ground,
    plateAlpha: 0.9,
  });
}

// The x of the first column for labels of a line from `begin` to `end`.
export function firstX(begin, end, width, size, scale) {
  return begin + Math.min(14 * scale, Math.max(0.5 * size, 0.5 * (end - begin - width)));
}

// The leftmost position of a label on its line without a collision; null after a few columns. `yAt`: the line's y by x.
export function freePlace(boxes, left, yAt, [width, height], gap) {
  for (let column = 0; column < COLUMNS; column++) {
    const box = new Rect(left, yAt(left + 0.5 * width) - 0.5 * height, width, height);
    const met = boxes.filter((other) => other.overlaps(box));
    if (!met.length) return box;
    left = Math.max(...met.map(({ right }) => right)) + gap;
  }
  return null;
}

// Low-volume nodes: a line up to the end of the node's bar, and a label before it.
function addNodes(chart, scene) {
  const {
    market,
    price: { rect, scale },
    style: { palette },
  } = scene;
  const place = currentProfile(scene);
  const size = (LABEL_PX - 1) * scale;
  const line = Math.max(1, roundEven(scale));
  if (place.width <= 0 || rect.width < 420 * scale) return;
  for (const price of market.profile.lvn) {
    const y = lineY(scene, price);
    if (y < rect.y + size || y >= rect.bottom - size) continue;
    const text = `LVN${market.profile.isRegular ? " RTH" : ""}${market.session.partial ? "*" : ""} ${priceText(price, market.tickSize)}`;
    const width = chart.text.width(text, size) + size;
    const end = roundEven(place.right - chart.bars.length(price, place.width) - 2 * scale);
    const label = new Rect(end - width - 8 * scale, y - 0.8 * size, width, 1.6 * size);
    let begin = Math.max(place.x, end - NODE_LINE_PX * scale);
    if (label.x >= currentLeft(scene) && !chart.placed.boxes.some((other) => other.overlaps(label))) {
      chart.placed.boxes.push(label);
      begin = label.right;
      chart.text.add(text, roundEven(label.x + 0.5 * size), y, {
        size,
        color: palette.quiet,
        plate: palette.ground,
        plateAlpha: 0.9,
      });
    }
    if (end > begin) chart.under.dashed(begin, y, end - begin, line, palette.quiet, 0.7, 2 * line, line);
  }
}
