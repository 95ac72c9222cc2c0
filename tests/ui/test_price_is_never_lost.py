"""A last price outside the view stays as an arrow with its value; a click, "Go live" or F brings everything back."""

from collections.abc import Iterator

import pytest

from flow_gl.layers.labels.axes import lost_price_box
from flow_gl.ui.overlays.notices import go_live_pill
from tests.kit.pilot import HeadlessPilot, Place

SIZES = ((960, 540), (400, 300))


@pytest.fixture(params=SIZES, ids=str)
def pilot(request: pytest.FixtureRequest) -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", size=request.param)
    found.frames(3)
    yield found
    found.close()


def lose_price(pilot: HeadlessPilot, *, is_up: bool) -> None:
    """Drag the chart vertically until the last price has left it."""
    pane = pilot.charts[0].layout.price
    x, start, end = pane.x + 0.4 * pane.width, pane.y + 5, pane.bottom - 5
    if is_up:
        start, end = end, start
    pilot.drag((x, start), (x, 0.5 * (start + end)), (x, end))
    pilot.drag((x, start), (x, 0.5 * (start + end)), (x, end))


def box_of(pilot: HeadlessPilot) -> Place | None:
    """Return the middle of the arrow's box; None while the last price is in view."""
    scene = pilot.charts[0].scene
    assert scene is not None
    box = lost_price_box(scene)
    return None if box is None else (box.x + 0.5 * box.width, box.y + 0.5 * box.height)


def is_price_in_view(pilot: HeadlessPilot) -> bool:
    chart = pilot.charts[0]
    assert chart.scene is not None
    assert chart.market is not None
    y = chart.scene.price_view.screen_y(int(chart.market.session["last_price"]) / chart.market.tick_size)
    return chart.layout.price.y <= y < chart.layout.price.bottom


@pytest.mark.parametrize("is_up", [False, True])
def test_the_arrow_is_at_the_edge_where_the_price_left_and_a_click_brings_it_back(
    pilot: HeadlessPilot, *, is_up: bool
) -> None:
    assert box_of(pilot) is None
    lose_price(pilot, is_up=is_up)
    assert not is_price_in_view(pilot)
    place, pane = box_of(pilot), pilot.charts[0].layout.price
    assert place is not None
    assert place[1] < pane.y + 40 if is_up else place[1] > pane.bottom - 40
    pilot.click(place)
    pilot.until(lambda: is_price_in_view(pilot) and box_of(pilot) is None, "the price does not come back")
    pilot.until_idle()
    assert is_price_in_view(pilot)


def test_f_restores_time_and_price(pilot: HeadlessPilot) -> None:
    lose_price(pilot, is_up=True)
    pilot.press("left_arrow", "left_arrow")
    assert not pilot.state.time.is_live
    pilot.press("f")
    pilot.until_idle()
    assert pilot.state.time.is_live
    assert pilot.state.charts[0].price.is_auto
    assert is_price_in_view(pilot)


def test_go_live_is_shown_away_from_the_live_edge_and_returns_to_it(pilot: HeadlessPilot) -> None:
    chart, painter = pilot.charts[0], pilot.gui.painter
    assert go_live_pill(painter, chart, pilot.frame, pilot.state) is None
    pilot.press(*["left_arrow"] * 6)
    pilot.until_idle()
    found = go_live_pill(painter, chart, pilot.frame, pilot.state)
    assert found is not None
    rect, text = found
    pane = chart.layout.price
    assert text.startswith("Go live")
    assert pane.x <= rect.x
    assert pane.right - 20 < rect.right <= pane.right
    pilot.click((rect.x + 0.5 * rect.width, rect.y + 0.5 * rect.height))
    assert pilot.state.time.is_live
    assert go_live_pill(painter, pilot.charts[0], pilot.frame, pilot.state) is None


def test_while_paused_the_button_returns_to_the_paused_time_and_does_not_resume(pilot: HeadlessPilot) -> None:
    pilot.press("space")
    pilot.press(*["left_arrow"] * 6)
    pilot.until_idle()
    found = go_live_pill(pilot.gui.painter, pilot.charts[0], pilot.frame, pilot.state)
    assert found is not None
    assert "pause" in found[1]
    pilot.press("f")
    assert pilot.state.pause is not None
    assert pilot.state.time.is_live


def test_in_a_view_without_trades_the_axes_show_the_last_price_and_cvd(pilot: HeadlessPilot) -> None:
    pilot.pass_time(3600.0)  # a halt: the last bubble has left the view long ago
    own, chart = pilot.state.charts[0], pilot.charts[0]
    assert chart.market is not None
    own.price.follow(own.price.middle + 1000.0, own.price.per_px)  # as a seek leaves them
    own.cvd.follow(own.cvd.middle - 5000.0, own.cvd.per_px)
    pilot.frames(300)
    chart = pilot.charts[0]
    assert chart.scene is not None
    assert chart.market is not None
    assert is_price_in_view(pilot)
    y = chart.scene.cvd_view.screen_y(int(chart.market.session["cvd"]))
    assert chart.layout.cvd.y <= y < chart.layout.cvd.bottom
