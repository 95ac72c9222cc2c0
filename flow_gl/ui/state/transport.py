"""The user's input to a replay's transport bar, and the bar's position. The replay's own state is the engine's."""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.commands import Command, Play, Seek
from flow_gl.gl.view import Rect
from flow_gl.store.market import EngineReader

BAR_PX: Final = 54.0
"""Height of the bar at content scale 1."""
MIN_CHARTS_PX: Final = 150.0
"""The bar is left out where the charts would be lower than this."""
_ANSWER_NS: Final = 400_000_000
"""A seek that has not been answered for this long does not hold back the next one."""


@dataclass(slots=True)
class TransportState:
    """The state of the transport bar."""

    is_shown: bool = True
    """The user wants to see it in a replay."""
    rect: Rect | None = None
    """The bar's rectangle, framebuffer pixels; None if it is not shown: no replay, hidden, or no room."""
    dragged_ns: int | None = None
    """Instant to which the handle is being dragged."""
    loop_from_ns: int = 0
    """Start of a loop whose end has not been marked yet; 0 if none is being marked."""
    is_entering: bool = False
    """A time is being typed in."""
    asked_pid: int = 0
    """Engine that has been asked to read the replay for the bar."""
    _sent_ns: int = 0
    _sent_wall_ns: int = 0
    _sent_seeks: int = -1

    def place(self, window: Rect, scale: float, engine: EngineReader | None) -> Rect:
        """Take the bar's place at the window's lower border; return what is left of the window."""
        height = round(BAR_PX * scale)
        is_there = self.is_shown and engine is not None and bool(engine.status["can_seek"])
        if not is_there or window.height - height < MIN_CHARTS_PX * scale:
            self.rect = None
            return window
        rect = Rect(window.x, window.bottom - height, window.width, height)
        self.rect = self.rect if rect == self.rect else rect
        return Rect(window.x, window.y, window.width, window.height - height)

    def drag(self, to_ns: int, engine: EngineReader, wall_ns: int, *, is_over: bool) -> list[Command]:
        """Move the handle to an instant; return the seek to it, unless an earlier one has not been answered yet.

        Parameters
        ----------
        is_over : the handle was released: this seek is sent in any case
        """
        self.dragged_ns = None if is_over else to_ns
        seeks = int(engine.status["seeks"])
        is_answered = seeks != self._sent_seeks or wall_ns - self._sent_wall_ns > _ANSWER_NS
        if to_ns == self._sent_ns or not (is_answered or is_over):
            if is_over:
                self._sent_ns = 0
            return []
        self._sent_ns, self._sent_wall_ns, self._sent_seeks = 0 if is_over else to_ns, wall_ns, seeks
        return [Seek(to_ns)]


def toggled(engine: EngineReader) -> Command:
    """Return the command that plays a replay that is paused, or has ended, and pauses one that plays."""
    from flow_gl.core.schema import FeedState

    is_standing = bool(engine.status["is_held"]) or int(engine.status["state"]) == FeedState.ENDED
    return Play(is_playing=is_standing)
