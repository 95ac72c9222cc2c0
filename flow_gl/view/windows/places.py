"""Where a new window opens: on a monitor without one of the program's windows, else offset from the current one."""

from collections.abc import Sequence
from typing import Final

import msgspec

from flow_gl.gl.surface import monitors
from flow_gl.ui.workspaces.tree import WindowPlace

STEP: Final = 40
"""Offset of a new window from the current one on the same monitor, in screen coordinates."""


def next_place(current: WindowPlace, others: Sequence[WindowPlace]) -> WindowPlace:
    """Return the place of a new window.

    Parameters
    ----------
    current : the window from which the new one was opened
    others : places of all windows of the program
    """
    taken = {one.monitor for one in others}
    free = next((one for one in monitors.monitors() if one.name not in taken), None)
    plain = msgspec.structs.replace(current, maximized=False, fullscreen=False)
    if free is None:
        return msgspec.structs.replace(plain, x=plain.x + STEP, y=plain.y + STEP)
    width, height = min(plain.width, int(free.work_area.width)), min(plain.height, int(free.work_area.height))
    left, top, *_ = monitors.centred(free, width, height)
    x, y = left - int(free.area.x), top - int(free.area.y)
    return msgspec.structs.replace(plain, monitor=free.name, x=x, y=y, width=width, height=height)
