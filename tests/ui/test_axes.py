"""Time and value axes: zooming keeps the point under the cursor, and the future is never shown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.units import DAY_NS, HOUR_NS, SECOND_NS
from flow_gl.ui.state.axes import (
    DEFAULT_SPAN_NS,
    EDGE_SHARE,
    MAX_NS_PER_PX,
    MIN_NS_PER_PX,
    FixedTime,
    Live,
    TimeAxis,
    ValueAxis,
)
from flow_gl.ui.state.timeline import Timeline

NOW = 1_764_340_200_000_000_000
WIDTH = 1000.0
scales = st.floats(MIN_NS_PER_PX * 4, MAX_NS_PER_PX / 4)
factors = st.floats(0.3, 3.0)
columns = st.floats(0.0, WIDTH)


@given(scales, factors, columns, st.integers(1, 10**14))
def test_zooming_in_history_keeps_the_time_under_the_cursor(scale, factor, x, back):
    axis = TimeAxis(ns_per_px=scale, anchor=FixedTime(NOW - back))
    before = axis.time_at(x, NOW, WIDTH)
    axis.zoom(factor, x, NOW, WIDTH)
    if not axis.is_live:
        assert abs(axis.time_at(x, NOW, WIDTH) - before) <= axis.ns_per_px * 1e-3 + 1024


@given(scales, factors, columns, st.integers(0, 10**14))
def test_no_zoom_and_no_drag_ever_looks_into_the_future(scale, factor, x, back):
    axis = TimeAxis(ns_per_px=scale, anchor=FixedTime(NOW - back))
    axis.zoom(factor, x, NOW, WIDTH)
    assert axis.edge_ns(NOW) <= NOW
    axis.pan(-5000.0, NOW)
    assert axis.edge_ns(NOW) <= NOW


@given(scales, st.floats(0.1, 800.0))
def test_a_drag_moves_the_picture_by_exactly_as_many_pixels(scale, dx):
    axis = TimeAxis(ns_per_px=scale)
    before = axis.time_at(300.0, NOW, WIDTH)
    axis.pan(dx, NOW)
    assert abs(axis.time_at(300.0 + dx, NOW, WIDTH) - before) <= 1024


def test_the_live_edge_is_at_its_share_of_the_width():
    axis = TimeAxis(ns_per_px=1e8)
    assert axis.time_at(EDGE_SHARE * WIDTH, NOW, WIDTH) == NOW
    assert axis.right_ns(NOW, WIDTH) - NOW == pytest.approx((1 - EDGE_SHARE) * WIDTH * 1e8, abs=2)


def test_leaving_the_live_edge_stops_following_and_returning_resumes():
    axis = TimeAxis(ns_per_px=1e8)
    axis.pan(200.0, NOW)
    assert axis.anchor == FixedTime(NOW - int(200 * 1e8))
    assert axis.edge_ns(NOW + SECOND_NS) == NOW - int(200 * 1e8), "new trades do not move it"
    axis.pan(-195.0, NOW)
    assert not axis.is_live
    axis.settle(NOW)
    assert axis.anchor == Live(), "released within reach of the edge"


def test_a_drag_beyond_the_live_edge_resumes_following():
    axis = TimeAxis(ns_per_px=1e8, anchor=FixedTime(NOW - SECOND_NS))
    axis.pan(-500.0, NOW)
    assert axis.is_live


def test_a_zoom_right_of_the_live_edge_keeps_following():
    axis = TimeAxis(ns_per_px=1e8)
    axis.zoom(0.5, 0.95 * WIDTH, NOW, WIDTH)
    assert axis.is_live
    assert axis.ns_per_px == 5e7


def test_a_reset_shows_the_default_span_at_the_live_edge():
    axis = TimeAxis(ns_per_px=1e10, anchor=FixedTime(5))
    axis.reset(WIDTH)
    assert axis.is_live
    assert axis.ns_per_px * WIDTH == pytest.approx(DEFAULT_SPAN_NS)


def shown_days(axis, first_ns, now_ns):
    axis.fit(WIDTH, now_ns, Timeline(first_ns=first_ns))
    return axis.shown_ns / DAY_NS


def test_a_remembered_span_of_weeks_is_shown_only_as_far_as_there_are_data():
    axis = TimeAxis(span_ns=14.0 * DAY_NS, is_growing=True)
    axis.fit(WIDTH)
    assert shown_days(axis, NOW - HOUR_NS, NOW) == pytest.approx(1.0), "a day at least"
    assert shown_days(axis, NOW - HOUR_NS, NOW + 4 * DAY_NS) == pytest.approx(4.04 / (EDGE_SHARE - 0.01), rel=0.01)
    assert shown_days(axis, NOW - HOUR_NS, NOW + 40 * DAY_NS) == pytest.approx(14.0)
    assert axis.is_live


def test_a_span_that_grows_with_the_data_stops_once_the_user_has_changed_it():
    axis = TimeAxis(span_ns=14.0 * DAY_NS, is_growing=True)
    shown_days(axis, NOW - HOUR_NS, NOW)
    axis.zoom(0.5, 0.95 * WIDTH, NOW, WIDTH)
    assert shown_days(axis, NOW - HOUR_NS, NOW + 4 * DAY_NS) == pytest.approx(0.5)
    assert not axis.is_growing


def test_a_span_of_a_day_or_less_is_shown_whatever_the_data():
    axis = TimeAxis(span_ns=0.25 * DAY_NS, is_growing=True)
    assert shown_days(axis, NOW - SECOND_NS, NOW) == pytest.approx(0.25)


def test_the_scale_stays_within_what_can_be_drawn():
    axis = TimeAxis(ns_per_px=1e8)
    for _ in range(200):
        axis.zoom(0.5, 500.0, NOW, WIDTH)
    assert axis.ns_per_px == MIN_NS_PER_PX
    for _ in range(200):
        axis.zoom(2.0, 500.0, NOW, WIDTH)
    assert axis.ns_per_px == MAX_NS_PER_PX


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), factors, st.floats(0, 800))
def test_zooming_price_keeps_the_price_under_the_cursor_and_fixes_the_scale(middle, per_px, factor, y):
    axis = ValueAxis(middle=middle, per_px=per_px)
    before = axis.value_at(y, 800.0)
    axis.zoom(factor, y, 800.0)
    assert axis.value_at(y, 800.0) == pytest.approx(before, rel=1e-9, abs=1e-6 * per_px * 800)
    assert not axis.is_auto


@given(st.floats(-1e5, 1e5), st.floats(0, 1e4))
def test_an_automatic_axis_shows_all_of_its_range_from_the_first_frame(low, height):
    axis = ValueAxis()
    axis.fit(low, low + height, height_px=700.0, least_span=10.0, dt_s=0.016)
    top, bottom = axis.top(700.0), axis.value_at(700.0, 700.0)
    assert bottom < low
    assert low + height < top


def test_an_automatic_axis_stays_while_the_visible_range_fits():
    axis = ValueAxis()
    axis.fit(100.0, 200.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    before = (axis.middle, axis.per_px)
    for _ in range(50):
        axis.fit(102.0, 199.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    assert (axis.middle, axis.per_px) == pytest.approx(before)


def test_an_automatic_axis_glides_to_a_new_range_without_a_jump_and_arrives():
    axis = ValueAxis()
    axis.fit(100.0, 200.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    last, steps = axis.middle, []
    for _ in range(240):
        axis.fit(300.0, 420.0, height_px=700.0, least_span=10.0, dt_s=1 / 60)
        steps.append(axis.middle - last)
        last = axis.middle
    assert max(steps) < 0.15 * 260
    assert axis.value_at(700.0, 700.0) < 300.0
    assert axis.top(700.0) > 420.0


def test_an_axis_comes_back_to_the_range_at_which_it_was_at_rest_although_it_never_reached_the_next():
    axis, first, second = ValueAxis(), (100.0, 200.0), (5000.0, 5100.0)

    def show(seen: tuple[float, float], frames: int) -> float:
        for _ in range(frames):
            axis.fit(*seen, height_px=700.0, least_span=10.0, dt_s=1 / 60)
        return axis.middle

    at_rest = show(first, 200)
    assert show(second, 30) > 200.0
    assert show(first, 200) == at_rest


def test_an_axis_that_the_user_fixed_is_left_alone_until_it_is_reset():
    axis = ValueAxis()
    axis.fit(100.0, 200.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    axis.pan(50.0)
    held = (axis.middle, axis.per_px)
    axis.fit(5000.0, 6000.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    assert (axis.middle, axis.per_px) == held
    axis.reset()
    for _ in range(400):
        axis.fit(5000.0, 6000.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    assert axis.value_at(700.0, 700.0) < 5000.0
    assert axis.top(700.0) > 6000.0


@given(st.floats(-1e5, 1e5), st.floats(0, 1e4), st.floats(0, 0.9))
def test_in_a_low_pane_the_discs_at_the_borders_have_room(low, height, moved):
    axis, shown = ValueAxis(), {"height_px": 150.0, "least_span": 10.0, "margin_px": 28.0}
    axis.fit(low, low + height, dt_s=0.016, **shown)
    # Prices move on until an axis with less room would still be at rest.
    low += moved * max(height, 10.0)
    for _ in range(400):
        axis.fit(low, low + height, dt_s=1 / 60, **shown)
    room = 24.0 * axis.per_px
    assert axis.value_at(150.0, 150.0) + room <= low
    assert low + height <= axis.top(150.0) - room


def test_a_single_value_moves_the_axis_and_keeps_its_span():
    axis = ValueAxis()
    axis.fit(100.0, 200.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    span = axis.per_px
    for _ in range(400):
        axis.fit(500.0, 500.0, height_px=700.0, least_span=10.0, dt_s=1 / 60)
    assert (axis.middle, axis.per_px) == pytest.approx((500.0, span))


def test_a_range_that_is_not_finite_moves_nothing():
    axis = ValueAxis(middle=1.0, per_px=1.0)
    axis.fit(math.nan, 5.0, height_px=700.0, least_span=10.0, dt_s=0.016)
    assert (axis.middle, axis.per_px) == (1.0, 1.0)


@given(st.lists(st.floats(100.0, 4000.0), min_size=1, max_size=6))
def test_the_visible_span_stays_when_the_width_of_window_or_chart_changes(widths):
    axis = TimeAxis()
    for width in widths:
        axis.fit(width)
    assert axis.ns_per_px * widths[-1] == pytest.approx(DEFAULT_SPAN_NS)


def test_a_value_axis_zooms_to_its_limits_and_back():
    axis = ValueAxis(most_span=2.0**30)
    axis.fit(100.0, 200.0, height_px=500.0, least_span=10.0, dt_s=0.0)
    for _ in range(500):
        axis.zoom(1.3, 100.0, 500.0)
    assert axis.per_px * 500.0 == pytest.approx(2.0**30)
    for _ in range(500):
        axis.zoom(0.7, 100.0, 500.0)
    assert axis.per_px == pytest.approx(1e-6)
