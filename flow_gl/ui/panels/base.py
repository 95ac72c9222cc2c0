"""What panels share: a remembered window with its key in the title, and sheets of names and numbers.

A sheet's texts are formed some times a second (faster than that nobody reads), in frames that do not build the
overlays, and put onto the window's draw list when they are built: a call a text, without a layout of their own, for a
panel must cost next to nothing while trades pour in.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.palette import Palette, Rgb
from flow_gl.ui.actions import BY_NAME
from flow_gl.ui.frame import Frame
from flow_gl.ui.pen import Pen
from flow_gl.ui.state import ViewState
from flow_gl.ui.theme import u32
from flow_gl.ui.turns import Due

MARGIN_PX: Final = 12.0
COLUMN_PX: Final = 300.0
FORM_S: Final = 0.15
"""A sheet's texts are formed no more often, and when its turn comes: with four panels open five times a second."""
ROW_SHARE: Final = 1.42
"""Height of a row, of the text's."""
LABEL_EMS: Final = 7.0
GAP_EMS: Final = 0.8
"""Least width of a name, and of the space before a value, of the text's size."""
_FLAGS: Final[int] = (
    imgui.WindowFlags_.no_nav_inputs.value
    | imgui.WindowFlags_.no_focus_on_appearing.value
    | imgui.WindowFlags_.no_collapse.value
    | imgui.WindowFlags_.horizontal_scrollbar.value
)
_FIRST_USE: Final[int] = imgui.Cond_.first_use_ever.value
_TEXT: Final[int] = imgui.Col_.text.value
_TEXT_DISABLED: Final[int] = imgui.Col_.text_disabled.value
_TOOLTIP: Final[int] = imgui.HoveredFlags_.for_tooltip.value
_KEPT: Final[int] = (
    imgui.internal.WindowRefreshFlags_.try_to_avoid_refresh.value
    | imgui.internal.WindowRefreshFlags_.refresh_on_hover.value
)
_PLACES: Final = {
    # name: column, upper border below the header, height; content scale 1. Two columns over the oldest history.
    "controls": (0, 0.0, 572.0),
    "feed": (0, 580.0, 424.0),
    "session": (1, 0.0, 664.0),
    "performance": (1, 672.0, 332.0),
}


@contextmanager
def window(name: str, frame: Frame, state: ViewState) -> Iterator[bool]:
    """A panel's window: docked or floating, remembered, closed by its key or its cross. Yields whether to fill it."""
    _place(name, frame)
    action = BY_NAME[name]
    # What follows ### is the window's identity: the title may change, the remembered place stays.
    is_filled, is_open = imgui.begin(f"{action.title}   {action.key_label}###{name}", True, _FLAGS)
    try:
        yield is_filled
    finally:
        imgui.end()
    if not is_open:
        state.open_panels.discard(name)


def keep_next() -> None:
    """Let the next window stand as it was filled last, unless the mouse is over it: it must not be filled then."""
    imgui.internal.set_next_window_refresh_policy(_KEPT)


def _place(name: str, frame: Frame) -> None:
    scale = frame.gui_scale
    column, top, height = _PLACES[name]
    area = imgui.get_main_viewport().work_size
    header = 40.0 * scale
    left = (MARGIN_PX + column * (COLUMN_PX + 8.0)) * scale
    height = min(height * scale, area.y - header - 2 * MARGIN_PX * scale)
    top = min(header + MARGIN_PX * scale + top * scale, max(header, area.y - height - MARGIN_PX * scale))
    imgui.set_next_window_pos((left, top), _FIRST_USE)
    imgui.set_next_window_size((COLUMN_PX * scale, height), _FIRST_USE)


@dataclass(frozen=True, slots=True)
class Row:
    """A name and a value per column."""

    label: str
    values: tuple[str, ...]
    colors: tuple[Rgb | None, ...] = ()
    """Per value; the palette's text where there is none."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading ("": none)."""

    heading: str
    rows: list[Row]
    label_share: float = 0.42
    """Width of the names' column."""


Form = Callable[[Frame, ViewState], list[Section]]
Top = Callable[[Frame, ViewState], list[Command]]


class Sheet:
    """A panel of figures.

    Parameters
    ----------
    form : forms the texts
    top : what stands above them, drawn whenever the panel is filled; its commands are the panel's
    """

    def __init__(self, name: str, form: Form, top: Top | None = None) -> None:
        self.name: Final = name
        self._form: Final = form
        self._top: Final = top
        self.due: Final = Due(FORM_S)
        self._figures: list[Figures] = []

    def prepare(self, pen: Pen, frame: Frame, state: ViewState, *, late_s: float = 0.0) -> bool:
        """Form the texts for the next drawing, where they have been due for `late_s`; whether they were."""
        if not self.due.is_now(frame.steady_s, late_s=late_s):
            return False
        self.due.formed(frame.steady_s)
        before = self._figures
        self._figures = [Figures(section, pen) for section in self._form(frame, state)]
        for now, was in zip(self._figures, before, strict=False):
            now.stand_like(was)
        return True

    def draw(self, frame: Frame, state: ViewState, pen: Pen) -> list[Command]:
        """Draw the panel; what the user asked of the engine in it."""
        commands: list[Command] = []
        with window(self.name, frame, state) as is_filled:
            if is_filled:
                if self._top is not None:
                    commands = self._top(frame, state)
                self.prepare(pen, frame, state, late_s=FORM_S)
                for section in self._figures:
                    section.draw(state.palette)
        return commands


class _Stand(NamedTuple):
    """What texts' places depend on, ImGui's units: the space from the cursor on, and the text's size."""

    left: float
    top: float
    width: float
    bottom: float
    size: float
    palette: Palette


class Figures:
    """A section on the screen: names quiet, values right-aligned so that figures stand under each other.

    Where each text stands is found once, and again when the window has another place or width.
    """

    def __init__(self, section: Section, pen: Pen) -> None:
        self._section: Final = section
        self._columns: Final = max((len(row.values) for row in section.rows), default=0)
        self._widths: Final = [[pen.points(value) for value in row.values] for row in section.rows]
        """Of each row's values, ImGui's units."""
        self._widest: Final = max((width for widths in self._widths for width in widths), default=0.0)
        self._stand: _Stand | None = None
        self._texts: list[tuple[tuple[float, float], int, str]] = []

    def stand_like(self, before: "Figures") -> None:
        """Place the texts where those of `before` stand: mostly that is where they will be drawn."""
        if before._stand is not None:
            self._place(before._stand)

    def draw(self, palette: Palette) -> None:
        """Draw it at the cursor."""
        section = self._section
        if section.heading:
            heading(section.heading)
        size = imgui.get_font_size()
        left, top = imgui.get_cursor_screen_pos()
        # Many charts make the sheet wider than its window, which then scrolls sideways.
        least = LABEL_EMS * size + self._columns * (self._widest + GAP_EMS * size)
        width = max(imgui.get_content_region_avail().x, least)
        imgui.dummy((width, round(size * ROW_SHARE) * len(section.rows)))
        bottom = imgui.get_window_pos().y + imgui.get_window_height()
        stand = _Stand(left, top, width, bottom, size, palette)
        if stand != self._stand:
            self._place(stand)
        add_text = imgui.get_window_draw_list().add_text
        for place, color, text in self._texts:
            add_text(place, color, text)

    def _place(self, stand: _Stand) -> None:
        self._stand = stand
        left, top, width, bottom, size, palette = stand
        labels_width = width * self._section.label_share if self._columns < 3 else LABEL_EMS * size
        quiet, plain = u32(palette.quiet), u32(palette.text)
        self._texts.clear()
        for row, widths in zip(self._section.rows, self._widths, strict=True):
            if top > bottom:
                break
            self._texts.append(((left, top), quiet, row.label))
            column = (width - labels_width) / max(1, len(row.values))
            for index, value in enumerate(row.values):
                color = row.colors[index] if index < len(row.colors) else None
                x = left + labels_width + (index + 1) * column - widths[index]
                self._texts.append(((round(x), top), plain if color is None else u32(color), value))
            top += round(size * ROW_SHARE)


def figures(section: Section, pen: Pen, palette: Palette) -> None:
    """Draw a section at the cursor that is another one each time."""
    Figures(section, pen).draw(palette)


def right(text: str, color: Rgb | None = None) -> None:
    """A text at the right border of the space that is left."""
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
    """A quiet line between groups."""
    imgui.push_style_color(_TEXT, imgui.get_style_color_vec4(_TEXT_DISABLED))
    imgui.separator_text(text)
    imgui.pop_style_color()


def hint(text: str) -> None:
    """Explain the item before, while the mouse rests on it."""
    if imgui.is_item_hovered(_TOOLTIP):
        imgui.set_tooltip(text)
