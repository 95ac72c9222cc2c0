"""The time axis across folds: gestures keep what is under the mouse, and zooming out ends at the data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.folds import Folds
from flow_gl.core.schema import GAP_LIST, GapKind
from flow_gl.core.settings import Settings
from flow_gl.core.units import HOUR_NS, SECOND_NS
from flow_gl.ui.input.action import Context
from flow_gl.ui.input.actions import BY_NAME
from flow_gl.ui.state.axes import DEFAULT_SPAN_NS, EDGE_SHARE, FixedTime, Live, TimeAxis
from flow_gl.ui.state.timeline import BAND_PX, FOLDINGS, Folding, Timeline, TimelineReader
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces.apply import apply, gather, override
from tests.kit.markets import START_NS, make_market

NOW = START_NS
WIDTH = 1000.0
DAYS = 5
FIRST = NOW - DAYS * 24 * HOUR_NS
TIMELINE = Timeline(
    Folds(
        [FIRST + day * 24 * HOUR_NS + 23 * HOUR_NS for day in range(DAYS)],
        [FIRST + (day + 1) * 24 * HOUR_NS for day in range(DAYS)],
        BAND_PX,
    ),
    FIRST,
)
scales = st.floats(1e8, 2e11)
columns = st.floats(0.0, WIDTH)
edges = st.integers(FIRST, NOW - HOUR_NS)


@given(scales, st.floats(0.3, 1.0), columns, edges)
def test_zooming_in_keeps_the_time_under_the_cursor(scale: float, factor: float, x: float, edge: int) -> None:
    axis = TimeAxis(ns_per_px=scale, anchor=FixedTime(edge))
    before = axis.time_at(x, NOW, WIDTH, TIMELINE)
    axis.zoom(factor, x, NOW, WIDTH, TIMELINE)
    if not axis.is_live:
        moved = TIMELINE.folds.at(axis.ns_per_px).between(before, axis.time_at(x, NOW, WIDTH, TIMELINE))
        assert abs(moved) <= 0.01 * axis.ns_per_px


@given(scales, st.floats(-500.0, 500.0), edges)
def test_a_drag_moves_the_picture_by_exactly_as_many_pixels(scale: float, dx: float, edge: int) -> None:
    axis, folded = TimeAxis(ns_per_px=scale, anchor=FixedTime(edge)), TIMELINE.folds.at(scale)
    axis.pan(dx, NOW, TIMELINE)
    if isinstance(axis.anchor, FixedTime) and (dx < 0 or folded.between(FIRST, axis.anchor.t_ns) > WIDTH * scale):
        assert folded.between(axis.anchor.t_ns, edge) == pytest.approx(dx * scale, abs=2)


@given(scales, st.lists(st.floats(1.0, 3.0), min_size=1, max_size=40), columns, edges)
def test_zooming_out_stops_when_all_data_are_in_view(scale: float, factors: list[float], x: float, edge: int) -> None:
    axis = TimeAxis(ns_per_px=scale, anchor=FixedTime(edge))
    for factor in (*factors, 1e6):
        axis.zoom(factor, x, NOW, WIDTH, TIMELINE)
        assert axis.edge_ns(NOW) <= NOW
    folded = TIMELINE.folds.at(axis.ns_per_px)
    first_x = EDGE_SHARE * WIDTH - folded.between(FIRST, axis.edge_ns(NOW)) / axis.ns_per_px
    assert axis.anchor == Live()
    assert first_x == pytest.approx(0.01 * WIDTH, abs=1.0)


def test_the_default_span_is_shown_even_with_less_data() -> None:
    axis, young = TimeAxis(ns_per_px=1e7), Timeline(first_ns=NOW - 5 * SECOND_NS)
    for _ in range(20):
        axis.zoom(2.0, 500.0, NOW, WIDTH, young)
    assert axis.ns_per_px * WIDTH == pytest.approx(DEFAULT_SPAN_NS)


def test_zooming_out_never_shortens_a_requested_span() -> None:
    axis, young = TimeAxis(ns_per_px=1e12), Timeline(first_ns=NOW - 5 * SECOND_NS)
    axis.zoom(1.5, 950.0, NOW, WIDTH, young)
    assert axis.ns_per_px == 1e12


def test_panning_back_always_leaves_data_in_view() -> None:
    axis = TimeAxis(ns_per_px=1e10)
    axis.fit(WIDTH)
    for _ in range(100):
        axis.pan(500.0, NOW, TIMELINE)
    first_x = EDGE_SHARE * WIDTH - TIMELINE.folds.at(1e10).between(FIRST, axis.edge_ns(NOW)) / 1e10
    assert first_x == pytest.approx(0.5 * WIDTH, abs=1.0)


def test_the_live_edge_is_reached_again_across_a_fold() -> None:
    axis = TimeAxis(ns_per_px=1e8, anchor=FixedTime(NOW - HOUR_NS - SECOND_NS))
    axis.settle(NOW, 33.0, TIMELINE)
    assert axis.is_live, "a second of trading and a band of 22 px lie between"


@pytest.mark.parametrize(
    ("folding", "kind", "is_folded"),
    [
        ("closed", GapKind.CLOSED, True),
        ("closed", GapKind.NO_TRADES, False),
        ("all", GapKind.CLOSED, True),
        ("all", GapKind.NO_TRADES, True),
        ("none", GapKind.CLOSED, False),
        *((folding, GapKind.FEED, False) for folding in FOLDINGS),
    ],
)
def test_what_is_folded_depends_on_the_kind_of_gap(folding: Folding, kind: GapKind, is_folded: bool) -> None:
    market = make_market(300, gap=(100, 200, kind))
    timeline = TimelineReader().read(market.reader, folding, now_ns=market.now_ns, scale=2.0)
    assert timeline.first_ns == START_NS
    assert timeline.folds.starts == ((START_NS + 100 * SECOND_NS,) if is_folded else ())
    assert timeline.folds.band_px == (2 * BAND_PX if is_folded else 0.0)


def test_a_gap_that_is_still_open_is_folded_up_to_now_in_few_steps() -> None:
    market, reader = make_market(100), TimelineReader()
    record = np.zeros(1, GAP_LIST)
    record["count"] = record["total"] = 1
    record["gap"]["start"][0, 0], record["gap"]["kind"][0, 0], record["gap"]["open"][0, 0] = NOW, GapKind.CLOSED, 1
    seen = set()
    for seconds in range(3600, 7200):
        record["gap"]["end"][0, 0] = NOW + seconds * SECOND_NS
        market.store.gaps.write(record)
        market.reader.refresh()
        timeline = reader.read(market.reader, "closed", now_ns=NOW + seconds * SECOND_NS, scale=1.0)
        folded = timeline.folds.at(1e8)
        assert 0 <= 22e8 - folded.between(NOW, NOW + seconds * SECOND_NS) <= 22e8 / 100
        seen.add(timeline.folds.ends)
    assert len(seen) < 600


def test_a_gap_that_just_became_known_is_folded_gradually() -> None:
    market, reader = make_market(100), TimelineReader()
    record = np.zeros(1, GAP_LIST)
    record["count"] = record["total"] = 1
    record["gap"]["start"][0, 0], record["gap"]["kind"][0, 0], record["gap"]["open"][0, 0] = NOW, GapKind.CLOSED, 1
    record["gap"]["end"][0, 0] = NOW + 61 * SECOND_NS
    market.store.gaps.write(record)
    market.reader.refresh()
    shown, ns_per_px = [], 1e8
    for frame in range(120):
        now = NOW + 61 * SECOND_NS + frame * SECOND_NS // 60
        folds = reader.read(market.reader, "closed", now_ns=now, scale=1.0, dt_s=1 / 60).folds
        shown.append(folds.at(ns_per_px).between(NOW, now) / ns_per_px)
    moved = -np.diff(shown)
    assert shown[0] > 500, "nearly all of the minute is still seen"
    assert (moved > -11.0).all(), "the close never jumps back by more than what a frame of live time takes"
    assert moved.max() < 70, "and slides in small steps"
    assert shown[-1] == pytest.approx(22.0, abs=0.2)
    later = TimelineReader().read(market.reader, "closed", now_ns=NOW + 3600 * SECOND_NS, scale=1.0, dt_s=1 / 60)
    assert later.folds.at(ns_per_px).between(NOW, NOW + 3600 * SECOND_NS) == pytest.approx(22e8, rel=0.01)


def test_the_key_folds_closed_hours_then_halts_too_then_nothing() -> None:
    state = ViewState()
    context = Context(state=state, names=[], focus=None, wall_ns=0, event_ns=0, plot_width_px=100.0)
    seen = [state.folding]
    for _ in FOLDINGS:
        BY_NAME["fold"].run(context)
        seen.append(state.folding)
    assert seen == ["closed", "all", "none", "closed"]
    assert len(set(context.notes)) == 3


def test_the_folding_is_remembered_and_a_flag_overrides_it() -> None:
    state, again = ViewState(), ViewState()
    state.folding = "all"
    apply(again, gather(state, plot_width_px=100.0))
    override(again, Settings())
    assert again.folding == "all"
    override(again, Settings(folding="none"))
    assert again.folding == "none"


UNFOLDED = Timeline(first_ns=FIRST, folding="none")
NIGHTS = Timeline(
    Folds(
        [FIRST + day * 24 * HOUR_NS + 14 * HOUR_NS for day in range(DAYS)],
        [FIRST + (day + 1) * 24 * HOUR_NS for day in range(DAYS)],
        BAND_PX,
    ),
    FIRST,
)
"""Folds that are much wider than a band when all data are in view."""


def left_px(axis: TimeAxis, timeline: Timeline) -> float:
    """Where the data begin, px from the plot's left border."""
    return EDGE_SHARE * WIDTH - timeline.folds.at(axis.ns_per_px).between(FIRST, NOW) / axis.ns_per_px


def test_all_data_in_view_fill_the_plot_whatever_is_folded() -> None:
    axis = TimeAxis()
    axis.fit(WIDTH, NOW, UNFOLDED)
    axis.set_span(400 * 24 * HOUR_NS, WIDTH, NOW, UNFOLDED)
    scales = []
    for timeline in (UNFOLDED, NIGHTS, UNFOLDED, NIGHTS):
        axis.fit(WIDTH, NOW, timeline)
        scales.append(axis.ns_per_px)
        assert left_px(axis, timeline) == pytest.approx(0.01 * WIDTH, abs=1.0)
        assert axis.is_live
    assert scales[1] < 0.8 * scales[0]
    assert scales[2:] == pytest.approx(scales[:2], rel=1e-6)


def test_all_data_count_as_in_view_although_a_little_time_has_passed() -> None:
    axis = TimeAxis()
    axis.fit(WIDTH, NOW, UNFOLDED)
    axis.set_span(400 * 24 * HOUR_NS, WIDTH, NOW, UNFOLDED)
    axis.fit(WIDTH, NOW + HOUR_NS, UNFOLDED)
    axis.fit(WIDTH, NOW + HOUR_NS, NIGHTS)
    length = NIGHTS.folds.at(axis.ns_per_px).between(FIRST, NOW + HOUR_NS) / axis.ns_per_px
    assert EDGE_SHARE * WIDTH - length == pytest.approx(0.01 * WIDTH, abs=1.0)


def test_a_part_of_the_data_keeps_its_scale_whatever_is_folded() -> None:
    axis = TimeAxis()
    axis.fit(WIDTH, NOW, UNFOLDED)
    axis.set_span(30 * HOUR_NS, WIDTH, NOW, UNFOLDED)
    scale = axis.ns_per_px
    for timeline in (NIGHTS, UNFOLDED):
        axis.fit(WIDTH, NOW, timeline)
        assert axis.ns_per_px == scale


def test_a_view_at_a_fixed_time_does_not_begin_before_the_data_once_more_is_folded() -> None:
    axis = TimeAxis()
    axis.fit(WIDTH, NOW, UNFOLDED)
    axis.set_span(60 * HOUR_NS, WIDTH, NOW, UNFOLDED)
    axis.go_to(FIRST + 56 * HOUR_NS, NOW)
    axis.fit(WIDTH, NOW, NIGHTS)
    assert NIGHTS.folds.at(axis.ns_per_px).between(FIRST, axis.time_at(0.0, NOW, WIDTH, NIGHTS)) >= -0.02 * WIDTH * (
        axis.ns_per_px
    )


def test_a_span_longer_than_the_data_stays_where_nothing_is_folded() -> None:
    axis = TimeAxis()
    young = Timeline(first_ns=NOW - 60 * SECOND_NS)
    axis.fit(WIDTH, NOW, young)
    axis.ns_per_px = 600 * SECOND_NS / WIDTH
    axis.fit(WIDTH, NOW, Timeline(first_ns=young.first_ns, folding="all"))
    assert axis.ns_per_px == 600 * SECOND_NS / WIDTH
