"""The session of a remote chart: what a server's messages do to charts and status."""

import msgspec
import numpy as np
import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.schema import CHARTS, STATUS, FeedState
from flow_gl.core.spec import RemoteSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.protocol.json_rows import fields
from flow_gl.protocol.messages import Connected, Status
from flow_gl.runtime.meters import StatusBoard
from flow_gl.runtime.remote.charts import KINDS, LEVEL_KINDS
from flow_gl.runtime.remote.session import RemoteSession
from flow_gl.server.security.limits import Limits
from flow_gl.store.market import EngineReader, EngineStore, MarketStore
from tests.remote.test_charts import INSTRUMENT, complete, make_market
from tests.remote.test_connection import CONNECTED


class Rig:
    def __init__(self) -> None:
        self.clock = ManualClock(1_764_400_000 * SECOND_NS)
        self.store = EngineStore.local()
        self.session = RemoteSession(RemoteSpec(url="ws://desk/ws"), "", self.clock, StatusBoard(self.store))
        self.reader = EngineReader(self.store)

    def receive_status(self, state: str, **numbers: object) -> None:
        row = np.zeros(1, STATUS)
        for name, value in numbers.items():
            row[name] = value
        self.session.status(Status(state, "running", "", self.clock.wall_ns(), fields(row[0])))

    def publish(self) -> EngineReader:
        self.session.publish()
        self.reader.refresh()
        return self.reader


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(MarketStore, "create", lambda _tag: MarketStore.local())
    return Rig()


def test_the_servers_own_reconnection_is_not_a_lost_server(rig: Rig) -> None:
    market = make_market()
    chart = complete(market)
    rig.session.connected(CONNECTED)
    rig.session.charts[0] = chart
    rig.receive_status("reconnecting", attempt=4, retry_at=rig.clock.wall_ns() + SECOND_NS)
    status = rig.publish().status
    assert (int(status["state"]), int(status["attempt"])) == (FeedState.RECONNECTING, 4)
    assert chart.store is not None
    gaps = np.zeros(1, chart.store.gaps.dtype)
    chart.store.gaps.read(gaps)
    assert int(gaps["count"][0]) == 0
    rig.session.lost("no answer", 1, 0.5)
    rig.publish()
    chart.store.gaps.read(gaps)
    assert int(gaps["count"][0]) == 1


def test_charts_that_the_server_no_longer_has_are_gone(rig: Rig) -> None:
    two = tuple(msgspec.structs.replace(INSTRUMENT, symbol=symbol) for symbol in ("NQ.v.0", "ES.v.0"))
    both: Connected = msgspec.structs.replace(CONNECTED, instruments=two)
    rig.session.connected(both)
    rig.session.charts[:] = [complete(make_market()), complete(make_market())]
    assert int(rig.publish().status["charts"]) in (0, 2)
    rig.session.connected(msgspec.structs.replace(both, instruments=()))
    assert len(rig.session.charts) == 2  # the engine is starting
    rig.session.connected(msgspec.structs.replace(both, instruments=two[:1]))
    assert len(rig.session.charts) == 1
    assert int(rig.publish().status["charts"]) == 1


def test_a_server_lets_a_client_show_as_many_charts_as_there_may_be() -> None:
    levels = 12
    streams = CHARTS * (len(KINDS) + (levels - 1) * len(LEVEL_KINDS))
    assert streams <= Limits().subscriptions
