"""The peers' side of `benchmarks.peers`: N discs, one added and the view moved each frame, every frame finished.

Each peer has a process of its own (`python -m benchmarks.peers_draw NAME N FRAMES`), so that they share no GL, Vulkan
or toolkit state. Each draws discs like the chart's bubbles, with a fill and a rim, sized in pixels, at 1280x720, and is
used as its own documentation shows for points that change. Prints the frame times as JSON, in milliseconds.
"""

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 1280
HEIGHT: Final = 720
WARM_UP: Final = 3

MAX_VOLUME: Final = 70
"""Contracts of the largest disc: one of the steps of the chart's own reference (definitions.md)."""

Floats = NDArray[np.float32]
Times = dict[str, list[float]]
"""`wall_ms` and `cpu_ms` (all threads of the process) of each frame."""


class Walk:
    """The same random walk of bubbles for every peer: x in seconds, y in ticks, diameters in pixels, colours."""

    def __init__(self, n: int, frames: int) -> None:
        rng = np.random.default_rng(7)
        total = n + frames + WARM_UP + 1
        self.n: Final = n
        self.x: Final[Floats] = np.arange(total, dtype=np.float32)
        self.y: Final[Floats] = np.cumsum(rng.normal(0, 1.0, total)).astype(np.float32)
        self.volume: Final[NDArray[np.int64]] = np.minimum(rng.pareto(1.3, total) * 3 + 1, MAX_VOLUME).astype(np.int64)
        self.diameter: Final[Floats] = (2 * np.sqrt(9 + (1600 - 9) * self.volume / MAX_VOLUME)).astype(np.float32)
        buy, sell = (0.18, 0.76, 0.49, 0.55), (0.90, 0.28, 0.30, 0.55)
        self.is_buy: Final[NDArray[np.bool_]] = rng.random(total) < 0.5
        self.colour: Final[Floats] = np.where(self.is_buy[:, None], buy, sell).astype(np.float32)
        self.rim: Final[Floats] = np.minimum(self.colour + np.array([0, 0, 0, 1], np.float32), 1)

    def window(self, frame: int) -> slice:
        return slice(frame, frame + self.n)

    def limits(self, frame: int) -> tuple[float, float, float, float]:
        """Return x0, x1, y0, y1 of the view at a frame, which follows the newest bubble."""
        part = self.y[self.window(frame)]
        return float(frame), float(frame + self.n), float(part.min()) - 5, float(part.max()) + 5


def timed(frames: int, draw: Callable[[int], None]) -> Times:
    """Return the frame times after a warm-up. `draw` must return only when the pixels are finished."""
    times: Times = {"wall_ms": [], "cpu_ms": []}
    for frame in range(frames + WARM_UP):
        start, start_cpu = time.perf_counter(), time.process_time()
        draw(frame)
        wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        if frame >= WARM_UP:
            times["wall_ms"].append(1e3 * wall)
            times["cpu_ms"].append(1e3 * cpu)
    return times


@contextmanager
def _headless_gl() -> Iterator[Any]:
    """Make an EGL context current, with a framebuffer of the benchmark's size; yield OpenGL.GL."""
    from flow_gl.gl.surface.context import HeadlessContext

    context = HeadlessContext(WIDTH, HEIGHT)
    from OpenGL import GL as gl  # noqa: N811  # the module's customary name

    target = gl.glGenFramebuffers(1)
    colour = gl.glGenRenderbuffers(1)
    gl.glBindRenderbuffer(gl.GL_RENDERBUFFER, colour)
    gl.glRenderbufferStorage(gl.GL_RENDERBUFFER, gl.GL_RGBA8, WIDTH, HEIGHT)
    gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, target)
    gl.glFramebufferRenderbuffer(gl.GL_FRAMEBUFFER, gl.GL_COLOR_ATTACHMENT0, gl.GL_RENDERBUFFER, colour)
    gl.glViewport(0, 0, WIDTH, HEIGHT)
    try:
        yield gl
    finally:
        context.close()


_BARE_VERTEX: Final = """#version 330 core
layout(location=0) in vec2 corner; layout(location=1) in vec4 disc; layout(location=2) in vec4 colour;
uniform vec4 limits; uniform vec2 size; out vec2 local; out vec4 tint; out float radius;
void main() {
  radius = disc.z * 0.5; local = corner * (radius + 1.0); tint = colour;
  vec2 at = (disc.xy - limits.xz) / (limits.yw - limits.xz) * 2.0 - 1.0;
  gl_Position = vec4(at + local * 2.0 / size, 0.0, 1.0);
}"""
_BARE_FRAGMENT: Final = """#version 330 core
in vec2 local; in vec4 tint; in float radius; out vec4 pixel;
void main() {
  float edge = radius - length(local);
  float rim = smoothstep(0.0, 1.5, 1.5 - edge);
  pixel = vec4(tint.rgb, mix(tint.a, 1.0, rim) * clamp(edge + 0.5, 0.0, 1.0));
}"""


def bare(walk: Walk, frames: int) -> Times:
    """Instanced discs in PyOpenGL and nothing else: a lower bound for any chart of this kind."""
    with _headless_gl() as gl:
        from OpenGL.GL import shaders

        program = shaders.compileProgram(
            shaders.compileShader(_BARE_VERTEX, gl.GL_VERTEX_SHADER),
            shaders.compileShader(_BARE_FRAGMENT, gl.GL_FRAGMENT_SHADER),
            validate=False,
        )
        gl.glUseProgram(program)
        rows = np.column_stack([walk.x, walk.y, walk.diameter, walk.diameter, walk.colour]).astype(np.float32)
        gl.glBindVertexArray(gl.glGenVertexArrays(1))
        quad = np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32)
        gl.glBindBuffer(gl.GL_ARRAY_BUFFER, gl.glGenBuffers(1))
        gl.glBufferData(gl.GL_ARRAY_BUFFER, quad.nbytes, quad, gl.GL_STATIC_DRAW)
        gl.glEnableVertexAttribArray(0)
        gl.glVertexAttribPointer(0, 2, gl.GL_FLOAT, False, 0, ctypes.c_void_p(0))
        instances = gl.glGenBuffers(1)
        gl.glBindBuffer(gl.GL_ARRAY_BUFFER, instances)
        gl.glBufferData(gl.GL_ARRAY_BUFFER, rows.nbytes, None, gl.GL_DYNAMIC_DRAW)
        gl.glBufferSubData(gl.GL_ARRAY_BUFFER, 0, walk.n * 32, rows[: walk.n])
        limits = gl.glGetUniformLocation(program, "limits")
        gl.glUniform2f(gl.glGetUniformLocation(program, "size"), WIDTH, HEIGHT)
        gl.glEnable(gl.GL_BLEND)
        gl.glBlendFunc(gl.GL_SRC_ALPHA, gl.GL_ONE_MINUS_SRC_ALPHA)
        gl.glClearColor(0.043, 0.055, 0.078, 1)
        for location in (1, 2):
            gl.glEnableVertexAttribArray(location)
            gl.glVertexAttribDivisor(location, 1)

        def draw(frame: int) -> None:
            newest = frame + walk.n - 1
            gl.glBufferSubData(gl.GL_ARRAY_BUFFER, newest * 32, 32, rows[newest])
            gl.glVertexAttribPointer(1, 4, gl.GL_FLOAT, False, 32, ctypes.c_void_p(frame * 32))
            gl.glVertexAttribPointer(2, 4, gl.GL_FLOAT, False, 32, ctypes.c_void_p(frame * 32 + 16))
            gl.glUniform4f(limits, *walk.limits(frame))
            gl.glClear(gl.GL_COLOR_BUFFER_BIT)
            gl.glDrawArraysInstanced(gl.GL_TRIANGLE_STRIP, 0, 4, walk.n)
            gl.glFinish()

        return timed(frames, draw)


def vispy_markers(walk: Walk, frames: int) -> Times:
    """vispy's Markers visual in a scene with a camera, set_data each frame as its documentation does."""
    import vispy

    vispy.use(app="egl")
    from vispy import gloo, scene

    canvas = scene.SceneCanvas(size=(WIDTH, HEIGHT), show=True, bgcolor="#0b0e14")
    view = canvas.central_widget.add_view()
    view.camera = scene.PanZoomCamera()
    markers = scene.visuals.Markers(parent=view.scene)
    markers.set_gl_state("translucent", depth_test=False)
    # Into a framebuffer of its own, as canvas.render() does, but without reading the picture back.
    target = gloo.FrameBuffer(color=gloo.RenderBuffer((HEIGHT, WIDTH)), depth=gloo.RenderBuffer((HEIGHT, WIDTH)))
    target.activate()
    canvas.push_fbo(target, (0, 0), (WIDTH, HEIGHT))

    def draw(frame: int) -> None:
        part = walk.window(frame)
        markers.set_data(
            np.column_stack([walk.x[part], walk.y[part]]),
            size=walk.diameter[part],
            face_color=walk.colour[part],
            edge_color=walk.rim[part],
            edge_width=1.5,
        )
        x0, x1, y0, y1 = walk.limits(frame)
        view.camera.rect = (x0, y0, x1 - x0, y1 - y0)
        canvas.on_draw(None)
        canvas.context.finish()

    return timed(frames, draw)


def implot_bubbles(walk: Walk, frames: int) -> Times:
    """ImPlot's own bubbles in a Dear ImGui window, drawn by the OpenGL backend."""
    from imgui_bundle import imgui, implot

    with _headless_gl() as gl:
        imgui.create_context()
        implot.create_context()
        imgui.backends.opengl3_init("#version 330")
        io = imgui.get_io()
        io.display_size = imgui.ImVec2(WIDTH, HEIGHT)
        io.set_ini_filename("")
        radius = walk.diameter.astype(np.float64) / (2 * HEIGHT)
        x, y = walk.x.astype(np.float64), walk.y.astype(np.float64)
        side = walk.colour[:, 0] < 0.5
        specs = []
        for is_buy in (True, False):
            colour = imgui.ImVec4(*(float(c) for c in walk.colour[np.argmax(side == is_buy)]))
            specs.append((is_buy, implot.Spec(fill_color=colour, line_color=colour, fill_alpha=0.55)))

        def draw(frame: int) -> None:
            io.delta_time = 1 / 144
            imgui.backends.opengl3_new_frame()
            imgui.new_frame()
            imgui.set_next_window_pos((0, 0))
            imgui.set_next_window_size((WIDTH, HEIGHT))
            imgui.begin("chart")
            if implot.begin_plot("##bubbles", (-1, -1)):
                # Its bubbles are ellipses in plot units. With x in the units of y they are discs.
                x0, x1, y0, y1 = walk.limits(frame)
                squeeze = (y1 - y0) / HEIGHT * WIDTH / walk.n
                implot.setup_axes_limits(x0 * squeeze, x1 * squeeze, y0, y1, imgui.Cond_.always)
                part = walk.window(frame)
                places, sizes = x[part] * squeeze, radius[part] * (y1 - y0)
                for is_buy, spec in specs:
                    pick = side[part] == is_buy
                    implot.plot_bubbles(
                        "buy" if is_buy else "sell", places[pick], y[part][pick], sizes[pick], spec=spec
                    )
                implot.end_plot()
            imgui.end()
            imgui.render()
            gl.glClear(gl.GL_COLOR_BUFFER_BIT)
            imgui.backends.opengl3_render_draw_data(imgui.get_draw_data())
            gl.glFinish()

        return timed(frames, draw)


def matplotlib_agg(walk: Walk, frames: int) -> Times:
    """matplotlib's scatter on the Agg canvas, offsets and sizes replaced each frame."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
    part = walk.window(0)
    points = axes.scatter(walk.x[part], walk.y[part], s=(walk.diameter[part] * 0.72) ** 2, c=walk.colour[part])

    def draw(frame: int) -> None:
        part = walk.window(frame)
        points.set_offsets(np.column_stack([walk.x[part], walk.y[part]]))
        points.set_sizes((walk.diameter[part] * 0.72) ** 2)
        points.set(facecolor=walk.colour[part])
        x0, x1, y0, y1 = walk.limits(frame)
        axes.set_xlim(x0, x1)
        axes.set_ylim(y0, y1)
        figure.canvas.draw()

    return timed(frames, draw)


def fastplotlib_scatter(walk: Walk, frames: int) -> Times:
    """fastplotlib's scatter on an offscreen canvas (Vulkan, here by Mesa's software driver)."""
    os.environ.setdefault("RENDERCANVAS_FORCE_OFFSCREEN", "1")
    import fastplotlib

    figure = fastplotlib.Figure(size=(WIDTH, HEIGHT), canvas="offscreen")
    part = walk.window(0)
    data = np.column_stack([walk.x[part], walk.y[part], np.zeros(walk.n, np.float32)])
    scatter = figure[0, 0].add_scatter(data, sizes=walk.diameter[part], colors=walk.colour[part])
    figure.show(maintain_aspect=False)

    def draw(frame: int) -> None:
        part = walk.window(frame)
        scatter.data[:, :2] = np.column_stack([walk.x[part], walk.y[part]])
        scatter.sizes[:] = walk.diameter[part]
        scatter.colors[:] = walk.colour[part]
        x0, x1, y0, y1 = walk.limits(frame)
        figure[0, 0].camera.show_rect(x0, x1, y0, y1)
        np.asarray(figure.canvas.draw())  # reading the picture back is what finishes it

    return timed(frames, draw)


PEERS: Final[dict[str, Callable[[Walk, int], Times]]] = {
    "bare instanced discs": bare,
    "vispy Markers": vispy_markers,
    "ImPlot bubbles": implot_bubbles,
    "matplotlib Agg": matplotlib_agg,
    "fastplotlib": fastplotlib_scatter,
}


def main() -> None:
    name, n, frames = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.environ.setdefault("EGL_PLATFORM", "surfaceless")
    times = PEERS[name](Walk(n, frames), frames)
    sys.stdout.write(json.dumps(times) + "\n")


if __name__ == "__main__":
    main()
