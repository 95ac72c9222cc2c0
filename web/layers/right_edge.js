// Labels of levels at the right edge, between the newest bubbles and the bars of the profile. If one of the newest
// bubbles reaches into a label's place, or the bars leave no room, the label is at the left end of its line instead. It
// returns only once the bubble is well away, so it does not flicker.

import { Rect, roundEven } from "../view/view.js";
import { radiusOf, radiusRange, volumeOf } from "./discs.js";
import { firstX, freePlace } from "./levels.js";
import { eachBubble, visibleIds } from "./series.js";
import { currentProfile } from "./sessions.js";

const STEP_PX = 16; // labels move in steps of this size as the bars grow
const GAP_PX = 8;
const COLUMNS = 3;
const LIVE_PX = 14; // least distance of a label from the live edge
const RETURN_PX = 24; // a label comes back once the newest bubbles are this far above or below it
const LEFT_SHARE = 0.6; // moved labels are within this share of the width, from their line's left end

// The rightmost x at which a label at a given height covers no profile bar, in steps.
export function labelRight(chart, scene, y, size) {
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

// The x from which the room for labels begins: right of the live edge, or the pane's left.
function newestX({ price: { rect, scale }, liveX }) {
  return rect.x <= liveX && liveX < rect.right ? liveX + LIVE_PX * scale : rect.x;
}

// The heights at which the newest bubbles reach into the room for labels right of the live edge.
export class NewestDiscs {
  constructor() {
    this.aside = new Set(); // prices of the levels whose labels have moved to the left
    this.extents = [];
  }

  // Find the bubbles that reach into the room, including the open one; none while the live edge is out of view.
  read(scene) {
    const { price, lod, style, market, shown, liveX } = scene;
    this.extents.length = 0;
    const { rect, scale } = price;
    if (!(rect.x <= liveX && liveX < rect.right) || !style.visible.has("bubbles")) return;
    const least = newestX(scene);
    const [oldest, last] = visibleIds(scene, lod);
    const reach = radiusRange(style, scale)[1];
    const first = Math.max(oldest, Math.floor(price.timeAt(least - reach) / lod.widthNs) - 1);
    eachBubble(scene, lod, first, last, (columns, i) => {
      const volume = volumeOf(columns, i);
      const radius = radiusOf(volume, shown.reference, style, scale);
      if (volume < style.sizeFloor || price.bubbleX(columns.id[i], lod.widthNs) + radius <= least) return;
      const y = price.y(columns.price[i] / market.tickSize);
      this.extents.push([y - radius, y + radius]);
    });
  }

  // Whether the label of a level must move to the left; `y` is the middle of the label.
  meet(scene, price, y, size) {
    const reach = 0.75 * size + (this.aside.has(price) ? RETURN_PX * scene.price.scale : 0);
    const isMet = this.extents.some(([top, bottom]) => top < y + reach && y - reach < bottom);
    if (isMet) this.aside.add(price);
    else this.aside.delete(price);
    return isMet;
  }
}

// Reserves a place for the label of a level; returns the index of the text that has room, and its box, or null.
// `widths`: of its texts, the longest first.
export function placeLabel(chart, scene, widths, { right, y, size, lineLeft, isAside }) {
  const { rect, scale } = scene.price;
  const [top, height] = [y - 0.75 * size, 1.5 * size];
  const least = Math.max(lineLeft, roundEven(newestX(scene)));
  for (const [at, width] of isAside ? [] : widths.entries()) {
    const box = takePlace(chart, scene, new Rect(right - width, top, width, height), least);
    if (box) return { at, box };
  }
  const begin = Math.max(lineLeft, rect.x);
  for (const [at, width] of widths.entries()) {
    const first = firstX(begin, rect.right, width, size, scale);
    const box = freePlace(chart.placed.boxes, first, () => y, [width, height], GAP_PX * scale);
    const isLeft = box && box.right <= begin + Math.max(LEFT_SHARE * (rect.right - begin), 0);
    if (isLeft && chart.placed.take(box, rect)) return { at, box };
  }
  return null;
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
