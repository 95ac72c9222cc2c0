"""What a view may ask of the engine. One JSON line each on the engine's standard input, applied between batches."""

from typing import Any, Final

import msgspec


class Configure(msgspec.Struct, frozen=True, tag="configure"):
    """Change settings while the engine runs: a patch of `core.settings.AggregationSettings`, for `merge`."""

    changes: dict[str, Any]
    """Values by field, only of what changed."""


class SetSpeed(msgspec.Struct, frozen=True, tag="set_speed"):
    """Replay speed from here on; inf or None for as fast as it goes (JSON has no infinity: it arrives as None)."""

    speed: float | None


class Retry(msgspec.Struct, frozen=True, tag="retry"):
    """Try the live feed again after a fatal error or before the back-off is over."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End cleanly."""


Command = Configure | SetSpeed | Retry | Stop

_decoder: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)


def encode(command: Command) -> bytes:
    """One line, with its line end."""
    return msgspec.json.encode(command) + b"\n"


def decode(line: bytes) -> Command:
    """Parse a line. Raises msgspec.DecodeError or msgspec.ValidationError with what was wrong."""
    return _decoder.decode(line)
