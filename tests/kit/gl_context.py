"""One headless context for all tests that draw; each test begins and ends without a GL error.

A context of its own for each test would compile the chart's shaders and rasterise its glyphs again: half of a short
test's time.
"""

import ctypes
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.gl.api import GL, clear, prepare_blending
from flow_gl.gl.capture import read_picture
from flow_gl.gl.fonts import FontAtlas
from flow_gl.gl.glyphs import Glyphs
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.layers.base import Scene
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler

WIDTH, HEIGHT = 640, 360


GLYPHS = Glyphs()


@cache
def _shared() -> tuple[HeadlessContext, SharedResources]:
    context = HeadlessContext(WIDTH, HEIGHT)
    return context, SharedResources()


def share_context() -> None:
    """Make the shared context current, in the state of a new one."""
    _shared()[0].make_current()
    assert GL.glGetError() == GL.GL_NO_ERROR
    prepare_blending()


def leave_context() -> None:
    """Make no EGL context current in this thread: a window's GLX context cannot become current beside one."""
    if not _shared.cache_info().currsize:
        return
    egl = ctypes.CDLL("libEGL.so.1")
    egl.eglGetCurrentDisplay.restype = ctypes.c_void_p
    egl.eglMakeCurrent.argtypes = [ctypes.c_void_p] * 4
    if display := egl.eglGetCurrentDisplay():
        egl.eglMakeCurrent(display, None, None, None)


class PilotResources(SharedResources):
    """The shared context's programs and rasterised glyphs, with a separate atlas without other tests' labels."""

    def __init__(self) -> None:
        shared = _shared()[1]
        self.shaders = shared.shaders
        self.row_drawing = shared.row_drawing
        self.atlas = FontAtlas(GLYPHS)

    def release(self) -> None:
        self.atlas.release()


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
def resources(context: HeadlessContext) -> SharedResources:
    """Return the context's shader programs and fonts."""
    assert context.size == (WIDTH, HEIGHT)
    return _shared()[1]


@pytest.fixture
def stack(resources: SharedResources) -> Iterator[ChartStack]:
    """Yield a chart that is ready to draw."""
    chart = ChartStack(resources, FrameScheduler())
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
