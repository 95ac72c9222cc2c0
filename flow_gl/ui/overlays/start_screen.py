"""The start screen: what can be opened, and why the last choice could not be.

The mouse or the arrow keys and Enter choose. It covers the window until a feed is open.
"""

from collections.abc import Sequence
from typing import Final

from imgui_bundle import imgui

from flow_gl.core.palette import Rgb, mix, readable
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.paint.theme import FONT_PX, u32
from flow_gl.ui.start import Choice, Kind, Offer, StartScreen
from flow_gl.ui.state.view_state import ViewState

_WIDTH_PX: Final = 900.0
_HEIGHT_PX: Final = 560.0
_GAP_PX: Final = 48.0
_ROW_EMS: Final = 3.3
_LINE_EMS: Final = 1.9
_TITLE_PX: Final = 30.0
_FLAGS: Final[int] = (
    imgui.WindowFlags_.no_decoration.value
    | imgui.WindowFlags_.no_move.value
    | imgui.WindowFlags_.no_saved_settings.value
    | imgui.WindowFlags_.no_docking.value
    | imgui.WindowFlags_.no_background.value
)
_SCROLLED: Final[int] = imgui.ChildFlags_.nav_flattened.value


class StartWindow:
    """Draws the start screen of `state.start`."""

    def __init__(self) -> None:
        self._was_open = False
        self._is_refused = False

    def draw(self, frame: Frame, state: ViewState) -> None:
        """Draw the screen while it is open."""
        screen = state.start
        is_open = screen is not None and screen.is_open
        is_new, self._was_open = is_open and not self._was_open, is_open
        if screen is None or not is_open:
            return
        unit, viewport = frame.gui_scale, imgui.get_main_viewport()
        width = min(_WIDTH_PX * unit, viewport.size.x - 48 * unit)
        height = min(_HEIGHT_PX * unit, viewport.size.y - 32 * unit)
        centre = (viewport.pos.x + 0.5 * viewport.size.x, viewport.pos.y + 0.5 * viewport.size.y)
        imgui.set_next_window_pos(centre, imgui.Cond_.always.value, (0.5, 0.5))
        imgui.set_next_window_size((width, height))
        if is_new:
            imgui.get_io().config_flags |= imgui.ConfigFlags_.nav_enable_keyboard.value
            imgui.set_next_window_focus()
        imgui.begin("###start", None, _FLAGS)
        self._title(state)
        gap = _GAP_PX * unit
        column = 0.5 * (width - gap - 2 * imgui.get_style().window_padding.x)
        rest = imgui.get_content_region_avail().y - 1.8 * imgui.get_font_size()
        imgui.begin_child("open", (column, rest), _SCROLLED)
        self._open(screen, state, is_new=is_new)
        imgui.end_child()
        imgui.same_line(0.0, gap)
        imgui.begin_child("recent", (column, rest), _SCROLLED)
        self._lists(screen, state)
        imgui.end_child()
        keys = ((key_label(state.keys, name), does) for name, does in _FOOTER)
        imgui.text_disabled("     ".join(f"{key}  {does}" for key, does in keys if key))
        imgui.end()

    def _title(self, state: ViewState) -> None:
        _text("flow_gl", state.palette.text, _TITLE_PX)
        _text("Order flow of CME futures: every trade, each second, by aggressor.", state.palette.quiet)
        imgui.dummy((1.0, 0.9 * imgui.get_font_size()))

    def _open(self, screen: StartScreen, state: ViewState, *, is_new: bool) -> None:
        palette = state.palette
        _heading("Open", palette.quiet)
        if is_new and screen.typed is None:
            imgui.set_keyboard_focus_here()
            imgui.set_nav_cursor_visible(True)
        if _row("Demo", "a synthetic NQ and ES market; no data and no key needed", state):
            screen.choose(Choice("demo"))
        if screen.live:
            if _row("Live", f"{', '.join(screen.live)} with your Databento key", state):
                screen.choose(Choice("live"))
        else:
            _row("Live", "needs a Databento key: set DATABENTO_API_KEY, or write it into .env", state, is_enabled=False)
        imgui.dummy((1.0, 0.4 * imgui.get_font_size()))
        _label("A file: Databento DBN or CSV, plain, zstd or gzip", palette.quiet)
        self._return_keyboard(screen, "files", is_new=is_new)
        is_entered, screen.path = base.text_field("path", "path of a file", screen.path, "Open")
        if is_entered and screen.path.strip():
            self._open_typed(screen, Choice("files", (screen.path.strip(),)))
        _label("A server: flow-gl serve", palette.quiet)
        self._return_keyboard(screen, "server", is_new=is_new)
        is_entered, screen.address = base.text_field("address", "ws://HOST:PORT", screen.address, "Connect")
        if is_entered and screen.address.strip():
            self._open_typed(screen, Choice("server", (screen.address.strip(),)))
        if screen.problem:
            imgui.dummy((1.0, 0.3 * imgui.get_font_size()))
            imgui.push_style_color(imgui.Col_.text.value, u32(readable(palette.sell, palette.ground, palette.text)))
            imgui.text_wrapped(screen.problem)
            imgui.pop_style_color()

    def _open_typed(self, screen: StartScreen, choice: Choice) -> None:
        screen.choose(choice)
        screen.typed, self._is_refused = choice.kind, screen.is_open

    def _return_keyboard(self, screen: StartScreen, kind: Kind, *, is_new: bool) -> None:
        """Return the keyboard focus to the field whose text could not be opened, so that the user can correct it."""
        if screen.typed == kind and (is_new or self._is_refused):
            imgui.set_keyboard_focus_here()
            self._is_refused = False

    def _lists(self, screen: StartScreen, state: ViewState) -> None:
        self._list("Recent", screen.recent, "Files and servers that you open are listed here.", screen, state)
        imgui.dummy((1.0, 0.6 * imgui.get_font_size()))
        empty = "Live sessions are recorded while they run, and listed here."
        self._list("Recorded sessions", screen.sessions, empty, screen, state)

    def _list(self, title: str, offers: Sequence[Offer], empty: str, screen: StartScreen, state: ViewState) -> None:
        _heading(title, state.palette.quiet)
        if not offers:
            imgui.push_style_color(imgui.Col_.text.value, u32(state.palette.quiet))
            imgui.text_wrapped(empty)
            imgui.pop_style_color()
        imgui.push_style_var(imgui.StyleVar_.item_spacing.value, imgui.ImVec2(0.0, 1.0))
        for at, offer in enumerate(offers):
            imgui.push_id(f"{title}{at}")
            if _line(offer, state):
                screen.choose(offer.choice)
            imgui.pop_id()
        imgui.pop_style_var()


_FOOTER: Final = (("commands", "all commands"), ("palette", "palette"), ("fullscreen", "full screen"), ("quit", "quit"))


def _text(text: str, color: Rgb, size: float = FONT_PX) -> None:
    imgui.push_font(None, size)
    imgui.push_style_color(imgui.Col_.text.value, u32(color))
    imgui.text_unformatted(text)
    imgui.pop_style_color()
    imgui.pop_font()


def _heading(text: str, color: Rgb) -> None:
    _text(text.upper(), color, 11.5)
    imgui.dummy((1.0, 0.1 * imgui.get_font_size()))


def _label(text: str, color: Rgb) -> None:
    imgui.dummy((1.0, 0.25 * imgui.get_font_size()))
    _text(text, color, 13.0)


def _box(name: str, height: float, state: ViewState, *, is_filled: bool) -> tuple[bool, imgui.ImVec2, float]:
    """Draw the ground of a row that can be chosen; return whether it was, its corner and its width."""
    palette, unit = state.palette, imgui.get_style().font_scale_main
    low, width = imgui.get_cursor_screen_pos(), max(1.0, imgui.get_content_region_avail().x)
    is_chosen = imgui.invisible_button(name, (width, height), imgui.ButtonFlags_.enable_nav.value)
    is_lit = imgui.is_item_hovered() or (imgui.is_item_focused() and imgui.get_io().nav_visible)
    ground = mix(palette.raised, palette.information, 0.22) if is_lit else palette.raised
    if is_lit or is_filled:
        high = (low.x + width, low.y + height)
        draw = imgui.get_window_draw_list()
        draw.add_rect_filled(low, high, u32(ground), 4.0 * unit)
    return is_chosen, low, width


def _row(title: str, detail: str, state: ViewState, *, is_enabled: bool = True) -> bool:
    """Draw a large row: a title, and what it is below; return whether it was chosen."""
    palette, size = state.palette, imgui.get_font_size()
    height = round(_ROW_EMS * size)
    if is_enabled:
        is_chosen, low, width = _box(title, height, state, is_filled=True)
    else:
        is_chosen, low, width = False, imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
        imgui.dummy((max(1.0, width), height))
        frame = u32(mix(palette.ground, palette.quiet, 0.35))
        imgui.get_window_draw_list().add_rect(low, (low.x + width, low.y + height), frame, 0.3 * size)
    draw, left = imgui.get_window_draw_list(), low.x + 0.9 * size
    draw.push_clip_rect(low, (low.x + width, low.y + height), True)
    color = palette.text if is_enabled else palette.quiet
    draw.add_text((left, low.y + 0.24 * height - 0.2 * size), u32(color), title)
    quiet = readable(palette.quiet, mix(palette.raised, palette.information, 0.22), palette.text)
    draw.add_text((left, low.y + 0.72 * height - 0.6 * size), u32(quiet), detail)
    draw.pop_clip_rect()
    return is_chosen


def _line(offer: Offer, state: ViewState) -> bool:
    """Draw a line of a list: title, and its detail as far as there is room; return whether it was chosen."""
    palette, size = state.palette, imgui.get_font_size()
    height = round(_LINE_EMS * size)
    is_chosen, low, width = _box(offer.title, height, state, is_filled=False)
    draw, middle = imgui.get_window_draw_list(), low.y + 0.5 * (height - size)
    pad = 0.5 * size
    title = _cut(offer.title, 0.62 * width if offer.detail else width - 2 * pad)
    draw.add_text((low.x + pad, middle), u32(palette.text), title)
    room = width - imgui.calc_text_size(title).x - 3 * pad
    detail = _cut(offer.detail, room)
    x = low.x + width - pad - imgui.calc_text_size(detail).x
    draw.add_text(
        (x, middle), u32(readable(palette.quiet, mix(palette.raised, palette.information, 0.22), palette.text)), detail
    )
    return is_chosen


def _cut(text: str, room: float) -> str:
    """Return a text that is not wider than the room: its middle is left out."""
    if imgui.calc_text_size(text).x <= room:
        return text
    keep = len(text)
    while keep > 2 and imgui.calc_text_size(f"{text[: keep // 2]}\u2026{text[-(keep - keep // 2) :]}").x > room:
        keep -= 1
    return f"{text[: keep // 2]}\u2026{text[-(keep - keep // 2) :]}" if keep > 2 else "\u2026"
