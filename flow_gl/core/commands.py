"""Commands from the view to the engine: one JSON line each on its standard input, applied between batches."""

from typing import Annotated, Any, Final

import msgspec

from flow_gl.core.alerts import MOST_RULES, EngineRule


class Configure(msgspec.Struct, frozen=True, tag="configure"):
    """Change settings while the engine runs: a patch of `core.settings.AggregationSettings`, for `merge`."""

    changes: dict[str, Any]
    """New values by field, changed ones only."""


class SetAlerts(msgspec.Struct, frozen=True, tag="set_alerts"):
    """Replace the alert rules, from the next trade on."""

    rules: Annotated[tuple[EngineRule, ...], msgspec.Meta(max_length=MOST_RULES)]


class SetSpeed(msgspec.Struct, frozen=True, tag="set_speed"):
    """Set the replay speed; inf or None for as fast as possible (JSON has no infinity, so it arrives as None)."""

    speed: float | None


class Retry(msgspec.Struct, frozen=True, tag="retry"):
    """Try the live feed again after a fatal error or before the back-off is over."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Shut down cleanly."""


Command = Configure | SetAlerts | SetSpeed | Retry | Stop

_decoder: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)


def encode(command: Command) -> bytes:
    """Encode a command as one line, including the newline."""
    return msgspec.json.encode(command) + b"\n"


def decode(line: bytes) -> Command:
    """Parse a line. Raises msgspec.DecodeError or msgspec.ValidationError."""
    return _decoder.decode(line)
