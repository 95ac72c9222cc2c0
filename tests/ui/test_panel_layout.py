"""Panels take their width from the charts or float; they never overlap, at any window size."""

from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.panels import HEIGHTS_PX, OPENED_BY_TAB
from flow_gl.gl.view import Rect
from flow_gl.ui.state.panel_layout import (
    MAX_COLUMN_SHARE,
    MIN_COLUMN_PX,
    PanelPlaces,
    Place,
    lay_out,
    open_in_order,
)

windows = st.builds(
    Rect, st.just(0.0), st.just(0.0), st.integers(320, 3840).map(float), st.integers(240, 2160).map(float)
)
spots = st.builds(
    Place,
    st.sampled_from(["left", "right", "float"]),
    *[st.floats(-500, 5000)] * 2,
    *[st.floats(0, 3000)] * 2,
)
arrangements = st.builds(
    PanelPlaces,
    st.dictionaries(st.sampled_from(tuple(HEIGHTS_PX)), spots).map(lambda found: tuple(found.items())),
    st.permutations(tuple(HEIGHTS_PX)).map(tuple),
    *[st.just(0.0) | st.floats(MIN_COLUMN_PX, 640)] * 2,
)
opened = st.frozensets(st.sampled_from(tuple(HEIGHTS_PX)))
scales = st.sampled_from([1.0, 1.5, 2.0])
FULL_HD = Rect(0.0, 0.0, 1920.0, 1080.0)


def docked(*names: str, places: PanelPlaces | None = None, window: Rect = FULL_HD, scale: float = 1.0):
    return lay_out(window, open_in_order(frozenset(names)), places or PanelPlaces(), scale)


@given(windows, opened, arrangements, scales)
def test_panels_and_charts_lie_inside_the_window(window, names, places, scale):
    layout = lay_out(window, open_in_order(names), places, scale)
    for rect in (layout.charts, *(slot.rect for slot in layout.slots)):
        assert rect.width > 0
        assert rect.height > 0
        assert rect.x >= window.x
        assert rect.right <= window.right
        assert rect.y >= window.y
        assert rect.bottom <= window.bottom


@given(windows, opened, arrangements, scales)
def test_panels_never_overlap_and_docked_ones_cover_no_chart(window, names, places, scale):
    layout = lay_out(window, open_in_order(names), places, scale)
    rects = [slot.rect for slot in layout.slots]
    assert not any(a.overlaps(b) for at, a in enumerate(rects) for b in rects[at + 1 :])
    assert not any(slot.rect.overlaps(layout.charts) for slot in layout.slots if slot.side != "float")


@given(windows, opened, arrangements, scales)
def test_every_open_panel_is_in_front_or_a_tab_exactly_once(window, names, places, scale):
    layout = lay_out(window, open_in_order(names), places, scale)
    assert sorted(name for slot in layout.slots for name in slot.names) == sorted(names)
    assert all(slot.front in slot.names for slot in layout.slots)


@given(windows, opened, arrangements, scales, st.integers(1, 9))
def test_the_charts_keep_half_of_the_window(window, names, places, scale, charts):
    layout = lay_out(window, open_in_order(names), places, scale, charts)
    assert layout.charts.width >= (1 - MAX_COLUMN_SHARE) * window.width - 2


def test_a_column_shows_whole_panels_and_the_rest_as_tabs():
    slots = docked(*OPENED_BY_TAB).slots
    assert [slot.names for slot in slots] == [("controls",), ("session", "feed", "performance")]
    assert slots[-1].rect.bottom == FULL_HD.bottom
    assert len(docked(*OPENED_BY_TAB, window=Rect(0.0, 0.0, 1920.0, 2300.0)).slots) == 4
    (slot,) = docked(*OPENED_BY_TAB, window=Rect(0.0, 0.0, 1024.0, 600.0)).slots
    assert slot.names == OPENED_BY_TAB


def test_the_last_selected_panel_is_in_front():
    places = PanelPlaces().select("performance").select("feed")
    layout = docked(*OPENED_BY_TAB, places=places)
    assert layout.slots[-1].front == "feed"
    assert "session" in layout.behind
    assert layout.slot_of("session") is None


def test_two_columns_become_one_in_a_narrow_window():
    places = PanelPlaces().put("controls", Place("left"))
    wide = docked("controls", "feed", places=places)
    assert {slot.side for slot in wide.slots} == {"left", "right"}
    narrow = docked("controls", "feed", places=places, window=Rect(0.0, 0.0, 700.0, 600.0))
    assert {slot.side for slot in narrow.slots} == {"right"}


def test_a_floating_panel_moves_into_a_smaller_window_and_returns():
    places = PanelPlaces().put("feed", Place("float", 1500.0, 700.0, 300.0, 300.0))
    small = Rect(0.0, 0.0, 800.0, 500.0)
    (slot,) = docked("feed", places=places, window=small).slots
    assert (slot.rect.right, slot.rect.bottom) == (small.right, small.bottom)
    (slot,) = docked("feed", places=places).slots
    assert (slot.rect.x, slot.rect.y) == (1500.0, 700.0)


def test_floating_panels_without_room_become_tabs_of_one():
    places = PanelPlaces()
    for name in ("feed", "session"):
        places = places.put(name, Place("float", 10.0, 10.0, 390.0, 290.0))
    (slot,) = docked("feed", "session", places=places, window=Rect(0.0, 0.0, 400.0, 300.0)).slots
    assert (slot.front, set(slot.names)) == ("session", {"feed", "session"})
