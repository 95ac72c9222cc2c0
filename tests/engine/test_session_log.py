"""Finished sessions as the chart sees them: each with its own numbers, levels and profile."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flow_gl.core.schema import FINISHED_LIST, FINISHED_ROWS, FINISHED_SESSIONS, UNDEF_PRICE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.checkpoint import CheckpointError, PipelineState, decode, encode
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.session_log import SessionLog
from flow_gl.engine.sinks import Collector
from tests.engine.twin import TICK
from tests.kit.trades import trades_of

NEW_YORK = ZoneInfo("America/New_York")
DAYS = ("2025-11-24", "2025-11-25", "2025-11-26", "2025-11-27")


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> SessionCalendar:
    return SessionCalendar(cache=tmp_path_factory.mktemp("sessions"))


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND_NS


def day_rows(day: str, middle: int) -> list[tuple[int, int, int, int, str]]:
    """Make a morning's trades of instrument 1 around a price."""
    start = at(f"{day}T10:00")
    return [(1, start + n * SECOND_NS, (middle + n * n % 23) * TICK, 1 + n % 5, "BAN"[n % 3]) for n in range(60)]


def listed(sink: Collector) -> NDArray[np.void]:
    record = sink.tables["sessions"][0]
    return record["session"][: int(record["count"])]


def run(rows: list[tuple[int, int, int, int, str]], calendar: SessionCalendar) -> tuple[Pipeline, Collector]:
    pipeline, sink = Pipeline(sessions=calendar), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of(rows))
    pipeline.publish()
    return pipeline, sink


def test_each_finished_session_keeps_its_own_numbers(calendar: SessionCalendar) -> None:
    rows = [row for day, middle in zip(DAYS, (100, 300, 200, 400), strict=True) for row in day_rows(day, middle)]
    _, sink = run(rows, calendar)
    found = listed(sink)
    assert found["numbers"]["trade_date"].tolist() == [20251124, 20251125, 20251126], "the fourth goes on"
    for row, finished in zip(found, sink.sessions, strict=True):
        assert row["numbers"] == finished.session[0]
        assert (row["poc"], row["vah"], row["val"]) == (finished.poc, finished.vah, finished.val)
        count = int(row["count"])
        price = row["base"] + row["row"][:count].astype(np.int64) * row["tick_size"] * row["ticks_per_row"]
        assert price.tolist() == finished.price.tolist()
        for side in ("buy", "sell", "unsided"):
            assert row[side][:count].tolist() == getattr(finished, side).tolist()
    assert (found["instrument_id"] == 1).all()
    assert found["numbers"]["prior_poc"].tolist() == [UNDEF_PRICE, int(found["poc"][0]), int(found["poc"][1])]


@given(st.lists(st.integers(0, 10**5), min_size=1, max_size=400, unique=True), st.integers(1, 9))
def test_a_wide_profile_is_merged_without_losing_contracts(ticks: list[int], size: int) -> None:
    start = at("2025-11-24T10:00")
    rows = [(1, start + n, tick * TICK, size, "BAN"[n % 3]) for n, tick in enumerate(ticks)]
    pipeline, sink = Pipeline(sessions=None), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of(rows))
    pipeline.finish()
    log = SessionLog()
    log.add(sink.sessions[0])
    record = np.zeros(1, FINISHED_LIST)
    log.write(record)
    row = record["session"][0, 0]
    count = int(row["count"])
    assert 1 <= count <= FINISHED_ROWS
    assert sum(int(row[side].sum()) for side in ("buy", "sell", "unsided")) == size * len(ticks)
    heights = row["base"] + row["row"][:count].astype(np.int64) * row["tick_size"] * row["ticks_per_row"]
    assert heights[0] <= min(ticks) * TICK < heights[0] + row["tick_size"] * row["ticks_per_row"]
    assert heights[-1] <= max(ticks) * TICK < heights[-1] + row["tick_size"] * row["ticks_per_row"]


def test_a_checkpoint_keeps_the_sessions(calendar: SessionCalendar) -> None:
    rows = [row for day, middle in zip(DAYS, (100, 300, 200, 400), strict=True) for row in day_rows(day, middle)]
    before, _ = run(rows[:150], calendar)
    after, sink = Pipeline(sessions=calendar), Collector()
    after.attach(1, sink)
    after.resume(decode(before.keep()))
    after.process(trades_of(rows[150:]))
    after.publish()
    expected = run(rows, calendar)[1]
    assert listed(sink).tobytes() == listed(expected).tobytes()


def test_a_checkpoint_with_sessions_of_another_size_is_refused(calendar: SessionCalendar) -> None:
    state = decode(run([row for day in DAYS[:2] for row in day_rows(day, 100)], calendar)[0].keep())
    assert isinstance(state, PipelineState)
    assert len(state.markets[0].sessions) == 1
    state.markets[0].sessions[0] = state.markets[0].sessions[0][:-8]
    with pytest.raises(CheckpointError):
        decode(encode(state))


def test_the_newest_sessions_are_kept(calendar: SessionCalendar) -> None:
    rows, day, trading = [], dt.date(2025, 6, 2), 0
    while trading < FINISHED_SESSIONS + 5:
        if day.weekday() < 5 and day not in (dt.date(2025, 7, 4),):
            rows += [(1, at(f"{day}T10:00"), (100 + trading) * TICK, 1, "B")]
            trading += 1
        day += dt.timedelta(days=1)
    _, sink = run(rows, calendar)
    found = listed(sink)
    assert len(found) == FINISHED_SESSIONS
    assert sink.tables["sessions"]["total"].tolist() == [FINISHED_SESSIONS + 4]
    assert found["poc"].tolist() == [(104 + n) * TICK for n in range(FINISHED_SESSIONS)]


def test_a_log_that_takes_over_another_keeps_the_newest_sessions(calendar: SessionCalendar) -> None:
    _, sink = run([row for day in DAYS for row in day_rows(day, 100)], calendar)
    one, other, record = SessionLog(), SessionLog(), np.zeros(1, FINISHED_LIST)
    for _ in range(FINISHED_SESSIONS):
        other.add(sink.sessions[0])
    one.add(sink.sessions[2])
    one.follow(other)
    one.write(record)
    dates = record["session"]["numbers"]["trade_date"][0]
    assert dates.tolist() == [20251124] * (FINISHED_SESSIONS - 1) + [20251126]
    assert record["total"].tolist() == [FINISHED_SESSIONS + 1]
