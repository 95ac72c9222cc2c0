"""Where a new window opens: on a monitor without a window of the program, else beside the one it was asked from."""

from collections.abc import Sequence
from typing import Final

import msgspec

from flow_gl.gl.surface import monitors
from flow_gl.ui.workspaces.tree import WindowPlace

STEP: Final = 40
"""Units of the screen between a window and the one opened from it on the same monitor."""


def next_place(asked_from: WindowPlace, others: Sequence[WindowPlace]) -> WindowPlace:
    """Return the place of a new window.

    Parameters
    ----------
    others : places of all windows of the program
    """
    taken = {one.monitor for one in others}
    free = next((one for one in monitors.monitors() if one.name not in taken), None)
    plain = msgspec.structs.replace(asked_from, maximized=False, fullscreen=False)
    if free is None:
        return msgspec.structs.replace(plain, x=plain.x + STEP, y=plain.y + STEP)
    width, height = min(plain.width, int(free.work_area.width)), min(plain.height, int(free.work_area.height))
    left, top, *_ = monitors.centred(free, width, height)
    x, y = left - int(free.area.x), top - int(free.area.y)
    return msgspec.structs.replace(plain, monitor=free.name, x=x, y=y, width=width, height=height)
