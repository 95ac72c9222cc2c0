"""The first window's side: starts the further windows' processes, tells them what they must know, does what they ask.

Everything is polled by the frame loop, and nothing here waits but `close`. While there is no further window, a frame
costs one comparison more.
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
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.options import ViewOptions
from flow_gl.ui.windows import MAX_WINDOWS
from flow_gl.ui.workspaces.manager import manager_of, shown_window
from flow_gl.ui.workspaces.saved import WindowKeeper
from flow_gl.ui.workspaces.tree import OneWindow, Panels, Workspace
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.windows.messages import (
    AskSymbol,
    Close,
    Common,
    Crosshair,
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
    decode_up,
    encode,
)
from flow_gl.view.windows.places import next_place
from flow_gl.view.windows.shared import Shared

COMMAND: Final = children.command("flow_gl.view.windows")
END_S: Final = 3.0
"""How long a further window may take to close by itself."""
SURE_NS: Final = 3_500_000_000
"""Closing the first window closes all only when it is asked for twice within this time, in which a note is shown."""
AGAIN_NS: Final = 500_000_000
"""A window that does not read what it is told is told everything again after this time."""
_IN_ALL: Final = tuple(one for one in DECLARED if "video" in one or one in ("caption", "fps", "scale"))
"""Settings that are in force in all windows."""


@dataclass(slots=True)
class _Further:
    """A further window.

    Attributes
    ----------
    shown : what a workspace keeps of it, as it said last
    engine : what was last sent to it about the engine
    is_told : whether everything that is shared has been sent; False again after a message was dropped
    """

    number: int
    lines: LineProcess
    shown: OneWindow
    engine: EngineShown | None = None
    is_told: bool = False
    due_ns: int = 0
    """When everything is told again."""

    def send(self, message: Down | WindowSpec) -> None:
        self.is_told = self.lines.send(encode(message)) and self.is_told


class WindowOpener:
    """The further windows, as the first one's process sees them (`others.OtherWindows`).

    Parameters
    ----------
    options : those of the first window
    """

    def __init__(self, options: ViewOptions, clock: Clock) -> None:
        self._options: Final = options
        self._clock: Final = clock
        self._log: Final = get_logger("windows")
        self._further: Final[list[_Further]] = []
        self._closing: Final[list[_Further]] = []
        """Windows that have been asked to close and have not ended yet."""
        self._restored: Sequence[OneWindow] = ()
        """Windows that wait for the engine to be up."""
        self._feed: tuple[str, ...] = ()
        self._closing_ns: int | None = None
        """When closing the first window was asked for."""
        self._is_quitting = False
        self._left: list[OneWindow] | None = None
        """What a workspace keeps of the further windows, once they are closed with the program."""

    @property
    def must_close(self) -> bool:
        """Whether the program is to end."""
        return self._is_quitting

    def pid(self, number: int) -> int | None:
        """Return the process id of a further window; None if it is not open."""
        return next((one.lines.process.pid for one in self._further if one.number == number), None)

    def is_told(self, number: int) -> bool:
        """Return whether a further window was told everything, without a message that it did not take."""
        return any(one.is_told for one in self._further if one.number == number)

    def begin(self, loop: FrameLoop, window: WindowKeeper, last: OneWindow) -> None:
        """Take part. Further windows of `last`, the program as it was left, open once there is an engine."""
        self._loop, self._window = loop, window
        if isinstance(last, Workspace):
            self._restored = tuple(last.further_window)
            self._feed = tuple(last.memory.feed) if last.memory is not None else ()
        loop.state.workspaces.further = self
        self._shared = Shared(loop, is_first=True)

    def exchange(self) -> bool:
        """Do what the further windows ask for, and tell them what is new. True if something here has changed."""
        if self._restored and self._loop.link.engine is not None:
            waiting, self._restored = self._restored, ()
            for shown in waiting:
                self._open(shown, self._feed)
        if not (self._further or self._closing):
            return False
        is_new = False
        for one in [one for one in self._closing if one.lines.has_ended]:
            self._closing.remove(one)
            one.lines.close()
        for one in list(self._further):
            has_ended = one.lines.has_ended  # checked before the last lines are read
            for line in one.lines.lines():
                self._take_line(one, line)
                is_new = True
            if has_ended:
                self._bury(one)
        self._tell_all()
        return is_new

    def open_window(self) -> None:
        """Open another window that looks like this one."""
        start = self._loop.state.start
        if self._loop.frame is None or (start is not None and start.is_open):
            self._loop.note("open a feed first: all windows show the same one")
            return
        self._open_like(shown_window(self._loop.state, self._loop.frame))

    def may_close(self) -> bool:
        """Whether the first window, and so the program, may close now; a note says what that means."""
        now_ns, before = self._clock.monotonic_ns(), self._closing_ns
        self._closing_ns = now_ns
        if not self._further or (before is not None and now_ns - before < SURE_NS):
            return True
        more = len(self._further)
        windows = "the other window" if more == 1 else f"the {more} other windows"
        self._loop.note(f"this is the first window: closing it ends the program and {windows}; close it again to do so")
        return False

    def quit(self) -> None:
        """End the program; `close` closes the further windows."""
        self._is_quitting = True

    def kept(self) -> list[OneWindow]:
        """Return what a workspace keeps of each further window."""
        if self._left is not None:
            return self._left
        return [*(one.shown for one in self._further), *self._restored]

    def show(self, windows: Sequence[OneWindow]) -> None:
        """Have exactly these windows: those that are open show the first ones."""
        self._restored = ()
        for one, shown in zip(self._further, windows, strict=False):
            one.shown = shown
            one.send(Show(shown))
        for one in self._further[len(windows) :]:
            one.send(Close())
            self._closing.append(one)
        del self._further[len(windows) :]
        for shown in windows[len(self._further) :]:
            self._open(shown)

    def close(self) -> None:
        """Close all further windows. Idempotent; waits a few seconds at most."""
        for one in self._further:
            one.send(Close())
        for one in (*self._further, *self._closing):
            one.lines.end(END_S)
            for line in one.lines.lines():
                with suppress(msgspec.MsgspecError):
                    message = decode_up(line)
                    one.shown = message.shown if isinstance(message, Kept) else one.shown
            one.lines.close()
        if self._left is None:
            self._left = self.kept()
        self._further.clear()
        self._closing.clear()

    def _open_like(self, shown: OneWindow) -> None:
        """Open a window with the charts and the look of another one, without its panels, on a free monitor."""
        others = [self._window.place(), *(one.shown.window for one in self._further)]
        place = next_place(shown.window, others)
        self._open(msgspec.structs.replace(shown, window=place, panels=replace_panels(shown.panels)))

    def _open(self, shown: OneWindow, feed: Sequence[str] = ()) -> None:
        if len(self._further) >= MAX_WINDOWS - 1:
            self._loop.note(f"at most {MAX_WINDOWS} windows are possible")
            return
        taken = {one.number for one in self._further}
        number = next(free for free in range(2, MAX_WINDOWS + 1) if free not in taken)
        try:
            lines = LineProcess(COMMAND, environment=environment_for(), name=f"window {number}")
        except OSError as error:
            self._loop.note(f"no window can be opened: {error.strerror or error}")
            return
        one = _Further(number, lines, shown)
        self._further.append(one)
        one.send(self._spec(one, feed))

    def _spec(self, one: _Further, feed: Sequence[str]) -> WindowSpec:
        start, folder = self._loop.state.start, self._loop.state.workspaces.folder
        settings, pictures = self._options.settings, self._options.screenshot_dir
        return WindowSpec(
            number=one.number,
            title=f"{start.title if start is not None else self._options.title} ({one.number})",
            shown=one.shown,
            settings={name: getattr(settings, DECLARED[name].field) for name in _IN_ALL},
            feed=tuple(feed),
            workspaces=os.fspath(folder) if folder is not None else "",
            screenshot_dir=os.fspath(pictures) if pictures is not None else "",
            log_level=settings.log_level,
        )

    def _tell_all(self) -> None:
        changes, engine = self._shared.changes(), self._engine()
        changes += [NotAdded(*refusal) for refusal in self._loop.refused]
        self._loop.refused.clear()
        now_ns = self._clock.monotonic_ns()
        for one in self._further:
            if not one.is_told:
                if now_ns < one.due_ns:
                    continue
                one.is_told, one.due_ns = True, now_ns + AGAIN_NS
                messages: list[Any] = self._shared.all()
                one.engine = None
            else:
                messages = changes
            if one.engine != engine:
                messages, one.engine = [*messages, engine], engine
            for message in messages:
                one.send(message)

    def _engine(self) -> EngineShown:
        link = self._loop.link
        return EngineShown(
            store="" if link.engine is None else link.engine.name,
            state=link.state,
            message=link.message,
            exit_code=link.exit_code,
            restarts=link.restarts,
            offered=tuple(link.offered),
            asks_for=link.asks_for,
        )

    def _take_line(self, one: _Further, line: bytes) -> None:
        try:
            message = decode_up(line)
        except msgspec.MsgspecError:
            self._log.exception("not a message", extra={"line": line[:200], "window": one.number})
            return
        self._take(one, message)

    def _take(self, one: _Further, message: Up) -> None:
        loop = self._loop
        if isinstance(message, Kept):
            one.shown = message.shown
        elif isinstance(message, AskSymbol):
            chart_list.keep(loop.state, loop.link.markets, loop.link.engine)
            if problem := loop.link.add(message.symbol):
                one.send(NotAdded(message.symbol, problem))
        elif isinstance(message, OpenWindow):
            self._open_like(message.shown)
        elif isinstance(message, QuitProgram):
            self._is_quitting = True
        elif isinstance(message, DoWorkspace):
            if loop.frame is not None:
                manager = manager_of(loop.state, loop.frame)
                one.send(Note(getattr(manager, message.task)(*message.given)))
        elif isinstance(message, Common):
            self._share(message, by=one)
        else:
            loop.send(message)

    def _share(self, message: Common, *, by: _Further | None = None) -> None:
        """Put a change into this window, and tell the others but the one that made it."""
        if said := self._shared.take(message):
            self._loop.note(said)
        for one in self._further:
            if one is not by:
                one.send(message)

    def _bury(self, one: _Further) -> None:
        """Forget a window that was closed, and say so if it was not by the user."""
        self._further.remove(one)
        self._share(Crosshair(0))  # it may have been the one with the mouse
        if one.lines.process.returncode:
            end = describe_end(one.lines.process.returncode)
            why = one.lines.last_words()
            self._log.error("a window ended", extra={"window": one.number, "end": end, "why": why})
            self._loop.note(f"window {one.number} {end}" + (f": {why}" if why else ""))
        one.lines.close()


def replace_panels(panels: Panels) -> Panels:
    """Return the panels of a new window: none is open."""
    return msgspec.structs.replace(panels, open=[], hidden=False)
