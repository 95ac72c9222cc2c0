// The state of a chart in words, its tone, and whether it follows a running market: a pure function of the connection,
// the engine's status, the instrument and the clock, like the desktop's ui/overlays/status.py. A silent connection is
// never shown as a quiet market.

import { GapKind } from "../market/market.js";
import { ageText, clockText, localNs, numberText, speedText } from "../view/words.js";

const HEARTBEAT_S = 3; // an engine without a heartbeat for this long does not respond (it comes every second)
const SILENT_S = 3; // a server that is silent for this long is reported: it sends every second
const TRADING_S = 60;
const STALE_PRINT_S = 10;
const NOW_SAYING = {
  starting: ["STARTING", "information", "the feed is starting"],
  connecting: ["CONNECTING", "information", "connecting to the feed"],
  failed: ["STOPPED", "alarm", "the feed has stopped"],
  ended: ["ENDED", "quiet", "the numbers are final"],
};

// Whether this page's user may move the replay that the server plays.
export function canMove({ scopes, status }) {
  return scopes.includes("control") && Boolean(status?.canSeek);
}

// Whether the replay is paused or has ended.
export function isStopped(status) {
  return Boolean(status.isHeld) || status.state === "ended";
}

function result(text, tone, isLive, detail = "") {
  return { text, tone, isLive, detail };
}

// `link`: {state, attempt, retryS, silentS, reason}; `status`: the engine's, or null; `wall`: the server's clock, ns;
// `event`: the feed's clock, ns; `paused`: number of new bubbles since the pause, or null.
export function condition({ link, status, market, wall, event, paused }) {
  const now = ofLink(link) ?? ofEngine(status, market, wall, event);
  if (paused === null || now.tone === "alarm" || (!now.isLive && now.tone === "attention")) return now;
  return result(`PAUSED (${numberText(paused)} new)`, "attention", false, now.detail);
}

function ofLink({ state, attempt, retryS, silentS, lostS, reason }) {
  if (state === "open") {
    return silentS > SILENT_S
      ? result(`SERVER NOT RESPONDING ${ageText(silentS)}`, "alarm", false, "the chart is out of date")
      : null;
  }
  if (state === "refused") return result("NOT SIGNED IN", "alarm", false, reason);
  if (state === "stopped") return result("STOPPED", "alarm", false, reason);
  if (lostS === null)
    return result(attempt > 1 ? `CONNECTING (try ${attempt})` : "CONNECTING", "information", false, reason);
  const when = retryS >= 0.5 ? `, in ${retryS.toFixed(0)} s` : "";
  return result(`NO CONNECTION ${ageText(lostS)} (try ${attempt}${when})`, "alarm", false, reason);
}

function ofEngine(status, market, wall, event) {
  if (!status || status.engine === "starting")
    return result("STARTING", "information", false, "the engine is starting");
  if (status.engine === "restarting")
    return result("ENGINE RESTARTING", "alarm", false, "the engine crashed; it is restarted");
  if (status.engine === "failed") return result("STOPPED", "alarm", false, status.message || "the engine cannot run");
  const silent = (wall - status.heartbeat) / 1e9;
  if (status.compiling && silent < 120) {
    return result("PREPARING", "information", false, status.message || "compiling the engine's kernels");
  }
  if (silent >= HEARTBEAT_S && status.state !== "ended" && status.engine !== "ended") {
    return result(
      `ENGINE NOT RESPONDING ${ageText(silent)}`,
      "alarm",
      false,
      "the chart is out of date: the engine has stopped",
    );
  }
  let { state } = status;
  const isTrading = market?.session?.tradeCount && event - market.session.lastTs < TRADING_S * 1e9;
  if (state === "closed" && isTrading) state = "live";
  if (["live", "replay", "demo"].includes(state)) return running(status, market, event, state);
  if (state in NOW_SAYING) {
    const [text, tone, detail] = NOW_SAYING[state];
    return result(text, tone, false, status.message || detail);
  }
  if (state === "catching_up") {
    const share = Number.isFinite(status.progress)
      ? ` ${(100 * Math.min(1, Math.max(0, status.progress))).toFixed(0)} %`
      : "";
    return result(`CATCHING UP${share}`, "information", false, status.message);
  }
  if (state === "reconnecting") {
    const wait = Math.max(0, (status.retryAt - wall) / 1e9);
    const when = wait >= 0.5 ? `, in ${wait.toFixed(0)} s` : "";
    return result(`RECONNECTING (try ${status.attempt}${when})`, "alarm", false, status.message);
  }
  const opens = status.nextOpen ? ` \u00b7 opens ${openingText(status.nextOpen)}` : "";
  return result(`MARKET CLOSED${opens}`, "quiet", false, status.message);
}

function running(status, market, event, state) {
  let name = "LIVE";
  if (state === "demo") name = status.speed === 1 ? "DEMO" : `DEMO ${speedText(status.speed)}`;
  else if (state === "replay") name = status.isHeld ? "REPLAY PAUSED" : `REPLAY ${speedText(status.speed)}`;
  if (!market?.session?.tradeCount) return result(name, "information", true);
  const open = (kind) => market.gaps.findLast((gap) => gap.isOpen && gap.kind === kind);
  const halt = open(GapKind.NO_TRADES);
  if (halt) {
    const text = `NO TRADES since ${clockText(halt.start, { seconds: false })}`;
    return result(state === "live" ? text : `${name} \u00b7 ${text}`, "attention", true);
  }
  if (open(GapKind.FEED)) return result(`${name} \u00b7 DATA MISSING`, "alarm", false, status.message);
  if (status.lagNs > 1e9 && status.behind > 0) {
    return result(`${name} \u00b7 BEHIND ${ageText(status.lagNs / 1e9)}`, "attention", true);
  }
  if (state !== "live") {
    const message = state === "demo" ? status.message : "";
    return message ? result(`${name} \u00b7 ${message}`, "attention", true) : result(name, "information", true);
  }
  const age = (event - market.session.lastTs) / 1e9;
  return result(`LIVE ${ageText(age)}`, age < STALE_PRINT_S ? "good" : "attention", true);
}

function openingText(time) {
  const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  return `${days[new Date(localNs(time) / 1e6).getUTCDay()]} ${clockText(time, { seconds: false })} ET`;
}

// What an empty chart is waiting for.
export function awaited({ isLive, detail, text }, market) {
  if (isLive && market) return `waiting for the first trade of ${market.requested}`;
  return detail || text.toLowerCase();
}
