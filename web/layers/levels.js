// Price levels as lines with labels: POC, value area, VWAP with its bands, low-volume nodes, the prior session's, the
// initial balance. The most important first: a label that would meet another moves right on its line, or is left out.

import { UNDEF_PRICE } from "../market/market.js";
import { Rect, roundEven } from "../view/view.js";
import { priceText } from "../view/words.js";
import { mix } from "./labels.js";
import { currentLeft, currentProfile, sessionsInView } from "./sessions.js";

const LABEL_PX = 13;
const COLUMNS = 5;
const GAP_PX = 10;
const LABELS_SHARE = 0.6;
const LEAST_LABELS_PX = 320;
const NODE_LINE_PX = 24;
const PRIOR = [
  ["priorHigh", "pHigh"], ["priorLow", "pLow"], ["priorClose", "pClose"], ["priorPoc", "pPOC"], ["priorVah", "pVAH"],
  ["priorVal", "pVAL"], ["overnightHigh", "ON high"], ["overnightLow", "ON low"],
];

function levelsOf(palette, profile, session) {
  const star = session.partial ? "*" : "";
  const priorStar = session.priorPartial ? "*" : "";
  const found = [
    { price: profile.poc, name: `POC${star}`, color: palette.attention, alpha: 0.9, period: 10, dash: 6 },
    { price: profile.vah, name: `VAH${star}`, color: palette.information, alpha: 0.75, period: 10, dash: 6 },
    { price: profile.val, name: `VAL${star}`, color: palette.information, alpha: 0.75, period: 10, dash: 6 },
  ];
  const { vwap, vwapSd } = session;
  if (Number.isFinite(vwap) && session.tradeCount) {
    const color = mix(palette.text, palette.information, 0.25);
    found.push({ price: roundEven(vwap * 1e9), name: `VWAP${star}`, color, alpha: 0.6, period: 0, dash: 0 });
    for (const factor of Number.isFinite(vwapSd) && vwapSd > 0 ? [1, 2] : []) {
      for (const [sign, text] of [[1, "+"], [-1, "\u2212"]]) {
        const price = roundEven((vwap + sign * factor * vwapSd) * 1e9);
        found.push({ price, name: `${text}${factor} SD${star}`, color: palette.quiet, alpha: 0.3, period: 6, dash: 2, isBand: true });
      }
    }
  }
  for (const [field, name] of PRIOR) {
    const suffix = field.startsWith("prior") ? priorStar : star;
    found.push({ price: session[field] ?? 0, name: name + suffix, color: palette.quiet, alpha: 0.4, period: 3, dash: 5 });
  }
  return found.filter(({ price }) => price !== 0 && price !== UNDEF_PRICE && Number.isFinite(price));
}

export function addLevels(chart, scene) {
  const { market, price: view, style: { palette, visible } } = scene;
  if (!visible.has("levels") || !market.session || !market.profile) return;
  for (const { session, left, right } of sessionsInView(scene)) {
    if (!session.isFinished) continue;
    const levels = levelsOf(palette, session.profile, session.numbers).filter(({ name }) => /^(POC|VAH|VAL|VWAP)/.test(name));
    for (const level of levels) addLine(chart, scene, level, left, right);
  }
  const begin = currentLeft(scene);
  if (begin >= view.rect.right) return;
  for (const level of levelsOf(palette, market.profile, market.session)) {
    if (addLine(chart, scene, level, begin, view.rect.right)) addLabel(chart, scene, level, begin);
  }
  addNodes(chart, scene);
}

function lineY(scene, price) {
  return roundEven(scene.price.y(price / scene.market.tickSize));
}

function addLine(chart, scene, level, left, right) {
  const { rect, scale } = scene.price;
  const y = lineY(scene, level.price);
  if (y < rect.y || y >= rect.bottom) return false;
  const line = Math.max(1, roundEven(scale));
  if (level.period) {
    chart.under.dashed(left, y, right - left, line, level.color, level.alpha, level.period * scale, level.dash * scale);
  } else chart.under.rect(left, y, right - left, line, level.color, level.alpha);
  return true;
}

function addLabel(chart, scene, level, begin) {
  const { rect, scale } = scene.price;
  if (rect.width < 200 * scale || rect.height < 160 * scale) return;
  const size = LABEL_PX * scale;
  const text = level.isBand ? level.name : `${level.name} ${priceText(level.price, scene.market.tickSize)}`;
  const width = chart.text.width(text, size) + size;
  const y = Math.min(Math.max(lineY(scene, level.price), rect.y + size), rect.bottom - size);
  const room = rect.right - begin;
  const first = begin + Math.min(14 * scale, Math.max(0.5 * size, 0.5 * (room - width)));
  const least = Math.min(LEAST_LABELS_PX * scale, LABELS_SHARE * rect.width);
  const end = begin + Math.min(Math.max(LABELS_SHARE * room, least), room);
  const box = freeColumn(chart.placed.boxes, new Rect(first, y - 0.75 * size, width, 1.5 * size), GAP_PX * scale);
  if (!box || box.right > end) return;
  chart.placed.boxes.push(box);
  chart.text.add(text, roundEven(box.x + 0.5 * size), y,
    { size, color: level.color, plate: scene.style.palette.ground, plateAlpha: 0.9 });
}

// The leftmost place of a box on its line where it meets nothing; null after a few columns.
function freeColumn(boxes, box, gap) {
  for (let column = 0; column < COLUMNS; column++) {
    const met = boxes.filter((other) => other.overlaps(box));
    if (!met.length) return box;
    box = new Rect(Math.max(...met.map(({ right }) => right)) + gap, box.y, box.width, box.height);
  }
  return null;
}

// Low-volume nodes where the profile is low: a line up to the end of its bar, and a label before it.
function addNodes(chart, scene) {
  const { market, price: { rect, scale }, style: { palette } } = scene;
  const place = currentProfile(scene);
  const size = (LABEL_PX - 1) * scale;
  const line = Math.max(1, roundEven(scale));
  if (place.width <= 0 || rect.width < 420 * scale) return;
  for (const price of market.profile.lvn) {
    const y = lineY(scene, price);
    if (y < rect.y + size || y >= rect.bottom - size) continue;
    const text = `LVN${market.session.partial ? "*" : ""} ${priceText(price, market.tickSize)}`;
    const width = chart.text.width(text, size) + size;
    const end = roundEven(place.right - chart.bars.length(price, place.width) - 2 * scale);
    const label = new Rect(end - width - 8 * scale, y - 0.8 * size, width, 1.6 * size);
    let begin = Math.max(place.x, end - NODE_LINE_PX * scale);
    if (label.x >= currentLeft(scene) && !chart.placed.boxes.some((other) => other.overlaps(label))) {
      chart.placed.boxes.push(label);
      begin = label.right;
      chart.text.add(text, roundEven(label.x + 0.5 * size), y,
        { size, color: palette.quiet, plate: palette.ground, plateAlpha: 0.9 });
    }
    if (end > begin) chart.under.dashed(begin, y, end - begin, line, palette.quiet, 0.7, 2 * line, line);
  }
}
