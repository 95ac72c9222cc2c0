"""The protocol between the main window and a secondary one: JSON lines over the pipes of the secondary's process.

Commands for the engine go up, from a secondary window to the main one; the engine's state comes down. Each message
about shared state (`Paused` to `Keys`) contains all of it, so only the latest matters.
"""

from typing import Annotated, Any, Final

import msgspec

from flow_gl.core.commands import Command
from flow_gl.core.drawings import CustomLevel, Shape
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.core.spec import NotAdded
from flow_gl.ui.alerts.rules import Rule
from flow_gl.ui.link import LinkState
from flow_gl.ui.windows import WorkspaceTask
from flow_gl.ui.workspaces.tree import WindowState


class WindowSpec(msgspec.Struct, frozen=True, tag="window"):
    """The specification of a secondary window: the first line that its process receives."""

    number: int
    """2 or more; constant while the window is open."""
    title: str
    shown: WindowState
    settings: dict[str, Any] = {}
    """Settings of the main window that apply to all windows, by field."""
    feed: tuple[str, ...] = ()
    """Symbols that the feed had when the window was last closed; () for a new window."""
    workspaces: str = ""
    """Folder of the workspaces."""
    screenshot_dir: str = ""
    log_level: str = DEFAULTS.log_level
    links: str = ""
    """Name of the link board's segment; "" if there is none."""
    slot: int = 0
    """The window's place on that board."""


class EngineShown(msgspec.Struct, frozen=True, tag="engine"):
    """The engine whose stores are shown, and its state. The fields are those of `ui.link.Link`."""

    store: str
    """Name of the status segment; "" before the first engine has started."""
    state: LinkState
    message: str
    exit_code: int
    restarts: int
    offered: tuple[str, ...]
    addable_stype: str = ""


class Show(msgspec.Struct, frozen=True, tag="show"):
    """Replace the window's state: another workspace was opened."""

    shown: WindowState


class Note(msgspec.Struct, frozen=True, tag="note"):
    """Show the user a note."""

    text: str


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Close the window."""


class WorkspaceInUse(msgspec.Struct, frozen=True, tag="workspace_in_use"):
    """The list of saved workspaces has changed; `workspace` is in use."""

    workspace: str


class Configured(msgspec.Struct, frozen=True, tag="configured"):
    """The aggregation settings last requested from the engine."""

    settings: AggregationSettings


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    """The instant at which all charts are paused; 0 and 0 if they are not."""

    wall_ns: int
    event_ns: int


class Muted(msgspec.Struct, frozen=True, tag="muted"):
    is_muted: bool


class Rules(msgspec.Struct, frozen=True, tag="rules"):
    """All alert rules by id, and the volume of their sounds, 0..1."""

    rules: list[tuple[int, Rule]]
    volume: float


class Drawings(msgspec.Struct, frozen=True, tag="drawings"):
    """All custom levels and shapes, by instrument root."""

    levels: dict[str, tuple[CustomLevel, ...]]
    shapes: dict[str, tuple[Shape, ...]]


class Keys(msgspec.Struct, frozen=True, tag="keys"):
    """The user's own key bindings, by action."""

    changed: dict[str, tuple[str, ...]]


class StateChanged(msgspec.Struct, frozen=True, tag="state_changed"):
    """The part of this window's state that workspaces save has changed."""

    shown: WindowState


class RequestSymbol(msgspec.Struct, frozen=True, tag="request_symbol"):
    """Request a symbol from the feed."""

    symbol: str


class NeedSymbols(msgspec.Struct, frozen=True, tag="need_symbols"):
    """The symbols that this window needs; sent after each change."""

    symbols: tuple[str, ...]


class OpenWindow(msgspec.Struct, frozen=True, tag="open_window"):
    """Open another window like this one."""

    shown: WindowState


class QuitProgram(msgspec.Struct, frozen=True, tag="quit"):
    """Quit the program and close all its windows."""


class RunTask(msgspec.Struct, frozen=True, tag="workspace"):
    """Carry out a workspace task; the result comes back as a `Note`."""

    task: WorkspaceTask
    given: Annotated[tuple[str, ...], msgspec.Meta(max_length=2)]


SharedMessage = Paused | Muted | Rules | Drawings | Keys
"""Shared state that any window may change."""
Down = EngineShown | NotAdded | Show | Note | Close | WorkspaceInUse | Configured | SharedMessage
Up = Command | StateChanged | RequestSymbol | NeedSymbols | OpenWindow | QuitProgram | RunTask | SharedMessage

_spec_decoder: Final[msgspec.json.Decoder[WindowSpec]] = msgspec.json.Decoder(WindowSpec)
_down_decoder: Final[msgspec.json.Decoder[Down]] = msgspec.json.Decoder(Down)
_up_decoder: Final[msgspec.json.Decoder[Up]] = msgspec.json.Decoder(Up)


def encode(message: WindowSpec | Down | Up) -> bytes:
    """Encode a message as one line, including the newline."""
    return msgspec.json.encode(message) + b"\n"


def decode_spec(line: bytes) -> WindowSpec:
    """Parse a window's specification. Raises msgspec.MsgspecError."""
    return _spec_decoder.decode(line)


def decode_down(line: bytes) -> Down:
    """Parse a message from the main window. Raises msgspec.MsgspecError."""
    return _down_decoder.decode(line)


def decode_up(line: bytes) -> Up:
    """Parse a message from a secondary window. Raises msgspec.MsgspecError."""
    return _up_decoder.decode(line)
