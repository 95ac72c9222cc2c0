// Sessions and rolls of a chart: their screen positions, their names, and the line at a roll.

import { Rect, roundEven } from "../view/view.js";
import { MONTHS, WEEKDAYS, contractsText } from "../view/words.js";

const PROFILE_SHARE = 0.36; // width of a finished session's profile as a share of the session's visible width
const MIN_PX = 14;
const LABEL_PX = 13;
const GAP_PX = 8;
const NOT_YET = 2 ** 62;

// All sessions, oldest first, the current one last: `start` and `end` in ns, `numbers`, `profile`.
export function sessionsOf(market) {
  const found = market.finished
    .filter(({ numbers }) => numbers.firstTs !== market.session?.firstTs)
    .map(({ numbers, profile }) => {
      const isClosed = numbers.closeTs && !numbers.unscheduled;
      const end = isClosed ? Math.max(numbers.lastTs, numbers.closeTs) : numbers.lastTs;
      return { start: startOf(numbers), end, numbers, profile, isFinished: true };
    });
  if (market.session) {
    const { session, profile } = market;
    found.push({ start: startOf(session), end: Infinity, numbers: session, profile, isFinished: false });
  }
  return found;
}

function startOf(numbers) {
  return numbers.openTs && !numbers.partial && !numbers.unscheduled ? numbers.openTs : numbers.firstTs;
}

// The sessions in view with their left and right ends, whole pixels.
export function sessionsInView(scene) {
  const { price } = scene;
  const [from, to] = [price.left, Math.min(price.right, scene.until)];
  const found = [];
  for (const session of sessionsOf(scene.market)) {
    if (session.end <= from || session.start >= to) continue;
    let left = Math.max(price.pixelX(session.start), price.rect.x);
    const right = session.isFinished ? Math.min(price.pixelX(session.end), price.rect.right) : price.rect.right;
    if (!session.isFinished) left = Math.max(left, contractLeft(scene));
    if (right > left) found.push({ session, left, right });
  }
  return found;
}

function rollX({ price, lod }, { lastTs, firstTs }) {
  const [last, first] = [Math.floor(lastTs / lod.widthNs), Math.floor(firstTs / lod.widthNs)];
  return price.pixelX(first * lod.widthNs + (last === first ? Math.floor(lod.widthNs / 2) : 0));
}

const isShown = (scene, { firstTs }) => firstTs < NOT_YET && firstTs <= scene.until;

// x from which the pane shows the newest contract: its left border where no roll is in view.
export function contractLeft(scene) {
  const { rect } = scene.price;
  const newest = scene.market.rolls.findLast((roll) => isShown(scene, roll));
  return newest ? Math.min(Math.max(rollX(scene, newest), rect.x), rect.right) : rect.x;
}

// x from which the pane shows the current session.
export function currentLeft(scene) {
  const {
    price: { rect },
    market: { session },
  } = scene;
  const start = session ? startOf(session) : 0;
  const x = Math.min(Math.max(scene.price.pixelX(start), rect.x), rect.right);
  return Math.max(contractLeft(scene), x);
}

// The part of the profile's area that shows the current session; its width may be 0.
export function currentProfile(scene) {
  const place = scene.profileRect;
  const left = Math.min(Math.max(currentLeft(scene), place.x), place.right);
  return new Rect(left, place.y, place.right - left, place.height);
}

export function finishedProfile(scene, left, right) {
  const { rect, scale } = scene.price;
  let width = Math.min(PROFILE_SHARE * (right - left), scene.profileRect.width);
  if (width < MIN_PX * scale) width = 0;
  return new Rect(right - width, rect.y, width, rect.height);
}

export function addRolls(chart, scene) {
  const {
    price: { rect, scale },
    cvd,
    style: { palette },
  } = scene;
  const size = LABEL_PX * scale;
  let freeUntil = rect.right;
  for (const roll of [...scene.market.rolls].reverse()) {
    const x = rollX(scene, roll);
    if (!isShown(scene, roll) || x < rect.x || x >= rect.right) continue;
    for (const pane of [rect, cvd.rect]) {
      chart.over.rect(x, pane.y, Math.max(1, roundEven(2 * scale)), pane.height, palette.information, 0.85);
    }
    const text = `${roll.from} > ${roll.to}`;
    const length = chart.text.width(text, size) + size;
    const left = Math.min(Math.max(x - 0.5 * length, rect.x), rect.right - length);
    const y = rect.bottom - 1.4 * size;
    if (left + length > freeUntil) continue;
    if (!chart.placed.take(new Rect(left, y - 1.3 * size, length, 2.6 * size), rect)) continue;
    chart.text.add(text, roundEven(left + 0.5 * size), roundEven(y), {
      size,
      color: palette.information,
      plate: palette.ground,
      plateAlpha: 0.9,
    });
    freeUntil = left - 4 * scale;
  }
}

// Names at the starts of sessions; with delta and volume where more than one session is in view.
export function addSessionNames(chart, scene) {
  if (!scene.style.visible.has("sessions")) return;
  const seen = sessionsInView(scene);
  for (const one of seen) {
    if (seen.length > 1 || one.left > scene.price.rect.x) addName(chart, scene, one, seen.length > 1);
  }
}

function addName(chart, scene, { session: { numbers }, left, right }, hasSums) {
  if (!numbers.tradeDate) return;
  const {
    price: { rect, scale },
    style: { palette },
  } = scene;
  const [size, gap] = [LABEL_PX * scale, GAP_PX * scale];
  const date = numbers.tradeDate;
  const day = new Date(Date.UTC(Math.floor(date / 1e4), (Math.floor(date / 100) % 100) - 1, date % 100));
  const short = `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
  const named = `${WEEKDAYS[day.getUTCDay()]} ${short}`;
  const doubt = numbers.unscheduled ? "unscheduled" : numbers.partial ? "partial" : "";
  const [x, y] = [roundEven(left + gap + 0.5 * size), roundEven(rect.y + 1.4 * size)];
  const look = { plate: palette.ground, plateAlpha: 0.82 };
  const name = [...(doubt ? [`${named}  ${doubt}`] : []), named, short].find((text) => {
    const width = chart.text.width(text, size, true) + size;
    return left + 2 * gap + width <= right && chart.placed.take(new Rect(left + gap, y - size, width, 2 * size), rect);
  });
  if (!name) return;
  chart.text.add(name, x, y, { size, color: doubt ? palette.attention : palette.text, bold: true, ...look });
  if (!hasSums) return;
  const { buy, sell, unsided } = numbers;
  const delta = `${buy > sell ? "+" : ""}${contractsText(buy - sell)}`;
  const [small, below] = [size - scale, roundEven(y + 1.9 * size)];
  const sums = [`delta ${delta}  volume ${contractsText(buy + sell + unsided)}`, delta].find((text) => {
    const box = new Rect(x - 0.5 * small, below - 0.8 * small, chart.text.width(text, small) + small, 1.6 * small);
    return box.right <= right - gap && chart.placed.take(box, rect);
  });
  const color = buy > sell ? palette.buy : sell > buy ? palette.sell : palette.quiet;
  if (sums) chart.text.add(sums, x, below, { size: small, color, ...look });
}
