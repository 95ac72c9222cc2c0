// The page's state and its frame. Numbers come from the feed and are never changed here.

import { Connection } from "./feed/connection.js";
import { Feed } from "./feed/feed.js";
import { Chart } from "./layers/chart.js";
import { ShownValues } from "./layers/shown_values.js";
import { Header } from "./ui/header.js";
import { Input } from "./ui/input.js";
import { LAYERS, Menu } from "./ui/menu.js";
import { note } from "./ui/note.js";
import { keepPreferences, readPreferences } from "./ui/preferences.js";
import { askForToken, hideSignIn, isAskingForToken } from "./ui/sign_in.js";
import { awaited, condition } from "./ui/status.js";
import { applyTheme } from "./ui/theme.js";
import { Tip, bubbleAt } from "./ui/tip.js";
import { Transport } from "./ui/transport.js";
import { AutoAxes } from "./view/auto_axes.js";
import { EDGE_SHARE, TimeAxis } from "./view/axes.js";
import { levelFor } from "./view/detail.js";
import { CVD_SHARE, arrange } from "./view/layout.js";
import { MotionClock } from "./view/motion.js";
import { FOLDED, Timeline } from "./view/timeline.js";
import { View } from "./view/view.js";
import { priceText } from "./view/words.js";

const MIN_MOVE_PX = 0.1; // a moving picture is redrawn once it has moved this far
const WRITE_S = 0.2; // between two updates of the header while the picture does not change

export class App {
  notify = note;

  // `settings`: the server's chart.json: shaders, palettes, columns of rows, size steps.
  constructor(settings, canvas, url) {
    this.settings = settings;
    this.canvas = canvas;
    this.defaults = { cvdShare: CVD_SHARE };
    this.time = new TimeAxis();
    this.axesOf = new Map(); // value axes, by instrument
    this.motion = new MotionClock();
    this.now = 0;
    this.scale = 1;
    this.level = 0;
    this.lod = null; // the level of detail shown: the chosen one, once its rows have arrived
    this.lockedLod = null;
    this.symbol = null;
    this.pause = null;
    this.hiddenBefore = 0;
    this.pinned = null;
    this.reference = null; // {cvd, time, market} from which CVD is counted a second time
    this.crosshair = null;
    this.shown = new ShownValues(settings.reference_steps);
    this.timeline = new Timeline();
    this.lastFrame = 0;
    this.lastWrite = 0;
    this.drawn = { now: 0, version: -1, isLive: true };
    this.isAwake = true;
    this.#restore();
    this.#makeChart();
    this.header = new Header((symbol) => this.select(symbol));
    this.tip = new Tip();
    this.menu = new Menu(this);
    this.input = new Input(this, canvas);
    this.transport = new Transport(this);
    this.feed = new Feed(settings.columns, (message) => this.connection.send(message));
    this.connection = new Connection(url, {
      take: (message) => this.feed.take(message),
      opened: (isNew) => this.#opened(isNew),
      needsToken: (reason, isWrong) => {
        askForToken(reason, isWrong, (token) => this.connection.signIn(token));
        this.wake();
      },
    });
    document.getElementById("live").addEventListener("click", () => this.run(() => this.goLive()));
    new ResizeObserver(() => this.wake()).observe(canvas);
    requestAnimationFrame((at) => this.#frame(at));
  }

  #makeChart() {
    const gl = this.canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!gl) throw new Error("this browser has no WebGL2, which the chart is drawn with");
    this.chart = new Chart(gl, this.settings.shaders);
    this.canvas.addEventListener(
      "webglcontextlost",
      (event) => {
        event.preventDefault();
        this.chart = null;
      },
      { once: true },
    );
    this.canvas.addEventListener(
      "webglcontextrestored",
      () => {
        this.#makeChart();
        this.wake();
      },
      { once: true },
    );
  }

  get market() {
    return this.feed.markets.get(this.symbol) ?? null;
  }

  get axes() {
    if (!this.axesOf.has(this.symbol)) this.axesOf.set(this.symbol, new AutoAxes());
    return this.axesOf.get(this.symbol);
  }

  get price() {
    return this.axes.price;
  }

  get cvd() {
    return this.axes.cvd;
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
    this.pause = this.pause
      ? null
      : { event: this.now, closed: this.#newest(), open: { lod, row: lod?.openRow ?? null } };
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
    this.notify(this.hiddenBefore ? "bubbles so far are hidden" : "all bubbles shown");
  }

  toggleLock() {
    this.lockedLod = this.lockedLod === null ? this.level : null;
  }

  autoScale() {
    this.price.reset();
    this.cvd.reset();
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
      this.symbol = this.feed.markets.has(this.keptSymbol) ? this.keptSymbol : (this.feed.names[0] ?? null);
    }
    hideSignIn();
    if (isNew) this.feed.resume();
    this.wake();
  }

  // --- preferences: how the page looks, kept in this browser ------------------------------------------------------

  #restore() {
    const kept = readPreferences();
    this.keptSymbol = kept.symbol;
    this.visible = new Set((kept.visible ?? Object.keys(LAYERS)).filter((name) => name in LAYERS));
    this.cvdShare = kept.cvdShare ?? CVD_SHARE;
    this.hasCandles = kept.hasCandles ?? false;
    this.folding = kept.folding in FOLDED ? kept.folding : "closed";
    this.#usePalette(kept.palette);
  }

  #keep() {
    const { symbol, visible, cvdShare, hasCandles, folding, paletteName: palette } = this;
    keepPreferences({ symbol, visible: [...visible], cvdShare, hasCandles, folding, palette });
  }

  // --- a frame ----------------------------------------------------------------------------------------------------

  #frame(at) {
    requestAnimationFrame((next) => this.#frame(next));
    const dt = Math.min(0.25, (at - this.lastFrame) / 1000);
    this.lastFrame = at;
    const said = this.#condition();
    const wasAwake = this.isAwake;
    if (said.isLive || this.now === 0) this.now = this.motion.step(this.feed.status, this.feed.wall, dt);
    if (this.#isDue(said)) {
      this.isAwake = false;
      this.drawn = { now: this.now, version: this.feed.version, isLive: said.isLive };
      if (this.market && this.chart && this.#measure()) this.#draw(this.market, said, at / 1000, dt, wasAwake);
    } else if (at - this.lastWrite < 1000 * WRITE_S) return;
    this.lastWrite = at;
    this.#write(said);
  }

  // Whether a redraw would change the picture.
  #isDue(said) {
    const { now, version, isLive } = this.drawn;
    const moved = Math.abs(this.now - now) / (this.time.nsPerPx || 1);
    return this.isAwake || version !== this.feed.version || isLive !== said.isLive || moved > MIN_MOVE_PX;
  }

  #condition() {
    return condition({
      link: this.connection.facts,
      status: this.feed.status,
      market: this.market,
      wall: this.feed.wall,
      event: this.now,
      paused: this.pause ? this.#newest() - this.pause.closed : null,
    });
  }

  // Set the size of the canvas and its panes; returns whether there is room to draw.
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

  #draw(market, said, wall, dt, isDue) {
    const { layout, time } = this;
    time.fit(layout.price.width);
    this.timeline.update(market, this.folding, this.now, this.scale);
    this.level = levelFor(time.nsPerPx, market.widthsNs, {
      current: this.level,
      locked: this.lockedLod,
      scale: this.scale,
    });
    this.feed.want(this.symbol, this.level);
    const lod = this.#lodToShow(market);
    const isMoving = this.#fitAxes(market, lod, wall, dt, isDue);
    this.#dropReference(market);
    this.shown.update(market, lod, dt, this.pause !== null, this.reference);
    this.scene = this.#freeze(market, lod, said, wall);
    const hasBlend = this.chart.draw(this.scene);
    if (isMoving || hasBlend) this.wake();
    const [x, y] = this.crosshair ?? [0, 0];
    this.tip.show(this.scene, this.scene.hovered ?? this.scene.pinned, x / this.scale, y / this.scale);
  }

  // The level of detail of the zoom or, until its first rows have arrived, the one shown before.
  #lodToShow(market) {
    const wanted = market.lods[this.level];
    const isHere = wanted.bubbles.count > 0 || wanted.openRow;
    if (isHere || !market.lods.includes(this.lod)) this.lod = wanted;
    return this.lod;
  }

  // Move the automatic axes towards the visible data. Returns whether they are still moving.
  #fitAxes(market, lod, wall, dt, isDue) {
    const left = Math.max(this.time.timeAt(0, this.now, this.timeline), this.hiddenBefore);
    const right = Math.min(this.time.timeAt(this.time.width, this.now, this.timeline), this.pause?.event ?? Infinity);
    this.axes.search(market, lod, left, right, { wall, isDue, hasCandles: this.hasCandles });
    return this.axes.fit(this.layout, dt);
  }

  // CVD restarted or the instrument changed, so CVD no longer counts from the chosen time.
  #dropReference(market) {
    const { reference } = this;
    if (reference && (reference.market !== market || reference.time < market.session.cvdSince)) this.reference = null;
  }

  #freeze(market, lod, said, wall) {
    const { layout, time, scale, canvas } = this;
    const folded = this.timeline.folds.at(time.nsPerPx);
    const common = {
      right: time.timeAt(layout.price.width, this.now, this.timeline),
      nsPerPx: time.nsPerPx,
      scale,
      folded,
    };
    const pane = (rect, axis) => new View({ ...common, rect, top: axis.top(rect.height), perPx: axis.perPx || 1 });
    const { priceSeen } = this.axes;
    const scene = {
      market,
      lod,
      price: pane(layout.price, this.price),
      cvd: pane(layout.cvd, this.cvd),
      profileRect: layout.profile,
      style: {
        palette: this.palette,
        threshold: this.settings.threshold,
        sizeFloor: 0,
        radiusMin: 3,
        radiusMax: 40,
        sizeScale: 1,
        hasCandles: this.hasCandles,
        visible: this.visible,
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
      names: this.feed.names,
      symbol: this.symbol,
      market,
      said,
      lod: market && this.lod ? this.lod : null,
      isLocked: this.lockedLod !== null,
      isFollowing: this.time.isLive && this.price.isAuto,
      reference: this.reference,
    });
    this.transport.update(this.feed, this.now);
    const notice = document.getElementById("notice");
    const text = market?.hasTrades || isAskingForToken() ? "" : awaited(said, market);
    notice.hidden = !text;
    if (notice.textContent !== text) notice.textContent = text;
  }
}
