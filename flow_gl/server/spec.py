"""The messages between the parent and a worker: JSON lines over the worker's standard streams."""

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
    """Shared segment with the counts of all workers; "" for a single worker."""
    only_metrics: bool = False
    """Serve only /metrics, /healthz and /readyz: no data, no page."""
    feed: str = "live"
    """demo, replay, live, or connect for remote charts: decides which commands are available."""
    threshold: float
    """Imbalance above which a bubble of up to one second is significant."""
    tokens: str | None = None
    """Token file; None if no token is required."""
    tls_cert: str | None = None
    tls_key: str | None = None
    origins: tuple[str, ...] = ()
    is_local_only: bool = True
    limits: Limits = Limits()
    log_level: str = DEFAULTS.log_level
    debug: bool = False


class EngineLine(msgspec.Struct, frozen=True, tag="engine"):
    """The engine and the stores of its charts; sent whenever something changes."""

    state: str
    message: str = ""
    engine: str = ""
    """Segment of its status; "" before its hello."""
    charts: tuple[tuple[str, int], ...] = ()
    """Segment and epoch of each chart."""
    settings: dict[str, Any] = {}


class StopLine(msgspec.Struct, frozen=True, tag="stop"):
    """Stop cleanly."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The worker is listening."""

    port: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The worker cannot run, and exits."""

    error: str
    exit_code: int


class CommandLine(msgspec.Struct, frozen=True, tag="command"):
    """A client's command that has been authorised."""

    name: str
    value: int | float | None
    who: str
    """Name of the client's token."""
    address: str
    to: str = ""
    """For a step: where it leads, `core.commands.StepTo`."""
    chart: int = 0
    level: int = 0
    """For a step: the chart and the level of detail whose bubbles, events and sessions count."""


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
    """Read a line from the parent. Raises msgspec.MsgspecError."""
    return _parent_decoder.decode(line)


def decode_worker(line: bytes) -> WorkerLine:
    """Read a line from a worker. Raises msgspec.MsgspecError."""
    return _worker_decoder.decode(line)
