"""Draws some frames of two charts with panels, and writes the last picture, the driver's version and the names of the
process's threads.

    python -m tests.render.driver_thread PICTURE.npy

A separate program, because Mesa's driver thread is switched on or off before OpenGL is loaded.
"""

import sys
from pathlib import Path

import numpy as np

from flow_gl.gl.surface.context import describe
from tests.kit.pilot import HeadlessPilot

SIZE = (640, 360)


def main(path: str) -> None:
    pilot = HeadlessPilot("NQZ5", "ESZ5", size=SIZE, has_picture=True, frame_s=1 / 60)
    pilot.state.open_panels = {"controls", "session"}
    pilot.state.select(0, 2)
    for _ in range(20):
        pilot.frames(1)
        pilot.surface.swap()
    np.save(path, pilot.picture())
    print(describe()["version"])  # noqa: T201
    print(*sorted(task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm")), sep="\n")  # noqa: T201
    pilot.close()


if __name__ == "__main__":
    main(sys.argv[1])
