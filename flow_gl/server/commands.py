"""The commands that a client may give, which depend on the served feed, and the checks of their arguments."""

from typing import Final, get_args

from flow_gl.core.commands import StepTo
from flow_gl.protocol.messages import Command, Error
from flow_gl.server.charts import Charts

_SPEED_RANGE: Final = (0.1, 10_000.0)
_COMMANDS: Final = ("set_speed", "play", "pause", "seek", "step")
_PLACES: Final = get_args(StepTo)
_LAST_NS: Final = 2**63


def are_available(feed: str) -> bool:
    """Whether a feed accepts any command."""
    return feed in ("demo", "replay")


def check(asked: Command, feed: str, charts: Charts) -> Error | None:
    """Return the error of a command; None if it is valid.

    Parameters
    ----------
    feed : demo, replay, live or connect
    charts : the served charts
    """
    name, value = asked.name, asked.value
    low, high = _SPEED_RANGE
    if name not in _COMMANDS:
        return Error("not_available", f"there is no command {name}", f"commands: {', '.join(_COMMANDS)}")
    if feed == "connect":
        return Error("not_available", "this server shows another engine's charts", "ask the engine's own server")
    if not are_available(feed):
        return Error("not_available", "the speed of a live feed cannot be set", "replay a recording")
    if feed != "replay" and name != "set_speed":
        return Error("not_available", f"a demo has no {name}", "replay a recording")
    text = ""
    if name == "set_speed" and value is not None and not low <= value <= high:
        text = f"a speed is {low:g} to {high:g}, or null for as fast as possible; got {value:g}"
    if name == "seek" and not (isinstance(value, int) and 0 <= value < _LAST_NS):
        text = f"an instant is a time in ns since 1970, a whole number; got {value}"
    if name == "step":
        return _check_step(asked, charts)
    return Error("bad_message", text, "send another value") if text else None


def _check_step(asked: Command, charts: Charts) -> Error | None:
    if asked.value not in (1, -1):
        return Error("bad_message", f"a step is 1 or -1, got {asked.value}", "send another value")
    if asked.to not in _PLACES:
        return Error("bad_message", f"there is no step to {asked.to}", f"to: {', '.join(_PLACES)}")
    chart = charts.find(asked.symbol) if asked.symbol else None
    if chart is None:
        known = ", ".join(one.symbol for one in charts.charts) or "none yet"
        return Error("unknown_symbol", f"a step is one of a symbol, got {asked.symbol}", f"symbols: {known}")
    levels = len(chart.reader.widths_ns)
    if asked.level >= levels:
        return Error("unknown_level", f"{chart.symbol} has no level {asked.level}", f"levels: 0 to {levels - 1}")
    return None
