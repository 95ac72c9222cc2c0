"""Places, drags and selects custom levels by mouse and keyboard.

Until a new level is placed by a click or Enter, it follows the mouse, and Up and Down move it by a tick. Dragging its
line moves a level, and a click on the line opens its editor. Esc cancels. Prices snap to ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imgui_bundle import imgui

from flow_gl.core.drawings import CustomLevel, drawing_key
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.drawings.levels import CUSTOM_LEVELS, level_under, snapped
from flow_gl.ui.drawings.book import DrawingEdits, new_id
from flow_gl.ui.drawings.state import HeldLevel
from flow_gl.ui.input.gestures import CLICK_PX, Mouse
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.paint.key_presses import Press
from flow_gl.ui.state.view_state import ViewState

_STEPS: Final = {imgui.Key.up_arrow: 1, imgui.Key.down_arrow: -1}
_LARGE_STEP: Final = 10
"""Number of ticks that Ctrl with Up or Down moves a level."""


@dataclass(slots=True)
class _Grab:
    """A level under a pressed button. It is dragged once the mouse has moved.

    Attributes
    ----------
    chart : index of the chart
    from_y : where the button was pressed, px
    offset_px : from the mouse to the line
    """

    chart: int
    key: str
    level: CustomLevel
    from_y: float
    offset_px: float
    has_moved: bool = False
    is_given_up: bool = False


def edits_of(state: ViewState) -> DrawingEdits:
    """Return what edits the drawings of a state."""
    return DrawingEdits(state.drawings.book, state.drawings.rules, state.history)


def key_of(chart: ChartFrame) -> str:
    """Return the key of a chart's drawings; "" if its instrument is unknown."""
    return "" if chart.market is None else drawing_key(chart.market.symbol, chart.market.requested)


def price_at(scene: Scene, y_px: float) -> int:
    """Return the price (1e-9) of the tick that is nearest to a height in the price pane."""
    view, tick_size = scene.price_view, tick_size_of(scene)
    y_px = min(max(y_px, view.rect.y), view.rect.bottom)
    return snapped(round(view.y_at(y_px)) * tick_size, tick_size)


def begin(state: ViewState, index: int, key: str, price: int, event_ns: int) -> None:
    """Start placing a level. It is held until a click or Enter places it."""
    state.filters.layers.add(CUSTOM_LEVELS)
    level = CustomLevel(new_id(), price, since_ns=max(0, event_ns) // SECOND_NS * SECOND_NS)
    state.drawings.held = HeldLevel(key, index, level, is_new=True)


class LevelTool:
    """Applies mouse and key input to custom levels."""

    def __init__(self) -> None:
        self._grab: _Grab | None = None
        self._mouse_px = (-1.0, -1.0)
        self.is_over = False
        """Whether a level is held or under the mouse; selects the cursor's shape."""
        self.under: tuple[int, str, str] | None = None
        """Chart, instrument root and id of the level under the mouse."""
        self.notes: Final[list[str]] = []
        """Messages for the user; the caller reads and clears them."""

    @property
    def is_dragging(self) -> bool:
        return self._grab is not None

    def handle(self, mouse: Mouse, charts: Sequence[ChartFrame], state: ViewState, *, scale: float) -> bool:
        """Apply one frame's mouse input; return whether a level used it, so that charts ignore it."""
        has_moved, self._mouse_px = (mouse.x, mouse.y) != self._mouse_px, (mouse.x, mouse.y)
        under = next((c for c in charts if c.scene is not None and c.layout.price.contains(mouse.x, mouse.y)), None)
        under = under if mouse.is_free else None
        if self._grab is not None:
            self.is_over = self._drag(mouse, self._grab, charts, state, scale)
            return self.is_over
        if state.drawings.held is not None:
            self.is_over = under is not None
            return self._follow(mouse, under, state, has_moved=has_moved)
        shown = None if under is None or under.scene is None else level_under(under.scene, mouse.x, mouse.y)
        # With Alt a drag marks a range, even if it starts on a line.
        found = None if shown is None or mouse.is_alt else shown.level
        self.is_over = found is not None
        self.under = None if found is None or under is None else (under.index, key_of(under), found.id)
        if found is None or under is None or under.scene is None or not mouse.is_pressed:
            return False
        line_y = under.scene.price_view.screen_y(found.price / tick_size_of(under.scene))
        self._grab = _Grab(under.index, key_of(under), found, mouse.y, line_y - mouse.y)
        return True

    def take_keys(self, presses: Sequence[Press], charts: Sequence[ChartFrame], state: ViewState) -> bool:
        """Apply key presses to the level being placed; return whether it uses Up, Down and Enter."""
        held = state.drawings.held
        if held is None or not held.is_new:
            return False
        chart = next((c for c in charts if c.index == held.chart), None)
        if chart is not None and chart.scene is not None:
            tick_size = tick_size_of(chart.scene)
            size = _LARGE_STEP if imgui.get_io().key_ctrl else 1
            ticks = sum(size * step for key, step in _STEPS.items() if imgui.is_key_pressed(key, True))
            if ticks:
                held = state.drawings.held = held.at(snapped(held.level.price + ticks * tick_size, tick_size))
        if any(press.key in (imgui.Key.enter, imgui.Key.keypad_enter) for press in presses):
            self._place(state, held)
        return True

    def _follow(self, mouse: Mouse, under: ChartFrame | None, state: ViewState, *, has_moved: bool) -> bool:
        """Move the level being placed to the mouse, and place it when the mouse is pressed."""
        held = state.drawings.held
        assert held is not None
        state.cursor_px = None if under is None else (mouse.x, mouse.y)
        if under is None or under.scene is None:
            return False
        if has_moved or mouse.is_pressed:
            held = HeldLevel(key_of(under), under.index, held.level, is_new=True).at(price_at(under.scene, mouse.y))
            state.drawings.held = held
        if mouse.is_pressed:
            self._place(state, held)
        return not (mouse.wheel or mouse.wheel_h)

    def _place(self, state: ViewState, held: HeldLevel) -> None:
        state.drawings.held = None
        if problem := edits_of(state).place(held.key, held.level):
            self.notes.append(problem)

    def _drag(self, mouse: Mouse, grab: _Grab, charts: Sequence[ChartFrame], state: ViewState, scale: float) -> bool:
        """Move a level with the mouse, and store its price when the button is released; return whether it is held."""
        state.cursor_px = (mouse.x, mouse.y)
        drawings, chart = state.drawings, next((c for c in charts if c.index == grab.chart), None)
        if grab.has_moved and drawings.held is None:
            grab.is_given_up = True  # cancelled with Esc
        grab.has_moved |= abs(mouse.y - grab.from_y) > CLICK_PX * scale
        if grab.has_moved and not grab.is_given_up and chart is not None and chart.scene is not None:
            price = price_at(chart.scene, mouse.y + grab.offset_px)
            drawings.held = HeldLevel(grab.key, grab.chart, grab.level, is_new=False).at(price)
        if mouse.is_down:
            return True
        held, drawings.held, self._grab = drawings.held, None, None
        if not grab.has_moved:
            drawings.edited = grab.chart, grab.key, grab.level.id
        elif held is not None:
            edits_of(state).change(grab.key, held.level)
        return mouse.is_released
