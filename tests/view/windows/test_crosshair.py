"""The crosshair of one window is at its time in the charts of the others."""

from collections.abc import Iterator

import pytest

from flow_gl.core.units import SECOND_NS
from flow_gl.ui import scenes
from flow_gl.view.windows.messages import Crosshair
from flow_gl.view.windows.shared import SharedState
from tests.kit.pilot import HeadlessPilot


@pytest.fixture(scope="module")
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", size=(900, 500))
    found.frames(3)
    yield found
    found.close()


def test_the_mouse_in_a_chart_sends_its_second_once(pilot: HeadlessPilot) -> None:
    shared = SharedState(pilot.loop, is_main=True)
    rect = pilot.charts[0].layout.price
    pilot.move((rect.x + 0.5 * rect.width, rect.y + 40))
    (message,) = shared.changes()
    scene = pilot.charts[0].scene
    assert scene is not None
    under_ns = scene.price_view.time_at(rect.x + 0.5 * rect.width)
    assert message == Crosshair(under_ns // SECOND_NS * SECOND_NS)
    pilot.frames(2)
    assert shared.changes() == []
    pilot.move((-1000.0, -1000.0))
    assert shared.changes() == [Crosshair(0)]


def test_another_windows_crosshair_is_shown_in_all_charts_that_show_its_time(pilot: HeadlessPilot) -> None:
    shared = SharedState(pilot.loop, is_main=False)
    pilot.move((-1000.0, -1000.0))
    shared.changes()
    at_ns = (pilot.link.now_ns - 40 * SECOND_NS) // SECOND_NS * SECOND_NS
    shared.take(Crosshair(at_ns))
    pilot.frames(1)
    for chart in pilot.charts:
        assert chart.scene is not None
        assert chart.scene.crosshair_px is not None
        assert chart.scene.crosshair_px[0] == pytest.approx(chart.scene.price_view.screen_x(at_ns), abs=1.0)
        assert chart.layout.price.contains(*chart.scene.crosshair_px), "it is at the last price until then"
    assert scenes.crosshair_s(pilot.charts, pilot.state) == 0, "it is not this window's own"
    assert shared.changes() == [], "it is not sent back"
    shared.take(Crosshair(pilot.link.now_ns - 86_400 * SECOND_NS))
    pilot.frames(1)
    assert all(chart.scene is not None and chart.scene.crosshair_px is None for chart in pilot.charts)


def test_the_mouse_of_this_window_overrides_another_ones(pilot: HeadlessPilot) -> None:
    pilot.state.crosshair_elsewhere_ns = pilot.link.now_ns - 40 * SECOND_NS
    rect = pilot.charts[1].layout.price
    place = float(int(rect.x + 0.75 * rect.width)), float(int(rect.y + 40))
    pilot.move(place)
    assert pilot.charts[1].scene is not None
    assert pilot.charts[1].scene.crosshair_px == place
