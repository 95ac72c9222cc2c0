"""Draws some frames of two charts with panels, and writes the last picture, the driver's version and the names of this
process's threads.

    python -m tests.render.driver_thread PICTURE.npy

A program of its own: whether Mesa's drivers have a thread of their own is decided before OpenGL is loaded.
"""

import sys
from pathlib import Path

import numpy as np

from flow_gl.core.clock import ManualClock
from flow_gl.core.palette import DARK
from flow_gl.gl.capture import read_picture
from flow_gl.gl.surface.context import HeadlessContext, describe
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from tests.ui.local import LocalLink

SIZE = (640, 360)
FRAME_S = 1 / 60


def main(path: str) -> None:
    context = HeadlessContext(*SIZE)
    link = LocalLink("NQZ5", "ESZ5")
    clock, state = ManualClock(link.now_ns), ViewState()
    state.open_panels = {"controls", "session"}
    state.select(0, 2)
    gui = Gui(DARK, scale=1.0)
    loop = FrameLoop(context, link, state, gui, clock)
    for _ in range(60):
        clock.advance(int(FRAME_S * 1e9))
        link.beat(clock.wall_ns())
        loop.run_frame(FRAME_S)
        context.swap()
    np.save(path, read_picture(*SIZE))
    print(describe()["version"])  # noqa: T201
    print(*sorted(task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm")), sep="\n")  # noqa: T201
    loop.release()
    gui.close()
    context.close()


if __name__ == "__main__":
    main(sys.argv[1])
