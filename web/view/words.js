// Formats numbers and times. Times are float64 ns since the epoch, prices whole numbers of 1e-9.

const SECOND = 1e9;
const HOUR = 3600e9;
const DAY = 24 * HOUR;
export const ZONE = "America/New_York";
export const MINUS = "\u2212";
export const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const pad = (value) => String(value).padStart(2, "0");

const offsets = new Map();
const clock = new Intl.DateTimeFormat("en-US", {
  timeZone: ZONE,
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
});

// Offset of the exchange's zone in an hour since the epoch, ns. It changes on whole hours only.
function offset(hour) {
  if (!offsets.has(hour)) {
    const parts = Object.fromEntries(clock.formatToParts(hour * 3.6e6).map(({ type, value }) => [type, Number(value)]));
    offsets.set(hour, (Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour) - hour * 3.6e6) * 1e6);
  }
  return offsets.get(hour);
}

// The exchange's wall clock as if it were UTC, ns.
export function localNs(time) {
  return time + offset(Math.floor(time / HOUR));
}

const zoneNames = new Intl.DateTimeFormat("en-US", { timeZone: ZONE, timeZoneName: "short" });

export function zoneName(time) {
  return zoneNames.formatToParts(time / 1e6).find(({ type }) => type === "timeZoneName").value;
}

export function clockText(time, { seconds = true, milliseconds = false } = {}) {
  const ofDay = localNs(time) % DAY;
  const whole = Math.floor(ofDay / SECOND);
  let text = `${pad(Math.floor(whole / 3600))}:${pad(Math.floor(whole / 60) % 60)}`;
  if (seconds) text += `:${pad(whole % 60)}`;
  if (milliseconds) text += `.${String(Math.floor((ofDay % SECOND) / 1e6)).padStart(3, "0")}`;
  return text;
}

export function dayText(time) {
  const day = new Date(localNs(time) / 1e6);
  return `${WEEKDAYS[day.getUTCDay()]} ${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
}

export function decimals(tickSize) {
  if (!(tickSize > 0)) return 2;
  let digits = 9;
  for (let size = tickSize; digits && size % 10 === 0; size /= 10) digits--;
  return digits;
}

function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

// A price in 1e-9 with the instrument's decimals, halves rounded to even, in integers.
export function priceText(price, tickSize) {
  const places = decimals(tickSize);
  const unit = 10n ** BigInt(9 - places);
  const exact = BigInt(Math.round(price));
  const size = exact < 0n ? -exact : exact;
  let whole = size / unit;
  const rest = 2n * (size % unit);
  if (rest > unit || (rest === unit && whole % 2n === 1n)) whole += 1n;
  const text = String(whole).padStart(places + 1, "0");
  const points = grouped(text.slice(0, text.length - places));
  return (exact < 0n && whole ? MINUS : "") + points + (places ? `.${text.slice(text.length - places)}` : "");
}

export function numberText(value, places = 0) {
  const [points, fraction] = Math.abs(value).toFixed(places).split(".");
  const text = grouped(points) + (fraction ? `.${fraction}` : "");
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

export const contractsText = (count) => numberText(count);
export const signedText = (value) => (value > 0 ? `+${numberText(value)}` : numberText(value));

// A count in a disc: 41, 1,250, 12.3k, 2.0M.
export function countText(volume) {
  if (volume < 10_000) return contractsText(volume);
  for (const [unit, size] of [
    ["k", 1e3],
    ["M", 1e6],
    ["B", 1e9],
  ]) {
    if (volume < 1000 * size) return `${(volume / size).toFixed(1)}${unit}`;
  }
  return `${(volume / 1e12).toFixed(1)}T`;
}

// A duration in its two largest units: 42 s, 3 min 20 s, 10 h 46 min.
export function lengthText(length) {
  const seconds = Math.floor(Math.max(0, length) / SECOND + 0.5);
  for (const [name, size, smallerName, smaller] of [
    ["d", 86400, "h", 3600],
    ["h", 3600, "min", 60],
    ["min", 60, "s", 1],
  ]) {
    if (seconds < size) continue;
    const count = Math.floor((seconds + Math.floor(smaller / 2)) / smaller);
    const [whole, rest] = [Math.floor(count / (size / smaller)), count % (size / smaller)];
    return rest ? `${whole} ${name} ${rest} ${smallerName}` : `${whole} ${name}`;
  }
  return `${seconds} s`;
}

export function bucketText(width) {
  for (const [name, size] of [
    ["h", HOUR],
    ["min", 60 * SECOND],
  ]) {
    if (width >= size && width % size === 0) return `${width / size} ${name}`;
  }
  return `${Number((width / SECOND).toPrecision(9))} s`;
}

export function percentText(share) {
  return `${Number((100 * share).toPrecision(2))} %`;
}

// An age: 0.2 s, 14 s, 3:05 min, 2:10 h.
export function ageText(seconds) {
  const age = Math.max(0, seconds);
  if (age < 9.95) return `${age.toFixed(1)} s`;
  if (age < 99.5) return `${age.toFixed(0)} s`;
  const whole = Math.round(age);
  const minutes = Math.floor(whole / 60);
  if (minutes < 100) return `${minutes}:${pad(whole % 60)} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}:${pad(minutes % 60)} h` : `${(hours / 24).toFixed(0)} days`;
}

export function speedText(speed) {
  return Number.isFinite(speed) ? `x${Number(speed.toPrecision(10))}` : "max";
}
