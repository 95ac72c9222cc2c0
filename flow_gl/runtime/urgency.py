"""Asks the system to run the engine's thread soon after it wakes.

The engine sleeps a millisecond and works a fraction of one. Where all cores are busy (a software rasteriser has a
thread for each) it then waits until somebody's time slice is over, some milliseconds. Linux lets every thread ask for
shorter slices than the others' (6.12 and later, `sched_setattr(2)`): it gets no more of the processor, but its share in
smaller pieces and sooner. That needs no privilege, unlike a higher priority. Elsewhere nothing is asked.
"""

import ctypes
import os
import platform
import sys
from typing import Final

SLICE_NS: Final = 100_000
"""The shortest that can be asked for."""
_SET_ATTRIBUTES: Final = {"x86_64": 314, "aarch64": 274}
"""Number of the system call by machine: neither Python nor all C libraries have a function for it."""
_RESET_ON_FORK: Final = 1
"""Threads that are started later, the recorder's, have ordinary slices."""


class _Attributes(ctypes.Structure):
    """`struct sched_attr` in its first version, 48 bytes."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def ask_for_short_slices() -> bool:
    """Ask it for the calling thread; whether the system took it. A policy that the user has chosen is left alone."""
    if sys.platform != "linux":
        return False
    number = _SET_ATTRIBUTES.get(platform.machine())
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes),
        policy=os.SCHED_OTHER,
        flags=_RESET_ON_FORK,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime=SLICE_NS,
    )
    # As longs: the call takes registers' width, and its arguments are not declared anywhere.
    arguments = ctypes.c_long(number), ctypes.c_long(0), ctypes.byref(attributes), ctypes.c_long(0)
    return int(ctypes.CDLL(None).syscall(*arguments)) == 0
