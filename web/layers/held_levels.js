// Levels that stay fixed once known: initial balance, opening range, POCs of earlier sessions. Names are
// at the right edge, before the bars of the profile; those of levels at one height share a label.

import { UNDEF_PRICE } from "../market/market.js";
import { Rect, roundEven } from "../view/view.js";
import { MONTHS, priceText } from "../view/words.js";
import { mix } from "./labels.js";
import { addLine, lineY } from "./levels.js";
import { contractLeft, currentLeft, currentProfile, sessionsOf } from "./sessions.js";

const LABEL_PX = 12;
const STEP_PX = 16;
const GAP_PX = 8;
const COLUMNS = 3;
const LIVE_PX = 14; // least distance of a label from the live edge, so that it covers no new bubble

function lookOf({ text, quiet, information, attention }, kind) {
  return {
    initial: { color: mix(text, information, 0.55), alpha: 0.8, period: 18, dash: 14 },
    opening: { color: mix(text, attention, 0.45), alpha: 0.7, period: 5, dash: 3 },
    naked: { color: mix(quiet, attention, 0.6), alpha: 0.75, period: 12, dash: 5 },
  }[kind];
}

function heldLevels({ market, style: { palette, visible } }) {
  const { levels, session } = market;
  const found = [];
  if (!levels || !session) return found;
  const star = session.partial && session.firstTs > levels.rthOpen ? "*" : "";
  for (const [kind, layer, word] of [
    ["initial", "initial_balance", "IB"],
    ["opening", "opening_range", "OR"],
  ]) {
    if (!visible.has(layer) || !levels.rthOpen || levels[`${kind}High`] === UNDEF_PRICE) continue;
    for (const end of ["High", "Low"]) {
      const name = `${word} ${end.toLowerCase()}${star}`;
      found.push({ price: levels[kind + end], name, ...lookOf(palette, kind), since: levels.rthOpen });
    }
  }
  if (!visible.has("naked_pocs")) return found;
  const ends = new Map(
    sessionsOf(market)
      .filter(({ isFinished }) => isFinished)
      .map(({ numbers, end }) => [numbers.tradeDate, end]),
  );
  for (const { price, tradeDate } of levels.naked.slice(0, levels.nakedCount).reverse()) {
    const name = `nPOC ${tradeDate % 100} ${MONTHS[(Math.floor(tradeDate / 100) % 100) - 1]}`;
    found.push({ price, name, ...lookOf(palette, "naked"), since: ends.get(tradeDate) ?? 0, isNaked: true });
  }
  return found;
}

export function addHeldLevels(chart, scene) {
  const {
    price: { rect },
    price: view,
  } = scene;
  const groups = new Map();
  for (const level of scene.market.hasTrades ? heldLevels(scene) : []) {
    const first = level.isNaked ? contractLeft(scene) : currentLeft(scene);
    const left = roundEven(level.since ? Math.max(first, view.pixelX(level.since)) : first);
    const y = lineY(scene, level.price);
    if (left >= rect.right || !addLine(chart, scene, level, left, rect.right)) continue;
    groups.set(y, [...(groups.get(y) ?? []), level]);
  }
  for (const [y, levels] of groups) addLabel(chart, scene, y, levels);
}

// The rightmost x at which a label at a given height covers no profile bar, in steps.
function labelRight(chart, scene, y, size) {
  const {
    price: { rect, scale },
    price: view,
    market,
    style,
  } = scene;
  const place = currentProfile(scene);
  const right = rect.right - 6 * scale;
  if (place.width <= 0 || !style.visible.has("profile")) return roundEven(right);
  const step = roundEven(STEP_PX * scale);
  const heights = [-3, -2, -1, 0, 1, 2, 3].map(
    (part) => Math.floor(view.valueAt(y + part * 0.25 * size)) * market.tickSize,
  );
  const longest = Math.max(...heights.map((price) => chart.bars.length(price, place.width)));
  return roundEven(Math.min(right, place.right - step * Math.ceil((longest + 0.5 * size) / step)));
}

function addLabel(chart, scene, at, levels) {
  const {
    price: { rect, scale },
    price: view,
    market,
    style: { palette },
  } = scene;
  const size = LABEL_PX * scale;
  const names = levels.map(({ name }) => name).join(", ");
  const full = `${names} ${priceText(levels[0].price, market.tickSize)}`;
  const y = Math.min(Math.max(at, roundEven(rect.y + size)), roundEven(rect.bottom - size));
  const least = Math.max(rect.x, view.x(market.session.openTs));
  const right = labelRight(chart, scene, at, size);
  // The newest bubbles are at the live edge: where the bars leave too little room beside it, the price goes first.
  const isInView = rect.x <= scene.liveX && scene.liveX < rect.right;
  const beside = Math.max(least, roundEven(isInView ? scene.liveX + LIVE_PX * scale : rect.x));
  for (const [text, start] of [
    [full, beside],
    [names, beside],
    [full, least],
  ]) {
    const width = chart.text.width(text, size) + size;
    const box = takePlace(chart, scene, new Rect(right - width, y - 0.75 * size, width, 1.5 * size), start);
    if (!box) continue;
    chart.text.add(text, roundEven(box.x + 0.5 * size), y, {
      size,
      color: levels[0].color,
      plate: palette.ground,
      plateAlpha: 0.9,
    });
    return;
  }
}

// Reserves a free place for a label on its line: where the box is, or further left.
function takePlace(chart, { price: { rect, scale } }, { x, y, width, height }, least) {
  let right = x + width;
  for (let column = 0; column < COLUMNS; column++) {
    const box = new Rect(right - width, y, width, height);
    const met = chart.placed.boxes.filter((other) => box.overlaps(other)).map((other) => other.x);
    if (!met.length && box.x >= least && chart.placed.take(box, rect)) return box;
    right = (met.length ? Math.min(...met) : rect.x) - GAP_PX * scale;
  }
  return null;
}
