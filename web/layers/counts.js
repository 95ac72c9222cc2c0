// The contracts of discs as numbers: in the middle of a disc if no newer disc touches it there, else on a visible part
// of the disc, else, for the largest twentieth, beside it with a leader. They cross no ring of a large trade and move
// with their bubbles (count.vert).

import { RowTexture } from "../gl/rows.js";
import { PAD_X, useTextProgram } from "../gl/text.js";
import { clipped } from "../market/packing.js";
import { Rect, roundEven } from "../view/view.js";
import { countText } from "../view/words.js";
import { radiusOf, radiusRange, volumeOf } from "./discs.js";
import { NO_INDEX, asColumns, openIn } from "./series.js";

const MAX_DISCS = 6000; // with more in view they cannot be told apart
const MAX_COVERED = 64; // number of covered discs, the largest, that may get a number on their visible part
const RIM_PX = 2.5;
const MARGIN_PX = 1.5;
const ALWAYS_SHARE = 20; // one in this many discs always gets its number, over smaller discs if necessary
const MAX_ALWAYS = 100;
const MAX_BESIDE = 32; // number of others, the largest, that may get a number beside them, ...
const MIN_BESIDE_PX = 9; // ... down to this radius and this share of the largest disc's contracts
const MIN_BESIDE_SHARE = 0.25;
const GAP_PX = 2;
const RING_PX = 2; // distance between a number and the middle of a ring's line
const LEADERS_PX = [5, 14, 26];
const LONG_LEADERS_PX = [...LEADERS_PX, 40, 56, 74, 94, 116, 140, 166, 194, 224];
const LONGER_FROM = [10, 100, 1000, 10_000, 100_000];
const HALF_EMS = [1, 2, 3, 4.4, 4.6, 5.8].map((digits) => 0.5 * 0.5615 * digits);
const LEFT_FIRST = unit([
  [-1, 0],
  [-1, -1],
  [-1, 1],
  [0, -1],
  [0, 1],
  [1, -1],
  [1, 1],
  [1, 0],
]);
const UP_FIRST = unit([
  [0, -1],
  [0, 1],
  [-1, -1],
  [1, -1],
  [-1, 1],
  [1, 1],
  [-1, 0],
  [1, 0],
]);
const [LABEL, PLATE, LEADER] = [0, 1, 2];

function unit(directions) {
  return directions.map(([x, y]) => [x / Math.hypot(x, y), y / Math.hypot(x, y)]);
}

export class Counts {
  constructor(gl, programs, drawing, atlas) {
    this.gl = gl;
    this.program = programs.get("count", "text");
    this.drawing = drawing;
    this.atlas = atlas;
    this.rows = new RowTexture(gl, 3);
    this.key = "";
    this.count = 0;
  }

  // Place the numbers again if rows, zoom or size have changed.
  update(chart, scene, series) {
    const { style, price } = scene;
    const isShown = style.visible.has("counts") && style.visible.has("bubbles");
    if (!isShown || series.stop - series.first > MAX_DISCS) {
      [this.count, this.key] = [0, ""];
      return;
    }
    const open = openIn(scene, scene.lod);
    const step = roundEven(price.top / price.perPx / (8 * price.scale));
    const key = [
      series.first,
      series.stop,
      series.origin,
      series.base.bucket,
      series.base.price,
      scene.lod.widthNs,
      price.nsPerPx,
      price.perPx,
      price.scale,
      step,
      price.folded.starts.length,
      scene.shown.reference,
      style.sizeFloor,
      style.sizeScale,
      this.atlas.generation,
      scene.hiddenBefore,
      open?.buy,
      open?.sell,
      chart.placed.boxes.length,
      ...chart.rings.map(({ key }) => key),
    ].join();
    if (key === this.key && scene.market === this.market) return;
    [this.key, this.market] = [key, scene.market];
    const discs = discsIn(scene, series);
    this.#pack(scene, series, discs, place(discs, price, chart.placed.boxes, chart.rings));
  }

  #pack(scene, series, discs, places) {
    const { scale } = scene.price;
    const { base } = series;
    const [leaders, plates, labels] = [[], [], []];
    for (const { disc, dx, dy, isInside } of places) {
      const tick = Math.floor((disc.price - base.price) / base.tickSize);
      const part = Math.trunc((disc.price - base.price - tick * base.tickSize) * (1024 / base.tickSize));
      const at = [base.index(disc.id), clipped(tick), part];
      const { size, text } = disc;
      const [width, cap] = [this.atlas.width(text, size), this.atlas.capHeight(size, false)];
      this.atlas.place(text, size, false, (left, top, { u, v, width: w, height: h }) => {
        labels.push([...at, LABEL, dx + left - 0.5 * width, dy + 0.5 * cap - top, w, h, u, v, 0, 0]);
      });
      const [wide, high] = [width + size * PAD_X, cap + size * PAD_X];
      const radius = isInside ? 0.5 * high : 0.25 * size;
      const alpha = !isInside ? 0.85 : disc.isAlone ? 0.2 : 0.7;
      plates.push([...at, PLATE, dx - 0.5 * wide, dy - 0.5 * high, wide, high, wide, high, radius, alpha]);
      if (!isInside) leaders.push([...at, LEADER, 0, 0, dx, dy, 0, 0, 0.5 * scale, 2 * scale]);
    }
    const all = [...leaders, ...plates, ...labels];
    this.count = all.length;
    this.rows.reserve(all.length);
    all.forEach((row, number) => {
      this.rows.ints.set(row.slice(0, 4), 12 * number);
      this.rows.floats.set(row.slice(4), 12 * number + 4);
    });
    this.rows.touch(0, all.length);
    this.rows.upload();
  }

  draw() {
    if (!this.count) return;
    useTextProgram(this.gl, this.program);
    this.drawing.quads(this.rows, 0, this.count);
  }
}

// The discs in view that may get a number, oldest first.
function discsIn(scene, series) {
  const { price, style, lod, shown, market } = scene;
  const { scale } = price;
  const { bubbles, widthNs } = lod;
  const found = [];
  const add = (columns, i) => {
    const volume = volumeOf(columns, i);
    if (volume < Math.max(1, style.sizeFloor)) return;
    const radius = radiusOf(volume, shown.reference, style, scale);
    const size = scale * (radius < 13 * scale ? 11 : radius < 18 * scale ? 12 : radius < 26 * scale ? 13 : 15);
    found.push({
      id: columns.id[i],
      price: columns.price[i],
      volume,
      radius,
      size,
      text: countText(volume),
      x: price.bubbleX(columns.id[i], widthNs),
      y: price.y(columns.price[i] / market.tickSize),
      halfWidth: size * HALF_EMS[LONGER_FROM.filter((from) => from <= volume).length],
      halfHeight: size * 0.36,
    });
  };
  const [from, to] = series.positions;
  for (let i = bubbles.index(from); i < bubbles.index(to); i++) add(bubbles, i);
  const open = openIn(scene, lod);
  if (open && series.openIndex !== NO_INDEX) add(asColumns(open), 0);
  found.reach = radiusRange(style, scale)[1];
  return found;
}

// Whether one of the discs from index `from` on, in steps of `step`, touches a box.
function isTouched(discs, from, step, x, y, halfWidth, halfHeight) {
  for (let i = from; i >= 0 && i < discs.length; i += step) {
    const disc = discs[i];
    if (Math.abs(disc.x - x) > halfWidth + discs.reach) return false;
    const dx = Math.max(Math.abs(disc.x - x) - halfWidth, 0);
    const dy = Math.max(Math.abs(disc.y - y) - halfHeight, 0);
    if (dx * dx + dy * dy < disc.radius * disc.radius) return true;
  }
  return false;
}

// Whether a box crosses the ring of a large trade.
function isRinged(rings, x, y, halfWidth, halfHeight, reach) {
  return rings.some((ring) => {
    const [dx, dy] = [Math.abs(x - ring.x), Math.abs(y - ring.y)];
    const nearest = Math.hypot(Math.max(dx - halfWidth, 0), Math.max(dy - halfHeight, 0));
    return nearest < ring.radius + reach && Math.hypot(dx + halfWidth, dy + halfHeight) > ring.radius - reach;
  });
}

// Choose places, the largest discs first. `taken`: boxes of other labels.
function place(discs, { rect, scale }, taken, rings) {
  const ranked = discs.map((_, i) => i).sort((a, b) => discs[b].volume - discs[a].volume || a - b);
  const places = [];
  const rest = [];
  const margin = MARGIN_PX * scale;
  const box = (disc, dx, dy, gap = 0) =>
    new Rect(
      disc.x + dx - disc.halfWidth - gap,
      disc.y + dy - disc.halfHeight - gap,
      2 * (disc.halfWidth + gap),
      2 * (disc.halfHeight + gap),
    );
  let covered = 0;
  for (const i of ranked) {
    const disc = discs[i];
    const room = disc.radius - Math.hypot(disc.halfWidth, disc.halfHeight) - RIM_PX * scale;
    const isFree = (dx, dy) => {
      const sides = [disc.x + dx, disc.y + dy, disc.halfWidth + margin, disc.halfHeight + margin];
      return !isTouched(discs, i + 1, 1, ...sides) && !isRinged(rings, ...sides, RING_PX * scale);
    };
    let found = room < 0 ? null : isFree(0, 0) ? [0, 0] : undefined;
    if (found === undefined && covered++ < MAX_COVERED) {
      found = [0.5, 1]
        .flatMap((share) => LEFT_FIRST.map(([x, y]) => [share * room * x, share * room * y]))
        .find(([dx, dy]) => isFree(dx, dy));
    }
    if (!found) {
      rest.push(i);
      continue;
    }
    const [dx, dy] = found;
    const sides = [disc.x + dx, disc.y + dy, disc.halfWidth, disc.halfHeight];
    disc.isAlone = !isTouched(discs, i + 1, 1, ...sides) && !isTouched(discs, i - 1, -1, ...sides);
    const at = box(disc, dx, dy);
    if (rect.encloses(at) && !taken.some((other) => other.overlaps(at))) places.push({ disc, dx, dy, isInside: true });
  }
  placeBeside(discs, ranked, new Set(rest), places, { rect, scale, taken, rings, box });
  return places;
}

// Numbers beside their discs, where no disc and no other number is; for the largest twentieth also over discs.
function placeBeside(discs, ranked, rest, places, { rect, scale, taken, rings, box }) {
  const inPane = ranked.filter((i) => rect.contains(discs[i].x, discs[i].y));
  const always = Math.min(Math.ceil(inPane.length / ALWAYS_SHARE), MAX_ALWAYS);
  const [gap, margin] = [GAP_PX * scale, MARGIN_PX * scale];
  const inside = places.map(({ disc, dx, dy }) => box(disc, dx, dy));
  const beside = [];
  let without = 0;
  for (const [rank, i] of inPane.entries()) {
    if (!rest.has(i)) continue;
    const disc = discs[i];
    const isCertain = rank < always;
    const isLarge =
      disc.radius >= MIN_BESIDE_PX * scale && disc.volume >= MIN_BESIDE_SHARE * discs[inPane[0]].volume;
    if (!isCertain && (++without > MAX_BESIDE || !isLarge)) continue;
    const offsets = (leaders) =>
      leaders.flatMap((leader) =>
        UP_FIRST.map(([x, y]) => [
          (disc.radius + leader * scale) * x + disc.halfWidth * Math.sign(x),
          (disc.radius + leader * scale) * y + disc.halfHeight * Math.sign(y),
        ]),
      );
    const isOpen = ([dx, dy], grown, others) => {
      const at = box(disc, dx, dy, grown);
      const sides = [disc.x + dx, disc.y + dy, disc.halfWidth, disc.halfHeight];
      const isFree = rect.encloses(at) && !others.some((other) => other.overlaps(at));
      return isFree && !isRinged(rings, ...sides, RING_PX * scale);
    };
    const isClear = ([dx, dy]) => {
      const sides = [disc.x + dx, disc.y + dy, disc.halfWidth + margin, disc.halfHeight + margin];
      return !isTouched(discs, i + 1, 1, ...sides) && !isTouched(discs, i, -1, ...sides);
    };
    let found = offsets(LEADERS_PX).find(
      (one) => isOpen(one, margin, taken) && isOpen(one, gap, beside) && isClear(one),
    );
    if (!found && isCertain)
      found = offsets(LONG_LEADERS_PX).find((one) => isOpen(one, gap, [...beside, ...inside, ...taken]));
    if (!found) continue;
    places.push({ disc, dx: found[0], dy: found[1], isInside: false });
    beside.push(box(disc, ...found));
  }
}
