"""One headless context for all tests that draw; each test begins and ends without a GL error."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.gl.api import GL, clear
from flow_gl.gl.capture import read_picture
from flow_gl.gl.kit import Kit
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.layers.base import Scene
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler

WIDTH, HEIGHT = 640, 360


@cache
def _shared() -> tuple[HeadlessContext, Kit]:
    context = HeadlessContext(WIDTH, HEIGHT)
    return context, Kit()


@pytest.fixture
def context() -> Iterator[HeadlessContext]:
    """Make the context current and bind a target of 640x360."""
    shared = _shared()[0]
    shared.make_current()
    if shared.size != (WIDTH, HEIGHT):
        shared.target.resize(WIDTH, HEIGHT)
    shared.begin()
    assert GL.glGetError() == GL.GL_NO_ERROR
    yield shared
    assert GL.glGetError() == GL.GL_NO_ERROR


@pytest.fixture
def kit(context: HeadlessContext) -> Kit:
    """Return the context's shader programs and fonts."""
    assert context.size == (WIDTH, HEIGHT)
    return _shared()[1]


@pytest.fixture
def stack(kit: Kit) -> Iterator[ChartStack]:
    """Yield a chart that is ready to draw."""
    chart = ChartStack(kit, FrameScheduler())
    chart.setup()
    yield chart
    chart.release()


def draw(stack: ChartStack, scene: Scene) -> NDArray[np.uint8]:
    """Draw one frame of a chart and return its pixels."""
    clear(scene.style.palette.ground)
    stack.counters.reset()
    stack.update(scene)
    stack.draw(scene)
    return read_picture(*scene.screen_px)
