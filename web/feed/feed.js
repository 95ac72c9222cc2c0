// Applies the server's messages to the markets, keeps the positions to resume from, and subscribes to what is shown.

import { Market } from "../market/market.js";
import { Kind, Frame, Part, camel } from "./packed.js";

const PROTOCOL = 1;
const CHART_KINDS = ["Bubble", "Open"];
const SYMBOL_KINDS = ["VolumeProfile", "Session", "Levels", "Event", "Gap", "Roll", "FinishedSession", "MinuteLevels"];
const MAX_HISTORY = 1 << 18; // rows of history to request at one level of detail
const KEPT_EVENTS = 1 << 14;
const ZOOM_MS = 120;
const RETRY_MS = 1500;
const OFFSETS = 16; // newest estimates of the server's clock that are kept

export class Feed {
  // `columns`: fields of the rows of each kind, as the server declares them. `send` sends a message.
  constructor(columns, send) {
    this.columns = columns;
    this.send = send;
    this.markets = new Map(); // by symbol, in the server's order
    this.order = []; // symbols by the index in frames
    this.wanted = null; // {symbol, level} on the screen
    this.asked = []; // subscriptions of this connection: {symbol, level, kinds}
    this.timer = null;
    this.status = null;
    this.numbers = {}; // fields of the status, by camel-case name
    this.scopes = [];
    this.offsets = []; // the server's clock less performance.now(), ns
  }

  get names() {
    return [...this.markets.keys()];
  }

  // The server's clock, ns. The largest of the recent estimates has the least network delay.
  get wall() {
    return this.offsets.length ? Math.max(...this.offsets) + performance.now() * 1e6 : Date.now() * 1e6;
  }

  take(message) {
    if (message.type !== "Status") this.version++;
    if (message instanceof ArrayBuffer) this.#takeFrame(new Frame(message));
    else if (message.type === "Connected") this.#takeConnected(message);
    else if (message.type === "Status") this.#takeStatus(message);
    else if (message.type === "Error") this.#takeError(message);
  }

  // A request was refused but the connection continues. If a rate limit was the reason, retry a little later.
  #takeError({ code, text, advice }) {
    console.warn(`${code}: ${text}; ${advice}`);
    if (code !== "rate_limited") return;
    this.asked.length = 0;
    this.#subscribeIn(RETRY_MS);
  }

  // A new connection has no subscriptions yet.
  resume() {
    this.asked.length = 0;
    this.offsets.length = 0;
    this.#subscribe();
  }

  // Show a symbol at a level of detail. The page subscribes once the level has settled, because a zoom passes through
  // several.
  want(symbol, level) {
    if (this.wanted?.symbol === symbol && this.wanted.level === level) return;
    const isZoom = this.wanted?.symbol === symbol;
    this.wanted = { symbol, level };
    if (isZoom) this.#subscribeIn(ZOOM_MS);
    else this.#subscribe();
  }

  #subscribeIn(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#subscribe(), ms);
  }

  #subscribe() {
    clearTimeout(this.timer);
    const market = this.markets.get(this.wanted?.symbol);
    if (!market) return;
    const { symbol, level } = this.wanted;
    const needed =
      level === 0
        ? [[0, [...SYMBOL_KINDS, ...CHART_KINDS]]]
        : [
            [0, SYMBOL_KINDS],
            [level, CHART_KINDS],
          ];
    const isNeeded = (one) => one.symbol === symbol && needed.some(([at]) => at === one.level);
    for (const one of this.asked.filter((other) => !isNeeded(other))) {
      this.send({ type: "Unsubscribe", symbol: one.symbol, level: one.level });
      if (this.markets.has(one.symbol)) this.markets.get(one.symbol).lods[one.level].open = null;
    }
    const before = this.asked.filter(isNeeded);
    this.asked = needed.map(([at, kinds]) => {
      const known = before.find((one) => one.level === at && one.kinds.length === kinds.length);
      if (known) return known;
      this.send({
        type: "Subscribe",
        symbol,
        level: at,
        version: PROTOCOL,
        kinds,
        positions: positionsOf(market, at, kinds),
        span_s: Math.min(1e9, (market.widthsNs[at] * MAX_HISTORY) / 1e9),
      });
      return { symbol, level: at, kinds };
    });
  }

  #takeConnected({ version, instruments, scopes }) {
    if (version !== PROTOCOL)
      throw new Error(`the server speaks protocol ${version}, this page ${PROTOCOL}: reload the page`);
    this.scopes = scopes;
    const before = this.markets;
    this.markets = new Map();
    this.order = instruments.map(({ symbol }) => symbol);
    for (const { symbol, contract, epoch, tick_size: tickSize, widths_ns: widthsNs } of instruments) {
      let market = before.get(symbol);
      if (!market || market.epoch !== epoch || market.widthsNs.join() !== widthsNs.join()) {
        market = new Market({ requested: symbol, symbol: contract, tickSize, widthsNs });
        market.epoch = epoch;
        market.held = new Map(); // what has arrived of each stream: {epoch, revision, first, next}
      }
      market.describe(contract, tickSize);
      this.markets.set(symbol, market);
    }
    this.#subscribe();
  }

  #takeStatus({ state, engine, message, sent_ns: sent, numbers }) {
    const now = performance.now() * 1e6;
    this.offsets.push(sent - now);
    if (this.offsets.length > OFFSETS) this.offsets.shift();
    // The first status has all numbers, later ones have those that changed.
    for (const [name, value] of Object.entries(numbers)) this.numbers[camel(name)] = value;
    const fields = this.numbers;
    this.status = {
      ...fields,
      state,
      engine,
      message,
      sent,
      speed: fields.speed ?? Infinity,
      rate: fields.rate ?? Infinity,
    };
  }

  #takeFrame(frame) {
    const market = this.markets.get(this.order[frame.symbol]);
    if (!market) throw new Error(`rows of instrument ${frame.symbol}, of ${this.order.length}`);
    if (frame.epoch !== market.epoch) return; // from before the epoch that Connected has announced
    if (frame.kind === Kind.BUBBLE) this.#takeBubbles(market, frame);
    else if (frame.kind === Kind.OPEN) takeOpen(market, frame);
    else if (frame.kind === Kind.EVENT) this.#takeEvents(market, frame);
    else if (frame.kind === Kind.MINUTE_LEVELS) this.#takeMinutes(market, frame);
    else if (frame.kind === Kind.PROFILE_ROWS) takeProfileRows(market, frame);
    else if (frame.kind in this.columns) this.#takeRecords(market, frame);
  }

  #takeBubbles(market, frame) {
    place(market.held, `Bubble ${frame.level}`, frame);
    const lod = market.lods[frame.level];
    if (frame.part === Part.NEWEST) lod.clear();
    if (frame.part !== Part.INCREMENT) lod.oldest = frame.oldest;
    const { bubbles, cvd } = frame.chartRows();
    if (!lod.bubbles.put(frame.sequence, bubbles) || !lod.cvd.put(frame.sequence, cvd))
      throw new Error("rows are missing");
    if (frame.part === Part.NEWEST && frame.count === 0) lod.bubbles.start = lod.bubbles.stop = frame.sequence;
  }

  #takeEvents(market, frame) {
    place(market.held, "Event 0", frame);
    const rows = frame
      .records(this.columns[frame.kind])
      .map(({ tsEvent, price, strength, value, kind, direction }) => ({
        time: tsEvent,
        price,
        strength,
        value,
        kind,
        direction,
      }));
    if (frame.part === Part.NEWEST) market.events = rows;
    else if (frame.part === Part.HISTORY) market.events = [...rows, ...market.events];
    else market.events.push(...rows);
    if (frame.part !== Part.INCREMENT) market.eventsVersion++;
    if (market.events.length > KEPT_EVENTS) market.events.splice(0, market.events.length - KEPT_EVENTS);
  }

  #takeMinutes({ held, minutes }, frame) {
    place(held, "MinuteLevels 0", frame);
    if (frame.part === Part.NEWEST) minutes.clear();
    minutes.put(frame.sequence, frame.table(this.columns[frame.kind]));
  }

  #takeRecords(market, frame) {
    const rows = frame.records(this.columns[frame.kind]);
    if (frame.kind === Kind.SESSION) [market.session] = rows;
    else if (frame.kind === Kind.LEVELS) [market.levels] = rows;
    else if (frame.kind === Kind.PROFILE) takeProfile(market, frame, rows[0]);
    else if (frame.kind === Kind.GAP) {
      const gaps = rows.map(({ start, end, kind, open }) => ({ start, end, kind, isOpen: open === 1 }));
      market.setGaps(replaced(market.gaps, market, "gapsFrom", frame, gaps));
    } else if (frame.kind === Kind.ROLL) {
      const rolls = rows.map(({ lastTs, firstTs, fromId, toId, fromSymbol, toSymbol }) => ({
        lastTs,
        firstTs,
        from: fromSymbol || `id ${fromId}`,
        to: toSymbol || `id ${toId}`,
      }));
      market.setRolls(replaced(market.rolls, market, "rollsFrom", frame, rolls));
    } else if (frame.kind === Kind.FINISHED_SESSION) {
      const sessions = rows.map((row) => ({ numbers: row.numbers, profile: { ...profileOf(row), version: 0 } }));
      market.finished = replaced(market.finished, market, "finishedFrom", frame, sessions);
    }
  }
}

// Record that rows of a stream arrived; throws if rows are missing before them.
function place(held, stream, { part, epoch, revision, sequence, next }) {
  const known = held.get(stream);
  const joins = known?.epoch === epoch && known.revision === revision;
  if (part === Part.NEWEST) held.set(stream, { epoch, revision, first: sequence, next });
  else if (joins && part === Part.HISTORY && next === known.first) known.first = sequence;
  else if (joins && part !== Part.HISTORY && sequence === known.next) known.next = next;
  else throw new Error(`${stream}: rows ${sequence} to ${next} do not join those before`);
}

// The positions in a subscription: the rows that have already arrived.
function positionsOf({ held }, level, kinds) {
  const all = [
    ["Bubble", level],
    ["Event", 0],
    ["MinuteLevels", 0],
  ];
  const streams = all.filter(([of, at]) => kinds.includes(of) && held.has(`${of} ${at}`));
  return streams.map(([of, at]) => ({ of, ...held.get(`${of} ${at}`) }));
}

// The rows of a list after a frame, which replaces those from its number on (part newest: all of them).
function replaced(rows, market, from, frame, newer) {
  if (frame.part === Part.HISTORY) {
    market[from] = frame.sequence;
    return [...newer, ...rows];
  }
  if (frame.part === Part.NEWEST || market[from] === undefined) market[from] = frame.sequence;
  return frame.part === Part.NEWEST ? newer : [...rows.slice(0, frame.sequence - market[from]), ...newer];
}

function takeOpen(market, frame) {
  const lod = market.lods[frame.level];
  if (!frame.count) {
    lod.open = null;
    return;
  }
  const { bubbles, cvd } = frame.chartRows();
  const first = (columns) => Object.fromEntries(Object.entries(columns).map(([name, [value]]) => [name, value]));
  lod.open = { ...first(bubbles), cvd: first(cvd) };
}

function profileOf(row) {
  const { base, tickSize, ticksPerRow, poc, vah, val, count, isRegular } = row;
  const part = (values) => Float64Array.from(values ?? []).subarray(0, count);
  return {
    base,
    tickSize,
    ticksPerRow,
    poc,
    vah,
    val,
    isRegular,
    lvn: [],
    row: part(row.row),
    buy: part(row.buy),
    sell: part(row.sell),
    unsided: part(row.unsided),
  };
}

// The head of a profile holds its levels. The rows follow in a separate frame.
function takeProfile(market, frame, head) {
  const none = new Float64Array(0);
  const before = market.profile ?? { row: none, buy: none, sell: none, unsided: none };
  const { base, tickSize, ticksPerRow, poc, vah, val, lvn, lvnCount, isRegular } = head;
  market.profile = Object.assign(before, {
    base,
    tickSize,
    ticksPerRow,
    poc,
    vah,
    val,
    isRegular,
    lvn: lvn.slice(0, lvnCount),
  });
  market.profile.version = frame.sequence;
}

function takeProfileRows({ profile }, frame) {
  if (!profile) return;
  const [row, ...sides] = [0, 1, 2, 3].map((at) => frame.values(at));
  if (frame.part === Part.NEWEST) {
    [profile.row, profile.buy, profile.sell, profile.unsided] = [row, ...sides];
  } else mergeRows(profile, row, sides);
  profile.version = frame.sequence;
}

// Merge changed rows into known ones by row number; both are sorted.
function mergeRows(profile, row, sides) {
  const before = [profile.buy, profile.sell, profile.unsided];
  const all = Float64Array.from(new Set([...profile.row, ...row])).sort();
  const merged = before.map(() => new Float64Array(all.length));
  for (let at = 0, old = 0, now = 0; at < all.length; at++) {
    while (profile.row[old] < all[at]) old++;
    while (row[now] < all[at]) now++;
    const isNew = row[now] === all[at];
    for (let side = 0; side < 3; side++) merged[side][at] = isNew ? sides[side][now] : before[side][old];
  }
  [profile.row, profile.buy, profile.sell, profile.unsided] = [all, ...merged];
}
