// Trades outside an automatic price scale: an arrow at the border of the pane, and a line of text that describes them.

import { Rect, roundEven } from "../view/view.js";
import { clockText, contractsText, priceText } from "../view/words.js";

const LABEL_PX = 13;
const ARROW_PX = 9;
const MARGIN_PX = 4;
const LINE_PX = 40;

export function addOffScale(chart, scene) {
  for (const [off, isBelow] of [
    [scene.below, true],
    [scene.above, false],
  ])
    if (off) add(chart, scene, off, isBelow);
}

function add(chart, scene, off, isBelow) {
  const {
    price: view,
    market,
    style: { palette },
  } = scene;
  const { rect, scale } = view;
  const [arrow, margin, size] = [ARROW_PX * scale, MARGIN_PX * scale, LABEL_PX * scale];
  const x = roundEven(view.x(off.time));
  const y = isBelow ? rect.bottom - margin - arrow : rect.y + margin;
  if (rect.x <= x && x < rect.right) chart.over.triangle(x - 0.5 * arrow, y, arrow, arrow, palette.attention, !isBelow);
  const [price, at] = [priceText(off.price, market.tickSize), clockText(off.time)];
  const text =
    off.count > 1
      ? `${contractsText(off.count)} bubbles off the scale, ${isBelow ? "down" : "up"} to ${price} at ${at}`
      : `price off the scale: ${price} at ${at}`;
  const width = chart.text.width(text, size) + size;
  const middle = isBelow ? rect.bottom - LINE_PX * scale - size : y + arrow + 1.1 * size;
  const left = Math.min(Math.max(x - 0.5 * width, rect.x + margin), rect.right - margin - width);
  const box = new Rect(left, middle - 0.8 * size, width, 1.6 * size);
  if (!chart.placed.take(box, rect)) return;
  chart.text.add(text, roundEven(box.x + 0.5 * size), roundEven(middle), {
    size,
    color: palette.attention,
    plate: palette.ground,
    plateAlpha: 0.9,
  });
}
