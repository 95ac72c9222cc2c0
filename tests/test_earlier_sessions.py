"""A live start shows the sessions before the running one, from their recordings, and does not record them again."""

import queue
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.clock import ManualClock
from flow_gl.core.items import FeedGap, Item, Trades
from flow_gl.core.schema import UNDEF_PRICE, FeedState, GapKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.runtime.charts import Charts
from flow_gl.runtime.earlier import EarlierFeed, EarlierSessions
from flow_gl.runtime.engine_loop import Engine
from flow_gl.runtime.meters import StatusBoard
from flow_gl.runtime.recovered import Recorded
from flow_gl.services.recording.folder import recorded
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from tests.kit.numbers import numbers_of
from tests.kit.scripted_feed import ScriptedFeed
from tests.kit.trades import make_trades
from tests.services.recorder_rig import DATASET, NQ, NQ_DEFINITION, Run

CALENDAR = SessionCalendar()
TODAY = CALENDAR.session_at(1_763_650_000 * SECOND_NS)
YESTERDAY = CALENDAR.session_at(TODAY.open - 1)
BEFORE = CALENDAR.session_at(YESTERDAY.open - 1)
NOW_NS = TODAY.open + 3600 * SECOND_NS
COUNT = 2000
NAMES: list[Item] = [NQ, NQ_DEFINITION]


def traded(open_ns: int, seed: int) -> NDArray[np.void]:
    return make_trades(COUNT, seed=seed, start_ns=open_ns + SECOND_NS)


DAYS = {
    session.trade_date: traded(session.open, seed) for seed, session in enumerate((BEFORE, YESTERDAY, TODAY), start=1)
}


class LiveScript(ScriptedFeed):
    """A live feed that delivers today's trades."""

    def __init__(self) -> None:
        super().__init__([NAMES, [Trades(DAYS[TODAY.trade_date])]], is_endless=True)
        self.known_from = TODAY.open

    def resume(self, recorded: Callable[[], Recorded | None]) -> None: ...

    def add(self, symbol: str) -> None: ...

    def release(self, symbol: str) -> None: ...

    def refusals(self) -> list[tuple[str, str]]:
        return []


class Start:
    """A live start: an engine that reads the recordings of a folder and then today's trades."""

    def __init__(self, directory: Path, *, count: int = 5, turns: int = 60) -> None:
        self.store = MarketStore.local()
        self._board = EngineStore.local()
        pipeline = Pipeline(sessions=CALENDAR)
        earlier = EarlierSessions(directory, dataset=DATASET, count=count, calendar=CALENDAR)
        self.feed = EarlierFeed(LiveScript(), earlier)
        self.engine = Engine(
            feed=self.feed,
            pipeline=pipeline,
            charts=Charts(["NQ.v.0"], attach=pipeline.chart, make_store=lambda _: self.store, bucket_ns=SECOND_NS),
            board=StatusBoard(self._board),
            clock=ManualClock(NOW_NS),
            commands=queue.SimpleQueue(),
        )
        self.states: list[FeedState] = []
        for _ in range(turns):
            self.engine.turn()
            self.states.append(self.feed.status().state)
        pipeline.publish()

    def chart(self) -> MarketReader:
        reader = MarketReader(self.store)
        reader.refresh()
        return reader

    def status(self) -> np.void:
        reader = EngineReader(self._board)
        reader.refresh()
        return reader.status


def record(directory: Path, *dates: int) -> None:
    """Record the sessions of some trade dates."""
    for date in dates:
        rows = DAYS[date]
        run = Run(directory, wall_ns=int(rows["ts_event"][0]), session_of=CALENDAR.session_at)
        for name in NAMES:
            run.recorder.note(name)
        run.feed(rows)
        run.recorder.close()
        assert recorded(directory, DATASET, date)


def test_the_chart_of_a_start_equals_that_of_a_run_through_all_sessions(tmp_path: Path) -> None:
    record(tmp_path, BEFORE.trade_date, YESTERDAY.trade_date)
    start = Start(tmp_path)
    chart = start.chart()
    dates = [CALENDAR.session_at(int(row["numbers"]["first_ts"])).trade_date for row in chart.sessions]
    assert dates == [BEFORE.trade_date, YESTERDAY.trade_date]
    prices = DAYS[YESTERDAY.trade_date]["price"]
    assert (chart.session["prior_high"], chart.session["prior_low"]) == (prices.max(), prices.min())
    assert not chart.session["partial"]
    assert not chart.session["prior_partial"]
    assert start.states[0] is FeedState.CATCHING_UP
    assert start.states[-1] is FeedState.LIVE
    assert start.engine.trades == 3 * COUNT
    assert Start(tmp_path, count=0).chart().session["prior_high"] == UNDEF_PRICE
    expected = numbers_of([*NAMES, *(Trades(rows) for rows in DAYS.values())], NQ.instrument_id)
    rings = start.store.bubbles[0], start.store.cvd[0]
    assert rings[0].head > 500
    assert expected["bubbles"].startswith(rings[0].read(0, rings[0].head)[1].tobytes())


def test_earlier_sessions_are_not_put_on_the_tape_from_which_the_recorder_reads(tmp_path: Path) -> None:
    record(tmp_path, YESTERDAY.trade_date)
    start = Start(tmp_path)
    assert start.engine.tape.read(0, start.engine.tape.head)[1].tobytes() == DAYS[TODAY.trade_date].tobytes()


def test_a_recording_that_ends_before_the_close_is_followed_by_a_feed_gap(tmp_path: Path) -> None:
    record(tmp_path, YESTERDAY.trade_date)
    start = Start(tmp_path)
    gaps = [(int(gap["start"]), int(gap["end"])) for gap in start.chart().gaps if gap["kind"] == GapKind.FEED]
    assert gaps == [(int(DAYS[YESTERDAY.trade_date]["ts_event"].max()), YESTERDAY.close)]


def test_a_recording_up_to_the_close_leaves_no_gap(tmp_path: Path) -> None:
    rows = DAYS[YESTERDAY.trade_date].copy()
    rows["ts_event"][-1] = YESTERDAY.close - SECOND_NS
    run = Run(tmp_path, wall_ns=YESTERDAY.open, session_of=CALENDAR.session_at)
    run.feed(rows)
    run.recorder.close()
    items = list(EarlierSessions(tmp_path, dataset=DATASET, count=1, calendar=CALENDAR).read(NOW_NS))
    assert sum(len(item.rows) for item in items if isinstance(item, Trades)) == COUNT
    assert not [item for item in items if isinstance(item, FeedGap)]


@pytest.mark.parametrize(("dates", "count"), [((BEFORE,), 5), ((BEFORE, YESTERDAY), 1)])
def test_only_sessions_that_directly_precede_the_running_one_are_read_up_to_a_count(
    tmp_path: Path, dates: tuple[object, ...], count: int
) -> None:
    record(tmp_path, *(date.trade_date for date in dates))  # type: ignore[attr-defined]
    finished = Start(tmp_path, count=count).chart().sessions
    assert len(finished) == len(dates) - 1


def test_a_damaged_recording_gives_what_precedes_the_damage_and_a_gap(tmp_path: Path) -> None:
    record(tmp_path, YESTERDAY.trade_date)
    (path,) = recorded(tmp_path, DATASET, YESTERDAY.trade_date)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    path.write_bytes(data)
    start = Start(tmp_path)
    assert COUNT < start.engine.trades < 2 * COUNT
    path.write_bytes(b"not a recording")
    start = Start(tmp_path)
    assert start.engine.trades == COUNT
    assert [int(gap["end"]) for gap in start.chart().gaps if gap["kind"] == GapKind.FEED] == [YESTERDAY.close]
