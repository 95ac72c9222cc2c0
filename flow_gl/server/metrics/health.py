"""Decides whether the numbers are fresh, and gives the reason."""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.outside import plain
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.server.metrics.store_metrics import Store

SILENT_NS: Final = 5 * SECOND_NS
"""An engine without a heartbeat for this long counts as not responding."""
LATE_NS: Final = 5 * SECOND_NS
"""Numbers that lag their trades by more than this are not fresh."""
_RUNNING: Final = {
    FeedState.LIVE: "live",
    FeedState.REPLAY: "replay",
    FeedState.DEMO: "demo",
    FeedState.ENDED: "ended: the numbers are final",
    FeedState.CLOSED: "the exchange is closed",
}
_WAITING: Final = {
    FeedState.STARTING: "the feed is starting",
    FeedState.CONNECTING: "connecting to the feed",
    FeedState.CATCHING_UP: "catching up with the session so far",
    FeedState.RECONNECTING: "the feed is reconnecting",
    FeedState.FAILED: "the feed has stopped",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the numbers are fresh, and the reason in both cases."""

    is_ready: bool
    reason: str


def readiness(store: Store, wall_ns: int) -> Readiness:
    """Return whether the numbers are fresh now.

    A quiet or closed market counts as fresh: its newest trade is old, but there is no newer one.
    """
    problem = _problem(store, wall_ns)
    if problem:
        return Readiness(False, problem)
    assert store.engine is not None
    return Readiness(True, _RUNNING[FeedState(int(store.engine.status["state"]))] + _newest(store, wall_ns))


def _problem(store: Store, wall_ns: int) -> str:
    """Return why the numbers are not fresh, one line; "" if they are."""
    engine = store.engine
    if engine is not None:
        engine.refresh()
    if engine is None or not int(engine.status["heartbeat"]):
        return "the engine has not started yet"
    status, message = engine.status, plain(engine.text("message"), 120)
    state = FeedState(int(status["state"]))
    silent_ns = wall_ns - int(status["heartbeat"])
    if status["compiling"]:
        return message or "compiling the engine's kernels"
    if silent_ns > SILENT_NS and state is not FeedState.ENDED:
        return f"the engine has not responded for {silent_ns // SECOND_NS} s"
    if state in _WAITING:
        return _WAITING[state] + (f": {message}" if message else "")
    is_late = int(status["lag_ns"]) > LATE_NS and status["behind"]
    return f"the engine is {int(status['behind']):,} trades behind" if is_late else ""


def _newest(store: Store, wall_ns: int) -> str:
    engine = store.engine
    assert engine is not None
    ages = []
    for market in store.markets:
        market.refresh()
        if market.session["trade_count"]:
            ages.append((engine.event_now(wall_ns) - int(market.session["last_ts"])) / SECOND_NS)
    return f", newest trade {max(0.0, min(ages)):.1f} s ago" if ages else ", no trade yet"
