// Levels that stay fixed once known: initial balance, opening range, POCs of earlier sessions. Names are at the right
// edge, or at the left end of the line if a bubble is in the way (right_edge.js). Levels at one height share a label.

import { UNDEF_PRICE } from "../market/market.js";
import { roundEven } from "../view/view.js";
import { MONTHS, priceText } from "../view/words.js";
import { mix } from "./labels.js";
import { addLine, lineY } from "./levels.js";
import { labelRight, placeLabel } from "./right_edge.js";
import { contractLeft, currentLeft, sessionsOf } from "./sessions.js";

const LABEL_PX = 12;

function lookOf({ text, quiet, information, attention }, kind) {
  return {
    initial: { color: mix(text, information, 0.55), alpha: 0.8, period: 18, dash: 14 },
    opening: { color: mix(text, attention, 0.45), alpha: 0.7, period: 5, dash: 3 },
    naked: { color: mix(quiet, attention, 0.6), alpha: 0.75, period: 12, dash: 5 },
  }[kind];
}

function fixedLevels({ market, style: { palette, visible } }) {
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

export function addFixedLevels(chart, scene) {
  const {
    price: { rect },
    price: view,
  } = scene;
  const groups = new Map();
  for (const level of scene.market.hasTrades ? fixedLevels(scene) : []) {
    const first = level.isNaked ? contractLeft(scene) : currentLeft(scene);
    const left = roundEven(level.since ? Math.max(first, view.pixelX(level.since)) : first);
    const y = lineY(scene, level.price);
    if (left >= rect.right || !addLine(chart, scene, level, left, rect.right)) continue;
    groups.set(y, [...(groups.get(y) ?? []), { ...level, left }]);
  }
  chart.newest.read(scene);
  for (const [y, levels] of groups) addLabel(chart, scene, y, levels);
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
  const [{ price, color }] = levels;
  const texts = [`${names} ${priceText(price, market.tickSize)}`, names];
  const found = placeLabel(
    chart,
    scene,
    texts.map((text) => chart.text.width(text, size) + size),
    {
      right: labelRight(chart, scene, at, size),
      y: Math.min(Math.max(at, roundEven(rect.y + size)), roundEven(rect.bottom - size)),
      size,
      // A label is never drawn in the session before, which has other levels.
      lineLeft: Math.max(rect.x, view.x(market.session.openTs), Math.min(...levels.map(({ left }) => left))),
      isAside: chart.newest.meet(scene, price, at, size),
    },
  );
  if (!found) return;
  const [text, box] = [texts[found.at], found.box];
  chart.text.add(text, roundEven(box.x + 0.5 * size), box.y + 0.5 * box.height, {
    size,
    color,
    plate: palette.ground,
    plateAlpha: 0.9,
  });
}
