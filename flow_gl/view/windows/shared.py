"""State that all windows of the program share: pause, muting, alert rules, drawings, keys, settings.

Links between charts are shared on a board (`link_board`), because they may change in every frame.

Each window compares it with the version that it last sent or received, so code that changes it need not announce the
change. A change goes to the main window, which forwards it to the others. The engine's settings and the workspace in
use belong to the main window and are only ever sent by it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flow_gl.ui.state.view_state import Pause, ViewState
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.windows.messages import (
    Configured,
    Drawings,
    Keys,
    Muted,
    Paused,
    Rules,
    SharedMessage,
    WorkspaceInUse,
)


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the shared state.

    Attributes
    ----------
    version : returns a value that differs after every change; cheap
    read : returns the part as a message
    write : applies a message to a window; returns "", or one line for the user
    """

    version: Callable[[FrameLoop], object]
    read: Callable[[FrameLoop], Any]
    write: Callable[[FrameLoop, Any], str]


class SharedState:
    """The shared state as one window sees it.

    Parameters
    ----------
    is_main : whether this is the main window, which also sends the parts that only it may change
    """

    def __init__(self, loop: FrameLoop, *, is_main: bool) -> None:
        self._loop: Final = loop
        self._parts: Final = {**_FROM_ALL, **(_FROM_MAIN if is_main else {})}
        self._known: Final = {kind: part.version(loop) for kind, part in self._parts.items()}

    def changes(self) -> list[Any]:
        """Return, as messages, the parts that changed in this window since the last call."""
        found = []
        for kind, part in self._parts.items():
            version = part.version(self._loop)
            if version is not self._known[kind] and version != self._known[kind]:
                self._known[kind] = version
                found.append(part.read(self._loop))
        return found

    def all(self) -> list[Any]:
        """Return all shared state as messages."""
        return [part.read(self._loop) for part in self._parts.values()]

    def take(self, message: SharedMessage | Configured | WorkspaceInUse) -> str:
        """Apply another window's message to this one. Returns "", or one line for the user."""
        kind = type(message)
        part = _ALL[kind]
        note = part.write(self._loop, message)
        if kind in self._known:
            self._known[kind] = part.version(self._loop)
        return note


def _paused(loop: FrameLoop) -> Paused:
    pause = loop.state.pause
    return Paused(0, 0) if pause is None else Paused(pause.wall_ns, pause.event_ns)


def _pause(loop: FrameLoop, message: Paused) -> str:
    loop.state.pause = Pause(message.wall_ns, message.event_ns) if message.wall_ns else None
    return ""


def _mute(loop: FrameLoop, message: Muted) -> str:
    loop.state.is_muted = message.is_muted
    return ""


def _rules(loop: FrameLoop) -> Rules:
    book = loop.alerts.book
    return Rules(book.items(), book.volume)


def _put_rules(loop: FrameLoop, message: Rules) -> str:
    loop.alerts.book.replace(dict(message.rules), volume=message.volume)
    return ""


def _drawings(loop: FrameLoop) -> Drawings:
    book = loop.state.drawings.book
    return Drawings(book.by_root(), book.shapes_by_root())


def _put_drawings(loop: FrameLoop, message: Drawings) -> str:
    book = loop.state.drawings.book
    for key in message.levels.keys() | book.by_root().keys():
        if book.levels(key) != message.levels.get(key, ()):
            book.put(key, message.levels.get(key, ()))
    for key in message.shapes.keys() | book.shapes_by_root().keys():
        if book.shapes(key) != message.shapes.get(key, ()):
            book.put_shapes(key, message.shapes.get(key, ()))
    return ""


def _put_keys(loop: FrameLoop, message: Keys) -> str:
    keys = loop.state.keys
    defaults = dict.fromkeys(keys.changed().keys() - message.changed.keys())
    return keys.put({**defaults, **message.changed})


def _configure(loop: FrameLoop, message: Configured) -> str:
    loop.state.aggregation = message.settings
    return ""


def _saved_version(loop: FrameLoop) -> object:
    saved = loop.state.workspaces
    return saved.current, saved.names()


def _use(loop: FrameLoop, message: WorkspaceInUse) -> str:
    saved = loop.state.workspaces
    saved.refresh()
    saved.current = message.workspace
    return ""


def _state(read: Callable[[ViewState], object]) -> Callable[[FrameLoop], object]:
    return lambda loop: read(loop.state)


_FROM_ALL: Final[dict[type, _Part]] = {
    Paused: _Part(_state(lambda state: state.pause), _paused, _pause),
    Muted: _Part(_state(lambda state: state.is_muted), lambda loop: Muted(loop.state.is_muted), _mute),
    Rules: _Part(lambda loop: loop.alerts.book.version, _rules, _put_rules),
    Drawings: _Part(_state(lambda state: state.drawings.book.version), _drawings, _put_drawings),
    Keys: _Part(_state(lambda state: state.keys.version), lambda loop: Keys(loop.state.keys.changed()), _put_keys),
}
_FROM_MAIN: Final[dict[type, _Part]] = {
    Configured: _Part(
        _state(lambda state: state.aggregation), lambda loop: Configured(loop.state.aggregation), _configure
    ),
    WorkspaceInUse: _Part(_saved_version, lambda loop: WorkspaceInUse(loop.state.workspaces.current), _use),
}
_ALL: Final = {**_FROM_ALL, **_FROM_MAIN}
