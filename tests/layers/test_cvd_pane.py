"""The CVD pane: its caption, where zero is, the reference's line and candles."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.palette import DARK
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.layers.labels.cvd_pane import captions, zero_direction
from flow_gl.layers.labels.words import MINUS
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import draw
from tests.kit.markets import START_NS, make_market, make_scene

CANDLES = Style(palette=DARK, has_cvd_candles=True)


def scene_without_zero(sign: int) -> Scene:
    """Make a scene whose CVD pane shows -600 to -500 (sign -1), or 500 to 600."""
    scene = make_scene(make_market(120, seed=3))
    top = 600.0 if sign > 0 else -500.0
    return replace(scene, cvd_view=replace(scene.cvd_view, y_top=top, y_per_px=100.0 / scene.cvd_view.rect.height))


@pytest.mark.parametrize(("sign", "direction"), [(1, -1), (-1, 1)])
def test_the_direction_of_zero_is_known_where_it_is_out_of_view(sign: int, direction: int) -> None:
    assert zero_direction(scene_without_zero(sign)) == direction
    assert zero_direction(make_scene(make_market(120, seed=3))) == 0


def test_a_zero_out_of_view_is_indicated_at_the_side_where_it_is(stack: ChartStack) -> None:
    for sign in (1, -1):
        scene = scene_without_zero(sign)
        rect = scene.cvd_view.rect
        said = draw(stack, scene).astype(int)
        attention = np.abs(said - np.round(np.array(DARK.attention) * 255)).max(axis=2) < 8
        rows = np.flatnonzero(attention[int(rect.y) :, int(0.5 * rect.width) : int(rect.right)].any(axis=1))
        assert len(rows) >= 5
        assert rows.max() < 0.5 * rect.height if sign < 0 else rows.min() > 0.5 * rect.height


def test_on_an_axis_moved_away_from_cvd_no_distance_to_zero_is_said(stack: ChartStack) -> None:
    for sign in (1, -1):
        scene = scene_without_zero(sign)
        view = scene.cvd_view
        rect = Rect(view.rect.x, view.rect.y, 1200.0, 150.0)
        scene = replace(scene, cvd_view=replace(view, rect=rect, y_per_px=100.0 / rect.height), live_x_px=900.0)
        boxes: list[LabelBox] = []
        stack.collect_labels(boxes)
        draw(stack, scene)
        stack.collect_labels(None)
        said = next(box.text for box in boxes if box.text.startswith("zero is"))
        is_from_here = (stack.chart.shown.cvd > 0) == (sign > 0)
        assert any(letter.isdigit() for letter in said) == is_from_here


@pytest.mark.parametrize("live_px", [900.0, 1100.0, 1160.0])
def test_the_direction_of_zero_covers_no_new_value_of_cvd(stack: ChartStack, live_px: float) -> None:
    scene = scene_without_zero(1)
    view = scene.cvd_view
    rect = Rect(view.rect.x, view.rect.y, 1200.0, 150.0)
    scene = replace(scene, cvd_view=replace(view, rect=rect, y_per_px=100.0 / rect.height), live_x_px=live_px)
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    draw(stack, scene)
    stack.collect_labels(None)
    (box,) = (box for box in boxes if box.text == "0" or "below" in box.text)
    assert box.rect.x >= live_px
    assert ("below" in box.text) == (live_px < 1160.0)


def test_the_caption_shows_both_values_and_gets_shorter(stack: ChartStack) -> None:
    market = make_market(120, seed=3)
    scene = make_scene(market)
    cvd = int(market.reader.session["cvd"])
    scene = replace(scene, cvd_reference=CvdReference(START_NS + 60 * SECOND_NS, cvd - 9, START_NS, 1))
    draw(stack, scene)
    texts = list(captions(stack.chart, scene))
    assert texts[0].startswith("CVD +9 since 09:31:00, session ")
    assert [len(text) for text in texts] == sorted((len(text) for text in texts), reverse=True)
    assert all("+9" in text for text in texts[:-1])


@pytest.mark.parametrize("sign", [1, -1])
def test_values_of_cvd_have_their_sign_at_the_axis_on_the_plate_and_at_the_crosshair(
    stack: ChartStack, sign: int
) -> None:
    scene = make_scene(make_market(120, seed=3), 1600, 900)
    scene.reader.session["cvd"] = 55 * sign
    rect, boxes = scene.cvd_view.rect, list[LabelBox]()
    view = replace(scene.cvd_view, y_top=60.0 if sign > 0 else -10.0, y_per_px=50.0 / rect.height)
    stack.collect_labels(boxes)
    stack.update(replace(scene, cvd_view=view, crosshair_px=(200.0, rect.y + 0.5 * rect.height)))
    stack.collect_labels(None)
    at_axis = [one.text for one in boxes if one.rect.x >= rect.right and rect.y <= one.rect.y < rect.bottom]
    mark = "+" if sign > 0 else MINUS
    assert f"{mark}55" in at_axis, "the plate"
    assert f"{mark}35" in at_axis, "the crosshair"
    assert len(at_axis) >= 3
    assert all(text.startswith(mark) for text in at_axis)


def test_candles_show_what_a_line_of_closes_leaves_out(stack: ChartStack) -> None:
    market = make_market(120, seed=3)
    line, candles = (draw(stack, make_scene(market, span_s=60, style=style)) for style in (Style(), CANDLES))
    top = int(make_scene(market).cvd_view.rect.y)
    assert (line[:top] == candles[:top]).all()
    assert (line[top:] != candles[top:]).any()


def test_a_candle_extends_from_low_to_high_to_the_pixel(resources: SharedResources) -> None:
    market = make_market(1, seed=3, is_published=False)
    market.points["open"], market.points["close"] = 10, -20
    market.points["high"], market.points["low"] = 60, -50
    market.advance()
    stack = ChartStack(resources, FrameScheduler())
    stack.setup()
    scene = make_scene(market, span_s=20, style=replace(CANDLES, is_visible=frozenset({"cvd"})))
    picture = draw(stack, scene).astype(int)
    stack.release()
    view = scene.cvd_view
    x = round(view.screen_x(int(market.points["ts_event"][0]) + SECOND_NS // 2))
    sell = picture[:, :, 0] - picture[:, :, 1] > 40  # a line one pixel wide may be spread over two columns
    middle = np.flatnonzero(sell[:, x - 1 : x + 2].any(axis=1))
    middle = middle[(middle >= view.rect.y) & (middle < view.rect.bottom)]
    assert abs(middle.min() - view.screen_y(60)) <= 1.0
    assert abs(middle.max() + 1 - view.screen_y(-50)) <= 1.0
    body = np.flatnonzero(sell[:, x + 4])
    assert abs(body.min() - view.screen_y(10)) <= 1.0
    assert abs(body.max() + 1 - view.screen_y(-20)) <= 1.0
