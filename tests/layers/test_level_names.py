"""Where the names of a session's levels are in its first minutes."""

from dataclasses import replace

import pytest

from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.layers.base import Scene
from flow_gl.layers.sessions import current_left
from flow_gl.layers.stack import ChartStack
from tests.kit.discs import discs_of, touches
from tests.kit.markets import WEEK, make_market, make_scene, make_week

NAMES = ("POC", "VAH", "VAL", "VWAP", "+1 SD", "\u22121 SD", "+2 SD", "\u22122 SD")


def names_of(stack: ChartStack, scene: Scene) -> list[LabelBox]:
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    stack.update(scene)
    stack.collect_labels(None)
    assert not overlaps(boxes)
    return [box for box in boxes if box.text.startswith(NAMES)]


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)], ids=["large", "small"])
@pytest.mark.parametrize("seed", [1, 2])
def test_in_the_first_minute_no_name_of_a_level_touches_a_bubble(
    stack: ChartStack, seed: int, size: tuple[int, int]
) -> None:
    market = make_market(60, seed=seed, is_published=False)
    for _ in range(12):
        market.advance(5)
        scene = make_scene(market, *size, span_s=180)
        found = names_of(stack, scene)
        assert {box.text.split()[0] for box in found} >= {"POC", "VAH", "VAL", "VWAP"}
        touched = [box.text for box in found if any(touches(box.rect, disc) for disc in discs_of(scene))]
        assert touched == [], market.published


def test_the_names_keep_their_distance_to_the_start_until_it_is_near_the_left_border(stack: ChartStack) -> None:
    newest, distances = make_scene(make_market(160, seed=3), 1280, 720, span_s=180), []
    for seconds in range(20, 130, 10):
        # The levels stay as they are: only time passes.
        right_ns = newest.price_view.t_right_ns - (160 - seconds) * SECOND_NS
        scene = replace(newest, price_view=replace(newest.price_view, t_right_ns=right_ns))
        box = next(box for box in names_of(stack, scene) if box.text.startswith("POC"))
        distances.append(current_left(scene) - box.rect.right)
    assert min(distances) == pytest.approx(max(distances), abs=1.0)
    assert min(distances) > 0


def test_no_name_is_drawn_in_the_session_before(stack: ChartStack) -> None:
    market = make_week()
    scene = make_scene(market, 1280, 720, span_s=36 * 3600, lod=6, folding="closed")
    opened = scene.price_view.pixel_x(WEEK[-1].open_ns)
    running = replace(scene, style=replace(scene.style, is_visible=frozenset({"levels"})))
    assert opened > 300
    assert current_left(running) == opened
    prices = {int(market.reader.profile[name]) for name in ("poc", "vah", "val")}
    assert len(prices) == 3
    poc = f"{market.reader.profile['poc'] / 1e9:,.2f}"
    boxes = [box for box in names_of(stack, running) if box.text.endswith(poc)]
    assert boxes
    assert all(box.rect.x >= opened for box in boxes)
