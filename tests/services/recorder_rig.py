"""A recorder driven step by step, and what the official client reads from its files."""

import io
from collections.abc import Callable
from pathlib import Path

import databento
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.clock import ManualClock
from flow_gl.core.items import Definition, Mapping
from flow_gl.core.schema import TRADE
from flow_gl.core.units import DAY_NS, SECOND_NS
from flow_gl.services.recording.file import ExpectedRun
from flow_gl.services.recording.folder import recorded
from flow_gl.services.recording.recorder import Recorder
from flow_gl.store.ring import Ring
from tests.services.days import DAY_START, utc_day

DATASET = "GLBX.MDP3"
NQ = Mapping(158704, "NQZ5", "NQ.v.0")
NQ_DEFINITION = Definition(158704, "NQZ5", 250_000_000, 20.0, True)
SPREAD = Definition(42005804, "NQZ5-NQH6", 50_000_000, None, False)


def official(path: Path, schema: str = "trades") -> NDArray[np.void]:
    """Return what the official client reads: trades as TRADE rows, other schemas unchanged."""
    rows = databento.DBNStore.from_bytes(io.BytesIO(path.read_bytes())).to_ndarray(schema)
    return np.frombuffer(rows.tobytes(), TRADE) if schema == "trades" else rows


def make_tape(capacity: int = 1 << 12) -> Ring:
    return Ring(memoryview(bytearray(Ring.nbytes(TRADE, capacity))), TRADE, capacity)


class Run:
    """A recorder driven step by step, with its tape and clock."""

    def __init__(
        self,
        directory: Path,
        *,
        wall_ns: int = DAY_START + DAY_NS // 2,
        capacity: int = 1 << 12,
        reach_ns: int | None = None,
        session_of: Callable[[int], object] = utc_day,
        **expected: bool,
    ) -> None:
        self.clock = ManualClock(wall_ns)
        self.tape = make_tape(capacity)
        self.recorder = Recorder(directory, dataset=DATASET, session_of=session_of, clock=self.clock)
        self.recorder.start(self.tape, expected=ExpectedRun(**expected), reach_ns=reach_ns, is_threaded=False)

    def feed(self, rows: NDArray[np.void], *, at_once: int = 500) -> None:
        """Append trades, one batch per second."""
        for at in range(0, len(rows), at_once):
            self.tape.append(rows[at : at + at_once])
            self.second()

    def second(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(SECOND_NS)
            self.recorder.write_due()

    def path(self) -> Path:
        (path,) = recorded(self.recorder.directory, DATASET, 20251128)
        return path
