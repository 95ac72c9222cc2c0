"""The engine's task as one JSON line on its standard input, and its answers as lines on standard output.

The view fills in a spec from the settings and starts the engine with it. After a crash, the same spec with `resume_ns`
set starts the engine again. It contains no secrets: the key is passed in the environment.
"""

import os
from math import isinf
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import msgspec

from flow_gl.core.alerts import EngineRule
from flow_gl.core.schema import MAX_LODS
from flow_gl.core.settings import DECLARED, DEFAULTS, AggregationSettings, Settings

KEY_VARIABLE: Final = "DATABENTO_API_KEY"
TOKEN_VARIABLE: Final = "FLOW_GL_TOKEN"
"""Access token of a server."""
LOGIN_VARIABLE: Final = "FLOW_GL_BUS_LOGIN"
"""Login of a bus: USER:PASSWORD, or a token."""


def environment_for(*needed: str) -> dict[str, str]:
    """Return this process's environment for a child process, which is given only the secrets that it needs."""
    secrets = {KEY_VARIABLE, TOKEN_VARIABLE, LOGIN_VARIABLE}.difference(needed)
    return {**os.environ, **dict.fromkeys(secrets, "")}


class FeedSpec(msgspec.Struct, frozen=True):
    """The parameters of a feed. A field that is named like a setting takes its value (`from_settings`)."""

    command: ClassVar[str]
    """The command that starts the feed; its settings are those that declare it."""

    @classmethod
    def from_settings(cls, settings: Settings, **own: Any) -> Self:
        """Fill in a spec.

        Parameters
        ----------
        settings : gives every field that is named like a setting of the command
        own : the other fields
        """
        shared = {
            one.field: _as_json(getattr(settings, one.field))
            for one in DECLARED.values()
            if cls.command in one.setting.commands and one.field in cls.__struct_fields__
        }
        return cls(**(shared | own))


def _as_json(value: Any) -> Any:
    """Return a setting's value as JSON has it: paths as absolute text, infinity as None."""
    if isinstance(value, Path):
        return str(value.absolute())
    return None if isinstance(value, float) and isinf(value) else value


class FilesSpec(FeedSpec, frozen=True, tag="files"):
    """Replay of files."""

    command = "replay"

    paths: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    """Contracts to chart; if empty, those requested when it was recorded, else the outright with the most volume."""
    from_time: str = ""
    """As the user wrote it; a time of day refers to the file's own day; "" for the beginning."""
    speed: float | None = DEFAULTS.speed
    """Event seconds per second; None for as fast as possible (JSON has no infinity)."""
    is_held: bool = False
    """Start paused: with the trades before `from_time`, or with the first one."""
    cache: bool = False
    """Cache the results of the files, and start from the cache."""
    cache_beside: bool = False
    """Keep the cache in a folder beside the files instead of the user's cache folder."""


class DemoSpec(FeedSpec, frozen=True, tag="demo"):
    """A synthetic market."""

    command = "demo"

    seed: int = 1
    """The same seed gives the same trades."""
    rate: float | None = None
    """Trades per second of all contracts together, up to 1,000,000; None for the natural rate at the time of day."""
    symbols: tuple[str, ...] = ("NQ", "ES")
    """Roots or continuous symbols: NQ, ES, RTY, YM and their micros."""
    start_ns: int | None = None
    """Event time at which the market begins; None for an evening's open followed by `history_s` of history."""
    history_s: float | None = None
    """Event seconds of history when the feed starts, at the natural rate; None for the default, a whole night."""
    halts: tuple[tuple[float, float], ...] = ()
    """Halts as (seconds after the start, length in seconds)."""
    bursts: tuple[tuple[float, float, float], ...] = ()
    """Bursts as (seconds after the start, length in seconds, factor)."""
    speed: float | None = DEFAULTS.speed
    """Event seconds per second, 0.1 to 10,000; None for as fast as possible."""
    length_s: float | None = None
    """Event seconds after the history at which the market ends; None for never."""


class LiveSpec(FeedSpec, frozen=True, tag="live"):
    """Databento's live gateway."""

    command = "live"

    symbols: tuple[str, ...] = DEFAULTS.symbols
    uncharted: tuple[str, ...] = ()
    """Symbols that are received for the recording only, because their charts were released."""
    dataset: str = DEFAULTS.dataset
    stype_in: str = DEFAULTS.stype_in
    """Type of the symbols; with "parent", each denotes many instruments."""
    gateway: str | None = None
    """Gateway host; None for the dataset's own."""
    port: int | None = None
    """Gateway port; None for the default."""
    recording: bool = DEFAULTS.recording
    """Record every trade."""
    record_dir: str | None = None
    """Folder of the recordings; None for the user's own."""
    earlier_sessions: int = DEFAULTS.earlier_sessions
    """Most recorded sessions before the running one that are read back at a start."""
    keep_days: int = DEFAULTS.keep_days
    """Days after which a recording is removed; 0 keeps all."""
    keep_gb: float | None = None
    """Limit of all recordings in GB, the oldest are removed first; None for no limit."""
    archive: str | None = None
    """Database URL; None for SQLite in the user's folder, "off" for none."""


class RemoteSpec(FeedSpec, frozen=True, tag="remote"):
    """A server's charts (`flow-gl serve`)."""

    command = "connect"

    url: str
    """Its WebSocket: ws://HOST:PORT/ws, or wss:// with TLS."""
    ca: str | None = None
    """File of the certificates that are trusted; None for the system's."""


class BusServers(msgspec.Struct, frozen=True):
    """The servers of a bus. The login is passed in the environment."""

    servers: tuple[str, ...]
    """URLs without a login: nats://HOST:PORT, or tls:// where TLS is required."""
    ca: str | None = None
    """File of the certificates that are trusted; None for the system's."""
    creds: str | None = None
    """NATS credentials file; None for a login or none."""


class BusSpec(FeedSpec, frozen=True, tag="bus"):
    """The charts that engines publish on a bus (`--bus`)."""

    command = "connect"

    bus: BusServers
    symbols: tuple[str, ...] = ()
    """The charts to show, in order; all if empty."""


class PublishSpec(msgspec.Struct, frozen=True):
    """Publish the engine's charts on a bus."""

    bus: BusServers
    threshold: float
    """Imbalance above which a bubble of up to one second is significant."""


class EngineSpec(msgspec.Struct, frozen=True):
    """Everything that the engine must know to start."""

    feed: FilesSpec | DemoSpec | LiveSpec | RemoteSpec | BusSpec
    aggregation: AggregationSettings = DEFAULTS.aggregation
    alerts: tuple[EngineRule, ...] = ()
    """Alert rules; an engine that takes over is sent those that have changed since."""
    publish: PublishSpec | None = None
    lods: int = MAX_LODS
    resume_ns: int = 0
    """Event time that an earlier engine had reached; catch up to it as fast as possible."""
    serve_on: bool = False
    """Keep running when standard input is closed."""
    log_level: str = DEFAULTS.log_level
    debug: bool = False


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The engine is up; `store` names the segment of its status."""

    pid: int
    store: str


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The engine exits with an error."""

    error: str
    exit_code: int


class RemoteSettings(msgspec.Struct, frozen=True, tag="settings"):
    """The settings of the engine behind remote charts."""

    settings: dict[str, Any]


class AvailableSymbols(msgspec.Struct, frozen=True, tag="available_symbols"):
    """The symbols that a chart may ask this feed for, the busiest first; those that are charted included."""

    symbols: tuple[str, ...]
    addable_stype: str = ""
    """Type (`stype_in`) of the other symbols that can be requested; "" if none can be."""


class NotAdded(msgspec.Struct, frozen=True, tag="not_added"):
    """A requested symbol (`core.commands.AddSymbol`) cannot be added; everything else continues."""

    symbol: str
    reason: str
    """One line, which names the symbol."""


Answer = Hello | Failure | RemoteSettings | AvailableSymbols | NotAdded

_spec_decoder: Final[msgspec.json.Decoder[EngineSpec]] = msgspec.json.Decoder(EngineSpec)
_answer_decoder: Final[msgspec.json.Decoder[Answer]] = msgspec.json.Decoder(Answer)


def encode(message: EngineSpec | Answer) -> bytes:
    """Encode a message as one line, including the newline."""
    return msgspec.json.encode(message) + b"\n"


def decode_spec(line: bytes) -> EngineSpec:
    """Parse a spec. Raises msgspec.DecodeError or msgspec.ValidationError."""
    return _spec_decoder.decode(line)


def decode_answer(line: bytes) -> Answer:
    """Parse an answer of the engine. Raises as `decode_spec` does."""
    return _answer_decoder.decode(line)
