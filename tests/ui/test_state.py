"""Keys change the view's state as intended; no window is needed."""

import pytest

from flow_gl.core.commands import Retry, SetSpeed
from flow_gl.core.palette import DARK
from flow_gl.core.panels import OPENED_BY_TAB, PANEL_NAMES
from flow_gl.core.schema import FeedState
from flow_gl.ui.input.action import Context, Request
from flow_gl.ui.input.actions import ACTIONS, BY_NAME
from flow_gl.ui.state.axes import FixedTime
from flow_gl.ui.state.view_state import ViewState
from tests.kit.markets import make_market

NOW = 1_764_340_200_000_000_000


@pytest.fixture
def context():
    state = ViewState()
    state.ensure_charts(2)
    state.time.fit(1000.0)
    markets = [make_market(30, seed=seed, is_published=True).reader for seed in (1, 2)]
    return Context(state, ["NQZ5", "ESZ5"], None, 5, NOW, 1000.0, FeedState.REPLAY, markets=markets)


def do(context, *names):
    for name in names:
        BY_NAME[name].run(context)
    return context.state


def test_every_key_runs_exactly_one_action():
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    for key in ("space", "r", "c", "s", "f", "f11", "m", "tab", "?", "escape", "l", "d", "n", "g", "p", "[", "]"):
        assert key in keys
    assert {str(n) for n in range(10)} <= set(keys)


def test_space_pauses_and_resumes(context):
    assert do(context, "pause").pause.event_ns == NOW
    assert do(context, "pause").pause is None


def test_following_restores_time_and_price(context):
    state = do(context, "back")
    for chart in state.charts:
        chart.price.fit(10.0, 20.0, height_px=100.0, least_span=1.0, dt_s=0.0)
        chart.price.pan(5000.0)
    assert not any(chart.price.is_auto for chart in state.charts)
    do(context, "follow")
    assert state.time.is_live
    assert all(chart.price.is_auto for chart in state.charts)


def test_clear_hides_bubbles_until_now_and_pressed_again_shows_them(context):
    assert [chart.cleared_before_ns for chart in do(context, "clear").charts] == [NOW, NOW]
    assert [chart.cleared_before_ns for chart in do(context, "clear").charts] == [0, 0]


def test_escape_undoes_one_thing_at_a_time_and_never_quits(context):
    state = do(context, "clear", "pause", "help")
    state.selected, state.time.anchor = 1, FixedTime(NOW - 10**12)
    state.charts[0].pinned_id = 7
    do(context, "escape")
    assert state.charts[0].pinned_id is None
    do(context, "escape")
    assert "help" not in state.open_panels
    do(context, "escape")
    assert state.charts[0].cleared_before_ns == 0
    assert state.pause is not None
    do(context, "escape", "escape", "escape", "escape")
    assert state.pause is None
    assert state.selected == 0
    assert state.time.is_live
    assert not context.requests


def test_tab_hides_all_panels_and_then_shows_the_same_ones(context):
    state = do(context, "feed", "session")
    do(context, "overlays")
    assert not any(state.is_panel_open(name) for name in PANEL_NAMES)
    do(context, "overlays")
    assert [name for name in PANEL_NAMES if state.is_panel_open(name)] == ["session", "feed"]


def test_tab_with_no_panel_open_opens_the_usual_ones(context):
    state = do(context, "overlays")
    assert state.open_panels == set(OPENED_BY_TAB)


def test_a_panels_key_opens_and_closes_it(context):
    for name in PANEL_NAMES:
        assert do(context, name).is_panel_open(name)
        assert not do(context, name).is_panel_open(name)


def test_number_keys_show_one_chart_and_zero_all(context):
    assert do(context, "chart_2").visible_charts(2) == [1]
    assert do(context, "chart_7").visible_charts(2) == [1], "there is no chart 7"
    assert do(context, "all_charts").visible_charts(2) == [0, 1]


def test_brackets_step_through_replay_speeds(context):
    context.feed_state = FeedState.REPLAY
    do(context, "faster", "faster", "slower")
    assert context.commands == [SetSpeed(speed=2.0), SetSpeed(speed=5.0), SetSpeed(speed=2.0)]
    for _ in range(30):
        do(context, "slower")
    assert context.state.speed == 0.1


def test_the_first_step_starts_from_the_replays_current_speed(context):
    context.feed_state, context.speed, context.wall_ns = FeedState.REPLAY, 60.0, NOW
    do(context, "faster", "faster")
    assert context.commands == [SetSpeed(speed=120.0), SetSpeed(speed=300.0)]


def test_a_live_feed_has_no_speed_and_reports_it(context):
    context.feed_state = FeedState.LIVE
    do(context, "faster")
    assert not context.commands
    assert context.notes


def test_lock_keeps_the_current_level_of_detail(context):
    context.state.charts[0].lod = 3
    assert do(context, "lock").locked_lod == 3
    assert do(context, "lock").locked_lod is None


def test_follow_and_the_arrows_move_in_time(context):
    state = do(context, "back")
    assert not state.time.is_live
    do(context, "forward")
    assert state.time.is_live
    do(context, "back", "back", "follow")
    assert state.time.is_live


def test_requests_go_to_the_program(context):
    do(context, "screenshot", "fullscreen", "menu", "quit", "retry")
    assert context.requests == [Request.SCREENSHOT, Request.FULLSCREEN, Request.MENU, Request.QUIT]
    assert context.commands == [Retry()]


def test_mute_and_palette_are_remembered_in_the_state(context):
    state = do(context, "mute", "palette")
    assert state.is_muted
    assert state.palette is not DARK
    do(context, "palette", "palette")
    assert state.palette is DARK


def test_filters_reach_the_style_of_each_chart(context):
    state = context.state
    state.filters.size_floor, state.filters.threshold = 40, 0.3
    style = state.style(state.charts[0])
    assert (style.size_floor, style.threshold) == (40, 0.3)
    state.filters.percentile, state.charts[0].size_floor_from_percentile = 90.0, 17
    assert state.style(state.charts[0]).size_floor == 17
    assert state.style(state.charts[1]).size_floor == 0
