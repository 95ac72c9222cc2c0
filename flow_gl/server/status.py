"""The status of feed and engine as frames for all clients: changed fields, and all fields for a new client."""

from typing import Final

from msgspec.structs import replace

from flow_gl.core.clock import Clock
from flow_gl.core.schema import FeedState
from flow_gl.protocol.json_rows import fields
from flow_gl.protocol.messages import Status
from flow_gl.server.charts import Charts
from flow_gl.server.encoding import encode_message

STATUS_S: Final = 1.0
"""Maximum time between two `Status` messages."""
_WATCHED: Final = (
    "state",
    "speed",
    "rate",
    "is_held",
    "seeks",
    "seeking",
    "message",
    "keeping",
    "attempt",
    "not_found",
    "charts",
)
"""Fields of the status whose changes are sent at once."""


class StatusFrames:
    """Makes `Status` messages.

    Parameters
    ----------
    charts : the known state of the engine

    Attributes
    ----------
    whole : the newest status with all its numbers, as a frame; b"" before the first
    """

    def __init__(self, charts: Charts, clock: Clock) -> None:
        self._charts: Final = charts
        self._clock: Final = clock
        self._numbers: dict[str, object] = {}
        self._watched: tuple[object, ...] = ()
        self._at_s = -STATUS_S
        self.whole = b""

    def changes(self, now_s: float) -> bytes | None:
        """Return a status with the numbers that have changed, as a frame; None if it is not due.

        Parameters
        ----------
        now_s : monotonic time
        """
        engine, charts = self._charts.engine, self._charts
        if engine is not None:
            engine.refresh()
        watched: tuple[object, ...] = (charts.state, charts.message)
        if engine is not None:
            watched += tuple(engine.status[name].tobytes() for name in _WATCHED)
        if watched == self._watched and now_s - self._at_s < STATUS_S:
            return None
        self._watched, self._at_s = watched, now_s
        state = FeedState(int(engine.status["state"])).name.lower() if engine else "starting"
        message = charts.message or (engine.text("message") if engine else "")
        numbers = fields(engine.status) if engine else {}
        changed = {name: value for name, value in numbers.items() if self._numbers.get(name, ...) != value}
        status = Status(state, charts.state, message, self._clock.wall_ns(), numbers)
        self._numbers, self.whole = numbers, encode_message(status)
        return encode_message(replace(status, numbers=changed))
