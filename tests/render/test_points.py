"""Crowded discs are drawn as points, with the same pixels as quads, up to the screen's borders."""

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.gl.api import largest_point_px
from flow_gl.gl.resources import SharedResources
from flow_gl.layers import bubbles
from flow_gl.layers.base import Scene
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import draw
from tests.kit.markets import make_market, make_scene

Picture = NDArray[np.int64]
TOLERANCE = 3
"""Tolerance: each of dozens of discs over one pixel may be rounded differently."""


def _drawn(resources: SharedResources, scene: Scene, monkeypatch: pytest.MonkeyPatch, *, most_px: float) -> Picture:
    """Draw with a driver whose largest point has this many pixels."""
    monkeypatch.setattr(bubbles, "largest_point_px", lambda: most_px)
    stack = ChartStack(resources, FrameScheduler())
    stack.setup()
    picture = draw(stack, scene).astype(np.int64)
    stack.release()
    return picture


def test_points_and_quads_give_the_same_pixels(resources: SharedResources, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(make_market(900, seed=8, intensity=20.0), span_s=800)
    points = _drawn(resources, scene, monkeypatch, most_px=largest_point_px())
    quads = _drawn(resources, scene, monkeypatch, most_px=0.0)
    assert np.abs(points - quads).max() <= TOLERANCE


def test_a_disc_whose_centre_is_off_screen_is_still_drawn(
    resources: SharedResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All discs have the maximum size, and the pane starts at the screen's left border.
    scene = make_scene(make_market(3600, seed=8, intensity=50.0), span_s=400)
    assert scene.price_view.rect.x == 0
    points = _drawn(resources, scene, monkeypatch, most_px=largest_point_px())[:, :12]
    quads = _drawn(resources, scene, monkeypatch, most_px=0.0)[:, :12]
    assert np.ptp(quads) > 50
    assert np.abs(points - quads).max() <= TOLERANCE
