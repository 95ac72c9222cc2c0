// Actions of keys and menu: name, title, keys (`KeyboardEvent.key` in lower case, after "ctrl+" or "shift+"), group,
// and the key as the menu shows it. Names, titles and keys are the desktop's (ui/input/actions.py).

import { EDGE_SHARE } from "../view/axes.js";
import { clockText } from "../view/words.js";
import { stepSession } from "./session_steps.js";
import { canMove, isStopped } from "./status.js";

const ZOOM_STEP = 1.25;
const FOLDINGS = {
  closed: "closed hours are folded",
  all: "closed hours and times without trades are folded",
  none: "no time is folded",
};
const NO_REPLAY = "this works in a replay of files, with a token that has the scope control";
const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 1000, 3000, 10_000, Infinity];

// Send a command, which acts for all clients of the server.
function command(app, fields) {
  if (!app.feed.scopes.includes("control")) app.notify("this needs a token with the scope control");
  else app.connection.send({ type: "Command", ...fields });
}

// Move the replay; the picture follows.
export function move(app, fields) {
  command(app, fields);
  app.time.follow();
  app.pause = null;
}

const zoom = (factor) => (app) => app.time.zoom(factor, EDGE_SHARE * app.time.width, app.now, app.timeline);

const pan = (share) => (app) => {
  app.time.pan(share * app.time.width, app.now, app.timeline);
  app.time.settle(app.now, app.timeline);
};

const speed = (direction) => (app) => {
  const now = app.feed.status?.speed ?? 1;
  const next =
    direction > 0 ? (SPEEDS.find((one) => one > now) ?? Infinity) : (SPEEDS.findLast((one) => one < now) ?? SPEEDS[0]);
  command(app, { name: "set_speed", value: Number.isFinite(next) ? next : null });
};

// A step of the replay at the level of detail shown, if the user may move it.
const step = (to, value) => (app) => {
  if (!canMove(app.feed)) app.notify(NO_REPLAY);
  else move(app, { name: "step", value, to, symbol: app.symbol, level: app.level });
};

// Pause or play the replay, as the program does; only the picture if the user may not move the replay.
function pause(app) {
  const { status } = app.feed;
  if (app.pause || !canMove(app.feed)) app.togglePause();
  else command(app, { name: isStopped(status) ? "play" : "pause" });
}

const session = (direction) => (app) => app.notify(stepSession(app, direction));

function setReference(app) {
  const { market } = app;
  if (!market?.session?.tradeCount) return;
  app.reference = { cvd: market.session.cvd, time: market.session.lastTs, market };
  app.notify(`CVD is also counted from ${clockText(market.session.lastTs)}  \u00b7  Ctrl+Z undoes`);
}

function fold(app) {
  const names = Object.keys(FOLDINGS);
  app.folding = names[(names.indexOf(app.folding) + 1) % names.length];
  app.notify(FOLDINGS[app.folding]);
}

function toggleFullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
}

function stepBack(app) {
  if (app.isMenuOpen) app.toggleMenu();
  else if (app.pinned !== null) app.pinned = null;
  else if (app.hiddenBefore) app.hiddenBefore = 0;
  else if (app.pause) app.togglePause();
  else app.time.follow();
}

export const ACTIONS = [
  ["pause", "Pause the chart, or the replay", [" "], "Picture", pause, "Space", (app) => app.pause !== null],
  ["follow", "Go live: newest time and price", ["f", "end"], "Picture", (app) => app.goLive(), "F"],
  ["clear", "Hide the bubbles so far", ["c"], "Picture", (app) => app.clear(), "C"],
  ["lock", "Lock the bucket width", ["l"], "Picture", (app) => app.toggleLock(), "L", (app) => app.lockedLod !== null],
  ["scale", "Scale prices automatically", ["v"], "Picture", (app) => app.autoScale(), "V"],
  ["fold", "Fold closed hours, halts too, or nothing", ["h"], "Picture", fold, "H"],
  ["closer", "Zoom in", ["arrowup", "+", "="], "Picture", zoom(1 / ZOOM_STEP), "Up"],
  ["farther", "Zoom out", ["arrowdown", "-"], "Picture", zoom(ZOOM_STEP), "Down"],
  ["back", "Back in time", ["arrowleft"], "Picture", pan(0.1), "Left"],
  ["forward", "Forward in time", ["arrowright"], "Picture", pan(-0.1), "Right"],
  ["previous_session", "Previous session", ["ctrl+arrowleft"], "Picture", session(-1), "Ctrl+Left"],
  ["next_session", "Next session", ["ctrl+arrowright"], "Picture", session(1), "Ctrl+Right"],
  ["cvd_reference", "Count CVD from here too", ["r"], "Picture", setReference, "R"],
  [
    "undo",
    "Undo the CVD reference",
    ["ctrl+z"],
    "Picture",
    (app) => {
      app.reference = null;
    },
    "Ctrl+Z",
  ],
  [
    "cvd_candles",
    "CVD as candles",
    ["k"],
    "Picture",
    (app) => {
      app.hasCandles = !app.hasCandles;
    },
    "K",
    (app) => app.hasCandles,
  ],
  ["slower", "Replay slower", ["[", "pagedown"], "Engine", speed(-1), "["],
  ["faster", "Replay faster", ["]", "pageup"], "Engine", speed(1), "]"],
  ["bubble_on", "Next bubble", ["."], "Replay", step("bubble", 1), "."],
  ["bubble_back", "Previous bubble", [","], "Replay", step("bubble", -1), ","],
  ["second_on", "One second forward", [">"], "Replay", step("second", 1), ">"],
  ["second_back", "One second back", ["<"], "Replay", step("second", -1), "<"],
  ["event_on", "Next event", ["j"], "Replay", step("event", 1), "J"],
  ["event_back", "Previous event", ["shift+j"], "Replay", step("event", -1), "Shift+J"],
  ["trade_on", "Next large trade", ["y"], "Replay", step("large_trade", 1), "Y"],
  ["trade_back", "Previous large trade", ["shift+y"], "Replay", step("large_trade", -1), "Shift+Y"],
  // Browsers reserve the program's keys for these two, Ctrl+Page Down and Up.
  ["session_on", "Replay the next session", [], "Replay", step("session", 1), ""],
  ["session_back", "Replay the previous session", [], "Replay", step("session", -1), ""],
  ["menu", "Menu", ["f10"], "Program", (app) => app.toggleMenu(), "F10"],
  ["fullscreen", "Full screen", ["f11"], "Program", toggleFullscreen, "F11"],
  ["palette", "Next palette", ["t"], "Program", (app) => app.nextPalette(), "T"],
  ["escape", "Back", ["escape"], "Program", stepBack, "Esc"],
].map(([name, title, keys, group, run, label, isChecked]) => ({ name, title, keys, group, run, label, isChecked }));

const BY_KEY = new Map(ACTIONS.flatMap((action) => action.keys.map((key) => [key, action])));

// The action for a key press; null if the key is left to the browser.
export function actionOf(event) {
  if (event.altKey || event.metaKey) return null;
  const key = event.key.toLowerCase();
  if (event.ctrlKey) return BY_KEY.get(`ctrl+${key}`) ?? null;
  return (event.shiftKey ? BY_KEY.get(`shift+${key}`) : null) ?? BY_KEY.get(key) ?? null;
}
