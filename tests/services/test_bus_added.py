"""A symbol is added to an engine that publishes on a bus: each row is there once, and a reader sees no end."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.bus_address import parse_bus
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import KEY_VARIABLE, BusServers, BusSpec, DemoSpec, EngineSpec, FilesSpec, LiveSpec, PublishSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker
from flow_gl.protocol.bus import Topic
from flow_gl.store.market import MarketStore
from flow_gl.view.engine_link.requested_symbols import requested_of
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import DATASET, KEY
from tests.kit.exchange_hours import NOW_NS, shift_now, shifted
from tests.kit.nats import nats_server
from tests.kit.published import assert_same, published, stored
from tests.kit.waiting import until

pytestmark = pytest.mark.slow


class EngineAndReader:
    """An engine that publishes, and a reader of the bus; both are polled together."""

    def __init__(self, feed: DemoSpec | FilesSpec | LiveSpec, url: str) -> None:
        servers = BusServers(parse_bus(url).servers)
        settings = AggregationSettings(sessions=False)
        spec = EngineSpec(feed=feed, aggregation=settings, publish=PublishSpec(servers, 0.15))
        environment = shifted(shift_now()) | {KEY_VARIABLE: KEY} if isinstance(feed, LiveSpec) else None
        self.engine = EngineLink.start(spec, environment=environment)
        self.reader = EngineLink.start(EngineSpec(feed=BusSpec(bus=servers)))
        self.states: list[FeedState] = []
        """States of the reader, in order."""

    def poll(self) -> None:
        for link in (self.engine, self.reader):
            link.poll()
            if link.engine:
                link.engine.refresh()
        if self.reader.engine and (state := FeedState(int(self.reader.engine.status["state"]))) not in self.states[-1:]:
            self.states.append(state)

    def status(self, field: str) -> int:
        return int(self.engine.engine.status[field]) if self.engine.engine else 0

    def until_published(self, *symbols: str) -> None:
        """Wait until this engine publishes all of these charts, and the reader shows them."""

        def is_published() -> bool:
            charts = [requested_of(market) for market in self.engine.markets]
            is_led = self.status("leases") == len(symbols) and not self.status("unpublished")
            shown = sorted(requested_of(market) for market in self.reader.markets)
            return charts == [*symbols] and is_led and shown == sorted(symbols)

        until(is_published, self.describe, step=self.poll)

    def describe(self) -> str:
        fields = ("state", "trades", "on_bus", "leases", "published", "unpublished")
        return f"{[(one, self.status(one)) for one in fields]}, {self.states}"

    def close(self) -> None:
        self.reader.close()
        self.engine.close()


@contextmanager
def attached(pair: EngineAndReader) -> Iterator[dict[str, MarketStore]]:
    """Hold the charts' stores by symbol, so that they can be read after the engine has ended."""
    stores = {requested_of(one): MarketStore.attach(one.store.name) for one in pair.engine.markets}
    try:
        yield stores
    finally:
        for store in stores.values():
            store.close()


def assert_once(url: str, dataset: str, stores: dict[str, MarketStore]) -> None:
    """Check that the bus has every row of the stores, each once and in order, in one epoch."""
    for symbol, store in stores.items():
        found = published(url, Topic(dataset, symbol))
        assert len(found.epochs) == 1, symbol
        assert len(set(found.ids)) == len(found.ids), symbol
        assert_same(found.rows, stored(store))


def test_a_symbol_is_added_to_a_demo_that_is_published(tmp_path: Path) -> None:
    with (
        nats_server(tmp_path) as server,
        closing(EngineAndReader(DemoSpec(symbols=("NQ",), history_s=600.0), server.url)) as pair,
    ):
        pair.until_published("NQ.v.0")
        pid = pair.engine.pid
        assert pair.engine.add("ES.v.0") == ""
        pair.until_published("NQ.v.0", "ES.v.0")
        assert pair.engine.pid != pid, "another engine goes on"
        rows = pair.status("published")
        until(lambda: pair.status("published") > rows + 20, pair.describe, step=pair.poll)
        with attached(pair) as stores:
            states, first = list(pair.states), pair.states.index(FeedState.DEMO)
            pair.engine.close()
            assert_once(server.url, "synthetic", stores)
        assert not {FeedState.ENDED, FeedState.CATCHING_UP} & {*states[first:]}, states


def test_a_symbol_is_added_to_a_replay_that_is_published(tmp_path: Path) -> None:
    maker = TradeMaker(seed=3, history_s=0.0, start_ns=1_794_500_000_000_000_000)
    blocks = []
    while maker.next_ns < maker.start_ns + 600 * SECOND_NS:
        blocks.append(maker.next_block())
    path = tmp_path / "day.dbn.zst"
    symbols = {one.instrument_id: one.symbol_at(maker.live_ns) for one in maker.contracts}
    write_dbn(path, np.concatenate(blocks), symbols=symbols)
    feed = FilesSpec(paths=(str(path),), speed=10.0)
    with nats_server(tmp_path) as server, closing(EngineAndReader(feed, server.url)) as pair:
        until(lambda: pair.engine.offered and pair.engine.markets, pair.describe, step=pair.poll)
        nq, es = pair.engine.offered[:2]
        pair.until_published(nq)
        assert pair.engine.add(es) == ""
        pair.until_published(nq, es)
        rows = pair.status("published")
        until(lambda: pair.status("published") > rows + 20, pair.describe, step=pair.poll)
        with attached(pair) as stores:
            assert pair.engine.engine
            dataset = pair.engine.engine.text("dataset")
            pair.engine.close()
            assert_once(server.url, dataset, stores)


def test_a_symbol_is_added_to_a_live_feed_that_is_published(tmp_path: Path) -> None:
    tape = {"count": 3000, "step_ns": 100_000_000, "open_ns": NOW_NS - 600 * SECOND_NS}
    gateway = GatewayProcess(published=1500, **tape)
    feed = LiveSpec(
        symbols=("NQ.v.0",),
        gateway="127.0.0.1",
        port=gateway.port,
        recording=False,
        archive="off",
    )
    try:
        with nats_server(tmp_path) as server, closing(EngineAndReader(feed, server.url)) as pair:
            pair.until_published("NQ.v.0")
            pid = pair.engine.pid
            assert pair.engine.add("ES.v.0") == ""
            gateway("publish", count=300)
            pair.until_published("NQ.v.0", "ES.v.0")
            gateway("publish", count=300)
            rows = pair.status("published")
            until(lambda: pair.status("published") > rows + 20, pair.describe, step=pair.poll)
            assert pair.engine.pid == pid, "the same engine and publisher go on"
            with attached(pair) as stores:
                pair.engine.close()
                assert_once(server.url, DATASET, stores)
            states = pair.states[pair.states.index(FeedState.LIVE) :]
            assert not {FeedState.ENDED, FeedState.CATCHING_UP} & {*states}, states
    finally:
        gateway.close()
