"""The end of a live session and the next open, through feed, engine and charts, with the exchange's calendar.

Thanksgiving 2025: the exchange closes at 13:00 and opens again at 18:00 the same day, when NQ.v.0 maps to another
contract.
"""

import datetime as dt
import queue
import time
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flow_gl.core.schema import UNDEF_PRICE, FeedState
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.supervisor import LiveFeed
from flow_gl.runtime.charts import Charts
from flow_gl.runtime.engine_loop import Engine
from flow_gl.runtime.meters import StatusBoard
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from flow_gl.ui.overlays.status import opening
from tests.feed.live_rig import TestClock, has_arrived
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, KEY, NEXT_NQ, NQ, Contract, make_tape, of
from tests.kit.waiting import PATIENCE_S

NEW_YORK = ZoneInfo("America/New_York")
CLOSE_NS = int(dt.datetime(2025, 11, 27, 13, 0, tzinfo=NEW_YORK).timestamp()) * SECOND_NS
OPEN_NS = int(dt.datetime(2025, 11, 27, 18, 0, tzinfo=NEW_YORK).timestamp()) * SECOND_NS
TAPE_OPTIONS = {"count": 2000, "step_ns": 200_000_000, "open_ns": CLOSE_NS - 120 * SECOND_NS, "by_calendar": True}
TAPE = make_tape(**TAPE_OPTIONS)
BEFORE = int(np.searchsorted(TAPE["ts_recv"], CLOSE_NS))


class Program:
    """An engine with a live feed, driven step by step, with a clock that the test moves."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.clock = TestClock(int(TAPE["ts_recv"][99]) + 1_000_000)
        self.feed = LiveFeed(
            LiveSpec(gateway="127.0.0.1", port=gateway.port),
            api_key=KEY,
            hours=Hours("session open", calendar=SessionCalendar()),
            clock=self.clock,
            draw=lambda: 0.5,
        )
        self.stores: list[MarketStore] = []
        self._status = EngineStore.local()
        pipeline = Pipeline(sessions=SessionCalendar())
        self.charts = Charts(
            ("NQ.v.0", "ES.v.0"), attach=pipeline.chart, make_store=self._make, bucket_ns=SECOND_NS, may_renew=True
        )
        self.engine = Engine(
            feed=self.feed,
            pipeline=pipeline,
            charts=self.charts,
            board=StatusBoard(self._status),
            clock=self.clock,
            commands=queue.SimpleQueue(),
        )
        self.feed.start()

    def _make(self, _tag: str) -> MarketStore:
        self.stores.append(MarketStore.local(base_capacity=1 << 10))
        return self.stores[-1]

    @property
    def status(self) -> np.void:
        reader = EngineReader(self._status)
        reader.refresh()
        return reader.status

    def chart(self, index: int) -> MarketReader:
        reader = MarketReader(self.charts.stores()[index])
        reader.refresh()
        return reader

    def until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while True:
            self.engine.turn()
            if holds():
                return
            assert time.monotonic() < end, f"waited in vain for {what}: {self.feed.status()}"
            time.sleep(0.001)
            if has_arrived(self.gateway):  # a slow connection must not look like a silent gateway
                self.clock.advance(0.005)

    def pass_quietly(self, until_ns: int) -> None:
        """Let time pass without trades, with the gateway's heartbeats."""
        while self.clock.wall < until_ns:
            self.gateway("heartbeat", ts=self.clock.wall)
            self.until(lambda: has_arrived(self.gateway), "the heartbeat")
            self.clock.advance(max(min(5.0, (until_ns - self.clock.wall) / SECOND_NS), 0.0))
        self.engine.turn()


@pytest.fixture
def program() -> Iterator[Program]:
    gateway = GatewayProcess(published=100, **TAPE_OPTIONS)
    program = Program(gateway)
    yield program
    program.feed.close()
    gateway.kill()


def count_of(*contracts: Contract, rows: np.ndarray) -> int:
    return len(of(rows, *contracts))


def test_at_the_open_after_an_early_close_the_new_contract_takes_over_the_chart_and_the_old_levels_stay(
    program: Program,
) -> None:
    gateway, engine = program.gateway, program.engine
    program.until(lambda: program.feed.status().state is FeedState.LIVE, "the first connection")
    gateway("publish", count=BEFORE - 100)
    program.clock.advance((CLOSE_NS - program.clock.wall) / SECOND_NS)
    old = TAPE[:BEFORE]
    program.until(lambda: engine.trades == count_of(NQ, ES, rows=old), "the old session")
    program.until(lambda: program.status["state"] == FeedState.CLOSED, "the close")
    assert opening(int(program.status["next_open"])) == "Thursday 18:00 ET"
    first_nq = program.charts.stores()[0]

    program.clock.wall = OPEN_NS - 20 * SECOND_NS  # it sleeps until shortly before the open
    program.until(lambda: program.feed.status().state is FeedState.CLOSED, "a connection after the sleep")
    gateway("remap", requested="NQ.v.0", symbol="NQH6")
    assert program.chart(0).symbol == "NQZ5"
    program.pass_quietly(OPEN_NS + SECOND_NS)
    gateway("publish", count=len(TAPE) - BEFORE)
    program.clock.advance((int(TAPE["ts_recv"][-1]) - program.clock.wall) / SECOND_NS)
    new = TAPE[BEFORE:]
    program.until(lambda: program.chart(0).symbol == "NQH6", "the new mapping")
    program.until(
        lambda: (
            [int(program.chart(n).session["trade_count"]) for n in (0, 1)]
            == [count_of(NEXT_NQ, rows=new), count_of(ES, rows=new)]
        ),
        "the new session, whole",
    )
    assert program.feed.status().state is FeedState.LIVE

    nq, es = program.chart(0).session, program.chart(1).session
    assert {int(nq["open_ts"]), int(es["open_ts"])} == {OPEN_NS}
    mine = of(new, NEXT_NQ)
    assert (nq["high"], nq["low"]) == (mine["price"].max(), mine["price"].min()), "contracts never mix"
    assert nq["prior_high"] == UNDEF_PRICE, "another contract's levels are not its own"
    then = of(old, ES)["price"]
    assert (es["prior_high"], es["prior_low"], es["prior_close"]) == (then.max(), then.min(), then[-1])
    # If the old contract traded after the open before the new mapping arrived, the session is replayed from its open
    # and the chart starts again. Otherwise it continues after a roll.
    rolls = program.chart(0).rolls
    assert (program.charts.stores()[0] is first_nq) == (len(rolls) == 1)
    for roll in rolls:
        assert (bytes(roll["from_symbol"]), bytes(roll["to_symbol"])) == (b"NQZ5", b"NQH6")
        assert roll["last_ts"] < roll["first_ts"] == mine["ts_event"][0]
        rows = first_nq.bubbles[0].rows[: first_nq.bubbles[0].head]
        is_new = rows["ts_last"] > roll["last_ts"]
        assert rows[~is_new]["trade_count"].sum() == count_of(NQ, rows=old)
        assert rows[is_new]["low"].min() >= mine["price"].min(), "contracts never mix"
