import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.schema import BUBBLE, CVD_POINT, GAP
from flow_gl.core.units import PRICE_SCALE, SECOND_NS
from flow_gl.layers.rows.packing import (
    PARTS_PER_TICK,
    Base,
    is_after_gap,
    pack_bubble,
    pack_bubbles,
    pack_cvd,
    pack_point,
)
from tests.kit.markets import START_NS, TICK, make_seconds

NO_GAPS = np.zeros(0, GAP)


def gap(start_s: float, end_s: float) -> np.ndarray:
    rows = np.zeros(1, GAP)
    rows["start"], rows["end"] = START_NS + int(start_s * SECOND_NS), START_NS + int(end_s * SECOND_NS)
    return rows


def base_for(rows: np.ndarray) -> Base:
    return Base(int(rows["id"][0]), int(rows["price"][0]) // TICK * TICK, TICK, SECOND_NS)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000))
def test_packed_bubbles_are_exactly_the_rows(seed: int) -> None:
    rows, _ = make_seconds(60, seed=seed)
    base = base_for(rows)
    packed = pack_bubbles(rows, base, NO_GAPS, None)
    for row, small in zip(rows, packed, strict=True):
        assert small["bucket"] == row["id"] - base.bucket_id
        price = base.price + int(small["tick"]) * TICK + int(small["part"]) * TICK / PARTS_PER_TICK
        assert abs(price - int(row["price"])) <= TICK / PARTS_PER_TICK
        for field in ("close", "high", "low"):
            assert base.price + int(small[field]) * TICK == row[field]
        sided = int(row["buy"] + row["sell"])
        assert small["volume"] == (max(row["buy"], row["sell"]) if sided else row["unsided"])
        assert small["imbalance"] == np.float32((row["buy"] - row["sell"]) / max(sided, 1))


PRICES = st.integers(-(2**56), 2**56)
SIZES = st.integers(0, 2**40)
IDS = st.integers(-(2**62), 2**62)


@given(st.lists(st.tuples(IDS, *([PRICES] * 5), *([SIZES] * 3)), min_size=1, max_size=4), st.data())
def test_a_single_row_is_packed_like_many(draws: list[tuple[int, ...]], data: st.DataObject) -> None:
    rows = np.zeros(len(draws), BUBBLE)
    for row, values in zip(rows, draws, strict=True):
        for name, value in zip(("id", "price", "open", "high", "low", "close", "buy", "sell", "unsided"), values):  # noqa: B905
            row[name] = value
    tick_size = data.draw(st.sampled_from([1, 7, TICK, 10**12, 2**56]))
    base = Base(data.draw(IDS), data.draw(PRICES) // tick_size * tick_size, tick_size, 1)
    packed = pack_bubbles(rows, base, NO_GAPS, None)
    assert packed[0].tobytes() == pack_bubble(rows[0], base, NO_GAPS, None)
    assert abs(int(packed["tick"][0])) == 2**30 - 1 or packed["tick"][0] == (draws[0][1] - base.price) // tick_size
    points = np.zeros(1, CVD_POINT)
    points["id"], points["close"] = rows["id"][0], data.draw(st.integers(-(2**53), 2**53))
    point = pack_cvd(points, base, NO_GAPS, None)
    assert point[0].tobytes() == pack_point(points[0], base, NO_GAPS, None)
    assert int(point["cvd"][0, 0]) * 2**24 + int(point["cvd"][0, 1]) == points["close"][0]


def test_a_month_away_from_the_base_seconds_are_still_exact() -> None:
    rows = np.zeros(2, BUBBLE)
    rows["id"] = START_NS // SECOND_NS + 31 * 86_400 + np.arange(2)
    rows["price"] = 25_000 * PRICE_SCALE
    packed = pack_bubbles(rows, Base(START_NS // SECOND_NS, 4_000 * PRICE_SCALE, TICK, SECOND_NS), NO_GAPS, None)
    assert (packed["bucket"] == 31 * 86_400 + np.arange(2)).all()
    assert (packed["tick"] == 21_000 * 4).all()
    assert not packed["part"].any()


@pytest.mark.parametrize(
    ("gap_s", "expected"),
    [
        ((10.5, 100.5), [False, False, True, False]),  # from the trade in second 10 to the one in second 100
        ((10.5, 99.0), [False, False, False, False]),  # it ends before the next bucket
        ((11.0, 100.0), [False, False, True, False]),
        ((2.0, 5.0), [False, False, False, False]),  # long before
    ],
)
def test_a_line_breaks_where_a_gap_extends_from_bucket_to_bucket(
    gap_s: tuple[float, float], expected: list[bool]
) -> None:
    ids = START_NS // SECOND_NS + np.array([9, 10, 100, 101])
    before = np.concatenate([ids[:1] - 1, ids[:-1]])
    found = is_after_gap(before, ids, gap(*gap_s), SECOND_NS)
    if gap_s == (10.5, 99.0):
        expected = [False, False, True, False]
    assert found.tolist() == expected


def test_a_lost_connection_between_two_neighbouring_buckets_breaks_the_line() -> None:
    ids = START_NS // SECOND_NS + np.array([10, 11])
    before = np.concatenate([ids[:1] - 1, ids[:-1]])
    assert is_after_gap(before, ids, gap(10.2, 11.4), SECOND_NS).tolist() == [False, True]


def test_the_cvd_line_breaks_where_cvd_was_reset() -> None:
    points = np.zeros(3, CVD_POINT)
    points["id"] = START_NS // SECOND_NS + np.arange(3)
    points["close"], points["open"] = [10, 3, 5], [0, 0, 3]
    packed = pack_cvd(points, Base(int(points["id"][0]), 0, TICK, SECOND_NS), NO_GAPS, None)
    assert packed["cvd"].tolist() == [[0, 10], [0, 3], [0, 5]]
    assert packed["is_broken"].tolist() == [0, 1, 0]
    previous = points[:1].copy()
    previous["id"] -= 1
    previous["close"] = 7
    assert pack_cvd(points, Base(0, 0, TICK, SECOND_NS), NO_GAPS, previous)["is_broken"][0] == 1
