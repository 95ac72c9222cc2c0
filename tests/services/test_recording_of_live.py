"""A live session recorded through a crash: its replay has the numbers of an undisturbed run."""

from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.items import Trades
from flow_gl.core.schema import TRADE, FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.files.replay import read_items
from flow_gl.services.recording.folder import recorded
from flow_gl.services.recording.recorder import Recorder
from flow_gl.store.ring import Ring
from tests.feed.live_rig import FakeCalendar, Rig
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import DATASET, ES, NQ, make_tape, of
from tests.kit.crash import close_descriptors
from tests.kit.numbers import numbers_of

TAPE = make_tape()


class RecordedRun:
    """A live feed whose items go to a recorder through a tape, as in the engine."""

    def __init__(self, gateway: GatewayProcess, directory: Path, *, published: int) -> None:
        calendar = FakeCalendar()
        self.rig = Rig(gateway, wall_ns=int(TAPE["ts_recv"][published - 1]) + SECOND_NS, calendar=calendar)
        self._tape = Ring(memoryview(bytearray(Ring.nbytes(TRADE, 1 << 13))), TRADE, 1 << 13)
        self._taken = 0
        self.recorder = Recorder(directory, dataset=DATASET, session_of=calendar.session_at, clock=self.rig.clock)
        self.recorder.start(self._tape, is_threaded=False)
        self.rig.start()

    def until_trades(self, count: int) -> None:
        self.rig.until_trades(count)
        for item in self.rig.items[self._taken :]:
            if isinstance(item, Trades):
                self._tape.append(item.rows)
            else:
                self.recorder.note(item, position=self._tape.head)
        self._taken = len(self.rig.items)
        self.rig.clock.advance(1)
        self.recorder.write_due()

    def crash(self) -> None:
        """Simulate the end of the process: nothing is flushed, and the system releases the file."""
        self.rig.close()
        close_descriptors(recorded(self.recorder.directory, DATASET, 20251128)[-1])

    def end(self) -> None:
        self.recorder.close()
        self.rig.close()


@pytest.mark.parametrize("torn_bytes", [0, 7])
def test_a_session_recorded_through_a_crash_replays_as_if_nothing_had_happened(tmp_path: Path, torn_bytes: int) -> None:
    expected = of(TAPE, NQ, ES)
    gateway = GatewayProcess(published=2000)
    try:
        first = RecordedRun(gateway, tmp_path, published=2000)
        first.until_trades(len(of(TAPE[:2000], NQ, ES)))
        gateway("publish", count=1000)
        first.until_trades(len(of(TAPE[:3000], NQ, ES)))
        first.crash()
        (path,) = recorded(tmp_path, DATASET, 20251128)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - torn_bytes)
        gateway("publish", count=1000)
        second = RecordedRun(gateway, tmp_path, published=4000)
        second.until_trades(len(of(TAPE[:4000], NQ, ES)))
        second.rig.until_state(FeedState.LIVE)
        gateway("publish", count=2000)
        second.until_trades(len(expected))
        second.end()
    finally:
        gateway.close()
    replay = list(read_items([path]))
    rows = np.concatenate([item.rows for item in replay if isinstance(item, Trades)])
    for contract in (NQ, ES):
        assert of(rows, contract).tobytes() == of(expected, contract).tobytes()
    assert len(rows) == len(expected)
    assert second.recorder.status().already > 0
    assert numbers_of(replay, NQ.instrument_id) == numbers_of(second.rig.items, NQ.instrument_id)
