"""Rectangles and labels: where they are, and that none overlaps another."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT
from flow_gl.core.settings import DEFAULTS
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.text import TextStyle
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.levels import free_place, met_by
from flow_gl.layers.ranges.range_profile import read_range
from flow_gl.layers.stack import DRAW_ORDER, Batch, ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import draw
from tests.kit.markets import Market, make_market, make_scene, make_week


class Recorder:
    """Wraps a chart's text renderer and records the boxes of labels."""

    def __init__(self, chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
        self.boxes: list[tuple[str, float, float, float, float]] = []
        add = chart.batches.text.add

        def record(text: str, x: float, y: float, style: TextStyle, **options: object) -> None:
            size = style.size_px
            width = chart.batches.text.width(text, size, is_bold=style.is_bold)
            left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[style.align] * width
            self.boxes.append((text, left, y - 0.36 * size, left + width, y + 0.36 * size))
            add(text, x, y, style, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(chart.batches.text, "add", record)


def test_no_two_labels_overlap(resources: SharedResources, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        fresh = ChartStack(resources, FrameScheduler())
        recorder = Recorder(fresh.chart, monkeypatch)
        fresh.setup()
        market = make_market(500, seed=seed, crosses=[(420, 1), (424, -1), (480, 1)])
        scene = make_scene(market, 1600, 900, span_s=150, crosshair_px=(800.0 - 20 * seed, 333.0))
        draw(fresh, replace(scene, screen_px=(640, 360)))
        inside = [box for box in recorder.boxes if box[1] < scene.price_view.rect.right]
        for (a, ax0, ay0, ax1, ay1), (b, bx0, by0, bx1, by1) in combinations(inside, 2):
            assert not (ax0 < bx1 and bx0 < ax1 and ay0 < by1 and by0 < ay1), f"{a!r} meets {b!r}, seed {seed}"
        fresh.release()


def fire(market: Market, at_ns: int, direction: int) -> None:
    event = np.zeros(1, EVENT)
    event["ts_event"], event["kind"], event["direction"] = at_ns, EventKind.ZERO_CROSS, direction
    event["price"] = 25_370_000_000_000
    market.store.events.append(event)
    market.reader.refresh(logs_only=True)


def edge_colour(picture: np.ndarray) -> np.ndarray:
    return picture[100:200, 2].astype(int).mean(axis=0)


@pytest.fixture
def market() -> Market:
    return make_market(200, seed=3)


def bare(scene: Scene) -> Scene:
    return replace(scene, style=Style(is_visible=frozenset({"events"})))


def test_a_new_zero_cross_flashes_in_its_sides_colour_and_fades(stack: ChartStack, market: Market) -> None:
    scene = bare(make_scene(market))
    still = edge_colour(draw(stack, scene))
    fire(market, market.now_ns, -1)
    flash = edge_colour(draw(stack, replace(scene, wall_s=101.0)))
    later = edge_colour(draw(stack, replace(scene, wall_s=102.0)))
    over = edge_colour(draw(stack, replace(scene, wall_s=102.6)))
    assert flash[0] > later[0] > over[0]
    assert flash[0] - flash[1] > 30
    np.testing.assert_allclose(over, still, atol=1)


@pytest.mark.parametrize("case", ["history", "old", "standing"])
def test_past_events_do_not_flash(stack: ChartStack, market: Market, case: str) -> None:
    scene = bare(make_scene(market))
    if case != "history":
        draw(stack, scene)
    fire(market, market.now_ns - (MINUTE_NS if case != "standing" else 0), 1)
    if case == "standing":
        scene = replace(scene, is_live=False)
    draw(stack, scene)
    assert stack.chart.counters.draw_calls > 0
    first = edge_colour(draw(stack, scene))
    later = edge_colour(draw(stack, replace(scene, wall_s=110.0)))
    np.testing.assert_allclose(first, later, atol=1)


def texts_of(stack: ChartStack, scene: Scene) -> list[LabelBox]:
    """Return the labels of a frame, of which those that did not change are repeated from the frame before."""
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    stack.update(scene)
    return boxes


def test_a_resting_crosshair_steps_aside_as_the_price_comes_to_it(stack: ChartStack, market: Market) -> None:
    scene = make_scene(market, 1600, 900, crosshair_px=(500.0, 200.0))
    assert overlaps(texts_of(stack, scene)) == []
    session = np.array([market.reader.session])
    session["last_price"] = round(scene.price_view.y_at(200.0)) * market.reader.tick_size
    market.store.session.write(session)
    market.reader.refresh()
    assert overlaps(texts_of(stack, scene)) == []


@pytest.mark.parametrize("span_s", [150, 9 * 3600, 5 * 86_400])
def test_the_time_at_the_crosshair_covers_no_part_of_a_time_on_the_axis(stack: ChartStack, span_s: int) -> None:
    market = make_week()
    for x in range(8, 1400, 83):
        scene = make_scene(market, 1600, 900, span_s=span_s, crosshair_px=(float(x), 200.0))
        assert overlaps(texts_of(stack, scene)) == []


def test_a_stale_frame_looks_different_from_a_running_one(stack: ChartStack, market: Market) -> None:
    running = draw(stack, make_scene(market)).astype(int)
    stale = draw(stack, make_scene(market, is_live=False)).astype(int)
    difference = np.abs(running - stale).max(axis=2)
    rect = make_scene(market).price_view.rect
    assert (difference[: int(rect.bottom), : int(rect.width)] > 2).mean() > 0.6


def test_a_cached_layer_is_repeated_unchanged(stack: ChartStack, market: Market) -> None:
    scene = make_scene(market)
    first = draw(stack, scene)
    np.testing.assert_array_equal(first, draw(stack, scene))
    other = replace(scene, style=replace(scene.style, threshold=0.99))
    assert (draw(stack, other) != first).any()
    np.testing.assert_array_equal(first, draw(stack, scene))


def test_a_layer_that_is_switched_off_is_not_drawn(stack: ChartStack, market: Market) -> None:
    scene = make_scene(market)
    nothing = draw(stack, replace(scene, style=Style(is_visible=frozenset())))
    for name in ("grid", "price", "bubbles", "profile", "levels", "cvd"):
        alone = draw(stack, replace(scene, style=Style(is_visible=frozenset({name}))))
        assert (alone != nothing).any(), name


def test_the_draw_order_contains_each_step_once(resources: SharedResources) -> None:
    assert resources.atlas.texture > 0
    names = [name for name, _, _ in DRAW_ORDER]
    assert len(set(names)) == len(names)
    assert [step for _, step, _ in DRAW_ORDER if isinstance(step, Batch)] == list(Batch)


def test_the_caption_of_the_profile_in_view_goes_below_what_is_at_its_place(stack: ChartStack) -> None:
    scene = make_scene(make_market(200, seed=3), span_s=100)
    view, reader = scene.price_view, scene.reader
    start_ns, end_ns = round(view.t_left_ns), round(view.t_left_ns) + 100 * SECOND_NS
    scene = replace(scene, in_view=read_range(reader, start_ns, end_ns, DEFAULTS.aggregation))
    (free,) = [one.rect for one in texts_of(stack, scene) if one.text.startswith("profile in view")]
    taken = replace(scene, covered=(free,))
    (moved,) = [one.rect for one in texts_of(stack, taken) if one.text.startswith("profile in view")]
    assert moved.x == free.x
    assert free.bottom <= moved.y < free.bottom + 2 * free.height


def test_boxes_that_only_touch_do_not_overlap() -> None:
    placed = [(10.0, 0.0, 20.0, 10.0), (0.0, 10.0, 10.0, 20.0)]
    assert met_by((0.0, 0.0, 10.0, 10.0), placed) == []
    assert met_by((0.0, 0.0, 10.5, 10.5), placed) == [(10.0, 20.0), (0.0, 10.0)]


def test_a_label_moves_along_its_line_until_it_overlaps_nothing() -> None:
    placed = [(0.0, 0.0, 30.0, 10.0), (25.0, 5.0, 60.0, 15.0), (0.0, 20.0, 99.0, 30.0)]
    label = 5.0, 7.0, (20.0, 10.0)
    assert free_place(*label, placed, 4.0) == (64.0, 2.0, 84.0, 12.0)
    assert free_place(*label, [placed[2]], 4.0) == (5.0, 2.0, 25.0, 12.0)
    wall = [(30.0 * at, 0.0, 30.0 * at + 28.0, 10.0) for at in range(9)]
    assert free_place(*label, wall, 1.0) is None


def test_a_label_steps_aside_along_its_curve() -> None:
    placed = [(0.0, 0.0, 30.0, 10.0), (35.0, 0.0, 60.0, 10.0)]
    assert free_place(5.0, lambda x: 5.0 if x < 44 else 40.0, (20.0, 10.0), placed, 4.0) == (34.0, 35.0, 54.0, 45.0)
