"""A further window's side: the pipes to the first window, and the link to an engine that is another process's child."""

import os
import sys
import time
from typing import Final

import msgspec

from flow_gl.core.clock import Clock
from flow_gl.core.commands import Command
from flow_gl.core.log import get_logger
from flow_gl.core.spec import NotAdded
from flow_gl.core.system.platform.pipes import PipeReader, PipeWriter
from flow_gl.ui.link import LinkFields, LinkState
from flow_gl.ui.state import chart_list
from flow_gl.ui.windows import WorkspaceTask
from flow_gl.ui.workspaces.apply import apply_window
from flow_gl.ui.workspaces.manager import plot_width_px, shown_window
from flow_gl.ui.workspaces.saved import WindowKeeper
from flow_gl.ui.workspaces.tree import OneWindow
from flow_gl.view.engine_link.stores import EngineStores
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.windows.messages import (
    AskSymbol,
    Close,
    Down,
    DoWorkspace,
    EngineShown,
    Kept,
    Note,
    OpenWindow,
    QuitProgram,
    Show,
    Up,
    WindowSpec,
    decode_down,
    encode,
)
from flow_gl.view.windows.shared import Shared

KEPT_EVERY_NS: Final = 300_000_000
"""Interval at which this window sends the first one what a workspace keeps of it, if that has changed."""
_LAST_LINES_S: Final = 1.0
_LOOK_S: Final = 0.002


class FirstWindowPipe:
    """The pipes to the first window's process: this process's standard input and output."""

    def __init__(self) -> None:
        self._reader: Final = PipeReader(os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0), name="first window")
        self._writer: Final = PipeWriter(os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0), name="to the first")
        self._text = b""
        self._early: list[bytes] = []

    @property
    def is_closed(self) -> bool:
        """Whether the first window has closed the pipe, or has ended."""
        return self._reader.is_ended

    def first_line(self) -> bytes:
        """Wait for the first line and return it; b"" if the pipe is closed before."""
        while True:
            is_over, found = self.is_closed, self.lines()
            if found or is_over:
                self._early = found[1:]
                return found[0] if found else b""
            time.sleep(_LOOK_S)

    def lines(self) -> list[bytes]:
        """Return the lines since the last call, without waiting."""
        data = self._reader.take()
        if not (data or self._early):
            return []
        *found, self._text = (self._text + data).split(b"\n")
        found, self._early = [*self._early, *found], []
        return found

    def send(self, message: Up) -> bool:
        """Send a message; False if it is dropped."""
        return self._writer.offer(encode(message))

    def close(self) -> None:
        """Send what waits, and close."""
        self._writer.close()
        self._writer.wait_for_end(_LAST_LINES_S)


class FurtherLink(LinkFields):
    """A `ui.link.Link` to the engine that the first window owns: its stores are read here, commands go through it."""

    def __init__(self, pipe: FirstWindowPipe) -> None:
        super().__init__(owns_engine=False)
        self._asked: Final[set[str]] = set()
        self._refused: list[tuple[str, str]] = []
        self._pipe: Final = pipe
        self._stores: EngineStores | None = None
        self._wanted = self._attached = ""

    def take(self, shown: EngineShown) -> None:
        """Follow the first window to the engine that it shows."""
        self.state, self.message, self.exit_code = shown.state, shown.message, shown.exit_code
        self.restarts, self.offered, self.asks_for = shown.restarts, shown.offered, shown.asks_for
        self._wanted = shown.store

    def poll(self) -> LinkState:
        if self._wanted != self._attached:
            self._attach()
        if self._stores is not None:
            if self._stores.attach_markets():
                self.generation += 1
            self.timeline = self._stores.timeline
        return self.state

    def send(self, command: Command) -> None:
        if not self._pipe.send(command):
            get_logger("link").warning("command dropped")

    def add(self, symbol: str) -> str:
        self._asked.add(symbol)
        return "" if self._pipe.send(AskSymbol(symbol)) else "the first window does not answer"

    def refuse(self, refusal: NotAdded) -> None:
        """Note that a symbol will not come, if this window has asked for it."""
        if refusal.symbol in self._asked:
            self._asked.remove(refusal.symbol)
            self._refused.append((refusal.symbol, refusal.reason))

    def refusals(self) -> list[tuple[str, str]]:
        refused, self._refused = self._refused, []
        return refused

    def close(self) -> None:
        """Release the stores. The engine runs on."""
        if self._stores is not None:
            self._stores.release()
        self.state = LinkState.ENDED

    def _attach(self) -> None:
        """Show the engine that the first window shows; the charts of the one before stay until then."""
        if not self._wanted:
            return
        stores = EngineStores()
        if not stores.attach(self._wanted):
            return  # the engine has removed it in the meantime: the first window will name another one
        stores.attach_markets()
        before, self._stores, self._attached = self._stores, stores, self._wanted
        self.engine, self.markets, self.timeline = stores.reader, stores.markets, stores.timeline
        self.generation += 1
        if before is not None:
            before.release()


class FurtherWindow:
    """A further window of the program, as its own process sees it."""

    def __init__(self, spec: WindowSpec, pipe: FirstWindowPipe, link: FurtherLink, clock: Clock) -> None:
        self.spec: Final = spec
        self._pipe: Final = pipe
        self._link: Final = link
        self._clock: Final = clock
        self._kept = spec.shown
        self._kept_due_ns = 0
        self._is_told_to_close = False

    def begin(self, loop: FrameLoop, window: WindowKeeper, last: OneWindow) -> None:
        """Take part, from the loop's first frame on. What the first window says of `last` is shown already."""
        self._loop, self._window, self._kept = loop, window, last
        loop.state.workspaces.first = self
        self._shared = Shared(loop, is_first=False)

    @property
    def must_close(self) -> bool:
        return self._is_told_to_close or self._pipe.is_closed

    def exchange(self) -> bool:
        """Do what the first window says, and tell it what has changed here. True if something here has changed."""
        is_new = False
        for line in self._pipe.lines():
            try:
                self._take(decode_down(line))
            except msgspec.MsgspecError:
                get_logger("windows").exception("not a message", extra={"line": line[:200]})
            is_new = True
        chart_list.keep(self._loop.state, self._link.markets, self._link.engine)
        for message in self._shared.changes():
            self._pipe.send(message)
        self._tell_kept()
        return is_new

    def open_window(self) -> None:
        """Have another window opened that looks like this one."""
        if self._loop.frame is not None:
            self._pipe.send(OpenWindow(shown_window(self._loop.state, self._loop.frame)))

    def may_close(self) -> bool:
        """A further window may always be closed."""
        return True

    def quit(self) -> None:
        """End the program with all its windows: the first one closes this one too."""
        self._pipe.send(QuitProgram())

    def close(self) -> None:
        """Tell the first window a last time how this one was left."""
        self._tell_kept(is_last=True)
        self._pipe.close()

    def ask_manager(self, task: WorkspaceTask, *given: str) -> str:
        """Ask the first window to do something with the workspaces."""
        is_told = self._pipe.send(DoWorkspace(task, given))
        return "" if is_told else "the first window does not answer"

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
            self._is_told_to_close = True
        elif said := self._shared.take(message):
            self._loop.note(said)

    def _show(self, shown: OneWindow) -> None:
        frame = self._loop.frame
        width_px = 0.0 if frame is None else plot_width_px(frame)
        apply_window(self._loop.state, shown, plot_width_px=width_px)
        if shown.window.width:
            self._window.put(shown.window)

    def _tell_kept(self, *, is_last: bool = False) -> None:
        now_ns, frame = self._clock.monotonic_ns(), self._loop.frame
        is_due = now_ns >= self._kept_due_ns or is_last
        if frame is None or not is_due:
            return
        self._kept_due_ns = now_ns + KEPT_EVERY_NS
        shown = shown_window(self._loop.state, frame)
        if not frame.link.markets:  # its charts are not there yet
            shown = msgspec.structs.replace(shown, chart=self._kept.chart)
        if shown != self._kept and self._pipe.send(Kept(shown)):
            self._kept = shown
