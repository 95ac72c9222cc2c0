"""Nothing shines through under the size legend's texts."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.palette import PALETTES, Palette
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.discs import radius_of
from flow_gl.layers.labels.legend import legend_sizes
from flow_gl.layers.labels.words import contracts_text
from flow_gl.layers.stack import ChartStack
from tests.kit.gl_context import draw
from tests.kit.markets import make_market, make_scene

SIZE = 1280, 720


def crowded(palette: Palette) -> Scene:
    """Return a scene whose bubbles fill the lower left corner."""
    market = make_market(300, seed=3, intensity=30.0)
    style = Style(palette=palette, size_scale=2.0)
    scene = make_scene(market, *SIZE, span_s=105, style=style)
    view = scene.price_view
    return replace(scene, price_view=replace(view, y_top=view.y_top + 0.42 * view.rect.height * view.y_per_px))


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_behind_a_legend_s_text_is_the_ground_alone(
    context: HeadlessContext, stack: ChartStack, palette: Palette
) -> None:
    context.target.resize(*SIZE)
    scene, boxes = crowded(palette), list[LabelBox]()
    stack.collect_labels(boxes)
    stack.update(scene)
    stack.collect_labels(None)
    picture = draw(stack, scene).astype(float)
    ground, ink = (np.round(np.array(color) * 255) for color in (palette.ground, palette.quiet))
    reference = stack.chart.shown.reference_goal
    discs = {contracts_text(one): radius_of(one, reference, scene.style, 1.0) for one in legend_sizes(reference)[1:]}
    checked = 0
    for one in boxes:
        place = one.rect
        if one.text in discs and one.color == palette.quiet:
            half = 0.65 * discs[one.text]
            x, y = place.x + 0.5 * place.width, place.y + 0.5 * place.height
            place = Rect(x - half, y - half, 2 * half, 2 * half)
        elif not one.text.startswith("contracts in"):
            continue
        part = picture[inner(place)].reshape(-1, 3)
        share = np.clip((part - ground) @ (ink - ground) / ((ink - ground) @ (ink - ground)), 0.0, 1.0)
        assert np.abs(part - ground - share[:, np.newaxis] * (ink - ground)).max() < 12, one.text
        checked += 1
    assert checked == 3


def inner(rect: Rect) -> tuple[slice, slice]:
    return slice(int(rect.y) + 2, int(rect.bottom) - 2), slice(int(rect.x) + 3, int(rect.right) - 3)
