"""The borders between the charts: a drag moves one, a double click puts it back."""

from flow_gl.ui.input.gestures import Mouse
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.arrangement import Border, borders, dragged
from flow_gl.ui.state.view_state import ViewState


class ChartGrip:
    """Applies drags of the charts' borders to the view's state."""

    def __init__(self) -> None:
        self._held: tuple[str, int] | None = None
        self._off_px = 0.0
        self.is_upright = True
        """Whether the border that is held or under the mouse is dragged sideways."""

    @property
    def is_held(self) -> bool:
        return self._held is not None

    def handle(self, mouse: Mouse, frame: Frame, state: ViewState) -> bool:
        """Apply the mouse of one frame; return whether a border is held or under the mouse."""
        count = len(frame.charts)
        if count < 2:
            self._held = None
            return False
        found = borders(frame.panels.charts, count, state.arrangement, frame.scale)
        # A drag that began elsewhere keeps its release.
        is_ours = mouse.is_free and (mouse.is_pressed or not (mouse.is_down or mouse.is_released))
        under = next((one for one in found if one.rect.contains(mouse.x, mouse.y)), None) if is_ours else None
        if mouse.is_double and under is not None:
            self._held = None
            state.arrangement = state.arrangement.with_shares(under.split, None)
            return True
        if mouse.is_pressed and under is not None:
            self._held = under.split, under.number
            self._off_px = _along(mouse, under) - _middle(under)
        held = next((one for one in found if (one.split, one.number) == self._held), None)
        if held is not None and mouse.is_down:
            to_px = _along(mouse, held) - self._off_px
            if to_px != _middle(held):
                state.arrangement = dragged(state.arrangement, held, to_px, frame.scale)
        shown = held or under
        self.is_upright = shown is None or shown.is_upright
        if mouse.is_released or held is None:
            self._held = None
        return shown is not None


def _along(mouse: Mouse, border: Border) -> float:
    return mouse.x if border.is_upright else mouse.y


def _middle(border: Border) -> float:
    rect = border.rect
    return rect.x + 0.5 * rect.width if border.is_upright else rect.y + 0.5 * rect.height
