"""The layout divides the window without gaps or overlaps, on whole pixels, at any size and scale."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.gl.view import Rect
from flow_gl.layers.room import Part, has_room
from flow_gl.ui.state.arrangement import grid_shape
from flow_gl.ui.state.layout import CVD_SHARE_RANGE, arrange, share_from_drag

sizes = st.integers(320, 3840)
counts = st.integers(1, 9)
scales = st.sampled_from([1.0, 1.25, 1.5, 2.0])


@given(sizes, sizes, counts, scales, st.floats(*CVD_SHARE_RANGE))
def test_panes_fill_their_chart_and_never_overlap(width, height, count, scale, share):
    charts = arrange(Rect(0, 0, width, height), count, scale=scale, cvd_share=share)
    assert len(charts) == count
    for chart in charts:
        panes = [chart.header, chart.price, chart.cvd, chart.time_axis, chart.price_axis, chart.cvd_axis]
        assert not any(a.overlaps(b) for i, a in enumerate(panes) for b in panes[i + 1 :])
        assert all(pane.width > 0 and pane.height > 0 for pane in (chart.header, chart.price, chart.cvd))
        assert chart.price.height >= 0.3 * chart.outer.height or share > 0.3
        assert chart.price.x == chart.cvd.x == chart.time_axis.x
        assert chart.price.width == chart.cvd.width == chart.time_axis.width
        assert chart.price_axis.right == pytest.approx(chart.outer.right)
    outers = [chart.outer for chart in charts]
    assert not any(a.overlaps(b) for i, a in enumerate(outers) for b in outers[i + 1 :])
    assert all(o.x >= 0 and o.right <= width and o.y >= 0 and o.bottom <= height for o in outers)


@given(sizes, sizes, counts, scales)
def test_borders_lie_on_whole_pixels(width, height, count, scale):
    for chart in arrange(Rect(0, 0, width, height), count, scale=scale):
        for rect in (chart.price, chart.cvd, chart.price_axis):
            assert rect.x == int(rect.x)
            assert rect.width == int(rect.width)


def test_the_regions_have_their_sizes_at_full_hd():
    (chart,) = arrange(Rect(0, 0, 1920, 1080), 1)
    assert chart.header.height == 40
    assert chart.time_axis.height == 24
    assert chart.price_axis.width == 110
    assert chart.cvd.height == pytest.approx((1080 - 64) / 5, abs=1)
    assert chart.time_axis.bottom == 1080


def test_the_regions_grow_with_the_monitors_scale():
    (chart,) = arrange(Rect(0, 0, 3840, 2160), 1, scale=2.0)
    assert (chart.header.height, chart.time_axis.height, chart.price_axis.width) == (80, 48, 220)


def test_two_charts_are_halves_and_more_make_a_grid():
    left, right = arrange(Rect(0, 0, 1920, 1080), 2)
    assert left.outer.right < right.outer.x == 960
    assert left.price.height == right.price.height
    assert [grid_shape(n) for n in range(1, 10)] == [
        (1, 1),
        (2, 1),
        (3, 1),
        (2, 2),
        (3, 2),
        (3, 2),
        (3, 3),
        (3, 3),
        (3, 3),
    ]


def test_dragging_the_border_puts_it_under_the_mouse_within_limits():
    (chart,) = arrange(Rect(0, 0, 1920, 1080), 1)
    share = share_from_drag(chart, chart.cvd, 600.0)
    (moved,) = arrange(Rect(0, 0, 1920, 1080), 1, cvd_share=share)
    assert moved.cvd.y == pytest.approx(600, abs=1)
    assert share_from_drag(chart, chart.cvd, -1000.0) == CVD_SHARE_RANGE[1]
    assert share_from_drag(chart, chart.cvd, 5000.0) == CVD_SHARE_RANGE[0]


@given(sizes, counts, scales, st.floats(0.0, 200.0))
def test_an_axis_is_as_wide_as_its_numbers_need(width, count, scale, needed):
    for chart in arrange(Rect(0, 0, width, 900), count, scale=scale, axis_px=needed):
        if not has_room(Part.PRICE_AXIS, chart.outer.width, chart.outer.height, scale):
            assert chart.price_axis.width == 0
            continue
        assert chart.price_axis.width >= min(round(needed), round(0.5 * chart.outer.width))
        assert chart.price.right == chart.price_axis.x


def test_a_small_chart_drops_axes_and_cvd_pane_and_keeps_header_and_bubbles():
    charts = arrange(Rect(0, 0, 400, 300), 9)
    for chart in charts:
        assert not chart.has_cvd_pane
        assert chart.price_axis.width == 0
        assert chart.header_rows == 2
        assert chart.price.height >= 0.5 * chart.outer.height
    (alone,) = arrange(Rect(0, 0, 400, 300), 1)
    assert alone.has_cvd_pane
    assert alone.price_axis.width >= 88
