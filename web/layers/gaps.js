// Times without trades or without data: bands with their kind and length. A feed gap is hatched densely in the colour
// for attention, because numbers may be missing; a halt is hatched lightly; a closed exchange is only shaded.

import { GapKind } from "../market/market.js";
import { Rect, roundEven } from "../view/view.js";
import { lengthText, localNs } from "../view/words.js";

const NAMES = { [GapKind.FEED]: "feed gap", [GapKind.NO_TRADES]: "no trades", [GapKind.CLOSED]: "closed" };
const LABEL_PX = 13;
const UPWARD_LINES = 1.3; // narrowest band with a label, in heights of its text
const MIN_BAND_PX = 2;
const MAX_BANDS = 64;
const DAY = 86400e9;

export function gapText(kind, start, end) {
  const first = localNs(start);
  // Noon of the next Saturday: the epoch was a Thursday.
  const days = Math.floor(first / DAY);
  const saturday = (days + ((9 - (days % 7)) % 7)) * DAY + DAY / 2;
  if (kind === GapKind.CLOSED && first < saturday && saturday < localNs(end) && end - start < 60 * 3600e9)
    return "weekend";
  return `${NAMES[kind]} ${lengthText(end - start)}`;
}

export function addGaps(chart, scene) {
  if (!scene.style.visible.has("gaps")) return;
  const { price } = scene;
  const [left, right] = [price.left, Math.min(price.right, scene.until)];
  const seen = scene.market.gaps.filter((gap) => gap.start < right && (gap.isOpen || gap.end >= left));
  for (const gap of seen.slice(-MAX_BANDS)) addBand(chart, scene, gap);
}

function addBand(chart, scene, { start, end, kind, isOpen }) {
  const { under } = chart;
  const {
    price,
    style: { palette },
  } = scene;
  const { scale, rect } = price;
  if (isOpen) end = Math.max(end, Math.min(scene.now, scene.until));
  if (kind === GapKind.UNSCHEDULED) {
    addSessionLine(chart, scene, price.x(start));
    return;
  }
  const [left, right] = [price.x(start), price.x(end)];
  const cut = Math.max(0, rect.x - left);
  const x = Math.max(left, rect.x);
  const width = Math.min(Math.max(right, left + MIN_BAND_PX * scale), rect.right) - x;
  if (width <= 0) return;
  const isFeed = kind === GapKind.FEED;
  const isFolded = price.folded.starts.includes(start);
  const color = isFeed ? palette.attention : palette.quiet;
  const line = Math.max(1, roundEven(scale));
  for (const pane of [rect, scene.cvd.rect]) {
    if (isFolded) under.rect(x, pane.y, width, pane.height, palette.grid, 0.7);
    else under.rect(x, pane.y, width, pane.height, color, isFeed ? 0.05 : 0.03);
    if (kind !== GapKind.CLOSED) {
      under.hatched(
        x,
        pane.y,
        width,
        pane.height,
        color,
        isFeed ? 0.3 : 0.14,
        (isFeed ? 7 : 12) * scale,
        scale,
        cut % 1e6,
      );
    }
    for (const [edge, isInside] of [
      [left, left >= rect.x],
      [right, right < rect.right],
    ]) {
      if (isInside && width > 4 * line) under.rect(roundEven(edge), pane.y, line, pane.height, color, 0.3);
    }
  }
  addLabel(chart, scene, x, width, gapText(kind, start, end), isFeed);
}

function addSessionLine(chart, scene, x) {
  const {
    price: { rect, scale },
    style: { palette },
  } = scene;
  if (!(rect.x <= x && x < rect.right)) return;
  const size = LABEL_PX * scale;
  for (const pane of [rect, scene.cvd.rect]) {
    chart.under.rect(roundEven(x), pane.y, Math.max(1, roundEven(scale)), pane.height, palette.attention, 0.6);
  }
  const text = "unscheduled session";
  const width = chart.text.width(text, size) + size;
  const left = roundEven(x + size + width < rect.right ? x + size : x - size - width);
  const y = roundEven(rect.y + 2.5 * size);
  if (!chart.placed.take(new Rect(left, y - size, width, 2 * size), rect)) return;
  chart.text.add(text, left, y, { size, color: palette.attention, plate: palette.ground, plateAlpha: 0.9 });
}

function addLabel(chart, scene, x, width, text, isFeed) {
  const {
    price: { rect, scale },
    style: { palette },
  } = scene;
  const size = LABEL_PX * scale;
  const color = isFeed ? palette.attention : palette.quiet;
  const needed = chart.text.width(text, size) + 2 * size;
  const [middle, y] = [roundEven(x + 0.5 * width), roundEven(rect.y + 0.5 * rect.height)];
  if (needed > width) {
    const upward = new Rect(x, y - 0.5 * needed, width, needed);
    if (width >= UPWARD_LINES * size && chart.placed.take(upward, rect)) {
      chart.text.addUpward(text, middle, y, { size: size - scale, color, plate: palette.ground, plateAlpha: 0.8 });
    }
    return;
  }
  if (!chart.placed.take(new Rect(middle - 0.5 * needed, y - size, needed, 2 * size), rect)) return;
  chart.text.add(text, middle, y, { size, color, align: "center", plate: palette.ground, plateAlpha: 0.9 });
}
