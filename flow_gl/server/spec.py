"""What the parent process and a worker say to each other: one JSON line each, over the worker's standard streams."""

from typing import Any, Final

import msgspec

from flow_gl.core.settings import DEFAULTS
from flow_gl.server.security.limits import Limits


class WorkerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's task, the first line that it reads. It contains no secrets."""

    host: str
    port: int
    """0: any free port, for a single worker."""
    number: int = 0
    workers: int = 1
    counts: str = ""
    """Segment of the counts of all workers; "" to count alone."""
    only_metrics: bool = False
    """Give /metrics, /healthz and /readyz alone: no data, no page."""
    feed: str = "live"
    """demo, replay or live: what commands apply to."""
    threshold: float
    """Imbalance above which a bubble of up to one second is significant."""
    tokens: str | None = None
    """Token file; None: no token is asked for."""
    tls_cert: str | None = None
    tls_key: str | None = None
    origins: tuple[str, ...] = ()
    is_local_only: bool = True
    limits: Limits = Limits()
    log_level: str = DEFAULTS.log_level
    debug: bool = False


class EngineLine(msgspec.Struct, frozen=True, tag="engine"):
    """The engine and the stores of its charts, whenever something changes."""

    state: str
    message: str = ""
    engine: str = ""
    """Segment of its status; "" before its hello."""
    charts: tuple[tuple[str, int], ...] = ()
    """Segment and epoch of each chart."""
    settings: dict[str, Any] = {}


class StopLine(msgspec.Struct, frozen=True, tag="stop"):
    """End cleanly."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The worker listens."""

    port: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The worker cannot work, and ends."""

    error: str
    exit_code: int


class CommandLine(msgspec.Struct, frozen=True, tag="command"):
    """A client's command, which it may give."""

    name: str
    value: float | None
    who: str
    """Name of the client's token."""
    address: str


ParentLine = EngineLine | StopLine
WorkerLine = Ready | Failed | CommandLine
_parent_decoder: Final[msgspec.json.Decoder[ParentLine]] = msgspec.json.Decoder(ParentLine)
_worker_decoder: Final[msgspec.json.Decoder[WorkerLine]] = msgspec.json.Decoder(WorkerLine)
_spec_decoder: Final[msgspec.json.Decoder[WorkerSpec]] = msgspec.json.Decoder(WorkerSpec)


def encode(line: WorkerSpec | ParentLine | WorkerLine) -> bytes:
    """Write one line, including the newline."""
    return msgspec.json.encode(line) + b"\n"


def decode_spec(line: bytes) -> WorkerSpec:
    """Read a worker's task. Raises msgspec.MsgspecError."""
    return _spec_decoder.decode(line)


def decode_parent(line: bytes) -> ParentLine:
    """Read what the parent says. Raises msgspec.MsgspecError."""
    return _parent_decoder.decode(line)


def decode_worker(line: bytes) -> WorkerLine:
    """Read what a worker says. Raises msgspec.MsgspecError."""
    return _worker_decoder.decode(line)
