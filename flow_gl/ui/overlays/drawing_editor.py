"""Base class of the editors for custom levels and other drawings.

The popup opens beside the drawing and closes on Enter, Esc or a click elsewhere. Tab and the arrow keys move through
its items. Enter, Tab or a click elsewhere applies the typed text; Esc discards it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, Literal, Protocol, TypeVar

from imgui_bundle import imgui

from flow_gl.core.drawings import COLOR_NAMES, ColorName
from flow_gl.core.palette import Palette
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.drawings.levels import color_of
from flow_gl.ui.drawings.book import DrawingEdits
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.state.view_state import ViewState

_WIDTH_PX: Final = 250.0
"""Width of an editor, px at content scale 1."""
_SHIFT_PX: Final = 14.0
"""Distance from the drawing, px at content scale 1."""
_NO_TOOLTIP: Final[int] = imgui.ColorEditFlags_.no_tooltip.value
_NAV: Final[int] = imgui.ConfigFlags_.nav_enable_keyboard.value
_ENTER: Final[int] = imgui.InputTextFlags_.enter_returns_true.value | imgui.InputTextFlags_.auto_select_all.value


class _Drawing(Protocol):
    """The fields of every drawing that the base class reads."""

    @property
    def id(self) -> str: ...
    @property
    def color(self) -> ColorName: ...


T = TypeVar("T", bound=_Drawing)


@dataclass(frozen=True, slots=True)
class EditContext:
    """The context of an edit: the edit operations, the instrument root, the chart's scene, and the view's state."""

    edits: DrawingEdits
    root: str
    scene: Scene
    state: ViewState

    @property
    def tick_size(self) -> int:
        """The chart's tick size, 1e-9."""
        return tick_size_of(self.scene)


class DrawingEditor(ABC, Generic[T]):
    """An editor of one kind of drawing. `slot` is the attribute of `state.drawings` with the drawing being edited."""

    popup: ClassVar[str]
    slot: ClassVar[Literal["edited", "edited_shape"]]

    def __init__(self) -> None:
        self._open_for: tuple[int, str, str] | None = None
        self.problem = ""
        """Why the typed text cannot be applied, one line; the editor stays open while this is not empty."""

    @abstractmethod
    def find(self, edits: DrawingEdits, root: str, drawing_id: str) -> T | None:
        """Return the drawing being edited; None if it no longer exists."""

    @abstractmethod
    def point(self, context: EditContext, drawing: T) -> tuple[float, float]:
        """Return the point beside which the popup opens, framebuffer px."""

    @abstractmethod
    def take(self, context: EditContext, drawing: T) -> None:
        """Copy the drawing's values into the text fields."""

    @abstractmethod
    def title(self, context: EditContext, drawing: T) -> str:
        """Return the editor's title line."""

    @abstractmethod
    def fields(self, context: EditContext, drawing: T) -> tuple[T, bool]:
        """Draw the text fields; return the updated drawing and whether Enter was pressed in one of them."""

    @abstractmethod
    def commit(self, context: EditContext, drawing: T) -> T:
        """Apply the typed text; return the updated drawing."""

    @abstractmethod
    def recolor(self, context: EditContext, drawing: T, color: ColorName) -> None:
        """Change the drawing's colour."""

    def more(self, context: EditContext, drawing: T) -> None:
        """Draw further items of this kind of drawing, below the colours."""

    @abstractmethod
    def delete(self, context: EditContext, drawing: T) -> None:
        """Delete the drawing."""

    def draw(self, frame: Frame, state: ViewState) -> None:
        """Draw the editor, if a drawing of its kind is being edited."""
        edited = getattr(state.drawings, self.slot)
        if edited is None and self._open_for is None:
            return
        edits = DrawingEdits(state.drawings.book, state.drawings.rules, state.history)
        chart = None if edited is None else next((one for one in frame.charts if one.index == edited[0]), None)
        drawing = None if edited is None else self.find(edits, *edited[1:])
        if edited is None or chart is None or chart.scene is None or drawing is None:
            self._close(state)
            return
        context = EditContext(edits, edited[1], chart.scene, state)
        is_new = edited != self._open_for
        if is_new:
            self._open_for, state.drawings.last_edited, self.problem = edited, drawing.id, ""
            self.take(context, drawing)
            imgui.get_io().config_flags |= _NAV
            imgui.open_popup(self.popup)
            _place_beside(*self.point(context, drawing), chart.scene.price_view.rect, frame.scale)
        if not imgui.begin_popup(self.popup):
            # Closed by a click elsewhere, which applies the typed text, or by Esc, which discards it.
            if not imgui.is_key_pressed(imgui.Key.escape):
                self.commit(context, drawing)
            self._close(state)
            return
        if not self._fill(context, drawing, is_new=is_new):
            imgui.close_current_popup()
        imgui.end_popup()

    def _close(self, state: ViewState) -> None:
        if self._open_for is not None:
            self._open_for = None
            setattr(state.drawings, self.slot, None)
            imgui.get_io().config_flags &= ~_NAV

    def _fill(self, context: EditContext, drawing: T, *, is_new: bool) -> bool:
        """Draw the editor's content; return whether it stays open."""
        palette = context.state.palette
        base.colored(self.title(context, drawing), palette.quiet)
        imgui.push_item_width(_WIDTH_PX * imgui.get_style().font_scale_main * 0.72)
        if is_new:
            imgui.set_keyboard_focus_here()
        drawing, is_entered = self.fields(context, drawing)
        imgui.pop_item_width()
        if self.problem:
            base.colored(self.problem, palette.attention)
        color = _clicked_color(drawing.color, palette)
        if color is not None:
            self.recolor(context, drawing, color)
        self.more(context, drawing)
        if imgui.button("Delete"):
            self.delete(context, drawing)
            return False
        base.hint(f"{key_label(context.state.keys, 'undo')} restores it")
        imgui.same_line()
        return not (imgui.button("Done") or (is_entered and not self.problem))


def text_field(label: str, text: str) -> tuple[str, bool, bool]:
    """Draw a text field; return its text, whether Enter was pressed, and whether the text must be applied now."""
    is_entered, text = imgui.input_text(label, text, _ENTER)
    return text, is_entered, is_entered or imgui.is_item_deactivated_after_edit()


def _place_beside(x: float, y: float, pane: Rect, scale: float) -> None:
    """Place the next window above or below a point of a pane, within the pane's width; framebuffer px."""
    dense, shift, width = imgui.get_io().display_framebuffer_scale.x, _SHIFT_PX * scale, _WIDTH_PX * scale
    x = max(pane.x + shift, min(x, pane.right - width - 3 * shift))
    y = min(max(y, pane.y), pane.bottom)
    is_low = y > pane.y + 0.5 * pane.height
    at = x / dense, (y - shift if is_low else y + shift) / dense
    imgui.set_next_window_pos(at, imgui.Cond_.always.value, (0.0, 1.0 if is_low else 0.0))


def _clicked_color(chosen: ColorName, palette: Palette) -> ColorName | None:
    """Draw a button for each colour, the current one with a border; return the clicked colour, or None."""
    clicked: ColorName | None = None
    for at, name in enumerate(COLOR_NAMES):
        if at:
            imgui.same_line()
        imgui.push_style_var(imgui.StyleVar_.frame_border_size.value, 2.0 if name == chosen else 0.0)
        imgui.push_style_color(imgui.Col_.border.value, (*palette.text, 1.0))
        if imgui.color_button(name, (*color_of(palette, name), 1.0), _NO_TOOLTIP):
            clicked = name
        imgui.pop_style_color()
        imgui.pop_style_var()
        base.hint(name)
    return clicked
