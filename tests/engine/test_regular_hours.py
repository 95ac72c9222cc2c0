"""The session profile of regular hours: what the same trades of regular hours give as a session of their own."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import DAY_NS, HOUR_NS, MINUTE_NS
from flow_gl.engine import checkpoint
from flow_gl.engine.pipeline import Pipeline
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.store.row_log import RowCursor
from tests.engine.test_session_levels import OPEN, TICK, charted, trades_of

CLOSE = OPEN + 390 * MINUTE_NS
Listed = list[tuple[int, int]]


def day(seed: int, *, number: int = 0, first: int = -8 * HOUR_NS, last: int = 7 * HOUR_NS) -> Listed:
    """Trades of a session from some time before its regular open to some time after it, a few of them out of order."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(first, last, 4_000)) + OPEN + number * DAY_NS
    late = times - rng.integers(0, MINUTE_NS, len(times)) * (rng.random(len(times)) < 0.02)
    ticks = 100_000 + np.cumsum(rng.integers(-2, 3, len(times)))
    return list(zip(late.tolist(), ticks.tolist(), strict=True))


def in_regular_hours(trades: Listed, *, number: int = 0) -> Listed:
    """From the first trade at or after the open until the first one at or after the close."""
    opened, closed = OPEN + number * DAY_NS, CLOSE + number * DAY_NS
    first = next((at for at, (ts, _) in enumerate(trades) if ts >= opened), len(trades))
    stop = next((at for at, (ts, _) in enumerate(trades) if ts >= closed), len(trades))
    return trades[first:stop]


def profile_of(pipeline: Pipeline, reader: MarketReader) -> dict[str, Any]:
    pipeline.publish()
    reader.refresh()
    row = reader.profile
    count, tick_size = int(row["count"]), int(row["tick_size"])
    prices = (int(row["base"]) + row["row"][:count].astype(np.int64) * tick_size * int(row["ticks_per_row"])).tolist()
    return {
        "prices": dict(zip(prices, row["buy"][:count].tolist(), strict=True)),
        **{name: int(row[name]) for name in ("poc", "vah", "val", "value_area", "total")},
        "lvn": row["lvn"][: int(row["lvn_count"])].tolist(),
        "hvn": row["hvn"][: int(row["hvn_count"])].tolist(),
    }


def alone(trades: Listed) -> tuple[dict[str, Any], NDArray[np.void]]:
    """Profile and developing levels of these trades if they are all that there is."""
    pipeline, store, reader = charted()
    pipeline.process(trades_of(trades))
    pipeline.finish()
    return profile_of(pipeline, reader), RowCursor(store.minutes).read()


VWAP = ["ts_event", "vwap", "vwap_sd"]


def levels_in(rows: NDArray[np.void]) -> list[tuple[int, ...]]:
    """The rows of minutes that have levels, without VWAP."""
    found: list[tuple[int, ...]] = rows[rows["poc"] != UNDEF_PRICE][
        ["ts_event", "poc", "vah", "val", "volume"]
    ].tolist()
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("pieces", [1, 53])
def test_profile_and_levels_are_those_of_the_trades_of_regular_hours(seed: int, pieces: int) -> None:
    trades = day(seed)
    ours = in_regular_hours(trades)
    pipeline, store, reader = charted(session_profile="regular")
    for part in np.array_split(trades_of(trades), pieces):
        pipeline.process(part)
        pipeline.publish()
    pipeline.finish()
    found, (expected, minutes) = profile_of(pipeline, reader), alone(ours)
    assert found == expected
    volumes = Counter(tick * TICK for _, tick in ours)
    assert found["prices"] == volumes
    assert volumes[found["poc"]] == max(volumes.values())
    assert bool(reader.profile["is_regular"])
    rows = RowCursor(store.minutes).read()
    assert levels_in(rows) == levels_in(minutes), "there are developing levels in regular hours alone"
    whole, whole_store, whole_reader = charted()
    whole.process(trades_of(trades))
    whole.finish()
    profile_of(whole, whole_reader)
    assert reader.session["vwap"] == whole_reader.session["vwap"], "VWAP stays that of the session"
    of_session = RowCursor(whole_store.minutes).read()
    assert rows[VWAP].tolist() == of_session[VWAP].tolist()
    assert not whole_reader.profile["is_regular"]


def test_before_regular_hours_there_is_no_profile_and_after_them_it_is_final() -> None:
    pipeline, _, reader = charted(session_profile="regular")
    pipeline.process(trades_of([(OPEN - 2, 90), (OPEN - 1, 91)]))
    before = profile_of(pipeline, reader)
    assert (before["prices"], before["poc"], before["total"]) == ({}, UNDEF_PRICE, 0)
    pipeline.process(trades_of([(OPEN, 92), (CLOSE - 1, 93), (OPEN + 5, 92), (CLOSE, 94), (CLOSE - 2, 95)]))
    assert profile_of(pipeline, reader)["prices"] == {92 * TICK: 2, 93 * TICK: 1}, "what is late after the close is out"


def test_a_change_while_running_recomputes_the_session_also_after_a_checkpoint() -> None:
    trades = day(7)
    first, store, _ = charted()
    first.process(trades_of(trades[:3_000]))
    second = Pipeline(sessions=SessionCalendar())
    second.resume(checkpoint.decode(first.keep([store])), [store])
    second.configure({"session_profile": "regular"})
    while second.recompute():
        pass
    second.process(trades_of(trades[3_000:]))
    second.finish()
    expected, minutes = alone(in_regular_hours(trades))
    assert profile_of(second, MarketReader(store)) == expected
    cursor = RowCursor(store.minutes)
    assert levels_in(cursor.read()) == levels_in(minutes)
    second.configure({"session_profile": "globex"})
    assert profile_of(second, MarketReader(store))["total"] == len(trades)


def test_prior_levels_and_finished_sessions_follow() -> None:
    days = [day(3), day(4, number=1)]
    pipeline, _, reader = charted(session_profile="regular")
    for number, trades in enumerate(days):
        pipeline.process(trades_of(trades))
        assert profile_of(pipeline, reader)["prices"] == Counter(
            tick * TICK for _, tick in in_regular_hours(trades, number=number)
        )
    expected, _ = alone(in_regular_hours(days[0]))
    session, finished = reader.session, reader.sessions[0]
    for name in ("poc", "vah", "val"):
        assert int(session[f"prior_{name}"]) == int(finished[name]) == expected[name]
    assert session["prior_regular"] == finished["is_regular"] == 1
    assert int(session["prior_high"]) == max(tick for _, tick in days[0]) * TICK, "of the whole session"
    held = int(finished["count"])
    assert int(finished["buy"][:held].sum()) == expected["total"]
    naked = reader.levels["naked"][: int(reader.levels["naked_count"])]["price"].tolist()
    touched = expected["poc"] in {tick * TICK for _, tick in days[1]}
    assert naked == [] if touched else naked == [expected["poc"]]


def test_a_session_without_regular_hours_has_no_poc() -> None:
    pipeline, _, reader = charted(session_profile="regular")
    pipeline.process(trades_of([(OPEN - HOUR_NS, 90), (OPEN + DAY_NS, 95)]))
    pipeline.publish()
    reader.refresh()
    assert int(reader.session["prior_high"]) == 90 * TICK
    assert int(reader.session["prior_poc"]) == int(reader.sessions[0]["poc"]) == UNDEF_PRICE
    assert int(reader.sessions[0]["count"]) == int(reader.levels["naked_count"]) == 0


def test_ranges_of_a_finished_session_are_kept() -> None:
    pipeline, _, reader = charted()
    pipeline.process(
        trades_of(
            [(OPEN - 1, 80), (OPEN, 90), (OPEN + MINUTE_NS, 93), (OPEN + 30 * MINUTE_NS, 99), (OPEN + DAY_NS, 95)]
        )
    )
    pipeline.publish()
    reader.refresh()
    row = reader.sessions[0]
    names = ("initial_low", "initial_high", "opening_low", "opening_high")
    assert [int(row[name]) // TICK for name in names] == [90, 99, 90, 93]
    assert int(row["rth_open"]) == OPEN


def test_without_a_calendar_the_profile_is_of_all_trades() -> None:
    pipeline = Pipeline(AggregationSettings(session_profile="regular"))
    store = MarketStore.local()
    pipeline.chart(1, store)
    pipeline.process(trades_of([(OPEN - 1, 90), (OPEN, 91)]))
    assert profile_of(pipeline, MarketReader(store))["total"] == 2
