"""Bursts on a live connection: nothing is lost, and a poll's work is bounded."""

from collections.abc import Iterator

import numpy as np
import pytest

from flow_gl.core.items import Trades
from flow_gl.core.schema import FeedState
from flow_gl.feed.live.supervisor import BATCH
from tests.feed.live_rig import Rig
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, NQ, make_tape, of

COUNT = 330_000
STEP_NS = 200_000  # 5,000 a second


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    process = GatewayProcess(count=COUNT, step_ns=STEP_NS)
    yield process
    process.close()


def test_a_burst_and_a_minute_at_5000_a_second_arrive_complete_and_in_order(gateway: GatewayProcess) -> None:
    tape = make_tape(COUNT, step_ns=STEP_NS)
    rig = Rig(gateway, wall_ns=int(tape["ts_event"][0]))
    rig.start()
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=20_000)
    rig.poll()
    for _ in range(61):
        gateway("publish", count=5_000)
        rig.poll()
    gateway("reset")  # at the peak
    gateway("publish", count=5_000)
    rig.until_trades(len(of(tape, NQ, ES)))
    np.testing.assert_array_equal(rig.trades, of(tape, NQ, ES))
    assert max(len(item.rows) for item in rig.of(Trades)) <= BATCH
    rig.close()
