"""Undo and redo of zoom: each change of a scale is a step of the history.

The view's scales are compared before each frame's input. Changes in quick succession (turns of the wheel, a drag) are
one step. Panning alone is not a step, but a step also restores the position that the view had before it.
"""

from typing import Final, NamedTuple

from flow_gl.ui.state.axes import Anchor
from flow_gl.ui.state.history import Step
from flow_gl.ui.state.view_state import ViewState

SETTLE_S: Final = 0.7
"""A change of scale this long after the last one begins a new step."""
_NEARLY: Final = 1e-6
"""Relative difference up to which two scales are the same."""

Axis = tuple[float, float] | None
"""Middle and scale of a fixed value axis; None for an automatic one."""


class Zoom(NamedTuple):
    """The scales as set by the user, and the position of the view.

    Attributes
    ----------
    span_ns : time over the plot; does not depend on the plot's width
    axes : price, CVD and comparison axis of each chart
    shares : of the height, of the CVD and the comparison pane
    """

    span_ns: float
    axes: tuple[tuple[Axis, Axis, Axis], ...]
    shares: tuple[float, float]
    anchor: Anchor

    def has_scale_of(self, other: "Zoom") -> bool:
        """Whether the scales are the same, wherever the view is."""
        if abs(self.span_ns - other.span_ns) > _NEARLY * other.span_ns or self.shares != other.shares:
            return False
        for mine, its in zip(self.axes, other.axes, strict=False):
            for one, two in zip(mine, its, strict=True):
                if (one is None) != (two is None):
                    return False
                if one is not None and two is not None and abs(one[1] - two[1]) > _NEARLY * two[1]:
                    return False
        return True


class ZoomHistory:
    """Records the changes of scale of a view.

    Parameters
    ----------
    state : the view's; its history gets the steps
    """

    def __init__(self, state: ViewState) -> None:
        self._state: Final = state
        self._known: Zoom | None = None
        """The view as of the last look; while a step is open, as of its last change."""
        self._before: Zoom | None = None
        """The view before the step that is open; None if none is."""
        self._changed_s = 0.0

    def look(self, now_s: float, *, is_held: bool = False) -> None:
        """Note what has changed since the last look.

        Parameters
        ----------
        now_s : monotonic clock, seconds
        is_held : a drag is in progress, so the step is not complete
        """
        now = _zoom_of(self._state)
        if now is None:
            return
        if self._before is not None and not is_held and now_s - self._changed_s > SETTLE_S:
            self.close()
        if self._known is not None and not now.has_scale_of(self._known) and not self._state.time.is_growing:
            self._before = self._before or self._known
            self._state.hints.note_use("zoom")
            self._changed_s = now_s
        self._known = now

    def close(self) -> None:
        """End the step that is open: what changes next is another one. Called before undo and redo."""
        before, after = self._before, _zoom_of(self._state)
        self._before = None
        if before is None or after is None or before.has_scale_of(after):
            return
        self._state.history.add(
            Step(lambda: self._restore(before, "zoom undone"), lambda: self._restore(after, "zoom redone"))
        )

    def _restore(self, zoom: Zoom, note: str) -> str:
        """Restore a view. Returns "" if it has these scales already."""
        state, now = self._state, _zoom_of(self._state)
        if now is None or now.has_scale_of(zoom) or len(now.axes) != len(zoom.axes):
            return ""
        state.time.ns_per_px *= zoom.span_ns / now.span_ns
        state.time.anchor = zoom.anchor
        state.cvd_share, state.comparison_share = zoom.shares
        for own, kept_axes in zip(state.charts, zoom.axes, strict=False):
            for axis, kept in zip((own.price, own.cvd, own.comparison.axis), kept_axes, strict=True):
                if kept is None:
                    if not axis.is_auto:
                        axis.reset()
                else:
                    axis.set(*kept)
        self._known, self._before = _zoom_of(state), None
        return note


def _zoom_of(state: ViewState) -> Zoom | None:
    """Return the view's zoom; None before its first frame."""
    span_ns = state.time.shown_ns
    if span_ns <= 0.0:
        return None
    axes = tuple((own.price.fixed, own.cvd.fixed, own.comparison.axis.fixed) for own in state.charts)
    return Zoom(span_ns, axes, (state.cvd_share, state.comparison_share), state.time.anchor)
