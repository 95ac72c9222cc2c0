"""The feed's state as the header shows it: text, tone, and whether the chart follows a running market.

A pure function of the link's state, the engine's status row, an instrument's session and the clock. Silence is never
shown as a quiet market: a missing heartbeat, a pause, a reconnection and an ended file each have a separate text.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

import numpy as np

from flow_gl.core.frozen import frozen
from flow_gl.core.market import rejections
from flow_gl.core.schema import FeedState, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui.link import Link, LinkState
from flow_gl.ui.overlays import words

HEARTBEAT_S: Final = 2.0
"""An engine without a heartbeat for this long is not responding."""
COMPILE_S: Final = 120.0
"""Longest silence allowed while the engine compiles its kernels."""
TRADING_S: Final = 60.0
"""A market with a trade within this time is not shown as closed, even if the calendar says so."""
STALE_PRINT_S: Final = 10.0
"""A newest trade older than this is shown with the tone ATTENTION."""
_NS: Final = 1e9


class Tone(Enum):
    """Meaning of a state's colour."""

    GOOD = "good"
    QUIET = "quiet"
    INFORMATION = "information"
    ATTENTION = "attention"
    ALARM = "alarm"


@frozen
class Condition:
    """State of a chart, as shown to the user."""

    text: str
    tone: Tone
    is_live: bool
    """The chart follows a running market or its replay. If False, the chart is dimmed and hatched."""
    short: str = ""
    """Text for narrow charts; "" if `text` is short enough."""
    detail: str = ""
    """Explanation, shown in the chart's notices and in the feed panel."""


def condition(
    link: Link, market: MarketReader | None, *, wall_ns: int, paused_new: int | None = None, shown_age_ns: int = 0
) -> Condition:
    """Return the state of a chart.

    Parameters
    ----------
    link : the engine's link, polled in this frame
    market : the chart's instrument; None before it is known
    wall_ns : wall clock
    paused_new : number of new bubbles since the pause; None if not paused
    shown_age_ns : time since the pause began (wall clock); used only while paused
    """
    engine = _engine_condition(link, wall_ns)
    if engine is None and link.engine is not None:
        engine = _feed_condition(link.engine, market, wall_ns)
        if engine.is_live and market is not None and link.engine.status["not_found"][link.markets.index(market)]:
            detail = f"{market.requested}: the gateway does not know this symbol"
            engine = Condition("SYMBOL NOT FOUND", Tone.ALARM, False, "NOT FOUND", detail)
    assert engine is not None
    if paused_new is None:
        return engine
    paused = f"PAUSED ({paused_new:,} new)"
    if engine.tone is Tone.ALARM or (not engine.is_live and engine.tone is Tone.ATTENTION):
        # The fault comes first: a user who paused must still see that no data arrive.
        return Condition(f"{engine.text} \u00b7 {paused}", engine.tone, False, engine.short or engine.text)
    detail = f"paused {words.age(shown_age_ns / _NS)} ago; trades still arrive; Space resumes"
    return Condition(paused, Tone.ATTENTION, False, "PAUSED", detail)


def _engine_condition(link: Link, wall_ns: int) -> Condition | None:
    """Return the state of the engine process; None if it runs and responds."""
    if link.state in _ENGINE_WORDS:
        text, tone, short, detail = _ENGINE_WORDS[link.state]
        return Condition(text, tone, False, short, link.message or detail)
    if link.engine is None or link.state is LinkState.STARTING or not int(link.engine.status["heartbeat"]):
        return Condition("STARTING", Tone.INFORMATION, False, detail=link.message or "the engine is starting")
    status = link.engine.status
    silent_s = (wall_ns - int(status["heartbeat"])) / _NS
    if status["compiling"] and silent_s < COMPILE_S:
        message = link.engine.text("message") or "compiling the engine's kernels (only after an installation)"
        return Condition("PREPARING", Tone.INFORMATION, False, detail=message)
    if silent_s < HEARTBEAT_S or int(status["state"]) == FeedState.ENDED:
        return None
    text = f"ENGINE NOT RESPONDING {words.age(silent_s)}"
    return Condition(text, Tone.ALARM, False, "NO ENGINE", "the chart is out of date: the engine has stopped")


RETRIES: Final = "F5 retries"
"""With the usual key, in whose place the overlays show the user's."""
_ENGINE_WORDS: Final = {
    LinkState.FAILED: ("STOPPED", Tone.ALARM, "", "the engine cannot run"),
    LinkState.RESTARTING: ("ENGINE RESTARTING", Tone.ALARM, "RESTARTING", "the engine crashed; restarting it"),
    LinkState.ENDED: ("ENDED", Tone.QUIET, "", "the numbers are final"),
}
_RUNNING: Final = frozenset({FeedState.LIVE, FeedState.REPLAY, FeedState.DEMO})
_FEED_WORDS: Final = {
    FeedState.STARTING: ("STARTING", Tone.INFORMATION, "the feed is starting"),
    FeedState.CONNECTING: ("CONNECTING", Tone.INFORMATION, "connecting to the feed"),
    FeedState.FAILED: ("STOPPED", Tone.ALARM, f"the feed has stopped; {RETRIES}"),
    FeedState.ENDED: ("ENDED", Tone.QUIET, "the numbers are final"),
}


def _feed_condition(engine: EngineReader, market: MarketReader | None, wall_ns: int) -> Condition:
    status = engine.status
    state = FeedState(int(status["state"]))
    if state is FeedState.CLOSED and _is_trading(engine, market, wall_ns):
        state = FeedState.LIVE  # outside the calendar's hours, but a market with trades is open
    if state in _RUNNING:
        return _running(engine, market, wall_ns, state)
    message = engine.text("message")
    if state in _FEED_WORDS:
        text, tone, detail = _FEED_WORDS[state]
        if message:
            detail = f"{message}. {RETRIES}" if state is FeedState.FAILED else message
        return Condition(text, tone, False, detail=detail)
    if state is FeedState.CATCHING_UP:
        progress = float(status["progress"])
        share = "" if np.isnan(progress) else f" {100 * min(1.0, max(0.0, progress)):.0f} %"
        return Condition(f"CATCHING UP{share}", Tone.INFORMATION, False, detail=message)
    if state is FeedState.RECONNECTING:
        wait_s = max(0.0, (int(status["retry_at"]) - wall_ns) / _NS)
        tries = f"try {int(status['attempt'])}"
        when = f", in {wait_s:.0f} s" if wait_s >= 0.5 else ""
        return Condition(f"RECONNECTING ({tries}{when})", Tone.ALARM, False, f"RECONNECTING ({tries})", message)
    # CLOSED: all other states are handled above.
    opens = f"opens {opening(int(status['next_open'])) if status['next_open'] else next_open(wall_ns)}"
    detail = "; ".join(part for part in (f"market {opens}", message) if part)
    return Condition(f"MARKET CLOSED \u00b7 {opens}", Tone.QUIET, False, "CLOSED", detail)


def _is_trading(engine: EngineReader, market: MarketReader | None, wall_ns: int) -> bool:
    """Whether the newest trade is less than `TRADING_S` old."""
    if market is None or not market.session["trade_count"]:
        return False
    return engine.event_now(wall_ns) - int(market.session["last_ts"]) < TRADING_S * _NS


def _running(engine: EngineReader, market: MarketReader | None, wall_ns: int, state: FeedState) -> Condition:
    status = engine.status
    name = "LIVE"
    if state == FeedState.DEMO:
        name = "DEMO" if float(status["speed"]) == 1.0 else f"DEMO {words.speed(float(status['speed']))}"
    elif state == FeedState.REPLAY:
        name = "REPLAY PAUSED" if status["is_held"] else f"REPLAY {words.speed(float(status['speed']))}"
    if market is None or not market.session["trade_count"]:
        return Condition(name, Tone.INFORMATION, True)
    halt = market.open_gaps.get(GapKind.NO_TRADES)
    if halt is not None:
        text = f"NO TRADES since {words.clock(halt, seconds=False)}"
        text = text if state == FeedState.LIVE else f"{name} \u00b7 {text}"
        return Condition(text, Tone.ATTENTION, True, "NO TRADES", f"connected; no trades since {words.clock(halt)}")
    if GapKind.FEED in market.open_gaps:
        return Condition(f"{name} \u00b7 DATA MISSING", Tone.ALARM, False, "DATA MISSING", engine.text("message"))
    lag_s = int(status["lag_ns"]) / _NS
    if lag_s > 1.0 and int(status["behind"]) > 0:
        return Condition(f"{name} \u00b7 BEHIND {words.age(lag_s)}", Tone.ATTENTION, True, "BEHIND")
    if state != FeedState.LIVE:
        # The demo's message: a requested halt, or its exchange is closed.
        message = engine.text("message") if state == FeedState.DEMO else ""
        text, tone = (f"{name} \u00b7 {message}", Tone.ATTENTION) if message else (name, Tone.INFORMATION)
        return Condition(text, tone, True, name)
    age_s = (engine.event_now(wall_ns) - int(market.session["last_ts"])) / _NS
    tone = Tone.GOOD if age_s < STALE_PRINT_S else Tone.ATTENTION
    return Condition(f"LIVE {words.age(age_s)}", tone, True)


def new_bubbles(market: MarketReader) -> int:
    """Return the number of bubbles that have closed since the picture was paused."""
    return market.store.bubbles[0].head - market.heads[0]


def opening(ns: int) -> str:
    """Format the open of a coming session: Sunday 18:00 ET."""
    local = datetime.fromtimestamp(ns // SECOND_NS, UTC).astimezone(words.ZONE)
    return f"{local:%A %H:%M} {words.ZONE_NAME}"


def next_open(wall_ns: int) -> str:
    """Return the next regular Globex open: the fallback if the engine, which knows the holidays, gave none."""
    local = datetime.fromtimestamp(wall_ns // SECOND_NS, UTC).astimezone(words.ZONE)
    evening = local.replace(hour=18, minute=0, second=0, microsecond=0)
    # Sunday to Thursday evenings.
    while evening <= local or evening.weekday() in (4, 5):
        evening += timedelta(days=1)
    return f"{evening:%A} 18:00 {words.ZONE_NAME}"


def awaiting(link: Link, market: MarketReader | None, condition: Condition) -> str:
    """Return the message in the middle of a chart without a trade; "" once it has one."""
    if market is not None and market.session["trade_count"]:
        return ""
    if link.state is LinkState.FAILED or condition.text == "STOPPED":
        return condition.detail or "the feed has stopped"
    if condition.text in ("STARTING", "PREPARING", "CONNECTING", "SYMBOL NOT FOUND") or market is None:
        return condition.detail or "starting"
    if condition.tone is Tone.ALARM and condition.detail:
        return condition.detail  # the reason: refused, or no connection
    name = market.requested or market.symbol or "the instrument"
    why = link.engine.text("message") if link.engine is not None else ""
    if rejected := rejections.describe(rejections.counts_of(market.session)):
        # Records arrived, but none was a valid trade: that is the reason, independent of the feed's state.
        said_first = f"{name}: {rejected}"
    elif condition.text == "ENDED":
        said_first = f"{name} did not trade in this data: choose another symbol with --symbol"
    else:
        said_first = f"waiting for the first trade of {name}"
        why = condition.detail if condition.text.startswith("MARKET CLOSED") else why
    return f"{said_first}; {why}" if why else said_first
