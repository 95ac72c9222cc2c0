"""Common parts of the panels: a window with its key in the title, and tables of labels and values.

The tables are updated a few times per second, mostly in frames that do not rebuild the overlays. Their texts go to the
window's draw list with one call each, without ImGui's layout, because a panel must stay cheap at high trade rates.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.jobs import Jobs
from flow_gl.core.palette import Palette, Rgb
from flow_gl.ui.input.actions import BY_NAME
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import u32
from flow_gl.ui.state.view_state import ViewState

MARGIN_PX: Final = 12.0
COLUMN_PX: Final = 300.0
ROW_SHARE: Final = 1.42
"""Height of a row as a multiple of the text size."""
LABEL_EMS: Final = 7.0
GAP_EMS: Final = 0.8
"""Minimum width of the label column (`LABEL_EMS`) and of the gap before a value, in multiples of the text size."""
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
    # name: (column, top below the header, height), in pixels at content scale 1. Two columns, over the oldest history.
    "controls": (0, 0.0, 572.0),
    "feed": (0, 580.0, 424.0),
    "session": (1, 0.0, 664.0),
    "performance": (1, 672.0, 332.0),
}


@contextmanager
def window(name: str, frame: Frame, state: ViewState, *, may_keep: bool = False) -> Iterator[bool]:
    """Open a panel's window: dockable, its place remembered, closed by its close button. Yield whether to fill it.

    Parameters
    ----------
    may_keep : let the window reuse its last content unless the mouse is over it
    """
    if may_keep:
        imgui.internal.set_next_window_refresh_policy(_KEPT)
    _place(name, frame)
    action = BY_NAME[name]
    # The part after ### identifies the window: its place is remembered even if the title changes.
    is_filled, is_open = imgui.begin(f"{action.title}   {action.key_label}###{name}", True, _FLAGS)
    try:
        yield is_filled
    finally:
        imgui.end()
    if not is_open:
        state.open_panels.discard(name)


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
    """A label and one value per column."""

    label: str
    values: tuple[str, ...]
    colors: tuple[Rgb | None, ...] = ()
    """One per value; the palette's text colour if None or absent."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading ("" for no heading)."""

    heading: str
    rows: list[Row]
    label_share: float = 0.42
    """Width of the label column as a share of the section, for up to two columns of values."""


Form = Callable[[Frame, ViewState], list[Section]]
Fill = Callable[[Frame, ViewState], list[Command]]


class Panel:
    """A window over the charts: widgets, with tables of figures below them.

    The figures are updated when the panel's job runs; the window is then rebuilt. Otherwise it keeps its last content.

    Parameters
    ----------
    name : name of the action that opens the panel
    fill : draws the widgets each time the window is rebuilt, and returns the user's commands
    form : returns the sections of figures
    """

    def __init__(self, name: str, jobs: Jobs, *, fill: Fill | None = None, form: Form | None = None) -> None:
        self.name: Final = name
        self._job: Final = jobs.add("panel")
        self._fill: Final = fill
        self._form: Final = form
        self._figures: list[Figures] = []
        self._is_shown = False
        self._is_changed = False

    def refresh(self, painter: Painter, frame: Frame, state: ViewState) -> None:
        """Update the figures if the panel is open and was just opened, or if its job runs in this frame."""
        was_shown, self._is_shown = self._is_shown, state.is_panel_open(self.name)
        if not self._is_shown:
            return
        if not was_shown:
            self._job.run_now("opened")
        elif not self._job.may_run("time"):
            return
        self._is_changed = True
        if self._form is None:
            return
        before = self._figures
        self._figures = [Figures(section, painter) for section in self._form(frame, state)]
        for now, was in zip(self._figures, before, strict=False):
            now.place_like(was)

    def draw(self, frame: Frame, state: ViewState, *, is_full: bool) -> list[Command]:
        """Draw the panel if it is open.

        Parameters
        ----------
        is_full : rebuild the window even if its figures are unchanged

        Returns
        -------
        commands : commands to the engine from the panel's widgets
        """
        commands: list[Command] = []
        if not state.is_panel_open(self.name):
            return commands
        with window(self.name, frame, state, may_keep=not (is_full or self._is_changed)) as is_filled:
            if is_filled:
                self._is_changed = False
                if self._fill is not None:
                    commands = self._fill(frame, state)
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


class Figures:
    """Draws a section: labels in the quiet colour, values right-aligned.

    Text positions are computed once, and again only if the window moved, changed its size or changed its palette.
    """

    def __init__(self, section: Section, painter: Painter) -> None:
        self._section: Final = section
        self._columns: Final = max((len(row.values) for row in section.rows), default=0)
        self._widths: Final = [[painter.points(value) for value in row.values] for row in section.rows]
        """Widths of each row's values, in ImGui units."""
        self._widest: Final = max((width for widths in self._widths for width in widths), default=0.0)
        self._placement: _Placement | None = None
        self._texts: list[tuple[tuple[float, float], int, str]] = []

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
        # With many charts the table is wider than its window, which then scrolls horizontally.
        least = LABEL_EMS * size + self._columns * (self._widest + GAP_EMS * size)
        width = max(imgui.get_content_region_avail().x, least)
        imgui.dummy((width, round(size * ROW_SHARE) * len(section.rows)))
        bottom = imgui.get_window_pos().y + imgui.get_window_height()
        placement = _Placement(left, top, width, bottom, size, palette)
        if placement != self._placement:
            self._place(placement)
        add_text = imgui.get_window_draw_list().add_text
        for place, color, text in self._texts:
            add_text(place, color, text)

    def _place(self, placement: _Placement) -> None:
        self._placement = placement
        left, top, width, bottom, size, palette = placement
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


def hint(text: str) -> None:
    """Show a tooltip for the previous item while the mouse rests on it."""
    if imgui.is_item_hovered(_TOOLTIP):
        imgui.set_tooltip(text)
