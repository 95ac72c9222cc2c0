// Grid lines of time, price and CVD, the borders of the panes and the live edge.

import { mix } from "./labels.js";
import { roundEven } from "../view/view.js";

export function addGrid(chart, scene) {
  const { under, ticks } = chart;
  const { palette, visible } = scene.style;
  const [price, cvd] = [scene.price.rect, scene.cvd.rect];
  const line = Math.max(1, roundEven(scene.price.scale));
  const border = mix(palette.grid, palette.quiet, 0.25);
  if (visible.has("grid")) {
    for (const { x, isDay } of ticks.time) {
      under.rect(x, price.y, line, cvd.bottom - price.y, isDay ? border : palette.grid);
    }
    if (scene.market.hasTrades) {
      for (const { y } of ticks.prices) under.rect(price.x, y, price.width, line, palette.grid);
      for (const { value, y } of visible.has("cvd") ? ticks.cvd : []) {
        if (value) under.rect(cvd.x, y, cvd.width, line, palette.grid);
      }
    }
  }
  if (price.x < scene.liveX && scene.liveX < price.right) {
    under.rect(roundEven(scene.liveX), price.y, line, cvd.bottom - price.y, border);
  }
  const width = price.width + scene.priceAxis;
  under.rect(price.x, cvd.y, width, line, border);
  under.rect(price.x, cvd.bottom, width, line, border);
  under.rect(price.right, price.y, line, cvd.bottom - price.y, border);
}
