"""The main window's side: starts the secondary windows' processes, keeps them up to date, and handles their requests.

The frame loop polls everything, and only `close` blocks. Without a secondary window this costs one comparison per
frame.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from flow_gl.core.clock import Clock
from flow_gl.core.log import get_logger
from flow_gl.core.settings import DECLARED
from flow_gl.core.spec import NotAdded, environment_for
from flow_gl.core.system import children
from flow_gl.core.system.platform.line_process import LineProcess
from flow_gl.core.system.platform.processes import describe_end
from flow_gl.gl.surface import window_system
from flow_gl.store.shm import Segment, SharedMemoryError
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.links import MAX_SLOTS
from flow_gl.ui.state.options import ViewOptions
from flow_gl.ui.windows import MAX_WINDOWS
from flow_gl.ui.workspaces.manager import manager_of, window_state
from flow_gl.ui.workspaces.saved import WindowPlacement
from flow_gl.ui.workspaces.tree import Panels, WindowState, Workspace
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.windows.link_board import LinkBoard
from flow_gl.view.windows.messages import (
    Close,
    Down,
    EngineShown,
    NeedSymbols,
    Note,
    OpenWindow,
    QuitProgram,
    RequestSymbol,
    RunTask,
    SharedMessage,
    Show,
    StateChanged,
    Up,
    WindowSpec,
    decode_up,
    encode,
)
from flow_gl.view.windows.places import next_place
from flow_gl.view.windows.shared import SharedState

COMMAND: Final = children.command("flow_gl.view.windows")
END_S: Final = 3.0
"""How long to wait for a secondary window to close before its process is terminated."""
CONFIRM_NS: Final = 3_500_000_000
"""With other windows open, closing the main window must be confirmed by a second request within this time."""
RESEND_NS: Final = 500_000_000
"""How long to wait before all state is sent again to a window that failed to read a message."""
_APPLY_TO_ALL: Final = tuple(name for name in DECLARED if "video" in name or name in ("caption", "fps", "scale"))
"""Settings that apply to all windows."""


@dataclass(slots=True)
class _Secondary:
    """A secondary window.

    Attributes
    ----------
    shown : its state as last reported, for workspaces
    slot : its place on the link board; 0 if it has none
    engine : the engine state last sent to it
    is_in_sync : whether all shared state has been sent; False again after a message was dropped
    """

    number: int
    process: LineProcess
    shown: WindowState
    slot: int
    engine: EngineShown | None = None
    is_in_sync: bool = False
    due_ns: int = 0
    """When all state is sent again, if the window is not in sync; monotonic clock, ns."""

    def send(self, message: Down | WindowSpec) -> None:
        self.is_in_sync = self.process.send(encode(message)) and self.is_in_sync


class WindowOpener:
    """Opens, updates and closes the secondary windows (`others.OtherWindows`).

    Parameters
    ----------
    options : the main window's
    """

    def __init__(self, options: ViewOptions, clock: Clock) -> None:
        self._options: Final = options
        self._clock: Final = clock
        self._log: Final = get_logger("windows")
        self._secondary: Final[list[_Secondary]] = []
        self._closing: Final[list[_Secondary]] = []
        """Windows that were asked to close and whose processes still run."""
        self._restored: Sequence[WindowState] = ()
        """Windows to open once the engine has started."""
        self._feed: tuple[str, ...] = ()
        self._closing_ns: int | None = None
        """When the user last asked to close the main window; monotonic clock, ns."""
        self._is_quitting = False
        self._board: LinkBoard | None = None
        """Links with the secondary windows, from the first one on."""
        self._final_states: list[WindowState] | None = None
        """The secondary windows' states once they have been closed with the program."""

    @property
    def must_close(self) -> bool:
        """Whether the program must quit."""
        return self._is_quitting

    def pid(self, number: int) -> int | None:
        """Return the process id of a secondary window; None if it is not open."""
        return next((window.process.process.pid for window in self._secondary if window.number == number), None)

    def is_in_sync(self, number: int) -> bool:
        """Return whether a secondary window has been sent all shared state, and no message to it was dropped."""
        return any(window.is_in_sync for window in self._secondary if window.number == number)

    def begin(self, loop: FrameLoop, window: WindowPlacement, last: WindowState) -> None:
        """Start exchanging messages. The secondary windows of `last`, the restored state, open with the engine."""
        self._loop, self._window = loop, window
        if isinstance(last, Workspace):
            self._restored = tuple(last.secondary_window)
            self._feed = tuple(last.memory.feed) if last.memory is not None else ()
        loop.state.workspaces.secondary_windows = self
        self._shared = SharedState(loop, is_main=True)

    def exchange(self) -> bool:
        """Handle the secondary windows' messages and send them changes. Returns whether this window changed."""
        if self._restored and self._loop.link.engine is not None:
            waiting, self._restored = self._restored, ()
            for shown in waiting:
                self._open(shown, self._feed)
        if not (self._secondary or self._closing):
            return False
        is_new = False
        for window in [window for window in self._closing if window.process.has_ended]:
            self._closing.remove(window)
            self._unlink(window)
            window.process.close()
        for window in list(self._secondary):
            has_ended = window.process.has_ended  # checked before the last lines are read
            for line in window.process.lines():
                self._take_line(window, line)
                is_new = True
            if has_ended:
                self._remove_ended(window)
        self._send_changes()
        if self._board is not None:
            self._board.exchange(self._loop)
        if not (self._secondary or self._closing):
            self._loop.state.links = None
        return is_new

    def open_window(self) -> None:
        """Open another window like this one."""
        start = self._loop.state.start
        if self._loop.frame is None or (start is not None and start.is_open):
            self._loop.note("open a feed first: all windows show the same feed")
            return
        self._open_like(window_state(self._loop.state, self._loop.frame))

    def may_close(self) -> bool:
        """Return whether the main window, and so the program, may close now; if not, a note asks for confirmation."""
        now_ns, before = self._clock.monotonic_ns(), self._closing_ns
        self._closing_ns = now_ns
        if not self._secondary or (before is not None and now_ns - before < CONFIRM_NS):
            return True
        more = len(self._secondary)
        windows = "the other window" if more == 1 else f"the {more} other windows"
        self._loop.note(f"closing the main window quits the program and closes {windows}; close it again to confirm")
        return False

    def quit(self) -> None:
        """Quit the program; `close` closes the secondary windows."""
        self._is_quitting = True

    def states(self) -> list[WindowState]:
        """Return the state of each secondary window, for a workspace."""
        if self._final_states is not None:
            return self._final_states
        return [*(window.shown for window in self._secondary), *self._restored]

    def show(self, windows: Sequence[WindowState]) -> None:
        """Show exactly these windows: reuse open ones, open missing ones, close the others."""
        self._restored = ()
        for window, shown in zip(self._secondary, windows, strict=False):
            window.shown = shown
            window.send(Show(shown))
        for window in self._secondary[len(windows) :]:
            window.send(Close())
            self._closing.append(window)
            self._loop.link.need((), window=window.number)
        del self._secondary[len(windows) :]
        for shown in windows[len(self._secondary) :]:
            self._open(shown)

    def close(self) -> None:
        """Close all secondary windows. Idempotent; waits a few seconds at most."""
        for window in self._secondary:
            window.send(Close())
        for window in (*self._secondary, *self._closing):
            window.process.end(END_S)
            for line in window.process.lines():
                with suppress(msgspec.MsgspecError):
                    message = decode_up(line)
                    window.shown = message.shown if isinstance(message, StateChanged) else window.shown
            window.process.close()
        if self._final_states is None:
            self._final_states = self.states()
        self._secondary.clear()
        self._closing.clear()
        if self._board is not None:
            self._board.close()
            self._board = self._loop.state.links = None

    def _open_like(self, shown: WindowState) -> None:
        """Open a copy of a window, without its panels, on a free monitor."""
        others = [self._window.place(), *(window.shown.window for window in self._secondary)]
        place = next_place(shown.window, others)
        self._open(msgspec.structs.replace(shown, window=place, panels=without_panels(shown.panels)))

    def _open(self, shown: WindowState, feed: Sequence[str] = ()) -> None:
        if len(self._secondary) >= MAX_WINDOWS - 1:
            self._loop.note(f"at most {MAX_WINDOWS} windows are possible")
            return
        taken = {window.number for window in self._secondary}
        number = next(free for free in range(2, MAX_WINDOWS + 1) if free not in taken)
        try:
            lines = LineProcess(COMMAND, environment=self._environment(), name=f"window {number}")
        except OSError as error:
            self._loop.note(f"cannot open a window: {error.strerror or error}")
            return
        window = _Secondary(number, lines, shown, self._link_slot())
        self._secondary.append(window)
        window.send(self._spec(window, feed))

    def _link_slot(self) -> int:
        """Return a free slot on the link board for a new window; 0, the main window's, if there is none.

        The first window makes the board.
        """
        if self._board is None:
            try:
                segment = Segment.create(f"links{id(self) % 10_000}", LinkBoard.nbytes())
            except SharedMemoryError as error:
                self._loop.note(f"the windows are not linked: {error}")
                return 0
            self._board = LinkBoard(segment, 0)
        self._loop.state.links = self._board.links
        self._board.exchange(self._loop)
        taken = {window.slot for window in (*self._secondary, *self._closing)}
        return next((free for free in range(1, MAX_SLOTS) if free not in taken), 0)

    def _unlink(self, window: _Secondary) -> None:
        if self._board is not None and window.slot:
            self._board.clear(window.slot)

    def _environment(self) -> dict[str, str]:
        """Return a window's environment: it must know the window system before its specification arrives."""
        asked = self._options.settings.window_system
        return environment_for() | ({window_system.VARIABLE: asked} if asked else {})

    def _spec(self, window: _Secondary, feed: Sequence[str]) -> WindowSpec:
        start, folder = self._loop.state.start, self._loop.state.workspaces.folder
        settings, pictures = self._options.settings, self._options.screenshot_dir
        return WindowSpec(
            number=window.number,
            title=f"{start.title if start is not None else self._options.title} ({window.number})",
            shown=window.shown,
            settings={name: getattr(settings, DECLARED[name].field) for name in _APPLY_TO_ALL},
            feed=tuple(feed),
            workspaces=os.fspath(folder) if folder is not None else "",
            links=self._board.name if self._board is not None and window.slot else "",
            slot=window.slot,
            screenshot_dir=os.fspath(pictures) if pictures is not None else "",
            log_level=settings.log_level,
        )

    def _send_changes(self) -> None:
        changes, engine = self._shared.changes(), self._engine()
        changes += [NotAdded(*refusal) for refusal in self._loop.refused]
        self._loop.refused.clear()
        now_ns = self._clock.monotonic_ns()
        for window in self._secondary:
            if not window.is_in_sync:
                if now_ns < window.due_ns:
                    continue
                window.is_in_sync, window.due_ns = True, now_ns + RESEND_NS
                messages: list[Any] = self._shared.all()
                window.engine = None
            else:
                messages = changes
            if window.engine != engine:
                messages, window.engine = [*messages, engine], engine
            for message in messages:
                window.send(message)

    def _engine(self) -> EngineShown:
        link = self._loop.link
        return EngineShown(
            store="" if link.engine is None else link.engine.name,
            state=link.state,
            message=link.message,
            exit_code=link.exit_code,
            restarts=link.restarts,
            offered=tuple(link.offered),
            addable_stype=link.addable_stype,
        )

    def _take_line(self, window: _Secondary, line: bytes) -> None:
        try:
            message = decode_up(line)
        except msgspec.MsgspecError:
            self._log.exception("invalid message", extra={"line": line[:200], "window": window.number})
            return
        self._take(window, message)

    def _take(self, window: _Secondary, message: Up) -> None:
        loop = self._loop
        if isinstance(message, StateChanged):
            window.shown = message.shown
        elif isinstance(message, RequestSymbol):
            chart_list.keep(loop.state, loop.link.markets, loop.link.engine)
            if problem := loop.link.add(message.symbol):
                window.send(NotAdded(message.symbol, problem))
        elif isinstance(message, NeedSymbols):
            loop.link.need(message.symbols, window=window.number)
        elif isinstance(message, OpenWindow):
            self._open_like(message.shown)
        elif isinstance(message, QuitProgram):
            self._is_quitting = True
        elif isinstance(message, RunTask):
            if loop.frame is not None:
                manager = manager_of(loop.state, loop.frame)
                window.send(Note(getattr(manager, message.task)(*message.given)))
        elif isinstance(message, SharedMessage):
            self._share(message, by=window)
        else:
            loop.send(message)

    def _share(self, message: SharedMessage, *, by: _Secondary | None = None) -> None:
        """Apply a change to this window and forward it to the others, except the one that made it."""
        if note := self._shared.take(message):
            self._loop.note(note)
        for window in self._secondary:
            if window is not by:
                window.send(message)

    def _remove_ended(self, window: _Secondary) -> None:
        """Remove a window whose process has ended; a note reports an abnormal end."""
        self._secondary.remove(window)
        self._unlink(window)
        self._loop.link.need((), window=window.number)
        if window.process.process.returncode:
            end = describe_end(window.process.process.returncode)
            why = window.process.last_words()
            self._log.error("a window ended", extra={"window": window.number, "end": end, "why": why})
            self._loop.note(f"window {window.number} {end}" + (f": {why}" if why else ""))
        window.process.close()


def without_panels(panels: Panels) -> Panels:
    """Return a new window's panels: the same settings, with none open."""
    return msgspec.structs.replace(panels, open=[], hidden=False)
