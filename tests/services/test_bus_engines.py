"""Engines that publish on a real NATS JetStream: killed engines, killed servers, and no server at all.

Whatever is killed, the rows on the bus must be those of an engine that ran on unbroken, each once and in order.
"""

from pathlib import Path

import pytest

from flow_gl.protocol import bus
from flow_gl.protocol.bus import Log
from flow_gl.protocol.messages import Status
from tests.kit.nats import nats_server
from tests.kit.published import assert_same, newest, published, publishing, stored
from tests.kit.waiting import until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("killed", ["engine", "machine"])
def test_another_engine_takes_over_after_a_kill_with_every_row_once(tmp_path: Path, killed: str) -> None:
    with nats_server(tmp_path) as server, publishing(server.url) as one, publishing(server.url) as other:
        until(lambda: one.leads or other.leads, one.describe, pause_s=0.05)
        leader, follower = (one, other) if one.leads else (other, one)
        leader.until_all_is_published()
        follower.until("on_bus", 1)
        follower.until("trades", 1)
        assert not follower.leads
        leader.kill(with_publisher=killed == "machine")
        follower.until("leases", 1)
        before = int(follower.status("published"))
        follower.until("published", before + 20)
        assert follower.stop() == 0
        found = published(server.url)
        assert len(found.epochs) == 1, "the other engine went on"
        assert len(set(found.ids)) == len(found.ids)
        assert_same(found.rows, stored(follower.store))
        state = newest(server.url, Log.STATE)
        assert bus.decode(state["Status"], Status).engine == "ended"
        assert {"Chart", "Open", "Session", "VolumeProfile", "Levels", "Gap", "Roll", "Order"} <= set(state)


def test_the_chart_continues_without_a_bus_and_what_was_missed_is_published(tmp_path: Path) -> None:
    with nats_server(tmp_path, is_started=False) as server, publishing(server.url) as engine:
        hosts = server.url.removeprefix("nats://")
        engine.until("trades", 1)
        until(lambda: engine.text("keeping").startswith(f"bus: {hosts}: no connection: "), engine.describe)
        engine.until("unpublished", 1)
        server.start()
        engine.until_all_is_published()
        assert engine.text("keeping") == ""
        server.kill()
        until(lambda: not engine.status("on_bus"), engine.describe)
        until(lambda: engine.text("keeping").startswith(f"bus: {hosts}: "), engine.describe)
        engine.until("trades", int(engine.status("trades")) + 20)  # the chart goes on
        engine.until("unpublished", 5)
        assert engine.text("keeping").endswith(" rows waiting")
        server.start()
        engine.until_all_is_published()
        assert engine.stop() == 0
        found = published(server.url)
        assert len(found.epochs) == 1
        assert_same(found.rows, stored(engine.store))


def test_an_engine_that_ends_without_a_bus_names_what_is_missing(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server, publishing(server.url) as engine:
        engine.until_all_is_published()
        server.kill()
        engine.until("unpublished", 3)
        assert engine.stop() == 6
        assert "rows are not on the bus" in engine.last_answer
