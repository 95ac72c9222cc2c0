"""What the windows of a program say to each other: JSON lines over the pipes of a further window's process.

Commands for the engine go up from a further window to the first one; the engine's state comes down. A message about
what all windows share (`Paused` to `Crosshair`) holds it completely, so the last one is enough.
"""

from typing import Annotated, Any, Final

import msgspec

from flow_gl.core.commands import Command
from flow_gl.core.drawings import OwnLevel, Shape
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.core.spec import NotAdded
from flow_gl.ui.alerts.rules import Rule
from flow_gl.ui.link import LinkState
from flow_gl.ui.windows import WorkspaceTask
from flow_gl.ui.workspaces.tree import OneWindow


class WindowSpec(msgspec.Struct, frozen=True, tag="window"):
    """The task of a further window's process: its first line."""

    number: int
    """From 2; it stays while the window is open."""
    title: str
    shown: OneWindow
    settings: dict[str, Any] = {}
    """Settings of the first window that are in force in all windows, by field."""
    feed: tuple[str, ...] = ()
    """Symbols that the feed had when the window was left; () for a new one."""
    workspaces: str = ""
    """Folder of the workspaces."""
    screenshot_dir: str = ""
    log_level: str = DEFAULTS.log_level


class EngineShown(msgspec.Struct, frozen=True, tag="engine"):
    """The engine whose stores are shown, and how it is."""

    store: str
    """Name of the status segment; "" before the first engine is up."""
    state: LinkState
    message: str
    exit_code: int
    restarts: int
    offered: tuple[str, ...]
    asks_for: str = ""


class Show(msgspec.Struct, frozen=True, tag="show"):
    """Show another workspace's window."""

    shown: OneWindow


class Note(msgspec.Struct, frozen=True, tag="note"):
    """Show the user a note."""

    text: str


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Close the window."""


class InUse(msgspec.Struct, frozen=True, tag="in_use"):
    """The saved workspaces have changed; this one is in use."""

    workspace: str


class Configured(msgspec.Struct, frozen=True, tag="configured"):
    """The engine's settings as last requested."""

    settings: AggregationSettings


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    """The moment at which the pictures are paused; 0 and 0: they are not."""

    wall_ns: int
    event_ns: int


class Muted(msgspec.Struct, frozen=True, tag="muted"):
    is_muted: bool


class Rules(msgspec.Struct, frozen=True, tag="rules"):
    """All alert rules with their ids."""

    rules: list[tuple[int, Rule]]
    volume: float


class Drawings(msgspec.Struct, frozen=True, tag="drawings"):
    """All drawings by instrument root."""

    levels: dict[str, tuple[OwnLevel, ...]]
    shapes: dict[str, tuple[Shape, ...]]


class Keys(msgspec.Struct, frozen=True, tag="keys"):
    """The keys that the user has chosen."""

    changed: dict[str, tuple[str, ...]]


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """What a workspace keeps of the window."""

    shown: OneWindow


class AskSymbol(msgspec.Struct, frozen=True, tag="ask_symbol"):
    """Ask the feed for a market."""

    symbol: str


class OpenWindow(msgspec.Struct, frozen=True, tag="open_window"):
    """Open another window that looks like this one."""

    shown: OneWindow


class QuitProgram(msgspec.Struct, frozen=True, tag="quit"):
    """End the program with all its windows."""


class DoWorkspace(msgspec.Struct, frozen=True, tag="workspace"):
    """Do something with the workspaces; the answer is a note."""

    task: WorkspaceTask
    given: Annotated[tuple[str, ...], msgspec.Meta(max_length=2)]


class Crosshair(msgspec.Struct, frozen=True, tag="crosshair"):
    """The time of the crosshair in the window with the mouse, whole seconds; 0: it is nowhere."""

    at_ns: int


Common = Paused | Muted | Rules | Drawings | Keys | Crosshair
"""What any window may change for all."""
Down = EngineShown | NotAdded | Show | Note | Close | InUse | Configured | Common
Up = Command | Kept | AskSymbol | OpenWindow | QuitProgram | DoWorkspace | Common

_spec_decoder: Final[msgspec.json.Decoder[WindowSpec]] = msgspec.json.Decoder(WindowSpec)
_down_decoder: Final[msgspec.json.Decoder[Down]] = msgspec.json.Decoder(Down)
_up_decoder: Final[msgspec.json.Decoder[Up]] = msgspec.json.Decoder(Up)


def encode(message: WindowSpec | Down | Up) -> bytes:
    """Encode a message as one line, including the newline."""
    return msgspec.json.encode(message) + b"\n"


def decode_spec(line: bytes) -> WindowSpec:
    """Parse a window's task. Raises msgspec.MsgspecError."""
    return _spec_decoder.decode(line)


def decode_down(line: bytes) -> Down:
    """Parse a message of the first window. Raises msgspec.MsgspecError."""
    return _down_decoder.decode(line)


def decode_up(line: bytes) -> Up:
    """Parse a message of a further window. Raises msgspec.MsgspecError."""
    return _up_decoder.decode(line)
