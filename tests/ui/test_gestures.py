"""Mouse gestures: wheel, drag, axes, borders, clicks."""

import pytest

from flow_gl.gl.view import Rect
from flow_gl.ui.input.gestures import Gestures, Mouse, Zone, zone_at
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.overlays.status import Condition, Tone
from flow_gl.ui.state.layout import arrange
from flow_gl.ui.state.view_state import ViewState

NOW = 1_764_340_200_000_000_000


class Hand:
    """Simulates a mouse over two charts."""

    def __init__(self):
        self.state = ViewState()
        self.state.ensure_charts(2)
        said = Condition("LIVE", Tone.GOOD, True)
        layouts = arrange(Rect(0, 0, 1600, 900), 2)
        self.charts = [ChartFrame(index, layout, None, said) for index, layout in enumerate(layouts)]
        self.state.time.fit(self.charts[0].layout.price.width)
        for own in self.state.charts:
            own.price.fit(1000.0, 1100.0, height_px=700.0, least_span=1.0, dt_s=0.0)
            own.cvd.fit(-50.0, 50.0, height_px=170.0, least_span=1.0, dt_s=0.0)
        self.gestures = Gestures()

    def __call__(self, **what):
        mouse = Mouse(**what)
        return self.gestures.handle(mouse, self.charts, self.state, event_ns=NOW, scale=1.0)

    def drag(self, start, *stops):
        self(x=start[0], y=start[1], is_pressed=True, is_down=True)
        for x, y in stops:
            self(x=x, y=y, is_down=True)
        x, y = stops[-1]
        return self(x=x, y=y, is_released=True)

    def middle(self, name, chart=0):
        rect = getattr(self.charts[chart].layout, name)
        return rect.x + rect.width / 2, rect.y + rect.height / 2


@pytest.fixture
def hand():
    return Hand()


def test_the_wheel_zooms_time_around_the_cursor(hand):
    x, y = hand.middle("price")
    time, width = hand.state.time, hand.charts[0].layout.price.width
    before, scale = time.time_at(x, NOW, width), time.ns_per_px
    hand(x=x, y=y, wheel=1.0)
    assert time.ns_per_px < scale
    assert abs(time.time_at(x, NOW, width) - before) < time.ns_per_px


def test_shift_and_wheel_zoom_only_the_price_of_the_chart_under_the_mouse(hand):
    x, y = hand.middle("price", 1)
    scale = hand.state.time.ns_per_px
    hand(x=x, y=y, wheel=1.0, is_shift=True)
    assert not hand.state.charts[1].price.is_auto
    assert hand.state.charts[0].price.is_auto
    assert hand.state.time.ns_per_px == scale


def test_a_sideways_drag_pans_time_and_leaves_the_price_scale_automatic(hand):
    x, y = hand.middle("price")
    hand.drag((x, y), (x + 50, y + 5), (x + 200, y + 9))
    edge = hand.state.time.edge_ns(NOW)
    assert NOW - edge == pytest.approx(200 * hand.state.time.ns_per_px, rel=1e-6)
    assert hand.state.charts[0].price.is_auto


def test_a_drag_up_or_down_moves_the_price_too(hand):
    x, y = hand.middle("price")
    own = hand.state.charts[0].price
    before = own.middle
    hand.drag((x, y), (x + 5, y + 40), (x + 5, y + 140))
    assert not own.is_auto
    assert own.middle - before == pytest.approx(100 * own.per_px)


def test_a_drag_back_to_the_live_edge_resumes_following(hand):
    x, y = hand.middle("price")
    hand.drag((x, y), (x + 300, y))
    assert not hand.state.time.is_live
    hand.drag((x, y), (x - 295, y))
    assert hand.state.time.is_live


def test_a_click_is_distinguished_from_a_drag(hand):
    x, y = hand.middle("price", 1)
    assert hand.drag((x, y), (x + 2, y)) is hand.charts[1]
    assert hand.drag((x, y), (x + 40, y)) is None


def test_dragging_the_border_resizes_the_cvd_pane(hand):
    x, y = hand.middle("splitter")
    hand.drag((x, y), (x, y - 100))
    (moved, _) = arrange(Rect(0, 0, 1600, 900), 2, cvd_share=hand.state.cvd_share)
    assert moved.cvd.y == pytest.approx(hand.charts[0].layout.cvd.y - 100, abs=1)


@pytest.mark.parametrize("name", ["price_axis", "cvd_axis", "time_axis"])
def test_a_double_click_on_an_axis_resets_it(hand, name):
    state = hand.state
    own = state.charts[0]
    own.price.zoom(0.5, 10.0, 700.0)
    own.cvd.zoom(0.5, 10.0, 170.0)
    state.time.pan(400.0, NOW)
    x, y = hand.middle(name)
    hand(x=x, y=y, is_double=True)
    assert [own.price.is_auto, own.cvd.is_auto, state.time.is_live] == [
        name == "price_axis",
        name == "cvd_axis",
        name == "time_axis",
    ]


def test_dragging_the_price_axis_down_compresses_it(hand):
    own = hand.state.charts[0].price
    before = own.per_px
    x, y = hand.middle("price_axis")
    hand.drag((x, y), (x, y + 110))
    assert own.per_px > before


def test_input_taken_by_an_overlay_does_not_reach_the_chart(hand):
    x, y = hand.middle("price")
    scale = hand.state.time.ns_per_px
    hand(x=x, y=y, wheel=1.0, is_free=False)
    hand(x=x, y=y, is_pressed=True, is_down=True, is_free=False)
    hand(x=x + 100, y=y, is_down=True, is_free=False)
    assert hand.state.time.ns_per_px == scale
    assert hand.state.time.is_live
    assert hand.state.cursor_px is None


def test_the_cursor_is_known_over_the_panes_only(hand):
    hand(x=hand.middle("price")[0], y=hand.middle("price")[1])
    assert hand.state.cursor_px == hand.middle("price")
    hand(x=hand.middle("header")[0], y=hand.middle("header")[1])
    assert hand.state.cursor_px is None
    assert zone_at(hand.charts[0].layout, *hand.middle("time_axis")) is Zone.TIME_AXIS


def test_a_double_click_on_a_header_shows_the_chart_alone_then_all(hand):
    x, y = hand.middle("header", 1)
    hand(x=x, y=y, is_double=True)
    assert hand.state.selected == 2
    hand(x=x, y=y, is_double=True)
    assert hand.state.selected == 0
