"""Common parts of the panels: widgets, and tables of labels and values.

The tables are updated a few times per second, mostly in frames that do not rebuild the overlays. Their texts go to the
window's draw list with one call each, without ImGui's layout, because a panel must stay cheap at high trade rates.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.jobs import Jobs
from flow_gl.core.palette import Palette, Rgb
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels.window import window
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import u32
from flow_gl.ui.state.view_state import ViewState

ROW_SHARE: Final = 1.42
"""Height of a row as a multiple of the text size."""
LABEL_EMS: Final = 7.0
GAP_EMS: Final = 0.8
"""Minimum width of the label column (`LABEL_EMS`) and of the gap before a value, in multiples of the text size."""
_BLOCK_GAP_EMS: Final = 0.6
"""Gap between instruments that are below each other."""
_FRAME_PADDING: Final[int] = imgui.StyleVar_.frame_padding.value
_LOG: Final[int] = imgui.SliderFlags_.logarithmic.value
_TEXT: Final[int] = imgui.Col_.text.value
_TEXT_DISABLED: Final[int] = imgui.Col_.text_disabled.value
_TOOLTIP: Final[int] = imgui.HoveredFlags_.for_tooltip.value


@dataclass(frozen=True, slots=True)
class Row:
    """A label and one value per column."""

    label: str
    values: tuple[str, ...]
    colors: tuple[Rgb | None, ...] = ()
    """One per value; the palette's text colour if None or absent."""
    ground: Rgb | None = None
    """Colour behind the row, which sets it apart from others."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading ("" for no heading)."""

    heading: str
    rows: list[Row]
    label_share: float = 0.42
    """Width of the label column as a share of the section, for up to two columns of values."""
    is_by_instrument: bool = False
    """Each column is an instrument: those without room side by side follow below, under their labels again."""


Fill = Callable[[Frame, ViewState], list[Command]]
Form = Callable[[Frame, ViewState], list[Section]]


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a panel; each panel's module returns its own from `content()`.

    Attributes
    ----------
    fill : draws the widgets each time the window is rebuilt, and returns the user's commands
    form : returns the sections of figures
    """

    fill: Fill | None = None
    form: Form | None = None


class Panel:
    """A window over the charts: widgets, with tables of figures below them.

    The figures are updated when the panel's job runs; the window is then rebuilt. Otherwise it keeps its last content.

    Parameters
    ----------
    name : as in `core.panels`
    """

    def __init__(self, name: str, jobs: Jobs, content: Content) -> None:
        self.name: Final = name
        self._job: Final = jobs.add("panel")
        self._content: Final = content
        self._figures: list[Figures] = []
        self._is_shown = False
        self._is_changed = False

    def refresh(self, painter: Painter, frame: Frame, state: ViewState) -> None:
        """Update the figures if the panel is shown and was just opened, or if its job runs in this frame."""
        was_shown, self._is_shown = self._is_shown, frame.panels.slot_of(self.name) is not None
        if not self._is_shown:
            return
        if not was_shown:
            self._job.run_now("opened")
        elif not self._job.may_run("time"):
            return
        self._is_changed = True
        if self._content.form is None:
            return
        before = self._figures
        self._figures = [Figures(section, painter) for section in self._content.form(frame, state)]
        for now, was in zip(self._figures, before, strict=False):
            now.place_like(was)

    def draw(self, frame: Frame, state: ViewState, *, is_full: bool) -> list[Command]:
        """Draw the panel if it is open and not behind another tab.

        Parameters
        ----------
        is_full : rebuild the window even if its figures are unchanged

        Returns
        -------
        commands : commands to the engine from the panel's widgets
        """
        commands: list[Command] = []
        if frame.panels.slot_of(self.name) is None:
            return commands
        with window(self.name, frame, state, may_keep=not (is_full or self._is_changed)) as is_filled:
            if is_filled:
                self._is_changed = False
                if self._content.fill is not None:
                    commands = self._content.fill(frame, state)
                for section in self._figures:
                    section.draw(state.palette)
        return commands


class _Placement(NamedTuple):
    """Everything the text positions and colours depend on; lengths in ImGui units."""

    left: float
    top: float
    width: float
    bottom: float
    size: float
    palette: Palette
    labels: float
    """Width of the column of labels."""
    per_row: int
    """Columns of values side by side."""


class Figures:
    """Draws a section: labels in the quiet colour, values right-aligned.

    Text positions are computed once, and again only if the window moved, changed its size or changed its palette.
    """

    def __init__(self, section: Section, painter: Painter) -> None:
        self._section: Final = section
        self._painter: Final = painter
        self._columns: Final = max((len(row.values) for row in section.rows), default=0)
        self._widths: Final = [[painter.points(value) for value in row.values] for row in section.rows]
        """Widths of each row's values, in ImGui units."""
        self._labels: Final = max((painter.points(row.label) for row in section.rows), default=0.0)
        self._widest: Final = max((width for widths in self._widths for width in widths), default=0.0)
        self._placement: _Placement | None = None
        self._texts: list[tuple[tuple[float, float], int, str]] = []
        self._grounds: list[tuple[tuple[float, float], tuple[float, float], int]] = []

    def place_like(self, before: "Figures") -> None:
        """Compute the positions from the placement of `before`, which is usually the one that `draw` needs."""
        if before._placement is not None:
            self._place(before._placement)

    def draw(self, palette: Palette) -> None:
        """Draw the section at ImGui's cursor."""
        section = self._section
        if section.heading:
            heading(section.heading)
        size = imgui.get_font_size()
        left, top = imgui.get_cursor_screen_pos()
        width = imgui.get_content_region_avail().x
        labels, column = LABEL_EMS * size, self._widest + GAP_EMS * size
        blocks, per_row = 1, self._columns
        if section.is_by_instrument and self._columns:
            labels = max(labels, self._labels)
            blocks = math.ceil(self._columns / max(1, int((width - labels) / column)))
            per_row = math.ceil(self._columns / blocks)
        # A table without room for one column is wider than its window, which then scrolls horizontally.
        width = max(width, labels + per_row * column)
        if per_row < 3:
            share = section.label_share * width
            labels = max(labels, min(share, width - per_row * column)) if section.is_by_instrument else share
        height = round(size * ROW_SHARE) * len(section.rows)
        imgui.dummy((width, blocks * height + (blocks - 1) * round(_BLOCK_GAP_EMS * size)))
        bottom = imgui.get_window_pos().y + imgui.get_window_height()
        placement = _Placement(left, top, width, bottom, size, palette, labels, per_row)
        if placement != self._placement:
            self._place(placement)
        for ground in self._grounds:
            imgui.get_window_draw_list().add_rect_filled(*ground)
        add_text = imgui.get_window_draw_list().add_text
        for place, color, text in self._texts:
            add_text(place, color, text)
        if self._painter.boxes is not None:
            window = imgui.internal.get_current_window()
            sides = window.pos.x, window.pos.x + window.size.x
            for place, _, text in self._texts:
                self._painter.note_text(place, text, palette.text, sides, window=window.name)

    def _place(self, placement: _Placement) -> None:
        self._placement = placement
        self._texts.clear()
        self._grounds.clear()
        top, columns = placement.top, range(self._columns)
        if not self._section.is_by_instrument:
            self._place_block(placement, top, None)
            return
        for first in columns[:: placement.per_row or 1]:
            top = self._place_block(placement, top, columns[first : first + placement.per_row])
            top += round(_BLOCK_GAP_EMS * placement.size)

    def _place_block(self, placement: _Placement, top: float, columns: range | None) -> float:
        """Place the rows with some of the columns, all of a row's with None. Returns the y below them."""
        left, _, width, bottom, size, palette, room, per_row = placement
        quiet, plain, height = u32(palette.quiet), u32(palette.text), round(size * ROW_SHARE)
        for row, widths in zip(self._section.rows, self._widths, strict=True):
            if top > bottom:
                break
            if row.ground is not None:
                self._grounds.append(((left, top), (left + width, top + height), u32(row.ground)))
            self._texts.append(((left, top), quiet if row.ground is None else plain, row.label))
            column = (width - room) / max(1, per_row if columns is not None else len(row.values))
            shown = range(len(row.values)) if columns is None else columns
            for place, index in enumerate(shown, 1):
                color = row.colors[index] if index < len(row.colors) else None
                x = left + room + place * column - widths[index]
                self._texts.append(((round(x), top), plain if color is None else u32(color), row.values[index]))
            top += height
        return top


def figures(section: Section, painter: Painter, palette: Palette) -> None:
    """Draw a section at ImGui's cursor without caching, for content that changes every time."""
    Figures(section, painter).draw(palette)


def right(text: str, color: Rgb | None = None) -> None:
    """Draw a text at the right edge of the remaining space."""
    space = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x
    if space > 0:
        imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + space)
    colored(text, color)


def colored(text: str, color: Rgb | None) -> None:
    if color is None:
        imgui.text_unformatted(text)
        return
    imgui.push_style_color(_TEXT, u32(color))
    imgui.text_unformatted(text)
    imgui.pop_style_color()


def heading(text: str) -> None:
    """Draw a heading with a separator line, in the quiet colour."""
    imgui.push_style_color(_TEXT, imgui.get_style_color_vec4(_TEXT_DISABLED))
    imgui.separator_text(text)
    imgui.pop_style_color()


def slider(
    label: str, shown: str, value: float, limits: tuple[float, float], *, is_log: bool = False
) -> tuple[bool, float]:
    """Draw a slider below its label and its value, so that the value is never behind the grab.

    Parameters
    ----------
    shown : the value as text

    Returns
    -------
    is_changed, value : as Dear ImGui returns them
    """
    colored(label, None)
    imgui.same_line()
    right(shown)
    imgui.set_next_item_width(-1.0)
    padding = imgui.get_style().frame_padding
    imgui.push_style_var(_FRAME_PADDING, imgui.ImVec2(padding.x, 0.0))
    changed, value = imgui.slider_float(f"##{label}", value, *limits, " ", _LOG if is_log else 0)
    imgui.pop_style_var()
    return changed, value


def hint(text: str) -> None:
    """Show a tooltip for the previous item while the mouse rests on it."""
    if imgui.is_item_hovered(_TOOLTIP):
        imgui.set_tooltip(text)


def text_field(name: str, hint: str, text: str, button: str) -> tuple[bool, str]:
    """Draw a text field and its button; return whether Enter or the button was pressed, and the text.

    Parameters
    ----------
    name : unique in the window
    hint : shown while the field is empty
    button : the button's label
    """
    style = imgui.get_style()
    room = imgui.calc_text_size(button).x + 2 * style.frame_padding.x + style.item_spacing.x
    imgui.set_next_item_width(-room)
    enter = imgui.InputTextFlags_.enter_returns_true.value
    is_entered, text = imgui.input_text_with_hint(f"##{name}", hint, text, enter)
    imgui.same_line()
    return imgui.button(f"{button}##{name}") or is_entered, text
