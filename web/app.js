// The page's state, and its frame: what a user sees and how. Numbers come from the feed and are never changed here.

import { Connection } from "./feed/connection.js";
import { Feed } from "./feed/feed.js";
import { Chart } from "./layers/chart.js";
import { referenceAt } from "./layers/discs.js";
import { sessionsOf } from "./layers/sessions.js";
import { GapKind } from "./market/market.js";
import { Header } from "./ui/header.js";
import { Input } from "./ui/input.js";
import { LAYERS, Menu } from "./ui/menu.js";
import { condition } from "./ui/status.js";
import { applyTheme } from "./ui/theme.js";
import { Tip, bubbleAt } from "./ui/tip.js";
import { EDGE_SHARE, TimeAxis, ValueAxis } from "./view/axes.js";
import { levelFor } from "./view/detail.js";
import { cvdExtent, isZeroNear, priceExtent } from "./view/extent.js";
import { Folds } from "./view/folds.js";
import { CVD_SHARE, arrange } from "./view/layout.js";
import { MotionClock } from "./view/motion.js";
import { View } from "./view/view.js";
import { priceText, signedText } from "./view/words.js";

const LEAST_TICKS = 24;
const LEAST_CONTRACTS = 20;
const BAND_PX = 22;
const SEARCH_S = 0.1;           // between two searches for the visible range
const EASE_S = 0.12;
const NOTE_S = 4;
const LEAST_MOVE_PX = 0.1;      // of which a moving picture is drawn again
const WRITE_S = 0.2;            // between two updates of the header of a picture that rests
const PREFERENCES = "flow_gl.view";
const FOLDED = { closed: [GapKind.CLOSED], all: [GapKind.CLOSED, GapKind.NO_TRADES], none: [] };

export class App {
  // `settings`: what the server declares: shaders, palettes, columns of rows, steps of sizes.
  constructor(settings, canvas, url) {
    this.settings = settings;
    this.canvas = canvas;
    this.defaults = { cvdShare: CVD_SHARE };
    this.time = new TimeAxis();
    this.axes = new Map();      // value axes of each instrument
    this.motion = new MotionClock();
    this.now = 0;
    this.scale = 1;
    this.level = 0;
    this.lod = null;            // shown: that of the level, once its rows have arrived
    this.lockedLod = null;
    this.symbol = null;
    this.pause = null;
    this.hiddenBefore = 0;
    this.pinned = null;
    this.reference = null;      // {cvd, time, market} from which CVD is counted a second time
    this.crosshair = null;
    this.shown = { lastPrice: 0, cvd: 0, reference: 0, referenceGoal: 0, cvdReference: null };
    this.timeline = { folds: new Folds(), first: null };
    this.lastFrame = 0;
    this.lastWrite = 0;
    this.drawn = { now: 0, version: -1, isLive: true };
    this.lastSearch = -Infinity;
    this.isAwake = true;
    this.#restore();
    this.#makeChart();
    this.header = new Header((symbol) => this.select(symbol));
    this.tip = new Tip();
    this.menu = new Menu(this);
    this.input = new Input(this, canvas);
    this.feed = new Feed(settings.columns, (message) => this.connection.send(message));
    this.connection = new Connection(url, {
      take: (message) => this.feed.take(message),
      opened: (isNew) => this.#opened(isNew),
      needsToken: (reason, isWrong) => this.#signIn(reason, isWrong),
    });
    document.getElementById("live").addEventListener("click", () => this.run(() => this.goLive()));
    new ResizeObserver(() => this.wake()).observe(canvas);
    requestAnimationFrame((at) => this.#frame(at));
  }

  #makeChart() {
    const gl = this.canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!gl) throw new Error("this browser has no WebGL2, which the chart is drawn with");
    this.chart = new Chart(gl, this.settings.shaders);
    this.canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.chart = null;
    }, { once: true });
    this.canvas.addEventListener("webglcontextrestored", () => this.#makeChart(), { once: true });
  }

  get market() {
    return this.feed.markets.get(this.symbol) ?? null;
  }

  get price() {
    return this.#valueAxes().price;
  }

  get cvd() {
    return this.#valueAxes().cvd;
  }

  #valueAxes() {
    if (!this.axes.has(this.symbol)) {
      this.axes.set(this.symbol, { price: new ValueAxis(LEAST_TICKS), cvd: new ValueAxis(LEAST_CONTRACTS), isZeroNear: false });
    }
    return this.axes.get(this.symbol);
  }

  // --- what actions do --------------------------------------------------------------------------------------------

  run(action) {
    action(this);
    this.wake();
  }

  wake() {
    this.isAwake = true;
  }

  select(symbol) {
    if (!this.feed.markets.has(symbol)) return;
    this.symbol = symbol;
    this.pinned = null;
    this.hiddenBefore = 0;
    if (this.pause) this.togglePause();
    this.#keep();
    this.wake();
  }

  selectNumber(number) {
    const symbol = this.feed.names[number - 1];
    if (symbol) this.select(symbol);
  }

  togglePause() {
    const { lod } = this;
    this.pause = this.pause ? null : { event: this.now, closed: this.#newest(), open: { lod, row: lod?.openRow ?? null } };
  }

  #newest() {
    return this.market?.lods[0].bubbles.stop ?? 0;
  }

  goLive() {
    this.time.follow();
    this.price.reset();
  }

  clear() {
    this.hiddenBefore = this.hiddenBefore ? 0 : this.now;
    this.say(this.hiddenBefore ? "bubbles so far are hidden" : "all bubbles shown");
  }

  toggleLock() {
    this.lockedLod = this.lockedLod === null ? this.level : null;
  }

  autoScale() {
    this.price.reset();
    this.cvd.reset();
  }

  stepSession(direction) {
    const { market } = this;
    if (!market) return;
    const starts = sessionsOf(market).map(({ start }) => start);
    const margin = 0.02 * this.time.width;
    const left = this.time.timeAt(0, this.now, this.timeline);
    const slack = 2 * margin * this.time.nsPerPx;
    const found = direction < 0 ? starts.findLast((start) => start < left - slack) : starts.find((start) => start > left + slack);
    if (found === undefined) {
      if (direction > 0) this.time.follow();
      this.say(direction < 0 ? "no earlier session is known" : "this is the newest session");
      return;
    }
    const folded = this.timeline.folds.at(this.time.nsPerPx);
    const edge = folded.shifted(found, (EDGE_SHARE * this.time.width - margin) * this.time.nsPerPx);
    this.time.parked = edge < this.now ? edge : null;
  }

  toggleLayer(name) {
    if (!this.visible.delete(name)) this.visible.add(name);
    this.#keep();
    this.wake();
  }

  nextPalette() {
    const names = Object.keys(this.settings.palettes);
    this.#usePalette(names[(names.indexOf(this.paletteName) + 1) % names.length]);
    this.#keep();
  }

  #usePalette(name) {
    this.paletteName = name in this.settings.palettes ? name : Object.keys(this.settings.palettes)[0];
    this.palette = this.settings.palettes[this.paletteName];
    applyTheme(this.palette);
  }

  get isMenuOpen() {
    return this.menu.isOpen;
  }

  toggleMenu() {
    this.menu.toggle();
  }

  toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.();
  }

  command({ name, value }) {
    if (!this.feed.scopes.includes("control")) this.say("this needs a token with the scope control");
    else this.connection.send({ type: "Command", name, value });
  }

  // A line that goes away by itself.
  say(text) {
    const note = document.getElementById("note");
    note.textContent = text;
    note.hidden = false;
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => { note.hidden = true; }, 1000 * NOTE_S);
  }

  point(place) {
    this.crosshair = place;
    this.wake();
  }

  click(place) {
    const found = this.scene ? bubbleAt(this.scene, ...place) : null;
    this.pinned = found === this.pinned ? null : found;
  }

  // --- connection -------------------------------------------------------------------------------------------------

  #opened(isNew) {
    if (!this.feed.markets.has(this.symbol)) {
      const kept = this.kept?.symbol;
      this.symbol = this.feed.markets.has(kept) ? kept : this.feed.names[0] ?? null;
    }
    document.getElementById("sign-in").hidden = true;
    if (isNew) this.feed.resume();
    this.wake();
  }

  #signIn(reason, isWrong) {
    const form = document.getElementById("sign-in");
    const field = document.getElementById("token");
    form.hidden = false;
    form.classList.toggle("is-wrong", isWrong);
    document.getElementById("sign-in-reason").textContent =
      isWrong ? `This token was refused: ${reason}` : "This server asks for an access token.";
    field.value = "";
    field.focus();
    form.onsubmit = (event) => {
      event.preventDefault();
      form.hidden = true;
      this.connection.signIn(field.value.trim());
      field.value = "";
    };
    this.wake();
  }

  // --- preferences: how the page looks, kept in this browser ------------------------------------------------------

  #restore() {
    try {
      this.kept = JSON.parse(localStorage.getItem(PREFERENCES));
    } catch {
      this.kept = null;
    }
    const kept = this.kept?.visible ?? Object.keys(LAYERS);
    this.visible = new Set(kept.filter((name) => name in LAYERS));
    this.cvdShare = this.kept?.cvdShare ?? CVD_SHARE;
    this.hasCandles = this.kept?.hasCandles ?? false;
    this.folding = this.kept?.folding in FOLDED ? this.kept.folding : "closed";
    this.#usePalette(this.kept?.palette);
  }

  #keep() {
    const { symbol, visible, cvdShare, hasCandles, folding, paletteName: palette } = this;
    try {
      localStorage.setItem(PREFERENCES, JSON.stringify({ symbol, visible: [...visible], cvdShare, hasCandles, folding, palette }));
    } catch {
      // Private windows may have no storage: the page works without it.
    }
  }

  // --- a frame ----------------------------------------------------------------------------------------------------

  #frame(at) {
    requestAnimationFrame((next) => this.#frame(next));
    const dt = Math.min(0.25, (at - this.lastFrame) / 1000);
    this.lastFrame = at;
    const said = this.#condition();
    if (said.isLive || this.now === 0) this.now = this.motion.step(this.feed.status, this.feed.wall, dt);
    if (this.#isDue(said)) {
      this.isAwake = false;
      this.drawn = { now: this.now, version: this.feed.version, isLive: said.isLive };
      if (this.market && this.chart && this.#measure()) this.#draw(this.market, said, at / 1000, dt);
    } else if (at - this.lastWrite < 1000 * WRITE_S) return;
    this.lastWrite = at;
    this.#write(said);
  }

  // Whether the picture would differ from the one that is drawn.
  #isDue(said) {
    const { now, version, isLive } = this.drawn;
    const moved = Math.abs(this.now - now) / (this.time.nsPerPx || 1);
    return this.isAwake || version !== this.feed.version || isLive !== said.isLive || moved > LEAST_MOVE_PX;
  }

  #condition() {
    return condition({
      link: this.connection.facts, status: this.feed.status, market: this.market, wall: this.feed.wall, event: this.now,
      paused: this.pause ? this.#newest() - this.pause.closed : null,
    });
  }

  // Size of the canvas and its panes; returns whether there is room to draw.
  #measure() {
    const { canvas } = this;
    this.scale = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((px) => Math.round(px * this.scale));
    if (!width || !height) return false;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const { market, chart, scale } = this;
    const widest = market.session ? priceText(market.session.high ?? 0, market.tickSize) : "";
    const needed = chart.text.width(widest, 14 * scale, true) + 28 * scale;
    this.layout = arrange(width, height, scale, this.cvdShare, Math.ceil(needed));
    return true;
  }

  #draw(market, said, wall, dt) {
    const { layout, time } = this;
    time.fit(layout.price.width);
    this.timeline = { folds: this.#folds(market), first: market.firstNs };
    this.level = levelFor(time.nsPerPx, market.widthsNs, { current: this.level, locked: this.lockedLod, scale: this.scale });
    this.feed.want(this.symbol, this.level);
    const lod = this.#lodToShow(market);
    const isMoving = this.#fitAxes(market, lod, wall, dt);
    this.#ease(market, lod, dt);
    this.scene = this.#freeze(market, lod, said, wall);
    const hasBlend = this.chart.draw(this.scene);
    if (isMoving || hasBlend) this.wake();
    const [x, y] = this.crosshair ?? [0, 0];
    this.tip.show(this.scene, this.scene.hovered ?? this.scene.pinned, x / this.scale, y / this.scale);
  }

  // The level of detail of the zoom or, until its first rows are here, the one shown before.
  #lodToShow(market) {
    const wanted = market.lods[this.level];
    const isHere = wanted.bubbles.count > 0 || wanted.openRow;
    if (isHere || !market.lods.includes(this.lod)) this.lod = wanted;
    return this.lod;
  }

  // The same object while the gaps are the same.
  #folds(market) {
    const kinds = FOLDED[this.folding];
    const intervals = market.gaps.filter(({ kind }) => kinds.includes(kind))
      .map(({ start, end, isOpen }) => [start, isOpen ? Math.max(end, this.now) : end]);
    const key = `${this.scale} ${intervals.map(([start, end]) => `${start} ${Math.round(end / 1e9)}`).join()}`;
    if (key !== this.foldsKey) [this.foldsKey, this.foldsKept] = [key, new Folds(intervals, BAND_PX * this.scale)];
    return this.foldsKept;
  }

  // Let the automatic axes follow what is visible. Returns whether they still move.
  #fitAxes(market, lod, wall, dt) {
    const axes = this.#valueAxes();
    const { price, cvd } = axes;
    if (wall - this.lastSearch > SEARCH_S || price.perPx <= 0 || this.isAwake) {
      this.lastSearch = wall;
      const left = Math.max(this.time.timeAt(0, this.now, this.timeline), this.hiddenBefore);
      const right = Math.min(this.time.timeAt(this.time.width, this.now, this.timeline), this.pause?.event ?? Infinity);
      axes.priceSeen = priceExtent(lod, left, right, market.tickSize) ?? axes.priceSeen;
      const seen = cvdExtent(lod, left, right, this.hasCandles);
      if (seen) {
        axes.isZeroNear = isZeroNear(seen, axes.isZeroNear);
        axes.cvdSeen = axes.isZeroNear ? [Math.min(seen[0], 0), Math.max(seen[1], 0)] : seen;
      }
      if (!axes.priceSeen && market.session?.tradeCount) {
        const last = market.session.lastPrice / market.tickSize;
        axes.priceSeen = { low: last, high: last };
      }
    }
    let isMoving = false;
    if (axes.priceSeen) isMoving = price.fit(axes.priceSeen.low, axes.priceSeen.high, this.layout.price.height, dt);
    if (axes.cvdSeen) isMoving = cvd.fit(...axes.cvdSeen, this.layout.cvd.height, dt) || isMoving;
    return isMoving;
  }

  #ease(market, lod, dt) {
    const { shown, pause } = this;
    const goal = referenceAt(market.reference, market.bucketNs, lod.widthNs, this.settings.reference_steps);
    const isNew = shown.lod !== lod || shown.reference <= 0;
    shown.reference = isNew ? goal : shown.reference + (goal - shown.reference) * Math.min(1, dt / EASE_S);
    if (Math.abs(shown.reference - goal) < 0.002 * goal) shown.reference = goal;
    shown.referenceGoal = goal;
    if (!pause || shown.market !== market) {
      shown.lastPrice = market.session?.lastPrice ?? 0;
      shown.cvd = market.session?.cvd ?? 0;
    }
    [shown.lod, shown.market] = [lod, market];
    if (this.reference && (this.reference.market !== market || this.reference.time < market.session.cvdSince)) this.reference = null;
    shown.cvdReference = this.reference && {
      text: `${signedText(shown.cvd - this.reference.cvd)}, session ${signedText(shown.cvd)}`,
    };
  }

  #freeze(market, lod, said, wall) {
    const { layout, time, scale, canvas } = this;
    const folded = this.timeline.folds.at(time.nsPerPx);
    const common = { right: time.timeAt(layout.price.width, this.now, this.timeline), nsPerPx: time.nsPerPx, scale, folded };
    const pane = (rect, axis) => new View({ ...common, rect, top: axis.top(rect.height), perPx: axis.perPx || 1 });
    const { priceSeen } = this.#valueAxes();
    const scene = {
      market,
      lod,
      price: pane(layout.price, this.price),
      cvd: pane(layout.cvd, this.cvd),
      profileRect: layout.profile,
      style: {
        palette: this.palette, threshold: this.settings.threshold, sizeFloor: 0, radiusMin: 3, radiusMax: 40, sizeScale: 1,
        hasCandles: this.hasCandles, visible: this.visible,
      },
      shown: this.shown,
      now: this.now,
      liveX: EDGE_SHARE * layout.price.width + folded.between(time.edge(this.now), this.now) / time.nsPerPx,
      wall,
      isLive: said.isLive,
      hiddenBefore: this.hiddenBefore,
      until: this.pause?.event ?? Infinity,
      pausedOpen: this.pause?.open ?? null,
      below: this.price.isAuto ? priceSeen?.below : null,
      above: this.price.isAuto ? priceSeen?.above : null,
      hovered: null,
      pinned: this.pinned,
      crosshair: this.crosshair,
      priceAxis: layout.priceAxis.width,
      timeAxis: layout.timeAxis.height,
      size: { width: canvas.width, height: canvas.height },
    };
    if (this.crosshair) scene.hovered = bubbleAt(scene, ...this.crosshair);
    return scene;
  }

  #write(said) {
    const { market } = this;
    document.body.classList.toggle("is-stale", !said.isLive);
    this.header.update({
      names: this.feed.names, symbol: this.symbol, market, said, lod: market && this.lod ? this.lod : null,
      isLocked: this.lockedLod !== null, isFollowing: this.time.isLive && this.price.isAuto, reference: this.reference,
    });
    const notice = document.getElementById("notice");
    const text = market?.hasTrades || !document.getElementById("sign-in").hidden ? "" : awaited(said, market);
    notice.hidden = !text;
    if (notice.textContent !== text) notice.textContent = text;
  }
}

// What an empty chart waits for.
function awaited(said, market) {
  if (said.isLive && market) return `waiting for the first trade of ${market.requested}`;
  return said.detail || said.text.toLowerCase();
}
