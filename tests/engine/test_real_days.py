"""The numbers of real days, as computed by an independent script with the official client and pandas."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import Trades
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import MAX_LODS, GapKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.feed.files.replay import read_items

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data are not at {DATA}")


@dataclass(frozen=True)
class Day:
    file: str
    symbol: str
    trades: int
    bubbles: int
    significant: int
    buy: int
    sell: int
    unsided: int
    cvd: int
    cvd_range: tuple[int, int]
    """Of the one-second closing prices."""
    poc: float
    val: float
    vah: float
    rows: int


DAYS = [
    Day(
        *("nq-20251123.trades.dbn.zst", "NQZ5", 6931, 2022, 1832, 4486, 4513, 162, -27, (-46, 389)),
        *(24490.0, 24462.5, 24502.5, 401),
    ),
    Day(
        *("nq-20251128.trades.dbn.zst", "NQZ5", 90562, 15698, 13658, 71616, 75251, 33, -3635, (-3971, 585)),
        *(25415.0, 25368.5, 25435.5, 701),
    ),
    Day(
        *("esh4-20231225.trades.dbn.zst", "ESH4", 2973, 988, 937, 5322, 4526, 44, 796, (10, 859)),
        *(4810.0, 4807.5, 4811.0, 47),
    ),
]


@pytest.mark.parametrize("with_calendar", [False, True])
@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.file)
@pytest.mark.parametrize("seed", [None, 3])
def test_real_days_give_the_known_numbers_in_any_batches(day, seed, with_calendar):
    sinks = {}
    calendar = SessionCalendar() if with_calendar else None
    pipeline = Pipeline(sessions=calendar, sink_for=lambda key: sinks.setdefault(key, Collector(lods=MAX_LODS)))
    for item in read_items([DATA / day.file]):
        if isinstance(item, Trades):
            for batch in _batches(item.rows, seed):
                pipeline.process(batch)
        else:
            pipeline.take(item)
    pipeline.finish()
    (summary,) = (one for one in pipeline.instruments.values() if one.symbol == day.symbol)
    sink = sinks[summary.instrument_id]
    bubbles, finished = sink.bubble_rows(), sink.sessions[0]
    sided = bubbles["buy"] + bubbles["sell"]
    assert (summary.trades, summary.rejected, summary.late) == (day.trades, 0, 0)
    assert len(bubbles) == day.bubbles
    assert np.sum(np.abs(bubbles["buy"] - bubbles["sell"]) > 0.15 * sided) == day.significant
    closes = sink.cvd_rows()["close"]
    assert (closes[-1], closes.min(), closes.max()) == (day.cvd, *day.cvd_range)
    assert [price / 1e9 for price in (finished.poc, finished.val, finished.vah)] == [day.poc, day.val, day.vah]
    assert (finished.price[-1] - finished.price[0]) // 250_000_000 + 1 == day.rows
    for lod in range(len(widths_ns(SECOND_NS))):
        rows = sink.bubble_rows(lod)
        assert rows["trade_count"].sum() == day.trades
        assert [rows[side].sum() for side in ("buy", "sell", "unsided")] == [day.buy, day.sell, day.unsided]
    assert [side.sum() for side in (finished.buy, finished.sell, finished.unsided)] == [day.buy, day.sell, day.unsided]


def test_the_halt_of_646_minutes_is_a_gap():
    sink = Collector()
    pipeline = Pipeline(sessions=SessionCalendar(), sink_for=lambda key: sink if key == 158704 else None)
    for item in read_items([DATA / "nq-20251128.trades.dbn.zst"]):
        if isinstance(item, Trades):
            pipeline.process(item.rows)
    pipeline.publish()
    record = sink.tables["gaps"][0]
    longest = max(record["gap"][: record["count"]], key=lambda gap: gap["end"] - gap["start"])
    assert (longest["end"] - longest["start"]) // MINUTE_NS == 645
    assert longest["kind"] == GapKind.NO_TRADES


def _batches(rows, seed):
    if seed is None:
        return [rows]
    rng = np.random.default_rng(seed)
    return np.split(rows, np.sort(rng.integers(0, len(rows), len(rows) // 400)))


@pytest.mark.parametrize("with_calendar", [False, True])
def test_a_real_day_has_the_events_of_an_independent_count(with_calendar):
    sink = Collector()
    pipeline = Pipeline(
        sessions=SessionCalendar() if with_calendar else None,
        sink_for=lambda key: sink if key == 158704 else None,
    )
    for item in read_items([DATA / "nq-20251128.trades.dbn.zst"]):
        pipeline.take(item)
    pipeline.finish()
    events = sink.event_rows()
    counts = {
        kind: [int(np.sum((events["kind"] == kind) & (events["direction"] == sign))) for sign in (1, -1)]
        for kind in (EventKind.LARGE_TRADE, EventKind.ABSORPTION, EventKind.DIVERGENCE, EventKind.STACKED_IMBALANCE)
    }
    assert list(counts.values()) == [[73, 81], [10, 9], [8, 24], [15, 15]]
