"""The border between a column of panels and the charts: a drag changes the column's width."""

from flow_gl.ui.input.gestures import Mouse
from flow_gl.ui.state.panel_layout import Grip, PanelLayout, Side
from flow_gl.ui.state.view_state import ViewState


class ColumnGrip:
    """Applies drags of a column's border to the view's state."""

    def __init__(self) -> None:
        self._held: Side | None = None

    @property
    def is_held(self) -> bool:
        return self._held is not None

    def handle(self, mouse: Mouse, panels: PanelLayout, state: ViewState, *, scale: float) -> bool:
        """Apply the mouse of one frame; return whether a border is held or under the mouse."""
        under = grip_at(panels, mouse.x, mouse.y) if mouse.is_free else None
        if mouse.is_pressed and under is not None:
            self._held = under.side
        if self._held is None:
            return under is not None
        held = next((grip for grip in panels.grips if grip.side == self._held), None)
        if held is not None and mouse.is_down:
            slot = next(slot for slot in panels.slots if slot.side == self._held)
            width = mouse.x - slot.rect.x if self._held == "left" else slot.rect.right - mouse.x
            state.panel_places = state.panel_places.resize(self._held, width / scale)
        if mouse.is_released or held is None:
            self._held = None
        return True


def grip_at(panels: PanelLayout, x: float, y: float) -> Grip | None:
    """Return the border at a point; None if there is none."""
    return next((grip for grip in panels.grips if grip.rect.contains(x, y)), None)
