"""The charts share the window without gaps, and a dragged border moves what is beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.gl.view import Rect
from flow_gl.ui.state.arrangement import AUTO, KINDS, MIN_PX, Arrangement, borders, cells, dragged

kinds = st.sampled_from(list(KINDS))
counts = st.integers(1, 9)
AREA = Rect(0, 0, 1920, 1080)
GUTTER = 2


def covered(rects):
    return sum(rect.width * rect.height for rect in rects)


@given(kinds, counts, st.integers(640, 3840), st.integers(480, 2160), st.sampled_from([1.0, 1.5, 2.0]))
def test_the_charts_fill_the_window_and_never_overlap(kind, count, width, height, scale):
    found = cells(Rect(0, 0, width, height), count, Arrangement(kind), scale)
    assert len(found) == count
    assert not any(a.overlaps(b) for at, a in enumerate(found) for b in found[at + 1 :])
    assert all(one == Rect(*map(int, (one.x, one.y, one.width, one.height))) for one in found)
    gutters = len(borders(Rect(0, 0, width, height), count, Arrangement(kind), scale)) * GUTTER * scale
    assert width * height - gutters * max(width, height) <= covered(found) <= width * height


@given(kinds, st.integers(2, 9), st.data())
def test_a_dragged_border_follows_the_mouse_and_leaves_both_sides_room(kind, count, data):
    arrangement = Arrangement(kind)
    border = data.draw(st.sampled_from(borders(AREA, count, arrangement, 1.0)))
    to_px = border.start + data.draw(st.floats(-0.5, 1.5)) * border.length
    changed = dragged(arrangement, border, to_px, 1.0)
    found = cells(AREA, count, changed, 1.0)
    least = MIN_PX[0 if border.is_upright else 1]
    usual = cells(AREA, count, arrangement, 1.0)
    for before, after in zip(usual, found, strict=True):
        size, was = (after.width, before.width) if border.is_upright else (after.height, before.height)
        assert size >= min(least, 0.4 * was) - 4
    assert not any(a.overlaps(b) for at, a in enumerate(found) for b in found[at + 1 :])
    assert len(borders(AREA, count, changed, 1.0)) == len(borders(AREA, count, arrangement, 1.0))
    assert changed.with_shares(border.split, None) == arrangement


def test_a_border_is_where_it_was_dragged_to():
    (border,) = borders(AREA, 2, AUTO, 1.0)
    left, right = cells(AREA, 2, dragged(AUTO, border, 700.0, 1.0), 1.0)
    assert (left.right, right.x, right.right) == (699, 701, 1920)


def test_a_large_chart_has_the_others_in_lines_of_at_most_four():
    large, *others = cells(AREA, 9, Arrangement("large_left"), 1.0)
    assert large.height == AREA.height
    assert large.width > 0.6 * AREA.width
    assert len({one.x for one in others}) == 2
    large, *others = cells(AREA, 4, Arrangement("large_top"), 1.0)
    assert large.width == AREA.width
    assert len({one.y for one in others}) == 1


@pytest.mark.parametrize(("kind", "x", "y"), [("rows", 1, 4), ("columns", 4, 1), ("grid", 2, 2), ("auto", 2, 2)])
def test_four_charts_are_in_rows_and_columns_as_chosen(kind, x, y):
    found = cells(AREA, 4, Arrangement(kind), 1.0)
    assert (len({one.x for one in found}), len({one.y for one in found})) == (x, y)


def test_shares_for_another_number_of_charts_are_ignored():
    (first, *_) = borders(AREA, 3, AUTO, 1.0)
    changed = dragged(AUTO, first, 300.0, 1.0)
    assert cells(AREA, 2, changed, 1.0) == cells(AREA, 2, AUTO, 1.0)
