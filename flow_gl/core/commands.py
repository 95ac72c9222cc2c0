"""Commands from the view to the engine: one JSON line each on its standard input, applied between batches."""

from typing import Annotated, Any, Final, Literal

import msgspec

from flow_gl.core.alerts import MAX_RULES, EngineRule
from flow_gl.core.schema import CHARTS, MAX_LODS

MAX_SYMBOL_CHARS: Final = 64

StepTo = Literal["bubble", "second", "event", "large_trade", "session"]
"""The target of a step: the end of a bubble, a second later, a detector's event, a large trade, a session."""


class Configure(msgspec.Struct, frozen=True, tag="configure"):
    """Change settings while the engine runs: a patch of `core.settings.AggregationSettings`, for `merge`."""

    changes: dict[str, Any]
    """New values by field, changed ones only."""


class SetAlerts(msgspec.Struct, frozen=True, tag="set_alerts"):
    """Replace the alert rules, from the next trade on."""

    rules: Annotated[tuple[EngineRule, ...], msgspec.Meta(max_length=MAX_RULES)]


class SetSpeed(msgspec.Struct, frozen=True, tag="set_speed"):
    """Set the replay speed; inf or None for as fast as possible (JSON has no infinity, so it arrives as None)."""

    speed: float | None


class OpenTimeline(msgspec.Struct, frozen=True, tag="open_timeline"):
    """Read a replay's files in the background, so that a seek bar can be drawn and seeks are fast."""


class Play(msgspec.Struct, frozen=True, tag="play"):
    """Let a replay run, or hold it where it is."""

    is_playing: bool


class Seek(msgspec.Struct, frozen=True, tag="seek"):
    """Go to an instant of a replay, forward or back: all trades until then, and none later, are in the numbers."""

    to_ns: int
    """Event time; before the first or after the last trade: that trade's."""


class Step(msgspec.Struct, frozen=True, tag="step"):
    """Go to the next or the previous place of a kind in a replay, and hold it there."""

    to: StepTo
    by: Literal[-1, 1] = 1
    chart: Annotated[int, msgspec.Meta(ge=0, lt=CHARTS)] = 0
    """The chart whose bubbles, events and sessions count."""
    lod: Annotated[int, msgspec.Meta(ge=0, lt=MAX_LODS)] = 0
    """For bubbles: the level of detail."""


class SetLoop(msgspec.Struct, frozen=True, tag="set_loop"):
    """Play a replay from `start_ns` to `end_ns` (event time) in a loop; 0 and 0 end the loop."""

    start_ns: int
    end_ns: int


class Retry(msgspec.Struct, frozen=True, tag="retry"):
    """Reconnect the live feed at once, after a fatal error or during the back-off."""


class AddSymbol(msgspec.Struct, frozen=True, tag="add_symbol"):
    """Add a chart for another symbol without changing the others. Only some feeds support it.

    It comes after the existing ones, or in place of a releasable one if all places are taken. If the symbol cannot be
    added, the engine answers with `core.spec.NotAdded`.
    """

    symbol: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SYMBOL_CHARS)]


class SetReleasable(msgspec.Struct, frozen=True, tag="set_releasable"):
    """Set which charts may be released if an added symbol comes and all places are taken."""

    symbols: Annotated[tuple[str, ...], msgspec.Meta(max_length=CHARTS)]
    """As requested; the first one first."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Shut down cleanly."""


Transport = OpenTimeline | Play | Seek | Step | SetLoop
"""The commands that only a replay of files executes."""
Command = Configure | SetAlerts | SetSpeed | Transport | Retry | AddSymbol | SetReleasable | Stop

_decoder: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)


def encode(command: Command) -> bytes:
    """Encode a command as one line, including the newline."""
    return msgspec.json.encode(command) + b"\n"


def decode(line: bytes) -> Command:
    """Parse a line. Raises msgspec.DecodeError or msgspec.ValidationError."""
    return _decoder.decode(line)
