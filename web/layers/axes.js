// Labels of the axes: prices, CVD values and times, the last price and CVD on plates. A label that would touch a plate
// is left out; a last price outside the view stays at the edge, with an arrow towards it.

import { clockText, contractsText, dayText, priceText, signedText, zoneName } from "../view/words.js";
import { mix } from "./labels.js";
import { needsDate } from "../view/ticks.js";
import { roundEven } from "../view/view.js";

export const LABEL_PX = 13;
const PLATE_PX = 14;
const LEFT_PX = 12;
const PLATE_STEP_PX = 22;
const ARROW_PX = 12;

export function hasCvdPane({ cvd }) {
  return cvd.rect.height > 2 * LABEL_PX * cvd.scale;
}

function addPlate(chart, scene, text, y, plate, color) {
  if (!scene.priceAxis) return;
  const { scale, rect } = scene.price;
  const size = PLATE_PX * scale;
  const needed = Math.max(76 * scale, chart.text.width(text, size, true) + size);
  const plateWidth = roundEven(Math.min(scene.priceAxis - 6 * scale, needed));
  chart.text.add(text, roundEven(rect.right + LEFT_PX * scale), y, { size, color, bold: true, plate, plateWidth });
}

function within(y, top, bottom, scale) {
  const half = 0.75 * PLATE_PX * scale;
  return roundEven(Math.min(Math.max(y, top + half), bottom - half));
}

// y of the last price's plate, and where the price is: 0 in view, 1 above, -1 below.
function lastPrice({ price: { rect, scale }, price: view, market, shown, style, priceAxis }) {
  if (!shown.lastPrice || !style.visible.has("price") || !priceAxis) return null;
  const y = view.y(shown.lastPrice / market.tickSize);
  const direction = y < rect.y ? 1 : y < rect.bottom ? 0 : -1;
  const room = direction ? ARROW_PX * scale : 0;
  return { y: within(y, rect.y + room, rect.bottom - room, scale), direction };
}

function lastCvd(scene) {
  const { cvd, market, shown, style } = scene;
  if (!market.hasTrades || !hasCvdPane(scene) || !style.visible.has("cvd")) return null;
  return within(cvd.y(shown.cvd), cvd.rect.y, cvd.rect.bottom, cvd.scale);
}

// The y nearest to a given one at which a crosshair's plate covers neither last price nor last CVD.
function clearOfPlates(scene, y) {
  const { scale, rect } = scene.price;
  const step = PLATE_STEP_PX * scale;
  const [top, bottom] = [rect.y, scene.cvd.rect.bottom];
  for (const plate of [lastPrice(scene)?.y ?? null, lastCvd(scene)]) {
    if (plate === null || Math.abs(y - plate) >= step) continue;
    const [above, below] = [plate - step, plate + step];
    const isAbove = (y < plate || below + 0.5 * step > bottom) && above - 0.5 * step >= top;
    return roundEven(isAbove ? above : below);
  }
  return roundEven(Math.min(Math.max(y, top + 0.5 * step), bottom - 0.5 * step));
}

function freeTicks(ticks, rect, size, plates) {
  return ticks.filter(
    ({ y }) =>
      rect.y + 0.7 * size < y &&
      y < rect.bottom - 0.7 * size &&
      plates.every((plate) => plate === null || Math.abs(y - plate) > 1.7 * size),
  );
}

export function addAxes(chart, scene) {
  const {
    price,
    cvd,
    market,
    shown,
    style: { palette, visible },
  } = scene;
  const { scale } = price;
  const size = LABEL_PX * scale;
  const x = roundEven(price.rect.right + LEFT_PX * scale);
  const crosshair = crosshairX(scene) === null ? null : clearOfPlates(scene, scene.crosshair[1]);
  if (market.hasTrades && scene.priceAxis) {
    const last = lastPrice(scene);
    for (const { value, y } of freeTicks(chart.ticks.prices, price.rect, size, [last?.y ?? null, crosshair])) {
      chart.text.add(priceText(value, market.tickSize), x, y, { size, color: palette.quiet });
    }
    if (last) {
      addPlate(chart, scene, priceText(shown.lastPrice, market.tickSize), last.y, palette.plate, palette.plate_text);
      if (last.direction) addArrow(chart, scene, last.direction, x);
    }
    if (visible.has("cvd") && hasCvdPane(scene)) {
      for (const { value, y } of freeTicks(chart.ticks.cvd, cvd.rect, size, [lastCvd(scene), crosshair])) {
        chart.text.add(signedText(value), x, y, { size, color: palette.quiet });
      }
      const plate = shown.cvd > 0 ? palette.buy : shown.cvd < 0 ? palette.sell : palette.plate;
      const color = shown.cvd === 0 ? palette.plate_text : palette.ground;
      addPlate(chart, scene, signedText(shown.cvd), lastCvd(scene), plate, color);
    }
  }
  addCaption(chart, scene);
  addTimes(chart, scene, x);
}

function addArrow(chart, scene, direction, x) {
  const { rect, scale } = scene.price;
  const size = roundEven(0.8 * ARROW_PX * scale);
  const top = direction > 0 ? rect.y + 2 * scale : rect.bottom - 2 * scale - size;
  chart.over.triangle(x, top, 2 * size, size, scene.style.palette.attention, direction > 0);
}

// The pane's name and, where zero is out of view, in which direction it lies and how far.
function addCaption(chart, scene) {
  const {
    cvd: { rect, scale },
    cvd,
    market,
    shown,
    style: { palette, visible },
  } = scene;
  if (!visible.has("cvd") || !hasCvdPane(scene)) return;
  const size = LABEL_PX * scale;
  const since = shown.cvdReference;
  const text = since ? `CVD ${since.text}` : "CVD";
  chart.text.add(text, roundEven(rect.x + 14 * scale), roundEven(rect.y + 1.3 * size), {
    size,
    color: since ? palette.text : palette.quiet,
    plate: palette.ground,
    plateAlpha: 0.9,
  });
  const zero = roundEven(cvd.y(0));
  const direction = zero < rect.y ? 1 : zero < rect.bottom ? 0 : -1;
  if (!direction || !market.hasTrades) return;
  const words = `zero is ${contractsText(Math.abs(shown.cvd))} ${direction > 0 ? "above" : "below"}`;
  const width = chart.text.width(words, size);
  const y = roundEven(direction > 0 ? rect.y + 1.3 * size : rect.bottom - 1.3 * size);
  const x = roundEven(rect.right - 14 * scale - width);
  chart.text.add(words, x, y, { size, color: palette.text, plate: palette.ground, plateAlpha: 0.8 });
  const arrow = 9 * scale;
  chart.over.triangle(x - 0.6 * size - arrow, y - 0.5 * arrow, arrow, arrow, palette.attention, direction > 0);
}

function addTimes(chart, scene, zoneX) {
  const {
    cvd: { rect, scale },
    timeAxis,
    style: { palette },
  } = scene;
  if (!timeAxis) return;
  const size = LABEL_PX * scale;
  const taken = crosshairX(scene);
  const y = roundEven(rect.bottom + 0.5 * timeAxis);
  for (const { x, text, isDay } of chart.ticks.time) {
    const half = 0.5 * chart.text.width(text, size);
    if (x < rect.x + half || x > rect.right - half - 4 * scale) continue;
    if (taken !== null && Math.abs(x - taken) <= half + 3.4 * size) continue;
    chart.text.add(text, x, y, { size, color: isDay ? palette.text : palette.quiet, align: "center" });
  }
  if (scene.priceAxis) chart.text.add(zoneName(scene.now), zoneX, y, { size, color: palette.quiet });
}

export function crosshairX({ crosshair, price: { rect } }) {
  return crosshair && rect.x <= crosshair[0] && crosshair[0] < rect.right ? crosshair[0] : null;
}

// Lines through both panes, and their values on the axes. Added last: its plates cover the axes' labels.
export function addCrosshair(chart, scene) {
  const x = crosshairX(scene);
  if (x === null) return;
  const {
    price,
    cvd,
    market,
    timeAxis,
    style: { palette },
  } = scene;
  const { scale } = price;
  const y = scene.crosshair[1];
  const line = Math.max(1, roundEven(scale));
  chart.over.dashed(roundEven(x), price.rect.y, line, cvd.rect.bottom, palette.quiet, 0.8, 6 * line, 3 * line);
  const ground = mix(palette.ground, palette.quiet, 0.35);
  let value = "";
  if (y < price.rect.bottom) value = priceText(roundEven(price.valueAt(y)) * market.tickSize, market.tickSize);
  else if (y >= cvd.rect.y && y < cvd.rect.bottom) value = signedText(roundEven(cvd.valueAt(y)));
  if (value) {
    chart.over.dashed(price.rect.x, roundEven(y), price.rect.width, line, palette.quiet, 0.8, 6 * line, 3 * line);
    addPlate(chart, scene, value, clearOfPlates(scene, y), ground, palette.text);
  }
  if (!timeAxis) return;
  const size = LABEL_PX * scale;
  const time = price.timeAt(x);
  const isDated = needsDate(price.left, price.right, scene.now);
  const text = isDated ? `${dayText(time).slice(0, -5)}  ${clockText(time)}` : clockText(time);
  const half = 0.5 * chart.text.width(text, size) + size;
  const middle = roundEven(Math.min(Math.max(x, price.rect.x + half), price.rect.right - half));
  chart.text.add(text, middle, roundEven(cvd.rect.bottom + 0.5 * timeAxis), {
    size,
    color: palette.text,
    align: "center",
    plate: ground,
  });
}
