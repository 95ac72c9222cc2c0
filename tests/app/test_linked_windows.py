"""Charts in two real windows are linked: what a user does in one is seen in the other, and nothing moves by itself."""

from collections.abc import Iterator

import pytest

from flow_gl.ui.state.axes import FixedTime
from flow_gl.ui.state.links import GroupLink
from flow_gl.ui.workspaces.tree import WindowState
from tests.kit.main_window import SMALL, MainWindow, main_window

pytestmark = pytest.mark.window
BLUE = 1


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainWindow]:
    with main_window(tmp_path_factory.mktemp("program")) as first:
        yield first


@pytest.fixture
def two(program: MainWindow) -> Iterator[MainWindow]:
    """Return the main window and a smaller one, both with NQ, whose prices are linked in the blue group."""
    program.open(WindowState(window=SMALL))
    program.until(lambda: program.opener.states()[0].chart, "the second window has no chart")
    program.press_in("flow_gl", "ctrl+j")
    program.press_in("(2)", "ctrl+j")
    program.until(lambda: axes_of_second(program), "the chart of the second window is in no group")
    yield program
    program.open()
    for own in program.state.charts:
        own.link = 0


def axes_of_second(program: MainWindow) -> list[GroupLink]:
    links = program.state.links
    return [] if links is None else [axis for _, axis in links.axes(BLUE, 0)]


def here(program: MainWindow) -> tuple[float, float]:
    """Return the middle and the span of the main window's price pane, as parts of the last price."""
    scene = program.charts[0].scene
    assert scene is not None
    view = scene.price_view
    tick = int(scene.reader.session["last_price"]) / scene.reader.tick_size
    span = view.y_per_px * view.rect.height
    return (view.y_top - 0.5 * span) / tick - 1.0, span / tick


def there(program: MainWindow) -> tuple[float, float]:
    axis = axes_of_second(program)[0]
    return axis.middle, axis.span


def are_equal(program: MainWindow) -> bool:
    return here(program)[1] == pytest.approx(there(program)[1], rel=1e-3)


def test_prices_of_two_windows_span_the_same_move_whichever_is_moved(two: MainWindow) -> None:
    two.until(lambda: are_equal(two), "automatic axes differ")
    before = here(two)[1]
    two.press_in("(2)", "shift+Up", "shift+Up")
    two.until(lambda: here(two)[1] < 0.7 * before and are_equal(two), "this window does not follow the second one")
    assert axes_of_second(two)[0].is_fixed
    assert two.state.charts[0].price.is_auto
    before = here(two)[1]
    two.press_in("flow_gl", "shift+Down", "shift+Down", "shift+Down")
    two.until(lambda: here(two)[1] > 1.5 * before and are_equal(two), "the second window does not follow this one")
    assert not axes_of_second(two)[0].is_fixed
    assert not two.state.charts[0].price.is_auto
    two.press_in("(2)", "v")
    two.until(lambda: two.state.charts[0].price.is_auto, "V in the second window did not free the group")


def test_time_is_that_of_both_windows(two: MainWindow) -> None:
    time = two.state.time
    two.press_in("(2)", "Left")
    two.until(lambda: isinstance(time.anchor, FixedTime), "this window does not follow back in time")
    before = time.shown_ns
    two.press_in("(2)", "Up")
    two.until(lambda: time.shown_ns < 0.9 * before, "this window does not follow a zoom")
    two.press_in("flow_gl", "Down", "Down", "Down")
    two.until(
        lambda: two.opener.states()[0].time.span_s == pytest.approx(time.shown_ns / 1e9),
        "the second window does not follow a zoom",
    )
    two.press_in("(2)", "f")
    two.until(lambda: time.is_live, "this window does not go live with the second one")


def test_the_crosshair_of_a_linked_chart_is_at_the_same_height_in_the_other_window(two: MainWindow) -> None:
    two.until(lambda: are_equal(two), "automatic axes differ")
    links = two.state.links
    assert links is not None
    two.move_in("(2)", (0.5 * SMALL.width, 0.3 * SMALL.height))
    two.until(lambda: links.elsewhere is not None, "the second window has no crosshair")
    two.frames(3)
    scene, shown = two.charts[0].scene, links.elsewhere
    assert scene is not None
    assert shown is not None
    assert shown.group == BLUE
    assert scene.crosshair_px is not None
    rect = scene.price_view.rect
    assert scene.crosshair_px[1] == pytest.approx(rect.y + shown.height * rect.height, abs=1.0)
    assert 0.0 < shown.height < 1.0
    two.move((0.5 * rect.width, rect.y + 50.0))
    two.until(lambda: links.elsewhere is None, "the second window keeps its crosshair without the mouse")


def test_a_window_that_ends_is_linked_no_more(two: MainWindow) -> None:
    two.press_in("(2)", "shift+Up", "ctrl+F4")
    two.until(lambda: two.state.links is None, "the window that was closed is still linked")
    two.frames(3)
    assert two.state.charts[0].link == BLUE
    assert two.state.charts[0].price.is_auto
