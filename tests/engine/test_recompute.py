"""A parameter that changes while the engine runs: events and lines are recomputed and replaced atomically."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flow_gl.core.errors import UsageError
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.core.units import DAY_NS
from flow_gl.engine.detectors import group
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import MarketSink
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.store.row_log import RowCursor
from tests.engine.detectors.test_detectors import Rows, market

CHANGES: list[dict[str, Any]] = [
    {"absorption_sd": 1.0, "absorption_contracts": 5.0},
    {"large_trade_threshold": 4},
    {"arm": 40},
    {"stacked_imbalance_on": False, "divergence_bar_s": 5},
    {"value_area": 0.5},
    {"order_size_large": 12},
]


def charted(rows: Rows, settings: AggregationSettings = DEFAULTS.aggregation) -> tuple[Pipeline, MarketStore]:
    pipeline, store = Pipeline(settings), MarketStore.local()
    pipeline.chart(1, store)
    pipeline.process(rows)
    return pipeline, store


def in_force(store: MarketStore) -> list[bytes]:
    return [RowCursor(log).read().tobytes() for log in store.logs]


def finish_recomputing(pipeline: Pipeline) -> None:
    while pipeline.recompute():
        continue


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_after_a_change_events_are_as_if_it_had_applied_from_the_sessions_open(changes: dict[str, Any]) -> None:
    rows = market(11, rate=12.0)
    pipeline, store = charted(rows[:9_000])
    before = in_force(store)
    pipeline.configure(changes)
    finish_recomputing(pipeline)
    pipeline.process(rows[9_000:])
    pipeline.finish()
    other, fresh = charted(rows, replace(DEFAULTS.aggregation, **changes))
    other.finish()
    assert in_force(store) == in_force(fresh)
    assert in_force(store) != before


def test_old_rows_stay_in_force_until_all_new_ones_replace_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = market(11, rate=12.0)
    monkeypatch.setattr(group.DetectorGroup.recompute, "__kwdefaults__", {"most": 1_000})
    pipeline, store = charted(rows[:9_000])
    cursor = RowCursor(store.events)
    old = len(cursor.read())
    pipeline.configure({"large_trade_threshold": 2})
    steps = 0
    while pipeline.recompute():
        steps += 1
        assert cursor.renewed() is None
        old += len(cursor.read())
        pipeline.process(rows[9_000 + 10 * steps - 10 : 9_000 + 10 * steps])  # the chart continues
    assert steps >= 8
    renewed = cursor.renewed()
    assert renewed is not None
    _, fresh = charted(rows[: 9_000 + 10 * steps], replace(DEFAULTS.aggregation, large_trade_threshold=2))
    assert cursor.read().tobytes() == RowCursor(fresh.events).read().tobytes()
    assert renewed.replaced == renewed.start, "there is one session"


def test_a_frame_sees_events_and_lines_of_one_set_of_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, store = charted(market(11, rate=12.0))
    reader = MarketReader(store)
    seen: list[tuple[bytes, ...]] = []

    def look() -> None:
        reader.refresh()
        seen.append(tuple(RowCursor(log).read().tobytes() for log in (reader.events, reader.minutes, reader.order_cvd)))

    def replace_and_look(self: MarketSink, *of: Any) -> None:
        replace_rows(self, *of)
        look()

    replace_rows = MarketSink.replace
    monkeypatch.setattr(MarketSink, "replace", replace_and_look)
    look()
    pipeline.configure({"large_trade_threshold": 4, "value_area": 0.5, "order_size_large": 12})
    finish_recomputing(pipeline)
    old, *between, new = seen
    assert len(between) == 2
    assert between == [old, old]
    assert all(a != b for a, b in zip(old, new, strict=True)), "the change reached all three"


def test_a_change_after_the_end_of_the_stream_also_applies_from_the_open() -> None:
    rows, changes = market(11, rate=12.0), {"large_trade_threshold": 4, "stacked_imbalance_ticks": 2}
    pipeline, store = charted(rows)
    pipeline.finish()
    pipeline.configure(changes)
    finish_recomputing(pipeline)
    other, fresh = charted(rows, replace(DEFAULTS.aggregation, **changes))
    other.finish()
    assert in_force(store) == in_force(fresh)


def test_a_second_change_replaces_an_unfinished_first_one() -> None:
    rows = market(11, rate=12.0)
    pipeline, store = charted(rows)
    pipeline.configure({"large_trade_threshold": 2})
    pipeline.configure({"large_trade_threshold": 3})
    finish_recomputing(pipeline)
    _, fresh = charted(rows, replace(DEFAULTS.aggregation, large_trade_threshold=3))
    assert in_force(store) == in_force(fresh)


def test_a_change_continues_after_a_checkpoint() -> None:
    rows = market(11, rate=12.0)
    from flow_gl.engine import checkpoint

    first, store = charted(rows[:9_000])
    kept = first.keep([store])
    second = Pipeline()
    second.resume(checkpoint.decode(kept), [store])
    second.configure({"large_trade_threshold": 4})
    finish_recomputing(second)
    _, fresh = charted(rows[:9_000], replace(DEFAULTS.aggregation, large_trade_threshold=4))
    assert in_force(store) == in_force(fresh)


def test_events_of_earlier_sessions_stay() -> None:
    from flow_gl.core.sessions import SessionCalendar

    day = market(11, rate=12.0)
    later = day.copy()
    later["ts_event"] += 3 * DAY_NS
    pipeline, store = Pipeline(sessions=SessionCalendar()), MarketStore.local()
    pipeline.chart(1, store)
    pipeline.process(day)
    pipeline.process(later)
    events = RowCursor(store.events).read()
    cut = int(np.searchsorted(events["ts_event"], later["ts_event"][0]))
    pipeline.configure({"large_trade_threshold": 4})
    finish_recomputing(pipeline)
    cursor = RowCursor(store.events)
    now = cursor.read()
    assert now[:cut].tobytes() == events[:cut].tobytes()
    log = store.events.current
    assert log.replaced - log.start == cut
    assert log.since <= int(later["ts_event"][0])
    large = now[cut:][now[cut:]["kind"] == EventKind.LARGE_TRADE]
    assert large["strength"].min() == 4


def test_a_session_with_more_trades_than_are_kept_refuses_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "MAX_TRADES", 1 << 13)
    monkeypatch.setattr(group, "FEW", 1 << 12)
    rows = market(11, rate=12.0)
    pipeline, store = charted(rows)
    _, fresh = charted(rows)
    assert in_force(store) == in_force(fresh), "dropping trades changes no event"
    with pytest.raises(UsageError, match="cannot change before the next session"):
        pipeline.configure({"absorption_sd": 3.0})
    pipeline.configure({"naked_poc_most": 3})
