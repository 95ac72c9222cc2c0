// Packed frames (docs/protocol.md): a header of 64 bytes, then columns. A column is one typed array over the frame's
// bytes; loops run over columns, and no row becomes an object.

export const Kind = {
  BUBBLE: 1,
  OPEN: 2,
  PROFILE: 3,
  PROFILE_ROWS: 4,
  SESSION: 5,
  LEVELS: 6,
  EVENT: 7,
  GAP: 8,
  ROLL: 9,
  FINISHED_SESSION: 10,
  MINUTE_LEVELS: 11,
};
export const Part = { INCREMENT: 0, NEWEST: 1, HISTORY: 2, RESUMED: 3 };
const HEADER = 64;
const TYPES = [null, Uint8Array, Uint16Array, Uint32Array, BigUint64Array];
const IS_SUM = 1;
const padded = (size) => (size + 7) & ~7;

export class Frame {
  constructor(buffer) {
    const view = new DataView(buffer);
    if (buffer.byteLength < HEADER || view.getUint8(0) !== 1) throw new Error("not a packed frame of version 1");
    [this.kind, this.part, this.cause, this.symbol, this.level] = [1, 2, 3, 4, 5].map((at) => view.getUint8(at));
    this.epoch = Number(view.getBigInt64(8, true));
    this.sequence = Number(view.getBigInt64(16, true));
    this.oldest = Number(view.getBigInt64(24, true));
    this.count = view.getUint32(32, true);
    this.revision = view.getUint32(36, true);
    this.missed = view.getUint32(40, true);
    this.isSum = (view.getUint32(44, true) & IS_SUM) !== 0;
    this.units = [1n, view.getBigInt64(48, true), view.getBigInt64(56, true)];
    this.columns = this.#columns(buffer, view, view.getUint16(6, true));
  }

  get next() {
    return this.sequence + this.count;
  }

  // Each column: its base, the value of its unit, and its numbers (null: the base in every row).
  #columns(buffer, view, count) {
    const descriptors = new Uint8Array(buffer, HEADER, count);
    let at = HEADER + padded(count);
    const found = Array.from(descriptors, (descriptor) => {
      const base = descriptor & 0x80 ? view.getBigInt64(at, true) : 0n;
      if (descriptor & 0x80) at += 8;
      return { base, unit: this.units[(descriptor >> 3) & 3], type: TYPES[descriptor & 7], numbers: null };
    });
    for (const column of found) {
      if (!column.type) continue;
      column.numbers = new column.type(buffer, at, this.count);
      at += padded(this.count * column.type.BYTES_PER_ELEMENT);
    }
    if (at !== buffer.byteLength) throw new Error("damaged frame: its columns do not fit its length");
    return found;
  }

  // A column as float64: exact for values up to 2^53.
  values(number) {
    const { base, unit, numbers } = this.columns[number];
    const out = new Float64Array(this.count);
    const origin = Number(base);
    if (!numbers) return out.fill(origin);
    if (numbers instanceof BigUint64Array) {
      for (let i = 0; i < out.length; i++) out[i] = Number(BigInt.asIntN(64, base + numbers[i] * unit));
      return out;
    }
    const step = Number(unit);
    for (let i = 0; i < out.length; i++) out[i] = origin + numbers[i] * step;
    return out;
  }

  // The exact integer of one row.
  exact(number, row) {
    const { base, unit, numbers } = this.columns[number];
    return numbers ? BigInt.asIntN(64, base + BigInt(numbers[row]) * unit) : base;
  }

  // ids of buckets, exact although times are beyond 2^53: the base is divided as an integer.
  #ids() {
    const { base, unit, numbers } = this.columns[0];
    const width = this.units[2];
    let first = base / width;
    if (first * width > base) first -= 1n;
    const [origin, rest, step, size] = [Number(first), Number(base - first * width), Number(unit), Number(width)];
    const out = this.values(11);
    for (let i = 0; i < out.length; i++) {
      out[i] += origin + (numbers ? Math.floor((rest + Number(numbers[i]) * step) / size) : Math.floor(rest / size));
    }
    return out;
  }

  // Bubbles and CVD points of kinds 1 and 2, by column.
  chartRows() {
    const id = this.#ids();
    const low = this.values(1);
    const [buy, sell, unsided, trades] = [6, 7, 8, 9].map((at) => this.values(at));
    const [open, high, close] = [2, 3, 4].map((at) => plus(this.values(at), low));
    const price = this.isSum
      ? averages(this.values(5), low, buy, sell, unsided, Number(this.units[1]))
      : plus(this.values(5), low);
    const opened = this.values(12);
    const [up, down, rest] = [13, 14, 15].map((at) => this.values(at));
    for (let i = 0; i < opened.length; i++) {
      up[i] = opened[i] + up[i];
      down[i] = opened[i] - down[i];
      rest[i] = opened[i] + rest[i] + buy[i] - sell[i];
    }
    return {
      bubbles: { id, price, open, high, low, close, buy, sell, unsided, trades },
      cvd: { id, open: opened, high: up, low: down, close: rest },
    };
  }

  // Rows of another kind as objects, for the few that are no chart rows. `fields`: [name, type, count] as the server
  // declares them; a type is i (integer), f (float) or s (8 bytes of a text).
  records(fields) {
    const records = Array.from({ length: this.count }, () => ({}));
    let at = 0;
    for (const [name, type, count] of fields) {
      const columns = Array.from({ length: count }, () => this.#typed(at++, type));
      const { path, last } = pathOf(name);
      for (let row = 0; row < this.count; row++) {
        let target = records[row];
        for (const [step, next] of path) target = target[step] ??= typeof next === "number" ? [] : {};
        const values = columns.map((column) => column[row]);
        target[last] = type === "s" ? values.join("") : count === 1 ? values[0] : values;
      }
    }
    if (at !== this.columns.length) throw new Error(`damaged frame: kind ${this.kind} has other columns`);
    return records;
  }

  // Rows of a kind without arrays and texts, by column.
  table(fields) {
    return Object.fromEntries(
      fields.map(([name, type], at) => [camel(name), Float64Array.from(this.#typed(at, type))]),
    );
  }

  #typed(number, type) {
    if (number >= this.columns.length) return [];
    if (type === "i") return this.values(number);
    const read = type === "f" ? floatOf : textOf;
    return Array.from({ length: this.count }, (_, row) => read(this.exact(number, row)));
  }
}

function plus(values, others) {
  for (let i = 0; i < values.length; i++) values[i] += others[i];
  return values;
}

// Average prices from sums: low + s * unit / v, rounded half to even, in whole numbers below 2^53.
function averages(sums, low, buy, sell, unsided, unit) {
  for (let i = 0; i < sums.length; i++) {
    const volume = Math.max(1, buy[i] + sell[i] + unsided[i]);
    const whole = Math.floor(sums[i] / volume);
    const rest = (sums[i] - whole * volume) * unit;
    let part = Math.floor(rest / volume);
    const left = 2 * (rest - part * volume);
    if (left > volume || (left === volume && part % 2 === 1)) part += 1;
    sums[i] = low[i] + whole * unit + part;
  }
  return sums;
}

export const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const paths = new Map();

// "numbers.first_ts": path [["numbers", "firstTs"]], last "firstTs"; "naked[3].price": steps through an array.
function pathOf(name) {
  if (!paths.has(name)) {
    const parts = [...name.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : camel(part)));
    paths.set(name, { path: parts.slice(0, -1).map((part, at) => [part, parts[at + 1]]), last: parts.at(-1) });
  }
  return paths.get(name);
}

const scratch = new DataView(new ArrayBuffer(8));

function floatOf(bits) {
  scratch.setBigInt64(0, bits, true);
  return scratch.getFloat64(0, true);
}

function textOf(bits) {
  scratch.setBigInt64(0, bits, true);
  let text = "";
  for (let at = 0; at < 8 && scratch.getUint8(at); at++) text += String.fromCharCode(scratch.getUint8(at));
  return text;
}
