"""The messages between an engine and its publisher: JSON lines over the publisher's standard streams."""

from typing import Any, Final

import msgspec

from flow_gl.core.settings import DEFAULTS
from flow_gl.core.spec import BusServers


class PublisherSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A publisher's task, the first line that it reads. It contains no secrets."""

    bus: BusServers
    feed: str
    """demo, replay or live."""
    threshold: float
    """Imbalance above which a bubble of up to one second is significant."""
    log_level: str = DEFAULTS.log_level
    debug: bool = False


class ChartsLine(msgspec.Struct, frozen=True, kw_only=True, tag="charts"):
    """The engine's stores; sent whenever one of them or a setting changes."""

    engine: str
    """Segment of its status."""
    charts: tuple[str, ...]
    """Segment of each chart."""
    settings: dict[str, Any]
    """The settings that the numbers depend on."""


class StopLine(msgspec.Struct, frozen=True, tag="stop"):
    """Publish what is left, release the leases and end."""


class StateLine(msgspec.Struct, frozen=True, kw_only=True, tag="state"):
    """The publisher's state; sent when it changes, at most four times a second."""

    is_connected: bool
    leads: int
    """Charts that it publishes; others are published by another engine."""
    published: int
    """Rows that are on the bus, since the publisher's start."""
    waiting: int
    """Rows that are not on the bus yet."""
    message: str
    """The current problem, one line; "" if there is none."""


EngineLine = ChartsLine | StopLine
_engine_decoder: Final[msgspec.json.Decoder[EngineLine]] = msgspec.json.Decoder(EngineLine)
_state_decoder: Final[msgspec.json.Decoder[StateLine]] = msgspec.json.Decoder(StateLine)
_spec_decoder: Final[msgspec.json.Decoder[PublisherSpec]] = msgspec.json.Decoder(PublisherSpec)


def encode(line: PublisherSpec | EngineLine | StateLine) -> bytes:
    """Write one line, including the newline."""
    return msgspec.json.encode(line) + b"\n"


def decode_spec(line: bytes) -> PublisherSpec:
    """Read a publisher's task. Raises msgspec.MsgspecError."""
    return _spec_decoder.decode(line)


def decode_engine(line: bytes) -> EngineLine:
    """Read a line from the engine. Raises msgspec.MsgspecError."""
    return _engine_decoder.decode(line)


def decode_state(line: bytes) -> StateLine:
    """Read a line from the publisher. Raises msgspec.MsgspecError."""
    return _state_decoder.decode(line)
