// Positions and labels of grid lines, by the rules of the desktop's layers/labels/ticks.py.

import { MONTHS, localNs } from "./words.js";
import { roundEven } from "./view.js";

const SECOND = 1e9;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 4, 8].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28].map((n) => n * DAY),
];
const TIME_LABEL_PX = 104;
const PRICE_LABEL_PX = 44;
const VALUE_LABEL_PX = 26;
const pad = (value) => String(value).padStart(2, "0");

export function timeStep(nsPerPx, scale) {
  const least = nsPerPx * TIME_LABEL_PX * scale;
  return TIME_STEPS.find((step) => step >= least) ?? TIME_STEPS.at(-1);
}

// Times within [left, right] at multiples of the step on the exchange's clock.
function clockTicks(left, right, step) {
  const ticks = [];
  const offset = (time) => localNs(time) - time;
  for (let local = Math.floor(localNs(left) / step) * step; ; local += step) {
    const time = local - offset(local - offset(local));
    if (time > right) return ticks;
    if (time >= left && localNs(time) === local && !(ticks.at(-1) >= time)) ticks.push(time);
  }
}

// The same without ticks in folds. Steps of less than a day have one where a fold ends, as sessions open there.
function foldedTicks(left, right, step, folded, least) {
  const [first, stop] = folded.within(left, right + 1);
  if (first === stop) return clockTicks(left, right, step);
  let [begin, found] = [left, []];
  const ends = [];
  for (let at = first; at < stop; at++) {
    found.push(...clockTicks(begin, Math.min(folded.starts[at] - 1, right), step));
    begin = Math.max(begin, folded.ends[at]);
    ends.push(folded.ends[at]);
  }
  found.push(...clockTicks(begin, right, step));
  if (step >= DAY) return found;
  const isFar = (time, others) => others.every((other) => Math.abs(folded.between(time, other)) >= least);
  const midnights = found.filter((time) => localNs(time) % DAY === 0);
  const opens = ends.filter((time) => left <= time && time <= right && time % MINUTE === 0 && isFar(time, midnights));
  found = [...opens, ...found.filter((time) => isFar(time, opens))];
  return [...new Set(found)].sort((a, b) => a - b);
}

export function needsDate(left, right, now) {
  return right - left > DAY || Math.floor(localNs(right) / DAY) < Math.floor(localNs(now) / DAY);
}

export function dateText(time) {
  const day = new Date(localNs(time) / 1e6);
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
}

function timeText(time, step) {
  const ofDay = localNs(time) % DAY;
  if (ofDay === 0) return [dateText(time), true];
  const seconds = Math.floor(ofDay / SECOND);
  let text = `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}`;
  if (step < MINUTE) text += `:${pad(seconds % 60)}`;
  if (step < SECOND) text += `.${Math.floor(((ofDay % SECOND) * 10) / SECOND + 1e-6)}`;
  return [text, false];
}

// Ticks of the time axis: time, x, label, whether it begins a day.
export function timeTicks(view, now) {
  const step = timeStep(view.nsPerPx, view.scale);
  const [left, right] = [view.left, view.right];
  const isDated = needsDate(left, right, now);
  let before = -1;
  return foldedTicks(left, right, step, view.folded, TIME_LABEL_PX * view.scale * view.nsPerPx).map((time) => {
    let [text, isDay] = timeText(time, step);
    const day = Math.floor(localNs(time) / DAY);
    if (isDated && !isDay && day !== before) [text, isDay] = [`${dateText(time)} ${text}`, before >= 0];
    before = day;
    return { time, x: roundEven(view.x(time)), text, isDay };
  });
}

function* oneTwoFive(first) {
  for (let scale = 1; ; scale *= 10) {
    for (const factor of [1, 2, 5]) if (factor * scale >= first) yield factor * scale;
  }
}

function priceStep(tickSize, least) {
  const decimal = [];
  for (const step of oneTwoFive(tickSize)) {
    if (step % tickSize === 0) decimal.push(step);
    if (step > 1e18) break;
  }
  const steps = [];
  for (let step = tickSize; step < (decimal[0] ?? 1e18); step *= 2) steps.push(step);
  steps.push(...decimal);
  return steps.find((step) => step >= least) ?? steps.at(-1);
}

// Ticks of the price axis: price (1e-9) and y.
export function priceTicks(view, tickSize) {
  const step = priceStep(tickSize, view.perPx * PRICE_LABEL_PX * view.scale * tickSize);
  const ticks = [];
  const high = Math.floor(view.top * tickSize);
  for (let price = Math.ceil((view.bottom * tickSize + 1) / step) * step; price <= high; price += step) {
    ticks.push({ value: price, y: roundEven(view.y(price / tickSize)) });
  }
  return ticks;
}

// Ticks of the CVD axis: contracts and y.
export function valueTicks(view) {
  const least = view.perPx * VALUE_LABEL_PX * view.scale;
  const step = oneTwoFive(least).next().value;
  const ticks = [];
  for (let value = Math.ceil(view.bottom / step) * step; value <= view.top; value += step) {
    ticks.push({ value: value + 0, y: roundEven(view.y(value)) });
  }
  return ticks;
}
