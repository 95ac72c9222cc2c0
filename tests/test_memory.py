"""After a day of the synthetic market, the engine's loop holds no more objects than after a third of it."""

import gc
import queue
import sys

from flow_gl.core.clock import ManualClock
from flow_gl.core.items import Mapping
from flow_gl.core.spec import DemoSpec
from flow_gl.core.units import HOUR_NS
from flow_gl.engine.market import Market
from flow_gl.feed.synthetic.demo import SyntheticFeed
from flow_gl.runtime.engine_loop import Engine
from flow_gl.runtime.meters import StatusBoard
from flow_gl.store.market import EngineStore
from tests.kit.charted import ChartedPipeline
from tests.kit.scripted_feed import START_NS

MAX_GROWTH = 3_000
"""Allowed number of additional objects, such as gaps. A leak per bubble, turn or publish would be tens of thousands."""


def test_the_engine_holds_no_more_objects_after_a_day_than_after_a_third_of_it():
    feed, clock = (
        SyntheticFeed(DemoSpec(seed=4, history_s=30 * 3600.0, speed=None, length_s=0.0)),
        ManualClock(START_NS),
    )
    made = ChartedPipeline(("NQ.v.0", "ES.v.0"), base_capacity=1 << 10)
    engine = Engine(
        feed=feed,
        pipeline=made.pipeline,
        charts=made.charts,
        board=StatusBoard(EngineStore.local()),
        clock=clock,
        commands=queue.SimpleQueue(),
    )
    readers = made.readers()
    first_ns = feed.status().known_until
    held: dict[int, int] = {}
    while not feed.is_ended() or engine.turn() == 0.0:
        engine.turn()
        clock.advance(10_000_000)
        for reader in readers:
            reader.refresh()
        hour = (feed.status().known_until - first_ns) // HOUR_NS
        for checked in (8, 28):
            if hour >= checked and checked not in held:
                gc.collect()
                held[checked] = sys.getallocatedblocks()
    assert held[28] - held[8] < MAX_GROWTH
    assert engine.trades > 100_000
    assert all(reader.session["total_trades"] > 0 for reader in readers)


def markets() -> int:
    """Count the markets in memory. Uses `type`, because isinstance on a weak proxy fails if its object is gone."""
    return sum(type(one) is Market for one in gc.get_objects())


def test_a_contract_that_no_name_refers_to_is_freed_immediately():
    made = ChartedPipeline(("NQ.v.0",), base_capacity=1 << 10, may_renew=True)
    gc.collect()
    before = markets()
    gc.disable()
    try:
        for number in range(50):
            made.take(Mapping(100 + number % 2, f"NQ{number % 2}", "NQ.v.0"))
        assert markets() - before <= 2
    finally:
        gc.enable()
