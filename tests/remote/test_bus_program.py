"""`flow-gl connect nats://` against real servers and engines: every number and pixel is that of the engine."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest

from flow_gl.core.bus_address import parse_bus
from flow_gl.core.schema import FeedState, GapKind
from flow_gl.core.spec import BusServers, BusSpec, EngineSpec
from flow_gl.gl.resources import SharedResources
from flow_gl.layers.stack import ChartStack
from flow_gl.protocol.bus import Log
from flow_gl.store.market import MarketReader
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import draw
from tests.kit.markets import Market, make_scene
from tests.kit.nats import nats_cluster, nats_server
from tests.kit.ports import lasting_port
from tests.kit.published import DEMO, PublishingEngine, assert_same, published, publishing, stored
from tests.kit.stores import difference
from tests.kit.waiting import PATIENCE_S, until

ROOT = Path(__file__).resolve().parents[2]


class Client:
    """A process that holds the charts of a bus, and the states that it has been in."""

    def __init__(self, url: str) -> None:
        self.link = EngineLink.start(EngineSpec(feed=BusSpec(bus=BusServers(parse_bus(url).servers))))
        self.states: list[FeedState] = []

    def poll(self) -> None:
        self.link.poll()
        assert not self.link.exit_code, self.link.message
        if self.link.engine is not None:
            self.link.engine.refresh()
            if self.state not in self.states[-1:]:
                self.states.append(self.state)
        for market in self.link.markets:
            market.refresh()

    @property
    def state(self) -> FeedState:
        return FeedState(int(self.link.engine.status["state"])) if self.link.engine else FeedState.STARTING

    @property
    def market(self) -> MarketReader:
        return self.link.markets[0]

    @property
    def rows(self) -> int:
        return self.market.store.bubbles[0].head if self.link.markets else 0

    @property
    def message(self) -> str:
        return self.link.engine.text("message") if self.link.engine else ""

    def describe(self) -> str:
        return f"{self.states}, {self.rows} rows, {self.message or self.link.message}"

    def until(self, holds: Callable[[], object], what: str = "") -> None:
        until(holds, lambda: f"{what}; {self.describe()}", step=self.poll)

    def until_it_has_all_of(self, engine: PublishingEngine) -> None:
        """Wait until every number is the engine's, which has ended."""
        theirs = MarketReader(engine.store)
        found = ["no chart"]

        def is_same() -> bool:
            found[0] = difference(self.market, theirs) if self.link.markets else "no chart"
            return not found[0]

        until(is_same, lambda: f"{found[0]}; {self.describe()}", step=self.poll)

    def close(self) -> None:
        self.link.close()


@contextmanager
def connected(url: str) -> Iterator[Client]:
    with closing(Client(url)) as client:
        yield client


def test_a_client_has_every_number_and_pixel_whenever_it_joins_and_whatever_it_missed(
    tmp_path: Path, resources: SharedResources
) -> None:
    with nats_server(tmp_path) as server, publishing(server.url) as engine, connected(server.url) as client:
        client.until(lambda: client.state is FeedState.DEMO and client.rows, "the chart")
        store = client.market.store
        server.kill()
        client.until(lambda: client.state is FeedState.RECONNECTING, "the loss")
        client.until(lambda: GapKind.FEED in client.market.open_gaps, "the gap")
        client.until(lambda: "no connection: Connection refused" in client.message, "the reason")
        missed = client.rows
        server.start()
        client.until(lambda: client.state is FeedState.DEMO and client.rows > missed, "the return")
        client.until(lambda: GapKind.FEED not in client.market.open_gaps, "the end of the gap")
        assert client.market.store is store  # it goes on where it was
        engine.until_all_is_published()
        assert engine.stop() == 0
        client.until_it_has_all_of(engine)
        client.until(lambda: client.state is FeedState.ENDED, "the end")
        with connected(server.url) as late:
            late.until_it_has_all_of(engine)
            assert_same_pictures(resources, MarketReader(engine.store), client.market, late.market)
        assert_the_example_reads_all_of(engine, server.url)


def assert_the_example_reads_all_of(engine: PublishingEngine, url: str) -> None:
    command = [sys.executable, str(ROOT / "examples" / "bus_to_dataframe.py"), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    ring = engine.store.bubbles[0]
    rows = ring.read(0, ring.head)[1]
    assert done.stdout.splitlines()[-1] == (
        f"{len(rows)} bubbles, {rows['trade_count'].sum()} trades, delta {(rows['buy'] - rows['sell']).sum()}"
    )


@pytest.mark.slow
def test_a_server_of_a_bus_has_everything_also_after_a_restart(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server, publishing(server.url) as engine:
        engine.until_all_is_published()
        ready, page = served(server.url, lambda ready: ready["ready"])
        assert ready["reason"].startswith("demo, newest trade ")
        assert number(page, 'flow_gl_newest_print_age_seconds{symbol="NQ.v.0"}') < 60
        assert number(page, "flow_gl_trades_total") > 0
        assert engine.stop() == 0
        server.kill()
        ready, page = served(server.url, lambda ready: "Connection refused" in ready["reason"])
        assert not ready["ready"]
        assert number(page, 'flow_gl_feed_state{state="reconnecting"}') == 1
        server.start()
        ready, page = served(server.url, lambda ready: ready["ready"])  # another one, after the engine's end
        assert ready["reason"].startswith("ended: the numbers are final")
        session = MarketReader(engine.store)
        session.refresh()
        assert number(page, 'flow_gl_symbol_trades_total{symbol="NQ.v.0"}') == session.session["total_trades"]


def served(url: str, is_wanted: Callable[[dict[str, Any]], bool]) -> tuple[dict[str, Any], str]:
    """Run `flow-gl serve --from` until /readyz has the wanted answer; return it, and the metrics of that moment."""
    port = lasting_port()
    command = [sys.executable, "-m", "flow_gl", "serve", "--from", url, "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(_ready(port))
            return bool(found) and is_wanted(found)

        until(is_there, lambda: f"{found}", pause_s=0.2)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
            return found, answer.read().decode()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _ready(port: int) -> dict[str, Any]:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return dict(json.load(answer))
    except HTTPError as error:
        return dict(json.load(error))
    except OSError:
        return {}


def number(page: str, metric: str) -> float:
    return next(float(line.split()[-1]) for line in page.splitlines() if line.startswith(f"{metric} "))


def assert_same_pictures(resources: SharedResources, *readers: MarketReader) -> None:
    readers[0].refresh()
    store = readers[0].store
    closed = slice(0, store.bubbles[0].head)
    market = Market(store, *(ring.read(closed.start, closed.stop)[1] for ring in (store.bubbles[0], store.cvd[0])))
    market.published = closed.stop
    scene = make_scene(market, span_s=300.0)
    pictures = []
    for reader in readers:
        stack = ChartStack(resources, FrameScheduler())
        stack.setup()
        pictures.append(draw(stack, replace(scene, reader=reader)))
        stack.release()
    assert len(np.unique(pictures[0].reshape(-1, pictures[0].shape[-1]), axis=0)) > 100  # there is a chart
    assert all(np.array_equal(pictures[0], other) for other in pictures[1:])


@pytest.mark.slow
def test_each_server_of_a_cluster_may_be_killed_and_neither_bus_nor_client_lacks_a_row(tmp_path: Path) -> None:
    with nats_cluster(tmp_path) as cluster, publishing(cluster.url) as engine, connected(cluster.url) as client:
        client.until(lambda: client.state is FeedState.DEMO and client.rows, "the chart")
        waiting = list(cluster.servers)
        while waiting:
            cluster.wait()
            leader = cluster.leader_of(DEMO.stream(Log.ROWS))
            server = leader if leader in waiting else waiting[0]
            waiting.remove(server)
            server.kill()
            before, published_before = client.rows, int(engine.status("published"))
            client.until(lambda before=before: client.rows > before + 3, f"rows without {server.name}")
            engine.until("published", published_before + 10)
            server.start()
        cluster.wait()
        engine.until_all_is_published()
        assert engine.stop() == 0
        client.until_it_has_all_of(engine)
        with connected(cluster.url) as late:
            late.until_it_has_all_of(engine)
        found = published(cluster.url)
        assert len(found.epochs) == 1
        assert_same(found.rows, stored(engine.store))
