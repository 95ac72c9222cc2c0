"""The delta ribbon equals sums over the trades for any base bucket."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.market.ribbon import ribbon_of
from flow_gl.core.schema import TRADE
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector

START_NS = 1_764_340_200 * SECOND_NS
Trade = tuple[int, int, str]
"""Milliseconds after the previous trade, contracts, side."""
TRADES = st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 500), st.sampled_from("ABN")), min_size=1)


def rows_of(trades: list[Trade]) -> np.ndarray:
    rows = np.zeros(len(trades), TRADE)
    rows["ts_event"] = START_NS + np.cumsum([gap for gap, _, _ in trades]) * 1_000_000
    rows["price"], rows["instrument_id"], rows["action"] = 25_000 * SECOND_NS, 1, ord("T")
    rows["size"] = [size for _, size, _ in trades]
    rows["side"] = [ord(side) for _, _, side in trades]
    return rows


def bubbles_of(rows: np.ndarray, bucket_ns: int) -> np.ndarray:
    sink = Collector()
    pipeline = Pipeline(AggregationSettings(bucket_ns=bucket_ns), lods=1, sink_for=lambda _: sink)
    pipeline.process(rows)
    pipeline.finish()
    return sink.bubble_rows()


def oracle(rows: np.ndarray, seconds: int) -> list[tuple[int, int, int, int, int, int]]:
    sums: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys("BAN", 0))
    for row in rows:
        start = int(row["ts_event"]) // (seconds * SECOND_NS) * seconds * SECOND_NS
        sums[start][chr(row["side"])] += int(row["size"])
    return [(start, seconds, one["B"], one["A"], one["N"], one["B"] - one["A"]) for start, one in sorted(sums.items())]


@settings(max_examples=40, deadline=None)
@given(trades=TRADES, bucket_ns=st.sampled_from([SECOND_NS // 10, SECOND_NS, 30 * SECOND_NS, 60 * SECOND_NS]))
def test_the_ribbon_is_the_sum_of_the_trades(trades: list[Trade], bucket_ns: int) -> None:
    rows = rows_of(trades)
    expected = [row for seconds in (60, 300, 900) for row in oracle(rows, seconds)]
    assert ribbon_of(bubbles_of(rows, bucket_ns), bucket_ns).tolist() == expected


@pytest.mark.parametrize(("minutes", "left"), [(5, [300, 900]), (15, [900]), (30, [])])
def test_periods_shorter_than_the_bucket_have_no_row(minutes: int, left: list[int]) -> None:
    bucket_ns = minutes * 60 * SECOND_NS
    rows = rows_of([(90_000, 3, "B"), (600_000, 5, "A"), (1_000_000, 7, "N")])
    found = ribbon_of(bubbles_of(rows, bucket_ns), bucket_ns)
    assert sorted(set(found["seconds"].tolist())) == left
    assert found.tolist() == [row for seconds in left for row in oracle(rows, seconds)]


def test_a_ribbon_of_no_bubbles_is_empty() -> None:
    assert len(ribbon_of(bubbles_of(rows_of([]), SECOND_NS), SECOND_NS)) == 0
