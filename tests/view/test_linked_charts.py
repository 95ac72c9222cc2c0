"""A user links the prices of charts and reads one against the other."""

from collections.abc import Iterator

import pytest

from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", size=(1200, 600), bubbles=80)
    found.frames(60)
    yield found
    found.close()


def relative(pilot: HeadlessPilot, index: int, y: float) -> float:
    """Return the price at a height of a chart's pane, as a part of its last price."""
    scene = pilot.charts[index].scene
    assert scene is not None
    return scene.price_view.y_at(y) * scene.reader.tick_size / int(scene.reader.session["last_price"])


def test_linked_charts_show_equal_moves_at_equal_heights(pilot: HeadlessPilot) -> None:
    axis = pilot.charts[0].layout.price_axis
    pilot.move((5.0, 590.0))
    pilot.state.cursor_px = None
    for index in (0, 1):
        pane = pilot.charts[index].layout.price
        pilot.move((pane.x + 80.0, pane.y + 60.0))
        pilot.press("ctrl+j")
    assert [own.link for own in pilot.state.charts] == [1, 1]
    pilot.frames(30)
    for y in (100.0, 200.0, 300.0):
        assert relative(pilot, 0, y) == pytest.approx(relative(pilot, 1, y), rel=1e-7)
    pilot.scroll(4, (axis.x + 0.5 * axis.width, axis.y + 100.0))
    pilot.frames(3)
    for y in (100.0, 300.0):
        assert relative(pilot, 0, y) == pytest.approx(relative(pilot, 1, y), rel=1e-7)
    assert pilot.state.charts[0].price.fixed is not None


def test_the_crosshair_is_at_the_same_move_in_linked_charts(pilot: HeadlessPilot) -> None:
    pane = pilot.charts[0].layout.price
    for own in pilot.state.charts:
        own.link = 2
    pilot.move((pane.x + 0.5 * pane.width, pane.y + 77.0))
    pilot.frames(3)
    first, second = (chart.scene for chart in pilot.charts)
    assert first is not None
    assert second is not None
    assert first.crosshair_px is not None
    assert second.crosshair_px is not None
    assert second.crosshair_px[1] == first.crosshair_px[1]
    assert second.price_view.time_at(second.crosshair_px[0]) == pytest.approx(
        first.price_view.time_at(first.crosshair_px[0]), abs=first.price_view.ns_per_px
    )
    pilot.state.charts[1].link = 0
    pilot.frames(3)
    second = pilot.charts[1].scene
    assert second is not None
    assert second.crosshair_px is not None
    assert second.crosshair_px[1] != first.crosshair_px[1], "without a link it is at the last price"
