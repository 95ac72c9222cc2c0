// Marks a chart that does not follow a running market: a dimmed background and a hatched frame. A frozen chart must not
// be mistaken for a quiet market.

import { mix } from "./labels.js";
import { roundEven } from "../view/view.js";

const BAND_PX = 7;
const DIM = 0.4;

export function dimmedGround({ ground, grid }) {
  return mix(ground, grid, DIM);
}

export function addStaleFrame(chart, scene) {
  if (scene.isLive) return;
  const {
    price: { rect, scale },
    cvd,
    style: { palette },
  } = scene;
  const band = roundEven(BAND_PX * scale);
  const height = cvd.rect.bottom - rect.y;
  const sides = [
    [rect.x, rect.y, rect.width, band],
    [rect.x, rect.y + height - band, rect.width, band],
    [rect.x, rect.y + band, band, height - 2 * band],
    [rect.right - band, rect.y + band, band, height - 2 * band],
  ];
  for (const [x, y, width, tall] of sides) {
    chart.over.hatched(x, y, width, tall, palette.attention, 0.5, 9 * scale, 3 * scale, (x + y) % 1e6);
  }
}
