// What the detectors found: dashed rings at large trades, zones of absorption and of stacked imbalances, divergences.

import { EventKind } from "../market/market.js";
import { Rect, roundEven } from "../view/view.js";
import { contractsText } from "../view/words.js";
import { radiusOf, volumeOf } from "./discs.js";
import { mix } from "./labels.js";
import { visibleIds } from "./series.js";

const MAX_SHOWN = 48; // of one kind, the strongest
const CELL_PX = 72; // minimum width of the cells of time that each show their strongest events
const OLDER_ZONES = 96;
const FADE_NS = 20 * 60e9; // time in which the zone of an absorption fades out, ...
const STEPS = 8; // ... in this many steps
const WINDOW_NS = 5e9; // window of an absorption
const BAR_NS = 15e9; // bar of a divergence, ...
const BARS_AFTER = 3; // ... which is known this many bars after its later pivot
const LATE_NS = 600e9; // longest time from a divergence's later pivot until it is known
const LABEL_PX = 12;
const LOOK_SHARE = 0.05; // the legend's place is chosen again when the picture has moved by this share of the pane
const LEGEND_PX = 480; // the legend's place: its width, ...
const LOW_PX = [90, 140]; // ... its distance from the pane's lower ...
const HIGH_PX = [10, 60]; // ... or upper border
const KINDS = [
  [EventKind.STACKED_IMBALANCE, "stacked_imbalance", 2, addStack],
  [EventKind.ABSORPTION, "absorption", 1, addAbsorption],
  [EventKind.DIVERGENCE, "divergence", 1, addDivergence],
  [EventKind.LARGE_TRADE, "large_trade", 2, addLargeTrade],
];

export function addMarks(chart, scene) {
  chart.rings = []; // of large trades: {key, x, y, radius}; no number crosses them
  const found = KINDS.filter(([, name]) => scene.style.visible.has(name)).map(([kind, , perCell, add]) => ({
    kind,
    add,
    events: strongest(scene, kind, perCell),
  }));
  addMarksLegend(chart, scene, new Set(found.filter(({ events }) => events.length).map(({ kind }) => kind)));
  for (const { add, events } of found) for (const event of events) add(chart, scene, event);
}

// The events of a kind for which the view has room, strongest first.
function strongest({ market, price, hiddenBefore, until }, kind, perCell) {
  const [left, right] = [Math.max(price.left, hiddenBefore), Math.min(price.right, until)];
  const isZone = kind === EventKind.ABSORPTION || kind === EventKind.STACKED_IMBALANCE;
  const late = kind === EventKind.DIVERGENCE ? LATE_NS : 0;
  const all = market.events.filter(
    (event) => event.kind === kind && event.time >= hiddenBefore && event.time < right + late,
  );
  const first = all.findIndex(({ time }) => time >= left);
  const older = isZone ? OLDER_ZONES : 0;
  const seen = all.slice(Math.max(0, (first < 0 ? all.length : first) - older));
  seen.sort((a, b) => b.strength - a.strength);
  // Cells are doubled, so that they nest: zooming out only joins them.
  const cell = 1e9 * 2 ** Math.max(0, Math.ceil(Math.log2((CELL_PX * price.scale * price.nsPerPx) / 1e9)));
  const taken = new Map();
  return seen
    .filter(({ time }) => {
      const at = Math.floor(time / cell);
      taken.set(at, (taken.get(at) ?? 0) + 1);
      return taken.get(at) <= perCell;
    })
    .slice(0, MAX_SHOWN);
}

function colorOf({ palette }, direction) {
  return direction > 0 ? palette.buy : palette.sell;
}

function addLargeTrade(chart, scene, event) {
  const { price: view, style, market, shown } = scene;
  const { rect, scale } = view;
  const [x, y] = [view.pixelX(event.time), roundEven(view.y(event.price / market.tickSize))];
  if (!rect.contains(x, y)) return;
  const disc = radiusOf(event.strength, Math.max(1, roundEven(shown.referenceGoal)), style, scale);
  const radius = Math.max(disc + 4 * scale, 8 * scale);
  const color = mix(colorOf(style, event.direction), style.palette.text, 0.25);
  chart.marks.ring(x, y, radius, Math.max(1.5, 2 * scale), color, 1, 12);
  chart.rings.push({ key: `${event.time} ${event.price} ${event.strength}`, x, y, radius });
  const slippage = Math.floor(Math.abs(event.price - event.value[0]) / market.tickSize);
  const text = contractsText(event.strength) + (slippage ? ` \u00b7 ${slippage}t` : "");
  const size = LABEL_PX * scale;
  const [width, height] = [chart.text.width(text, size, true) + 0.9 * size, 1.6 * size];
  const places = [
    [x + radius + 2 * scale, y - 0.5 * height],
    [x - radius - 2 * scale - width, y - 0.5 * height],
    [x - 0.5 * width, y - radius - height - scale],
    [x - 0.5 * width, y + radius + scale],
  ];
  addText(chart, scene, text, places, [width, height], { size, color, bold: true });
}

function addText(chart, scene, text, places, [width, height], look) {
  for (const [x, y] of places) {
    const box = new Rect(roundEven(x), roundEven(y), width, height);
    if (!chart.placed.take(box, scene.price.rect)) continue;
    chart.text.add(text, roundEven(box.x + 0.45 * look.size), roundEven(box.y + 0.5 * height), {
      ...look,
      plate: scene.style.palette.ground,
      plateAlpha: 0.75,
    });
    return;
  }
}

// Time of the first trade after `time` at or below `price` (or at or above it); Infinity if there is none. Exact to the
// bucket of the level of detail shown.
function firstPassage({ lod }, time, price, isUp) {
  const { bubbles, widthNs } = lod;
  const values = isUp ? bubbles.high : bubbles.low;
  const stop = bubbles.index(bubbles.stop);
  for (let i = bubbles.index(bubbles.positionOf(Math.floor(time / widthNs) + 1)); i < stop; i++) {
    if (isUp ? values[i] >= price : values[i] <= price) return bubbles.id[i] * widthNs;
  }
  const open = lod.openRow;
  if (open && open.id * widthNs > time && (isUp ? open.high >= price : open.low <= price)) return open.id * widthNs;
  return Infinity;
}

function rollAfter({ rolls }, time) {
  return rolls.find(({ firstTs }) => firstTs > time)?.firstTs ?? Infinity;
}

function addAbsorption(chart, scene, event) {
  const { price: view, style, market, now, until } = scene;
  const { rect, scale } = view;
  const tick = market.tickSize;
  const broken = event.direction > 0 ? event.price - tick : event.price + tick;
  const end = Math.min(
    firstPassage(scene, event.time, broken, event.direction < 0),
    rollAfter(market, event.time),
    event.time + FADE_NS,
    Math.max(now, event.time + 1e9),
    until,
  );
  const start = view.pixelX(event.time - WINDOW_NS);
  const left = Math.max(start, rect.x);
  const right = Math.min(Math.max(view.pixelX(end), start + 6 * scale), rect.right);
  const exact = Math.max(8 * scale, 1 / view.perPx);
  const [y, height] = [roundEven(view.y(event.price / tick) - 0.5 * exact), roundEven(exact)];
  if (right <= left || y < rect.y || y + height > rect.bottom) return;
  const color = colorOf(style, event.direction);
  const known = view.pixelX(event.time);
  const step = Math.max(2, FADE_NS / view.nsPerPx / STEPS);
  for (let number = 0, x = left; number < STEPS; number++) {
    const until = Math.min(known + (number + 1) * step, right);
    if (until <= x) continue;
    const alpha = 0.8 * (1 - number / STEPS);
    chart.under.rect(x, y, until - x, height, color, 0.22 * alpha);
    chart.under.hatched(x, y, until - x, height, color, 0.7 * alpha, 6 * scale, 2 * scale, x - known);
    x = until;
  }
  chart.under.rect(left, y, Math.max(1, 2 * scale), height, color, 0.8);
  const text = `${contractsText(Math.abs(event.value[0]))} absorbed`;
  const size = LABEL_PX * scale;
  const [width, tall] = [chart.text.width(text, size) + 0.9 * size, 1.6 * size];
  const [above, below] = [
    [left, y - tall - scale],
    [left, y + height + scale],
  ];
  addText(chart, scene, text, event.direction < 0 ? [above, below] : [below, above], [width, tall], { size, color });
}

function addStack(chart, scene, event) {
  const { price: view, style, market, now, until } = scene;
  const { rect, scale } = view;
  const through = Math.max(
    firstPassage(scene, event.time, event.price, false),
    firstPassage(scene, event.time, event.value[0], true),
  );
  const end = Math.min(through, rollAfter(market, event.time), now, until);
  const left = Math.max(view.pixelX(event.time - 60e9), rect.x);
  const right = Math.min(view.pixelX(Math.max(end, event.time)), rect.right);
  let top = view.y(event.value[0] / market.tickSize + 0.5);
  let bottom = view.y(event.price / market.tickSize - 0.5);
  if (bottom - top < 4 * scale) [top, bottom] = [0.5 * (top + bottom) - 2 * scale, 0.5 * (top + bottom) + 2 * scale];
  [top, bottom] = [Math.max(roundEven(top), rect.y), Math.min(roundEven(bottom), rect.bottom)];
  if (right <= left || bottom <= top) return;
  const color = colorOf(style, event.direction);
  const line = Math.max(1, roundEven(scale));
  chart.under.rect(left, top, right - left, bottom - top, color, 0.13);
  for (const y of [top, bottom - line]) chart.under.rect(left, y, right - left, line, color, 0.45);
  const known = view.pixelX(event.time);
  if (left <= known && known < right) chart.under.rect(left, top, known - left, bottom - top, color, 0.13);
  chart.under.rect(left, top, Math.max(2, 3 * scale), bottom - top, color, 0.8);
}

// Lines from the earlier pivot to the later one, which is the newest row before it was known that reached its price: on
// price, and between CVD's extremes in their bars.
function addDivergence(chart, scene, event) {
  const {
    price: view,
    cvd,
    style,
    market,
    lod: { bubbles, widthNs },
  } = scene;
  const { rect, scale } = view;
  const isHigh = event.direction < 0;
  const values = isHigh ? bubbles.high : bubbles.low;
  let i = bubbles.index(bubbles.positionOf((event.time - BARS_AFTER * BAR_NS) / widthNs)) - 1;
  while (i > bubbles.index(bubbles.start) && values[i] !== event.price) i--;
  const later = values[i] === event.price ? bubbles.id[i] * widthNs : event.time - (BARS_AFTER + 1) * BAR_NS;
  const [earlier, price] = event.value;
  const pivots = [
    pivotOf(scene, earlier, price, isHigh),
    pivotOf(scene, Math.floor(later / BAR_NS) * BAR_NS, event.price, isHigh),
  ];
  const xs = pivots.map(({ time }) => view.pixelX(time));
  if (xs[1] < rect.x || xs[0] >= rect.right) return;
  const color = mix(colorOf(style, event.direction), style.palette.text, 0.45);
  const ends = (y) => pivots.map((pivot, at) => [xs[at], roundEven(y(pivot))]);
  addLine(
    chart.marks,
    ends((pivot) => view.y(pivot.price / market.tickSize)),
    color,
    scale,
  );
  const onCvd = ends((pivot) => cvd.y(pivot.cvd));
  if (style.visible.has("cvd") && onCvd.every(([x, y]) => cvd.rect.contains(x, y)))
    addLine(chart.over, onCvd, color, scale);
}

// The bucket within a bar that reached a pivot's price, and CVD's extreme in the bar.
function pivotOf({ lod: { bubbles, cvd, widthNs } }, start, price, isHigh) {
  const ids = [Math.floor(start / widthNs), Math.ceil((start + BAR_NS) / widthNs)];
  const [from, to] = ids.map((id) => bubbles.index(bubbles.positionOf(id)));
  const [prices, contracts] = isHigh ? [bubbles.high, cvd.high] : [bubbles.low, cvd.low];
  let [time, extreme] = [start + 0.5 * BAR_NS, isHigh ? -Infinity : Infinity];
  const offset = bubbles.origin - cvd.origin;
  for (let i = to - 1; i >= from; i--) {
    if (prices[i] === price) time = (bubbles.id[i] + 0.5) * widthNs;
    extreme = isHigh ? Math.max(extreme, contracts[i + offset]) : Math.min(extreme, contracts[i + offset]);
  }
  return { time, price, cvd: Number.isFinite(extreme) ? extreme : 0 };
}

// A line with a dot at either end.
function addLine(batch, [a, b], color, scale) {
  batch.line(a, b, Math.max(1.5, 2 * scale), color);
  const radius = 4 * scale;
  for (const [x, y] of [a, b]) batch.plate(x - radius, y - radius, 2 * radius, 2 * radius, color, 1, radius);
}

const GLYPHS = [
  [
    EventKind.LARGE_TRADE,
    "large trade",
    (over, x, y, size, color) => over.ring(x + 0.5 * size, y, 0.42 * size, 1.5, color, 1, 8),
  ],
  [
    EventKind.ABSORPTION,
    "absorption",
    (over, x, y, size, color) => over.hatched(x, y - 0.25 * size, size, 0.5 * size, color, 0.9, 5, 2),
  ],
  [
    EventKind.DIVERGENCE,
    "divergence",
    (over, x, y, size, color) => {
      const ends = [
        [x + 0.1 * size, y + 0.25 * size],
        [x + 0.9 * size, y - 0.25 * size],
      ];
      over.line(...ends, 1.5, color);
      for (const [atX, atY] of ends) over.plate(atX - 2.5, atY - 2.5, 5, 5, color, 1, 2.5);
    },
  ],
  [
    EventKind.STACKED_IMBALANCE,
    "stacked imbalance",
    (over, x, y, size, color) => {
      over.rect(x, y - 0.3 * size, size, 0.6 * size, color, 0.25);
      over.rect(x, y - 0.3 * size, 3, 0.6 * size, color);
    },
  ],
];

// Whether the legend belongs at the upper left because it covers fewer bubbles there; if both are equal, it stays.
function isHigh(scene, was) {
  const { price: view, style, market, lod, shown } = scene;
  const { rect, scale } = view;
  const { bubbles, widthNs, openRow } = lod;
  const reference = Math.max(1, roundEven(shown.referenceGoal));
  const rows = [
    [rect.bottom - LOW_PX[1] * scale, rect.bottom - LOW_PX[0] * scale],
    [rect.y + HIGH_PX[0] * scale, rect.y + HIGH_PX[1] * scale],
  ];
  const counts = [0, 0];
  const count = (id, price, volume) => {
    const radius = radiusOf(volume, reference, style, scale);
    const [x, y] = [view.x((id + 0.5) * widthNs), view.y(price / market.tickSize)];
    if (x - radius >= rect.x + LEGEND_PX * scale || x + radius <= rect.x) return;
    rows.forEach(([top, bottom], at) => (counts[at] += y + radius > top && y - radius < bottom ? 1 : 0));
  };
  const [first, last] = visibleIds(scene, lod);
  for (let at = bubbles.positionOf(first); at < bubbles.positionOf(last + 1); at++) {
    const i = bubbles.index(at);
    count(bubbles.id[i], bubbles.price[i], volumeOf(bubbles, i));
  }
  if (openRow && openRow.id >= first && openRow.id <= last) {
    count(openRow.id, openRow.price, Math.max(openRow.buy, openRow.sell) || openRow.unsided);
  }
  return was ? counts[1] <= counts[0] : counts[1] < counts[0];
}

// Choose the legend's place again once the picture has moved by a share of the pane.
function lookAgain(chart, scene, kinds) {
  const { price: view, lod } = scene;
  const { rect, scale } = view;
  const [stepNs, stepY] = [LOOK_SHARE * rect.width * view.nsPerPx, LOOK_SHARE * rect.height * view.perPx];
  const [top, bottom] = [view.valueAt(rect.y), view.valueAt(rect.bottom)];
  const place = [view.left / stepNs, top / stepY, bottom / stepY].map(Math.floor);
  const key = [rect.x, rect.y, rect.width, rect.height, scale, ...place, kinds, lod.widthNs].join();
  if (key === chart.legendLooked) return;
  chart.legendLooked = key;
  chart.isLegendHigh = isHigh(scene, chart.isLegendHigh ?? false);
}

// The legend of the kinds in view, at the lower left above the size legend, or at the upper left.
function addMarksLegend(chart, scene, shown) {
  const {
    price: { rect, scale },
    style: { palette },
  } = scene;
  if (!shown.size || rect.height < 400 * scale || rect.width < 420 * scale) return;
  const [size, glyph] = [11 * scale, 16 * scale];
  const found = GLYPHS.filter(([kind]) => shown.has(kind)).map(([, text, draw]) => ({
    text,
    draw,
    width: glyph + 5 * scale + chart.text.width(text, size) + 14 * scale,
  }));
  const height = 1.9 * size;
  const width = found.reduce((sum, one) => sum + one.width, 0);
  lookAgain(chart, scene, found.length);
  const rows = Array.from({ length: 12 }, (_, at) => {
    const y = chart.isLegendHigh ? rect.y + 14 + at * height : rect.bottom - 14 - (at + 1) * height;
    return new Rect(rect.x + 8 * scale, roundEven(y), width, height);
  });
  const box = rows.find((row) => chart.placed.take(row, rect));
  if (!box) return;
  chart.over.plate(box.x, box.y, box.width, height, palette.ground, 1, 6 * scale);
  const y = roundEven(box.y + 0.5 * height);
  let x = box.x + 6 * scale;
  for (const { text, draw, width: step } of found) {
    draw(chart.over, x, y, glyph, palette.quiet);
    chart.text.add(text, roundEven(x + glyph + 5 * scale), y, { size, color: palette.quiet });
    x += step;
  }
}
