from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flow_gl.core.folds import FoldedTime
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.labels import ticks
from tests.kit.markets import START_NS

ZONE = "America/New_York"


def wall(t_ns: int) -> datetime:
    return datetime.fromtimestamp(t_ns / SECOND_NS, UTC).astimezone(ZoneInfo(ZONE))


@given(ns_per_px=st.floats(1e6, 3e12), width=st.integers(200, 4000), start=st.integers(0, 40 * 365 * 86400))
def test_time_ticks_are_apart_in_order_and_inside_the_view(ns_per_px: float, width: int, start: int) -> None:
    step = ticks.time_step(ns_per_px, 100.0)
    left, right = start * SECOND_NS, start * SECOND_NS + int(width * ns_per_px)
    found = ticks.time_ticks(left, right, step, ZONE)
    assert all(left <= t <= right for t in found)
    assert all(later > earlier for earlier, later in pairwise(found))
    if step < 14 * ticks.DAY_NS:
        assert len(found) <= width / 100 + 3


@given(
    start=st.integers(1_700_000_000, 1_800_000_000),
    step=st.sampled_from([s for s in ticks.TIME_STEPS_NS if s >= SECOND_NS]),
)
@example(start=1_772_906_400, step=2 * 3600 * SECOND_NS)  # 02:00 does not exist in the night of 2026-03-08
def test_time_ticks_are_whole_steps_of_the_exchanges_clock(start: int, step: int) -> None:
    for t_ns in ticks.time_ticks(start * SECOND_NS, start * SECOND_NS + 6 * step, step, ZONE):
        moment = wall(t_ns)
        of_day = moment.hour * 3600 + moment.minute * 60 + moment.second
        if step < ticks.DAY_NS:
            assert of_day * SECOND_NS % step == 0
        else:
            assert of_day == 0


def test_ticks_stay_on_the_clock_when_summer_time_ends() -> None:
    before = int(datetime(2025, 11, 1, 20, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND_NS
    found = ticks.time_ticks(before, before + 24 * 3600 * SECOND_NS, 4 * 3600 * SECOND_NS, ZONE)
    assert [wall(t).hour for t in found] == [20, 0, 4, 8, 12, 16]


def test_time_labels_are_as_precise_as_the_step() -> None:
    assert ticks.time_label(START_NS, 5 * SECOND_NS, ZONE) == ("09:30:00", False)
    assert ticks.time_label(START_NS, 60 * SECOND_NS, ZONE) == ("09:30", False)
    assert ticks.time_label(START_NS + SECOND_NS // 2, SECOND_NS // 2, ZONE) == ("09:30:00.5", False)
    assert ticks.time_label(START_NS - 34_200 * SECOND_NS, 3600 * SECOND_NS, ZONE) == ("28 Nov", True)
    assert ticks.zone_name(ZONE, START_NS // SECOND_NS // 3600) == "EST"
    assert ticks.zone_name(ZONE, START_NS // SECOND_NS // 3600 - 24 * 60) == "EDT"
    assert ticks.clock_text(START_NS + 61 * SECOND_NS, ZONE) == "09:31:01"


@given(
    tick_size=st.sampled_from([250_000_000, 100_000_000, 10_000_000, 31_250_000, 7_812_500, 500, 5_000_000_000]),
    ticks_per_px=st.floats(0.001, 200.0),
)
def test_price_steps_are_whole_ticks_and_wide_enough(tick_size: int, ticks_per_px: float) -> None:
    step = ticks.price_step(tick_size, ticks_per_px, 40.0)
    assert step % tick_size == 0
    assert step >= ticks_per_px * 40 * tick_size * (1 - 1e-12)
    assert step <= max(tick_size, ticks_per_px * 40 * tick_size) * 10


def test_nq_prices_step_by_quarters_halves_and_one_two_five() -> None:
    steps = [ticks.price_step(250_000_000, least / 40 * 4, 40.0) / 1e9 for least in (0.2, 0.3, 0.6, 1.5, 3, 7, 15)]
    assert steps == [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]


@given(low=st.integers(-(10**13), 10**13), count=st.integers(0, 30), step=st.integers(1, 10**9))
def test_price_ticks_are_all_multiples_inside(low: int, count: int, step: int) -> None:
    high = low + count * step
    found = list(ticks.price_ticks(low, high, step))
    assert all(price % step == 0 and low <= price <= high for price in found)
    assert len(found) in {count, count + 1}


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(-12.5, 11.0, [-10, -5, 0, 5, 10]), (1.0, 4.0, []), (-5.0, 0.0, [-5, 0])]
)
def test_cvd_ticks_are_whole_contracts(low: float, high: float, expected: list[int]) -> None:
    assert list(ticks.value_ticks(low, high, 5)) == expected
    assert ticks.value_step(0.01, 26.0) == 1
    assert ticks.value_step(1.0, 26.0) == 50


def test_the_widest_scales_still_have_separate_lines() -> None:
    for tick_size in (1, 500, 3_906_250, 10_000_000, 250_000_000, 7_000_000_007):
        ticks_per_px = 2 * 72_000_000 * 1_000_000_000 / tick_size / 500
        assert ticks.price_step(tick_size, ticks_per_px, 44.0) >= 44.0 * ticks_per_px * tick_size


SUNDAY_OPEN = int(datetime(2025, 11, 30, 18, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND_NS
FRIDAY_CLOSE = int(datetime(2025, 11, 28, 13, 15, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND_NS
WEEKEND = FoldedTime([FRIDAY_CLOSE], [SUNDAY_OPEN], 22 * 60 * SECOND_NS)


def test_no_time_tick_lies_in_a_fold_and_the_next_session_s_open_has_one() -> None:
    step, least = 2 * 3600 * SECOND_NS, 104 * 60 * SECOND_NS
    times = FRIDAY_CLOSE - 5 * 3600 * SECOND_NS, SUNDAY_OPEN + 7 * 3600 * SECOND_NS
    found = ticks.folded_time_ticks(*times, step, ZONE, folded=WEEKEND, least_ns=least)
    assert not [t_ns for t_ns in found if FRIDAY_CLOSE <= t_ns < SUNDAY_OPEN]
    assert [f"{wall(t_ns):%a %H}" for t_ns in found] == ["Fri 10", "Sun 18", "Sun 20", "Sun 22", "Mon 00"]
    assert all(WEEKEND.between(a, b) >= least for a, b in pairwise(found)), "labels do not meet across the fold"


def test_days_are_marked_only_outside_folds() -> None:
    times = FRIDAY_CLOSE - 3 * ticks.DAY_NS, SUNDAY_OPEN + 3 * ticks.DAY_NS
    found = ticks.folded_time_ticks(*times, ticks.DAY_NS, ZONE, folded=WEEKEND, least_ns=ticks.DAY_NS)
    assert [f"{wall(t_ns):%a}" for t_ns in found] == ["Wed", "Thu", "Fri", "Mon", "Tue", "Wed"]


def test_times_have_a_date_if_the_view_spans_more_than_a_day_or_is_on_an_earlier_one() -> None:
    hour = 3600 * SECOND_NS
    assert ticks.needs_date(START_NS, START_NS + 25 * hour, START_NS, ZONE)
    assert not ticks.needs_date(START_NS, START_NS + hour, START_NS + 2 * hour, ZONE)
    assert ticks.needs_date(START_NS, START_NS + hour, START_NS + 24 * hour, ZONE)
    at = [START_NS + (hours * 3600 - 1800) * SECOND_NS for hours in (0, 9, 15, 24, 33)]
    dated = ticks.time_labels(at, hour, ZONE, is_dated=True)
    assert dated == [
        ("28 Nov 09:00", False),
        ("18:00", False),
        ("29 Nov", True),
        ("09:00", False),
        ("18:00", False),
    ]
    plain = ticks.time_labels([at[0], at[3]], hour, ZONE, is_dated=False)
    assert plain == [("09:00", False), ("09:00", False)]
    later = ticks.time_labels([at[0], at[3]], hour, ZONE, is_dated=True)
    assert later == [("28 Nov 09:00", False), ("29 Nov 09:00", True)]
    assert ticks.clock_text(START_NS, ZONE, is_dated=True) == "Fri 28 Nov  09:30:00"
