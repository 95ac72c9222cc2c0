"""Places, moves and selects the user's shapes by mouse, and by the crosshair that keys move.

A shape of two points is placed by a drag, or by two clicks; one of a single point by a click. A drag from a handle
moves a point and a drag from a line the whole shape. A click selects. Esc cancels. Points are at the starts of buckets
of the current width and at ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from flow_gl.core.drawings import WITH_TWO_POINTS, Point, Shape, ShapeKind
from flow_gl.layers.base import Scene
from flow_gl.layers.drawings.geometry import SHAPES, Grip, shape_under
from flow_gl.ui.drawings.book import new_id
from flow_gl.ui.drawings.state import HeldShape
from flow_gl.ui.input.gestures import CLICK_PX, Mouse
from flow_gl.ui.input.level_tool import edits_of, key_of, price_at
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.state.view_state import ViewState

_TO_END: Final = Grip(start_t=False, start_price=False)


def point_at(scene: Scene, x_px: float, y_px: float) -> Point:
    """Return the start of the bucket and the tick at a place of the price pane."""
    view, width_ns = scene.price_view, scene.reader.widths_ns[scene.lod]
    x_px = min(max(x_px, view.rect.x), view.rect.right)
    return Point(max(0, view.time_at(x_px)) // width_ns * width_ns, price_at(scene, y_px))


def begin(state: ViewState, kind: ShapeKind) -> None:
    """Take up the tool of a kind: the next click begins or places a shape."""
    drawings = state.drawings
    state.filters.layers.add(SHAPES)
    drawings.cancel()
    drawings.tool, drawings.selected = kind, None


def pick_up(state: ViewState, chart: int, key: str, shape: Shape, at: Point) -> None:
    """Let a shape follow the mouse until the next click, from a point on."""
    drawings = state.drawings
    drawings.cancel()
    drawings.held_shape = HeldShape(key, chart, shape, Grip(), at, at)
    drawings.selected = chart, key, shape.id


@dataclass(slots=True)
class _Press:
    """The position at which a button that is still down was pressed, px, and the shape there."""

    x: float
    y: float
    held: HeldShape | None
    has_moved: bool = False


class ShapeTool:
    """Applies mouse input to shapes."""

    def __init__(self) -> None:
        self._press: _Press | None = None
        self.is_over = False
        """Whether a shape is held or under the mouse, or a tool is in use; selects the cursor's shape."""
        self.notes: Final[list[str]] = []
        """Messages for the user; the caller reads and clears them."""

    @property
    def is_dragging(self) -> bool:
        return self._press is not None

    def handle(self, mouse: Mouse, charts: Sequence[ChartFrame], state: ViewState, *, scale: float) -> bool:
        """Apply one frame's mouse input; return whether a shape used it, so that charts ignore it."""
        drawings = state.drawings
        if self._press is None and not (drawings.has_shapes or drawings.tool):
            self.is_over = False
            return False
        if self._press is not None:
            self._press.has_moved |= max(abs(mouse.x - self._press.x), abs(mouse.y - self._press.y)) > CLICK_PX * scale
        under = next((c for c in charts if c.scene is not None and c.layout.price.contains(mouse.x, mouse.y)), None)
        under = under if mouse.is_free else None
        if drawings.held_shape is not None:
            self.is_over = True
            return self._follow(mouse, drawings.held_shape, charts, state)
        if self._press is not None:
            return self._wait(mouse, self._press, charts, state)
        if drawings.tool is not None:
            self.is_over = under is not None
            return self._place(mouse, under, state, drawings.tool)
        return self._look(mouse, under, state)

    def _place(self, mouse: Mouse, under: ChartFrame | None, state: ViewState, kind: ShapeKind) -> bool:
        """Begin a shape where the mouse is pressed; one of a single point is placed at once."""
        state.cursor_px = None if under is None else (mouse.x, mouse.y)
        if under is None or under.scene is None:
            return False
        if not mouse.is_pressed:
            return not (mouse.wheel or mouse.wheel_h)
        at = point_at(under.scene, mouse.x, mouse.y)
        shape = Shape(new_id(), kind, at, at)
        state.drawings.tool = None
        if kind in WITH_TWO_POINTS:
            state.drawings.held_shape = HeldShape(key_of(under), under.index, shape, _TO_END, at, at, is_new=True)
        else:
            self._commit_new(state, under.index, key_of(under), shape)
        self._press = _Press(mouse.x, mouse.y, None) if mouse.is_down else None
        return True

    def _follow(self, mouse: Mouse, held: HeldShape, charts: Sequence[ChartFrame], state: ViewState) -> bool:
        """Move the held shape to the mouse; place it on a click, or at the end of a drag."""
        state.cursor_px = (mouse.x, mouse.y)
        chart = next((one for one in charts if one.index == held.chart), None)
        if chart is not None and chart.scene is not None and mouse.is_free:
            held = replace(held, now=point_at(chart.scene, mouse.x, mouse.y))
            state.drawings.held_shape = held
        is_dragged = self._press is not None and self._press.has_moved
        has_ended = self._press is not None and not mouse.is_down
        if has_ended:
            self._press = None
        if (mouse.is_pressed and mouse.is_free) or (has_ended and is_dragged):
            self._commit(state, held)
            if mouse.is_pressed and mouse.is_down:
                self._press = _Press(mouse.x, mouse.y, None)
        return not (mouse.wheel or mouse.wheel_h)

    def _commit(self, state: ViewState, held: HeldShape) -> None:
        """Put the held shape into the book."""
        state.drawings.held_shape = None
        shape = held.shown
        if not held.is_new:
            edits_of(state).change_shape(held.key, shape)
        elif shape.start != shape.end:
            self._commit_new(state, held.chart, held.key, shape)

    def _commit_new(self, state: ViewState, chart: int, key: str, shape: Shape) -> None:
        if problem := edits_of(state).place_shape(key, shape):
            self.notes.append(problem)
            return
        state.drawings.selected = chart, key, shape.id
        if shape.kind == "note":
            state.drawings.edited_shape = chart, key, shape.id

    def _look(self, mouse: Mouse, under: ChartFrame | None, state: ViewState) -> bool:
        """Find the shape under the mouse; a press there takes hold of it, a press elsewhere ends the selection."""
        found = None if under is None or under.scene is None else shape_under(under.scene, mouse.x, mouse.y)
        # With Alt a drag marks a range, even if it starts on a shape.
        found = None if mouse.is_alt else found
        self.is_over = found is not None
        if not mouse.is_pressed:
            return False
        if found is None or under is None or under.scene is None:
            state.drawings.selected = state.drawings.selected if under is None else None
            return False
        (shape, grip), at = found, point_at(under.scene, mouse.x, mouse.y)
        held = HeldShape(key_of(under), under.index, shape, grip, at, at)
        state.drawings.selected = under.index, held.key, shape.id
        if mouse.is_double:
            state.drawings.edited_shape = state.drawings.selected
        elif mouse.is_down:
            self._press = _Press(mouse.x, mouse.y, held)
        return True

    def _wait(self, mouse: Mouse, press: _Press, charts: Sequence[ChartFrame], state: ViewState) -> bool:
        """Wait until a press on a shape becomes a drag."""
        self.is_over = press.held is not None
        state.cursor_px = (mouse.x, mouse.y)
        if not mouse.is_down:
            self._press = None
            return mouse.is_released
        if press.has_moved and press.held is not None:
            held, press.held = press.held, None
            state.drawings.held_shape = held
            self._follow(mouse, held, charts, state)
        return True
