import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.schema import BUBBLE, CVD_POINT, GAP
from flow_gl.layers.rows import UNITS_PER_TICK, Base, is_after_gap, pack_bubbles, pack_cvd
from tests.market_factory import SECOND, START_NS, TICK, make_seconds

NO_GAPS = np.zeros(0, GAP)


def gap(start_s: float, end_s: float) -> np.ndarray:
    rows = np.zeros(1, GAP)
    rows["start"], rows["end"] = START_NS + int(start_s * SECOND), START_NS + int(end_s * SECOND)
    return rows


def base_for(rows: np.ndarray) -> Base:
    return Base(int(rows["id"][0]), int(rows["price"][0]) // TICK * TICK, TICK, SECOND)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000))
def test_packed_bubbles_hold_exactly_what_the_rows_say(seed: int) -> None:
    rows, _ = make_seconds(60, seed=seed)
    base = base_for(rows)
    packed = pack_bubbles(rows, base, NO_GAPS, None)
    for row, small in zip(rows, packed, strict=True):
        assert small["place"][0] == row["id"] - base.bucket_id
        price = base.price + int(small["place"][1]) * TICK / UNITS_PER_TICK
        assert abs(price - int(row["price"])) <= TICK / UNITS_PER_TICK
        tick = base.price + (int(small["place"][1]) >> 10) * TICK
        close, high, low, _ = (int(value) for value in small["span"])
        assert tick + close * TICK == row["close"]
        assert tick + high * TICK == row["high"]
        assert tick - low * TICK == row["low"]
        assert small["sides"].tolist() == [row["buy"], row["sell"], row["unsided"]]


def test_a_month_from_the_base_a_second_is_still_a_second() -> None:
    rows = np.zeros(2, BUBBLE)
    rows["id"] = START_NS // SECOND + 31 * 86_400 + np.arange(2)
    rows["price"] = 25_000 * 1_000_000_000
    packed = pack_bubbles(rows, Base(START_NS // SECOND, 4_000 * 1_000_000_000, TICK, SECOND), NO_GAPS, None)
    assert (packed["place"][:, 0] == 31 * 86_400 + np.arange(2)).all()
    assert (packed["place"][:, 1] == 21_000 * 4 * UNITS_PER_TICK).all()


@pytest.mark.parametrize(
    ("gap_s", "expected"),
    [
        ((10.5, 100.5), [False, False, True, False]),  # from the trade in second 10 to the one in second 100
        ((10.5, 99.0), [False, False, False, False]),  # it ends before the next bucket: trades there would say so
        ((11.0, 100.0), [False, False, True, False]),
        ((2.0, 5.0), [False, False, False, False]),  # long before
    ],
)
def test_a_line_breaks_where_a_gap_reaches_from_bucket_to_bucket(
    gap_s: tuple[float, float], expected: list[bool]
) -> None:
    ids = START_NS // SECOND + np.array([9, 10, 100, 101])
    before = np.concatenate([ids[:1] - 1, ids[:-1]])
    found = is_after_gap(before, ids, gap(*gap_s), SECOND)
    if gap_s == (10.5, 99.0):
        expected = [False, False, True, False]
    assert found.tolist() == expected


def test_a_lost_connection_between_two_neighbouring_buckets_breaks_the_line() -> None:
    ids = START_NS // SECOND + np.array([10, 11])
    before = np.concatenate([ids[:1] - 1, ids[:-1]])
    assert is_after_gap(before, ids, gap(10.2, 11.4), SECOND).tolist() == [False, True]


def test_cvd_breaks_where_it_was_reset() -> None:
    points = np.zeros(3, CVD_POINT)
    points["id"] = START_NS // SECOND + np.arange(3)
    points["close"], points["open"] = [10, 3, 5], [0, 0, 3]
    packed = pack_cvd(points, Base(int(points["id"][0]), 0, TICK, SECOND), NO_GAPS, None)
    assert packed["point"][:, 1].tolist() == [10, 3, 5]
    assert packed["point"][:, 2].tolist() == [0, 1, 0]
    previous = points[:1].copy()
    previous["id"] -= 1
    previous["close"] = 7
    assert pack_cvd(points, Base(0, 0, TICK, SECOND), NO_GAPS, previous)["point"][0, 2] == 1
