// The size legend: three discs with their contracts, at the lower left of the price pane.

import { Rect, roundEven } from "../view/view.js";
import { bucketText, contractsText, percentText } from "../view/words.js";
import { fullAt, radiusOf, thresholdAt } from "./discs.js";

const LABEL_PX = 11;
const MARGIN_PX = 14;
const MIN_HEIGHT_PX = 400;
const MIN_CHART_PX = 420;

// 1, 2 or 5 times a power of ten.
function rounded(value) {
  if (value < 1) return 1;
  const scale = 10 ** (String(Math.floor(value)).length - 1);
  return [1, 2, 5, 10]
    .map((factor) => factor * scale)
    .reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a));
}

export function addLegend(chart, scene) {
  const {
    price: { rect, scale },
    style,
    market,
    lod,
    shown,
  } = scene;
  const { palette } = style;
  if (!style.visible.has("bubbles") || !market.hasTrades) return;
  if (rect.height < MIN_HEIGHT_PX * scale || rect.width < MIN_CHART_PX * scale) return;
  const reference = shown.referenceGoal;
  const size = LABEL_PX * scale;
  const sizes = [...new Set([rounded(reference / 16), rounded(reference / 4), reference])].sort((a, b) => a - b);
  const discs = sizes.map((contracts) => {
    const radius = radiusOf(contracts, reference, style, scale);
    const text = contractsText(contracts);
    const width = chart.text.width(text, size);
    const isInside = width + 4 * scale < 1.8 * radius;
    return { radius, text, width, isInside, step: 2 * radius + (isInside ? 10 * scale : width + 12 * scale) };
  });
  const largest = discs.at(-1).radius;
  const least = thresholdAt(style.threshold, lod.widthNs);
  const brief = `contracts in ${bucketText(lod.widthNs)} \u00b7 coloured above ${percentText(least)}`;
  const hours = market.profile?.isRegular ? " \u00b7 profile of regular hours (RTH)" : "";
  const captions = [`${brief}, strongest from ${percentText(fullAt(least))}${hours}`, `${brief}${hours}`, ""];
  const left = rect.x + MARGIN_PX * scale;
  const middle = roundEven(rect.bottom - MARGIN_PX * scale - largest);
  const width = discs.reduce((sum, { step }) => sum + step, 0) + 8 * scale;
  const box = new Rect(left - 6 * scale, middle - largest - 6 * scale, width, 2 * largest + 12 * scale);
  // Without room for a caption the discs alone still say what the sizes mean.
  let whole;
  const caption = captions.find((text) => {
    const room = text ? chart.text.width(text, size) + 8 * scale : 0;
    whole = new Rect(box.x, box.y, box.width + room, box.height);
    return chart.placed.take(whole, rect);
  });
  if (caption === undefined) return;
  let x = left;
  for (const { radius, text, width: textWidth, isInside, step } of discs) {
    const discX = roundEven(x + radius);
    const beside = [discX, middle - 0.8 * size, radius + textWidth + 6 * scale, 1.6 * size];
    if (!isInside) chart.over.plate(...beside, palette.ground, 1, 0.25 * size);
    chart.over.plate(discX - radius, middle - radius, 2 * radius, 2 * radius, palette.ground, 1, radius);
    chart.over.ring(discX, middle, radius, Math.max(1, scale), palette.quiet, 0.75);
    const at = isInside ? x + radius : x + 2 * radius + 3 * scale + 0.5 * textWidth;
    chart.text.add(text, roundEven(at), middle, { size, color: palette.quiet, align: "center" });
    x += step;
  }
  const plate = palette.ground;
  if (caption) chart.text.add(caption, roundEven(x), middle, { size, color: palette.quiet, plate });
}
