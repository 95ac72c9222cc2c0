// The transport bar of a replay: play, steps, speed, time and position. It is shown to users who may move the replay;
// all clients of the server see the same replay.

import { clockText, dayText, speedText, zoneName } from "../view/words.js";
import { ACTIONS, move } from "./actions.js";
import { canMove, isStopped } from "./status.js";

const SVG = "http://www.w3.org/2000/svg";
// Signs in a square of 24, as the program's: a triangle points where it leads, a bar means a session.
const SIGNS = {
  session_back: "M17 7v10l-8-5zM6 7h2v10H6z",
  bubble_back: "M16 6v12l-9-6z",
  play: "M8 5v14l12-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  bubble_on: "M8 6v12l9-6z",
  session_on: "M7 7v10l8-5zM16 7h2v10h-2z",
  event_back: "M12 8v8l-7-4zM18 8l4 8h-8z",
  event_on: "M3 8v8l7-4zM17 8l4 8h-8z",
  trade_on: "M4 8v8l7-4zM17 9a3 3 0 1 0 .01 0z",
  slower: "M6 11h12v2H6z",
  faster: "M11 6h2v5h5v2h-5v5h-2v-5H6v-2h5z",
};
const BY_NAME = new Map(ACTIONS.map((action) => [action.name, action]));

export class Transport {
  constructor(app) {
    this.app = app;
    this.bar = document.getElementById("transport");
    this.seek = document.getElementById("seek");
    this.isDragged = false;
    this.first = 0;
    this.shown = new Map();
    for (const button of this.bar.querySelectorAll("button")) this.#fill(button);
    this.seek.addEventListener("input", () => {
      this.isDragged = true;
      app.wake();
    });
    this.seek.addEventListener("change", () => {
      this.isDragged = false;
      app.run(() => move(app, { name: "seek", value: Math.round(this.#chosen()) }));
      document.getElementById("chart").focus(); // the keys are the chart's again
    });
  }

  #fill(button) {
    const { title, label, run } = BY_NAME.get(button.id);
    button.title = label ? `${title} (${label})` : title;
    button.setAttribute("aria-label", title);
    const [svg, path] = ["svg", "path"].map((name) => document.createElementNS(SVG, name));
    svg.setAttribute("viewBox", "0 0 24 24");
    path.setAttribute("d", SIGNS[button.id] ?? SIGNS.play);
    svg.append(path);
    button.append(svg);
    button.addEventListener("click", () => {
      this.app.run(run);
      document.getElementById("chart").focus();
    });
  }

  #chosen() {
    return this.first + 1e9 * Number(this.seek.value);
  }

  #set(name, value, apply) {
    if (this.shown.get(name) === value) return;
    this.shown.set(name, value);
    apply(value);
  }

  // `now`: the time that the picture has reached, ns.
  update(feed, now) {
    this.bar.hidden = !canMove(feed);
    if (this.bar.hidden) return;
    const { status } = feed;
    this.first = status.firstEvent;
    const length = Math.ceil((status.lastEvent - status.firstEvent) / 1e9);
    const reached = status.isHeld ? status.anchorEvent : now; // the picture may still be easing towards it
    const at = status.seeking || Math.min(Math.max(reached, status.firstEvent), status.lastEvent);
    this.#set("length", length, (value) => {
      this.seek.max = value;
    });
    if (!this.isDragged) {
      this.#set("at", Math.round((at - this.first) / 1e9), (value) => {
        this.seek.value = value;
      });
    } else this.shown.delete("at");
    const isWaiting = isStopped(status);
    this.#set("sign", isWaiting ? SIGNS.play : SIGNS.pause, (value) => {
      this.bar.querySelector("#pause path").setAttribute("d", value);
    });
    const time = this.isDragged ? this.#chosen() : at;
    this.#set("clock", clockText(time), (value) => {
      document.getElementById("clock").textContent = value;
    });
    const read = status.indexed < 1 ? ` \u00b7 read ${Math.floor(100 * status.indexed)} %` : "";
    this.#set("day", status.seeking ? `seeking${read}` : `${dayText(time)} ${zoneName(time)}`, (value) => {
      document.getElementById("day").textContent = value;
    });
    this.#set("speed", speedText(status.speed), (value) => {
      document.getElementById("speed").textContent = value;
    });
  }
}
