"""What an engine is to do: one JSON line on its standard input, and the lines that it answers on standard output.

The view's side fills in a spec from the settings and starts the engine with it; the same spec with `resume_ns` set
starts it again after a crash. Secrets are not in it: the key travels in the environment.
"""

from typing import Final

import msgspec

from flow_gl.core.schema import MAX_LODS
from flow_gl.core.settings import DEFAULTS, AggregationSettings

KEY_VARIABLE: Final = "DATABENTO_API_KEY"


class FilesSpec(msgspec.Struct, frozen=True, tag="files"):
    """Replay of files."""

    paths: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    """Contracts to chart; empty: those that were asked for when it was recorded, else the busiest outright."""
    from_time: str = ""
    """As the user wrote it: a time of day is of the file's own day; "" for the beginning."""
    speed: float | None = DEFAULTS.speed
    """Event seconds per second; None for as fast as it goes (JSON has no infinity)."""
    cache: bool = False
    """Keep what the files come to, and begin with what was kept."""
    cache_beside: bool = False
    """Keep it in a folder beside the files, not in the user's cache folder."""


class DemoSpec(msgspec.Struct, frozen=True, tag="demo"):
    """A synthetic market."""

    seed: int = 1
    rate: float | None = None
    """Trades per second of all symbols; None for a natural pace."""
    symbols: tuple[str, ...] = ("NQ", "ES")
    start_ns: int | None = None
    """Event time of the market's first instant; None for its usual one."""
    history_s: float | None = None
    """Event seconds traded before the demo starts; None for its usual night."""
    halts: tuple[tuple[float, float], ...] = ()
    """Halts as (seconds after the start, seconds of length)."""
    bursts: tuple[tuple[float, float, float], ...] = ()
    """Bursts as (seconds after the start, seconds of length, factor)."""
    speed: float | None = DEFAULTS.speed
    """Event seconds per second; None for as fast as it goes."""
    length_s: float | None = None
    """Event seconds after which the market ends; None for never."""


class LiveSpec(msgspec.Struct, frozen=True, tag="live"):
    """Databento's live gateway."""

    symbols: tuple[str, ...]
    dataset: str = DEFAULTS.dataset
    stype_in: str = DEFAULTS.stype_in
    gateway: str | None = None
    port: int | None = None
    recording: bool = DEFAULTS.recording
    """Keep a recording."""
    record_dir: str | None = None
    """Folder of the recordings; None for the user's own."""
    keep_days: int | None = DEFAULTS.keep_days
    """Recordings older than this are removed; None keeps all."""
    keep_nbytes: int | None = None
    """Most bytes that recordings may take, the oldest go first; None for no limit."""
    archive: str | None = None
    """Database URL; None for SQLite in the user's folder, "off" for none."""


class EngineSpec(msgspec.Struct, frozen=True):
    """Everything that the engine must know to start."""

    feed: FilesSpec | DemoSpec | LiveSpec
    aggregation: AggregationSettings = DEFAULTS.aggregation
    lods: int = MAX_LODS
    resume_ns: int = 0
    """Event time that an earlier engine had reached: go there as fast as possible, then on at the feed's own pace."""
    serve_on: bool = False
    """Go on when standard input is closed."""
    log_level: str = DEFAULTS.log_level
    debug: bool = False


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The engine is up: where its status is."""

    pid: int
    store: str


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The engine ends, and why."""

    error: str
    exit_code: int


Answer = Hello | Failure

_spec_decoder: Final[msgspec.json.Decoder[EngineSpec]] = msgspec.json.Decoder(EngineSpec)
_answer_decoder: Final[msgspec.json.Decoder[Answer]] = msgspec.json.Decoder(Answer)


def encode(message: EngineSpec | Answer) -> bytes:
    """One line, with its line end."""
    return msgspec.json.encode(message) + b"\n"


def decode_spec(line: bytes) -> EngineSpec:
    """Parse a spec. Raises msgspec.DecodeError or msgspec.ValidationError with what was wrong."""
    return _spec_decoder.decode(line)


def decode_answer(line: bytes) -> Answer:
    """Parse an answer of the engine. Raises as `decode_spec` does."""
    return _answer_decoder.decode(line)
