"""Draws the current hint: an unobtrusive line at the top of the first chart, which a click removes."""

from typing import Final

from flow_gl.core.palette import mix
from flow_gl.gl.view import Rect
from flow_gl.ui.input.actions import BY_NAME
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.state.view_state import ViewState

_SIZE_PX: Final = 13.0
_PAD_PX: Final = 12.0
_CROSS_PX: Final = 8.0
_HEIGHT_PX: Final = 28.0


class _KeyNames(dict[str, str]):
    """The keys of actions by their names; an action without a key has its title."""

    def __init__(self, state: ViewState) -> None:
        super().__init__()
        self._state: Final = state

    def __missing__(self, action: str) -> str:
        return key_label(self._state.keys, action) or f"\u201c{BY_NAME[action].title}\u201d"


def hint_box(painter: Painter, chart: ChartFrame, state: ViewState) -> tuple[Rect, str] | None:
    """Return place and text of the hint; None if there is none, or no room for it."""
    hint = state.hints.current
    if hint is None or chart.scene is None:
        return None
    text, scale, pane = hint.text.format_map(_KeyNames(state)), painter.scale, chart.layout.price
    width = painter.width(text, _SIZE_PX) + (3 * _PAD_PX + _CROSS_PX) * scale
    box = Rect(round(pane.x + 0.5 * (pane.width - width)), pane.y + 14 * scale, width, _HEIGHT_PX * scale)
    return (box, text) if pane.encloses(box) else None


def draw(painter: Painter, chart: ChartFrame, state: ViewState, taken: tuple[Rect, ...]) -> tuple[Rect, ...]:
    """Draw the hint unless its place is taken. Returns the covered areas, including the hint's."""
    found = hint_box(painter, chart, state)
    if found is None or any(found[0].overlaps(other) for other in taken):
        return taken
    box, text = found
    palette, scale = state.palette, painter.scale
    painter.box(
        box.x, box.y, box.width, box.height, mix(palette.raised, palette.information, 0.10), alpha=0.96, rounding=4.0
    )
    painter.frame(box.x, box.y, box.width, box.height, palette.information, alpha=0.45, rounding=4.0)
    middle = box.y + 0.5 * box.height
    painter.text_middle(box.x + _PAD_PX * scale, middle, text, palette.text, _SIZE_PX)
    painter.cross(box.right - (_PAD_PX + 0.5 * _CROSS_PX) * scale, middle, _CROSS_PX, palette.quiet)
    return (*taken, box)
