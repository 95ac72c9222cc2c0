"""When the overlays are built anew, and when those of the frame before are drawn again as they are.

Dear ImGui builds every window and text anew, call by call from Python; what it built can be drawn any number of
times. Overlays' texts are formed ten times a second at most, in the frames in between, so while nobody touches anything
they have nothing new to say more often than `REBUILT_HZ`. They are built in every frame in which there is input, and
for a moment after it (hover, tooltips, a key that repeats); when something is to be said at once (the state of the
feed, an alert, another bubble under the mouse); while a note fades; and else in turn. A mere turn fills one panel
anew, and lets the others stand as they were filled last.
"""

import math
from collections.abc import Callable
from typing import Final

from flow_gl.ui.frame import Frame
from flow_gl.ui.gui import Gui
from flow_gl.ui.state import ViewState

REBUILT_HZ: Final = 20.0
LEAST_HZ: Final = 8.0
"""Their turn waits for a frame without other long work, but no longer than this asks for."""
TOUCHED_S: Final = 1.0
"""Input concerns the overlays for so long: longer than a tooltip waits and than a held key takes to repeat."""


class Due:
    """When texts are to be formed again: `every_s` after the last time, or at once where the clock went back."""

    def __init__(self, every_s: float) -> None:
        self._every_s: Final = every_s
        self._due_s = 0.0

    def is_now(self, steady_s: float, *, late_s: float = 0.0) -> bool:
        """They have been due for `late_s`."""
        return not self._due_s - 2 * self._every_s <= steady_s < self._due_s + late_s

    def formed(self, steady_s: float) -> None:
        """They were formed now."""
        self._due_s = steady_s + self._every_s

    def at_once(self) -> None:
        """Be due, however young they are."""
        self._due_s = -math.inf


class OverlayTurns:
    """Decides, frame by frame."""

    def __init__(self) -> None:
        self.is_whole = True
        """What is built next is built whole: it was touched or has news. In a mere turn one panel is filled anew."""
        self._touched_until_s = 0.0
        self._built_s = 0.0
        self._look: tuple[object, ...] = ()
        self._seen: tuple[object, ...] = ()

    def is_touched(self, gui: Gui, look: tuple[object, ...], steady_s: float) -> bool:
        """Overlays must begin before anything of the frame is decided: there is input, or they look different.

        Parameters
        ----------
        look : what their size and style depend on
        """
        if gui.has_input:
            self.touch(steady_s)
        is_new = look != self._look
        self._look = look
        self.is_whole = is_new or steady_s < self._touched_until_s
        return self.is_whole

    def touch(self, steady_s: float) -> None:
        """There was input."""
        self._touched_until_s = steady_s + TOUCHED_S

    def is_due(self, frame: Frame, state: ViewState, *, has_notes: bool, take_turn: Callable[[], bool]) -> bool:
        """Something is to be said now, or it is their turn.

        Parameters
        ----------
        has_notes : a note is shown, and fades
        take_turn : asks to do something long in this frame; their turn may wait for one of the next
        """
        own = state.charts
        said = tuple(
            (chart.index, chart.said.tone, chart.said.is_live, chart.badge, chart.waiting, own[chart.index].hover_id)
            for chart in frame.charts
        )
        seen = (said, frame.link.state, frame.link.generation, frozenset(state.open_panels), has_notes)
        since_s = frame.steady_s - self._built_s
        # A clock that stands (in a test) gives no turns: then every frame is one.
        is_turn = not 0.0 < since_s < 1.0 / REBUILT_HZ and (not 0.0 < since_s < 1.0 / LEAST_HZ or take_turn())
        self.is_whole = seen != self._seen or since_s <= 0.0
        self._seen = seen
        return has_notes or self.is_whole or is_turn

    def built(self, steady_s: float) -> None:
        """They were built in this frame."""
        self._built_s = steady_s
