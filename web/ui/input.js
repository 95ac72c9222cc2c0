// Mouse, wheel, touch and keys. The wheel and a pinch zoom around the pointer, a drag pans or scales, a double click
// resets: the desktop's rules (ui/input/gestures.py). All positions are canvas pixels.

import { shareFromDrag } from "../view/layout.js";
import { actionOf } from "./actions.js";

const WHEEL_STEP = 1.18;
const NOTCH_PX = 100; // what browsers report for one notch of a wheel
const CLICK_PX = 4;
const PRICE_LOCK_PX = 14; // vertical drag that fixes an automatic price scale
const AXIS_DRAG_PX = 220; // drag on an axis that changes its scale by the factor e
const CURSORS = {
  price: "plot",
  cvd: "plot",
  timeAxis: "axis-x",
  priceAxis: "axis-y",
  cvdAxis: "axis-y",
  splitter: "splitter",
};

export class Input {
  constructor(app, canvas) {
    this.app = app;
    this.canvas = canvas;
    this.pointers = new Map(); // pointers that are down, by id: {x, y}
    this.grabbed = null; // {zone, from, last, moved, hasLetGo}
    this.pinch = null;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => app.point(null));
    canvas.addEventListener("dblclick", (event) => this.#reset(this.#place(event)));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    addEventListener("keydown", (event) => this.#key(event));
  }

  #place({ offsetX, offsetY }) {
    const { scale } = this.app;
    return [offsetX * scale, offsetY * scale];
  }

  #zone([x, y]) {
    const { layout } = this.app;
    const names = ["splitter", "price", "cvd", "timeAxis", "priceAxis", "cvdAxis"];
    return layout ? (names.find((name) => layout[name].contains(x, y)) ?? null) : null;
  }

  #down(event) {
    this.canvas.focus();
    const place = this.#place(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, place);
    if (this.pointers.size === 2) {
      this.pinch = this.#span();
      this.grabbed = null;
      this.app.point(null);
    } else if (this.pointers.size === 1) {
      this.grabbed = { zone: this.#zone(place), from: place, last: place, moved: 0, hasLetGo: false };
    }
  }

  #span() {
    const [[ax, ay], [bx, by]] = [...this.pointers.values()];
    return { x: 0.5 * (ax + bx), y: 0.5 * (ay + by), length: Math.max(24, Math.hypot(ax - bx, ay - by)) };
  }

  #move(event) {
    const place = this.#place(event);
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, place);
    if (this.pinch && this.pointers.size >= 2) {
      this.#pinched();
    } else if (this.grabbed) {
      this.#drag(place);
    }
    const zone = this.grabbed?.zone ?? this.#zone(place);
    this.canvas.className = CURSORS[zone] ?? "";
    if (this.pinch) return;
    const isTouch = event.pointerType === "touch";
    this.app.point((zone === "price" || zone === "cvd") && !(isTouch && this.grabbed?.moved > CLICK_PX) ? place : null);
  }

  #pinched() {
    const { app, pinch } = this;
    const now = this.#span();
    app.time.pan(now.x - pinch.x, app.now, app.timeline);
    app.time.zoom(pinch.length / now.length, now.x, app.now, app.timeline);
    this.pinch = now;
    app.wake();
  }

  #drag(place) {
    const { app, grabbed } = this;
    const { zone, from } = grabbed;
    const limit = CLICK_PX * app.scale;
    const wasClick = grabbed.moved <= limit;
    grabbed.moved = Math.max(grabbed.moved, Math.abs(place[0] - from[0]), Math.abs(place[1] - from[1]));
    if (grabbed.moved <= limit) return;
    const last = wasClick ? from : grabbed.last;
    const [dx, dy] = [place[0] - last[0], place[1] - last[1]];
    grabbed.last = place;
    const share = (moved) => Math.exp(moved / (AXIS_DRAG_PX * app.scale));
    const { price, cvd } = app.layout;
    if (zone === "price" || zone === "cvd") app.time.pan(dx, app.now, app.timeline);
    if (zone === "price") this.#dragPrice(place, dy);
    else if (zone === "priceAxis") app.price.zoom(share(dy), 0.5 * price.height, price.height);
    else if (zone === "cvdAxis") app.cvd.zoom(share(dy), 0.5 * cvd.height, cvd.height);
    else if (zone === "timeAxis") app.time.zoom(share(-dx), app.time.width, app.now, app.timeline);
    else if (zone === "splitter") app.cvdShare = shareFromDrag(app.layout, place[1]);
    app.wake();
  }

  #dragPrice(place, dy) {
    const { app, grabbed } = this;
    if (app.price.isAuto && !grabbed.hasLetGo) {
      if (Math.abs(place[1] - grabbed.from[1]) < PRICE_LOCK_PX * app.scale) return;
      grabbed.hasLetGo = true;
      return;
    }
    app.price.pan(dy);
  }

  #up(event) {
    const { app, grabbed } = this;
    this.pointers.delete(event.pointerId);
    if (this.pinch) {
      if (this.pointers.size < 2) this.pinch = null;
      app.time.settle(app.now, app.timeline, app.scale);
    } else if (grabbed) {
      if (grabbed.moved > CLICK_PX * app.scale) app.time.settle(app.now, app.timeline, app.scale);
      else if (grabbed.zone === "price") app.click(grabbed.from);
      this.grabbed = null;
      if (event.pointerType === "touch" && grabbed.moved > CLICK_PX * app.scale) app.point(null);
    }
    app.wake();
  }

  #reset(place) {
    const { app } = this;
    const zone = this.#zone(place);
    if (zone === "priceAxis") app.price.reset();
    else if (zone === "cvdAxis") app.cvd.reset();
    else if (zone === "timeAxis") app.time.reset();
    else if (zone === "splitter") app.cvdShare = app.defaults.cvdShare;
    app.wake();
  }

  #wheel(event) {
    event.preventDefault();
    const { app } = this;
    const place = this.#place(event);
    const zone = this.#zone(place);
    if (!zone || this.grabbed) return;
    const unit = event.deltaMode === 0 ? NOTCH_PX : 3;
    const notches = -(event.deltaY || (event.shiftKey ? event.deltaX : 0)) / unit;
    const factor = WHEEL_STEP ** -notches;
    const { price, cvd } = app.layout;
    if (zone === "priceAxis" || (zone === "price" && event.shiftKey))
      app.price.zoom(factor, place[1] - price.y, price.height);
    else if (zone === "cvdAxis" || (zone === "cvd" && event.shiftKey))
      app.cvd.zoom(factor, place[1] - cvd.y, cvd.height);
    else {
      if (event.deltaX && !event.shiftKey)
        app.time.pan((-event.deltaX / unit) * 0.05 * price.width, app.now, app.timeline);
      if (notches) app.time.zoom(factor, place[0], app.now, app.timeline);
      app.time.settle(app.now, app.timeline);
    }
    app.wake();
  }

  #key(event) {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    if (/^[1-9]$/.test(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey) {
      this.app.selectNumber(Number(event.key));
      return;
    }
    const action = actionOf(event);
    if (!action || (event.target instanceof HTMLButtonElement && event.key === " ")) return;
    event.preventDefault();
    this.app.run(action.run);
  }
}
