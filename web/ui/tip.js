// The tooltip: finds the bubble under the mouse and shows its numbers.

import { radiusOf, radiusRange, thresholdAt, volumeOf } from "../layers/discs.js";
import { eachBubble, openIn, visibleIds } from "../layers/series.js";
import {
  bucketText,
  clockText,
  dayText,
  decimals,
  numberText,
  percentText,
  priceText,
  signedText,
} from "../view/words.js";

const NEAR_PX = 4;

// The row of a bubble as an object: the open one, or a closed one by its index.
function rowOf(scene, id) {
  const {
    lod,
    lod: { bubbles },
  } = scene;
  const open = openIn(scene, lod);
  if (open?.id === id) return open;
  const i = bubbles.index(bubbles.positionOf(id));
  if (i >= bubbles.index(bubbles.stop) || bubbles.id[i] !== id) return null;
  return Object.fromEntries(bubbles.names.map((name) => [name, bubbles[name][i]]));
}

// Id of the bubble at a point: the topmost disc there, else the nearest within a few pixels; null if there is none.
export function bubbleAt(scene, x, y) {
  const { price, lod, style, market, shown } = scene;
  if (!style.visible.has("bubbles") || !price.rect.contains(x, y)) return null;
  const reach = radiusRange(style, price.scale)[1] + NEAR_PX * price.scale;
  const [first, last] = visibleIds(scene, lod);
  const from = Math.max(first, Math.floor(price.timeAt(x - reach) / lod.widthNs));
  const to = Math.min(last, Math.floor(price.timeAt(x + reach) / lod.widthNs));
  let [best, found] = [NEAR_PX * price.scale, null];
  eachBubble(scene, lod, from, to, (columns, i) => {
    const volume = volumeOf(columns, i);
    if (volume < style.sizeFloor) return;
    const dx = price.bubbleX(columns.id[i], lod.widthNs) - x;
    const dy = price.y(columns.price[i] / market.tickSize) - y;
    const past = Math.max(0, Math.hypot(dx, dy) - radiusOf(volume, shown.reference, style, price.scale));
    if (past <= best) [best, found] = [past, columns.id[i]];
  });
  return found;
}

function linesOf(row, { lod, market, style }) {
  const { buy, sell, unsided } = row;
  const delta = buy - sell;
  const share = buy + sell ? Math.abs(delta) / (buy + sell) : 0;
  const least = thresholdAt(style.threshold, lod.widthNs);
  const price = (name) => priceText(row[name], market.tickSize);
  const start = row.id * lod.widthNs;
  const sign = Math.sign(delta);
  return [
    ["Date", dayText(start), 0],
    ["Time", `${clockText(start, { milliseconds: lod.widthNs % 1e9 !== 0 })} ET`, 0],
    ["Bucket", bucketText(lod.widthNs), 0],
    ["Average", numberText(row.price / 1e9, Math.max(2, decimals(market.tickSize))), 0],
    ["Buy", numberText(buy), 1],
    ["Sell", numberText(sell), -1],
    ["No side", numberText(unsided), 0],
    ["Delta", signedText(delta), sign],
    [
      "Imbalance",
      `${(100 * share).toFixed(1)} %  ${share > least ? "above" : "within"} ${percentText(least)}`,
      share > least ? sign : 0,
    ],
    ["Trades", numberText(row.trades), 0],
    ["Open", price("open"), 0],
    ["High", price("high"), 0],
    ["Low", price("low"), 0],
    ["Close", price("close"), 0],
  ];
}

export class Tip {
  constructor() {
    this.table = document.getElementById("tip");
  }

  // Show the numbers of a bubble beside a point (CSS pixels); null hides them.
  show(scene, id, x, y) {
    const row = id === null ? null : rowOf(scene, id);
    this.table.hidden = !row;
    if (!row) return;
    const lines = linesOf(row, scene);
    const body = this.table.tBodies[0];
    while (body.rows.length < lines.length) {
      const line = body.insertRow();
      line.insertCell();
      line.insertCell();
    }
    lines.forEach(([name, value, sign], i) => {
      const [label, number] = body.rows[i].cells;
      label.textContent = name;
      number.textContent = value;
      number.className = sign > 0 ? "buy" : sign < 0 ? "sell" : "";
    });
    const { offsetWidth: width, offsetHeight: height, parentElement: pane } = this.table;
    const left = x + 24 + width < scene.price.rect.right / scene.price.scale ? x + 24 : Math.max(4, x - 24 - width);
    const top = Math.min(Math.max(4, y - height / 2), Math.max(4, pane.clientHeight - height - 4));
    this.table.style.left = `${left}px`;
    this.table.style.top = `${top}px`;
  }
}
