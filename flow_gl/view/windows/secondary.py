"""A secondary window's side: the pipes to the main window, and the link to the engine, a child of that process."""

import os
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Final

import msgspec

from flow_gl.core.clock import Clock
from flow_gl.core.commands import Command
from flow_gl.core.log import get_logger
from flow_gl.core.spec import NotAdded
from flow_gl.core.system.platform.pipes import PipeReader, PipeWriter
from flow_gl.store.shm import Segment, SharedMemoryError
from flow_gl.ui.link import LinkFields, LinkState
from flow_gl.ui.state import chart_list
from flow_gl.ui.windows import WorkspaceTask
from flow_gl.ui.workspaces.apply import apply_window
from flow_gl.ui.workspaces.manager import plot_width_px, window_state
from flow_gl.ui.workspaces.saved import WindowPlacement
from flow_gl.ui.workspaces.tree import WindowState
from flow_gl.view.engine_link.stores import EngineStores
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
    Show,
    StateChanged,
    Up,
    WindowSpec,
    decode_down,
    encode,
)
from flow_gl.view.windows.shared import SharedState

REPORT_INTERVAL_NS: Final = 300_000_000
"""Minimum interval between two reports of this window's state to the main window, which saves it in workspaces."""
_FLUSH_TIMEOUT_S: Final = 1.0
_POLL_S: Final = 0.002


class MainWindowPipe:
    """The pipes to the main window's process: standard input and output."""

    def __init__(self) -> None:
        self._reader: Final = PipeReader(os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0), name="main window")
        self._writer: Final = PipeWriter(os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0), name="to the first")
        self._text = b""
        self._early: list[bytes] = []

    @property
    def is_closed(self) -> bool:
        """Whether the main window has closed the pipe, or has ended."""
        return self._reader.is_ended

    def first_line(self) -> bytes:
        """Wait for the first line and return it; return b"" if the pipe is closed first."""
        while True:
            is_over, found = self.is_closed, self.lines()
            if found or is_over:
                self._early = found[1:]
                return found[0] if found else b""
            time.sleep(_POLL_S)

    def lines(self) -> list[bytes]:
        """Return the lines received since the last call, without waiting."""
        data = self._reader.take()
        if not (data or self._early):
            return []
        *found, self._text = (self._text + data).split(b"\n")
        found, self._early = [*self._early, *found], []
        return found

    def send(self, message: Up) -> bool:
        """Send a message; return False if it was dropped."""
        return self._writer.offer(encode(message))

    def close(self) -> None:
        """Flush pending messages and close."""
        self._writer.close()
        self._writer.wait_for_end(_FLUSH_TIMEOUT_S)


class SecondaryLink(LinkFields):
    """A `ui.link.Link` to the main window's engine: reads its stores, sends commands through the main window."""

    def __init__(self, pipe: MainWindowPipe) -> None:
        super().__init__(owns_engine=False)
        self._requested: Final[set[str]] = set()
        self._refused: list[tuple[str, str]] = []
        self._pipe: Final = pipe
        self._stores: EngineStores | None = None
        self._wanted = self._attached = ""
        self._needed: frozenset[str] = frozenset()

    def take(self, shown: EngineShown) -> None:
        """Take over the state of the engine that the main window shows."""
        self.state, self.message, self.exit_code = shown.state, shown.message, shown.exit_code
        self.restarts, self.offered, self.addable_stype = shown.restarts, shown.offered, shown.addable_stype
        self._wanted = shown.store

    def poll(self) -> LinkState:
        if self._wanted != self._attached:
            self._attach()
        if self._stores is not None:
            if self._stores.attach_markets(self._is_needed):
                self.generation += 1
            self.timeline = self._stores.timeline
        return self.state

    def send(self, command: Command) -> None:
        if not self._pipe.send(command):
            get_logger("link").warning("command dropped")

    def add(self, symbol: str) -> str:
        self._requested.add(symbol)
        return "" if self._pipe.send(RequestSymbol(symbol)) else "the main window is not responding"

    def need(self, symbols: Collection[str], *, window: int = 0) -> None:  # noqa: ARG002  # the main window knows it
        self._needed = frozenset(symbols)
        self._pipe.send(NeedSymbols(tuple(sorted(symbols))))

    def _is_needed(self, symbol: str) -> bool:
        return not self._needed or symbol in self._needed

    def refuse(self, refusal: NotAdded) -> None:
        """Record that the feed refused a symbol, if this window requested it."""
        if refusal.symbol in self._requested:
            self._requested.remove(refusal.symbol)
            self._refused.append((refusal.symbol, refusal.reason))

    def refusals(self) -> list[tuple[str, str]]:
        refused, self._refused = self._refused, []
        return refused

    def close(self) -> None:
        """Release the stores. The engine keeps running."""
        if self._stores is not None:
            self._stores.release()
        self.state = LinkState.ENDED

    def _attach(self) -> None:
        """Attach the stores of the engine that the main window shows; the previous charts remain until then."""
        if not self._wanted:
            return
        stores = EngineStores()
        if not stores.attach(self._wanted):
            return  # the engine has removed it in the meantime; the main window will announce another one
        stores.attach_markets()
        before, self._stores, self._attached = self._stores, stores, self._wanted
        self.engine, self.markets, self.timeline = stores.reader, stores.markets, stores.timeline
        self.generation += 1
        if before is not None:
            before.release()


class SecondaryWindow:
    """This process's window, a secondary one (`others.OtherWindows`)."""

    def __init__(self, spec: WindowSpec, pipe: MainWindowPipe, link: SecondaryLink, clock: Clock) -> None:
        self.spec: Final = spec
        self._pipe: Final = pipe
        self._link: Final = link
        self._clock: Final = clock
        self._kept = spec.shown
        self._kept_due_ns = 0
        self._must_close = False
        self._board: LinkBoard | None = None

    def begin(self, loop: FrameLoop, window: WindowPlacement, last: WindowState) -> None:
        """Start exchanging messages, from the loop's first frame on. `last`, the restored state, is already shown."""
        self._loop, self._window, self._kept = loop, window, last
        loop.state.workspaces.main_window = self
        self._shared = SharedState(loop, is_main=False)
        with suppress(SharedMemoryError):  # the main window has ended, or could not make a board
            self._board = LinkBoard(Segment.attach(self.spec.links), self.spec.slot) if self.spec.links else None
        loop.state.links = self._board.links if self._board is not None else None

    @property
    def must_close(self) -> bool:
        return self._must_close or self._pipe.is_closed

    def exchange(self) -> bool:
        """Apply the main window's messages and report local changes. Returns whether this window changed."""
        is_new = False
        for line in self._pipe.lines():
            try:
                self._take(decode_down(line))
            except msgspec.MsgspecError:
                get_logger("windows").exception("invalid message", extra={"line": line[:200]})
            is_new = True
        chart_list.keep(self._loop.state, self._link.markets, self._link.engine)
        for message in self._shared.changes():
            self._pipe.send(message)
        if self._board is not None:
            self._board.exchange(self._loop)
        self._report_state()
        return is_new

    def open_window(self) -> None:
        """Ask the main window to open another window like this one."""
        if self._loop.frame is not None:
            self._pipe.send(OpenWindow(window_state(self._loop.state, self._loop.frame)))

    def may_close(self) -> bool:
        """Return True: a secondary window closes without confirmation."""
        return True

    def quit(self) -> None:
        """Quit the program: the main window closes all windows, this one included."""
        self._pipe.send(QuitProgram())

    def close(self) -> None:
        """Report this window's final state and close the pipes."""
        self._report_state(is_last=True)
        self._pipe.close()
        if self._board is not None:
            self._board.close()

    def run_task(self, task: WorkspaceTask, *given: str) -> str:
        """Ask the main window to carry out a workspace task."""
        is_sent = self._pipe.send(RunTask(task, given))
        return "" if is_sent else "the main window is not responding"

    def _take(self, message: Down) -> None:
        if isinstance(message, EngineShown):
            self._link.take(message)
        elif isinstance(message, NotAdded):
            self._link.refuse(message)
        elif isinstance(message, Show):
            self._show(message.shown)
        elif isinstance(message, Note):
            self._loop.note(message.text)
        elif isinstance(message, Close):
            self._must_close = True
        elif note := self._shared.take(message):
            self._loop.note(note)

    def _show(self, shown: WindowState) -> None:
        frame = self._loop.frame
        width_px = 0.0 if frame is None else plot_width_px(frame)
        apply_window(self._loop.state, shown, plot_width_px=width_px)
        if shown.window.width:
            self._window.put(shown.window)

    def _report_state(self, *, is_last: bool = False) -> None:
        now_ns, frame = self._clock.monotonic_ns(), self._loop.frame
        is_due = now_ns >= self._kept_due_ns or is_last
        if frame is None or not is_due:
            return
        self._kept_due_ns = now_ns + REPORT_INTERVAL_NS
        shown = window_state(self._loop.state, frame)
        if not frame.link.markets:  # its charts have not arrived yet
            shown = msgspec.structs.replace(shown, chart=self._kept.chart)
        if shown != self._kept and self._pipe.send(StateChanged(shown)):
            self._kept = shown
