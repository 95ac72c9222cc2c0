// CVD's zero crosses: a line through both panes with the price, and a flash at the chart's edges when one happens.

import { EventKind } from "../market/market.js";
import { Rect, roundEven } from "../view/view.js";
import { priceText } from "../view/words.js";

export const FLASH_S = 1.5;
const FRESH_NS = 3e9; // greatest age of an event that flashes
const MAX_SHOWN = 40;
const LABEL_PX = 13;
const FLASH_PX = 90;

export class Events {
  constructor() {
    this.market = null;
    this.seen = 0;
    this.version = 0;
    this.flash = { since: -FLASH_S, direction: 0 };
  }

  isFlashing(wall) {
    return wall - this.flash.since < FLASH_S;
  }

  add(chart, scene) {
    this.#notice(scene);
    if (!scene.style.visible.has("events")) return;
    const { price, market, until, hiddenBefore } = scene;
    const [left, right] = [Math.max(price.left, hiddenBefore), Math.min(price.right, until)];
    const crosses = market.events.filter(
      ({ kind, time }) => kind === EventKind.ZERO_CROSS && left <= time && time < right,
    );
    let freeFrom = price.rect.x;
    for (const cross of crosses.slice(-MAX_SHOWN)) freeFrom = addCross(chart, scene, cross, freeFrom);
    if (this.isFlashing(scene.wall))
      addFlash(chart, scene, this.flash.direction, 1 - (scene.wall - this.flash.since) / FLASH_S);
  }

  // Only new events at the live edge flash, not loaded history.
  #notice({ market, now, wall, isLive }) {
    if (market !== this.market || market.eventsVersion !== this.version) {
      [this.market, this.version, this.seen] = [market, market.eventsVersion, market.events.length];
      return;
    }
    for (; this.seen < market.events.length; this.seen++) {
      const { kind, time, direction } = market.events[this.seen];
      if (kind === EventKind.ZERO_CROSS && isLive && Math.abs(now - time) < FRESH_NS)
        this.flash = { since: wall, direction };
    }
  }
}

// Returns the x from which labels are free.
function addCross(chart, scene, { time, price, direction }, freeFrom) {
  const {
    price: view,
    cvd,
    market,
    style: { palette },
  } = scene;
  const { rect, scale } = view;
  const color = direction > 0 ? palette.buy : palette.sell;
  const line = Math.max(1, roundEven(scale));
  const x = view.pixelX(time);
  for (const pane of [rect, cvd.rect])
    chart.over.dashed(x, pane.y, line, pane.height, color, 0.55, 6 * scale, 3 * scale);
  const zero = roundEven(cvd.y(0));
  const half = 5 * scale;
  if (cvd.rect.y + half < zero && zero < cvd.rect.bottom - half) {
    chart.over.triangle(x - half + 0.5 * line, zero - half, 2 * half, 2 * half, color, direction > 0);
  }
  const size = LABEL_PX * scale;
  const text = `CVD ${direction > 0 ? "> 0" : "< 0"}  ${priceText(price, market.tickSize)}`;
  const width = chart.text.width(text, size) + size;
  const left = Math.min(Math.max(x - 0.5 * width, rect.x), rect.right - width);
  if (left < freeFrom || !chart.placed.take(new Rect(left, rect.y, width, 2.6 * size), rect)) return freeFrom;
  chart.text.add(text, roundEven(left + 0.5 * size), roundEven(rect.y + 1.4 * size), {
    size,
    color,
    plate: palette.ground,
    plateAlpha: 0.9,
  });
  return left + width + 4 * scale;
}

function addFlash(chart, scene, direction, strength) {
  const {
    price: { rect, scale },
    cvd,
    style: { palette },
  } = scene;
  const color = direction > 0 ? palette.buy : palette.sell;
  const depth = Math.min(FLASH_PX * scale, 0.2 * rect.width);
  const alpha = 0.45 * strength * strength;
  const height = cvd.rect.bottom - rect.y;
  const right = rect.right + scene.priceAxis;
  chart.over.fade(rect.x, rect.y, depth, height, color, alpha, [-1, 0]);
  chart.over.fade(right - depth, rect.y, depth, height, color, alpha, [1, 0]);
  chart.over.fade(rect.x, rect.y, right - rect.x, 0.5 * depth, color, alpha, [0, -1]);
  chart.over.fade(rect.x, cvd.rect.bottom - 0.5 * depth, right - rect.x, 0.5 * depth, color, alpha, [0, 1]);
}
