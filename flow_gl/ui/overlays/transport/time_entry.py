"""The field for a time to seek to: 09:31, 14:05:30, 2025-11-28 09:30."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.commands import Command, Seek
from flow_gl.core.errors import UsageError
from flow_gl.core.units import HOUR_NS, MINUTE_NS, format_time, parse_time_ns
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.transport.places import places_of
from flow_gl.ui.overlays.transport.seek_bar import SeekBar
from flow_gl.ui.state.view_state import ViewState

POPUP: Final = "go to a time"
_WIDTH_PX: Final = 250.0


class TimeEntry:
    """Shows the field while `state.transport.is_entering`."""

    def __init__(self) -> None:
        self._text = ""
        self._problem = ""
        self._is_open = False

    def draw(self, frame: Frame, state: ViewState, bar: SeekBar | None) -> list[Command]:
        """Draw the field, if it is open; return the seek to what was typed."""
        transport = state.transport
        if not transport.is_entering or frame.engine is None:
            self._is_open = False
            return []
        is_new = not self._is_open
        if is_new:
            self._is_open, self._problem = True, ""
            self._text = words.clock(frame.event_ns)
            imgui.open_popup(POPUP)
        dense = imgui.get_io().display_framebuffer_scale.x
        if transport.rect is not None:
            clock = places_of(transport.rect, frame.scale).clock
            at, pivot = (clock.x / dense, (transport.rect.y - 8 * frame.scale) / dense), (0.0, 1.0)
        else:
            size = imgui.get_main_viewport().size
            at, pivot = (size.x / 2, 0.7 * size.y), (0.5, 0.5)
        imgui.set_next_window_pos(at, imgui.Cond_.always.value, pivot)
        if not imgui.begin_popup(POPUP):
            transport.is_entering = self._is_open = False
            return []
        commands = self._fill(frame, state, bar, is_new=is_new)
        if commands:
            transport.is_entering = self._is_open = False
            imgui.close_current_popup()
        imgui.end_popup()
        return commands

    def _fill(self, frame: Frame, state: ViewState, bar: SeekBar | None, *, is_new: bool) -> list[Command]:
        base.colored(f"Go to a time, {words.ZONE_NAME} unless it has a zone", state.palette.quiet)
        imgui.push_item_width(_WIDTH_PX * imgui.get_style().font_scale_main)
        if is_new:
            imgui.set_keyboard_focus_here()
        flags = imgui.InputTextFlags_.enter_returns_true.value | imgui.InputTextFlags_.auto_select_all.value
        is_entered, self._text = imgui.input_text("##time", self._text, flags)
        imgui.pop_item_width()
        if self._problem:
            base.colored(self._problem, state.palette.attention)
        if not is_entered:
            return []
        assert frame.engine is not None
        status = frame.engine.status
        first, last = int(status["first_event"]), int(status["last_event"])
        try:
            to_ns = instant_of(self._text, bar.start_ns if bar is not None else first)
        except UsageError as error:
            self._problem = str(error)
            return []
        if not first - HOUR_NS <= to_ns <= last + HOUR_NS:
            self._problem = f"the replay is from {format_time(first)} to {format_time(last)}"
            return []
        state.time.follow()
        state.pause = None
        return [Seek(to_ns)]


def instant_of(text: str, session_start_ns: int) -> int:
    """Return the instant (ns) that a text means: a time of day is one in the session that begins then.

    Raises UsageError.
    """
    return parse_time_ns("T".join(text.split()), after_ns=session_start_ns // MINUTE_NS * MINUTE_NS)
