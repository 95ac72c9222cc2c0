"""Ask the operating system to schedule the engine's thread soon after it wakes.

The engine sleeps for a millisecond and works for a fraction of one. If all cores are busy (a software rasteriser uses
one thread per core), it then waits for another thread's time slice to end, a few milliseconds. Linux 6.12 and later
lets a thread request shorter slices (`sched_setattr(2)`): it gets the same share of the processor, in smaller pieces
and sooner. Unlike a higher priority, that needs no privilege. On other systems nothing is requested.
"""

import ctypes
import os
import platform
import sys
from typing import Final

SLICE_NS: Final = 100_000
"""The shortest slice that can be requested."""
_SET_ATTRIBUTES: Final = {"x86_64": 314, "aarch64": 274}
"""System call number by machine: neither Python nor every C library has a wrapper for it."""
_RESET_ON_FORK: Final = 1
"""Threads started later, such as the recorder's, get ordinary slices."""


class _Attributes(ctypes.Structure):
    """`struct sched_attr`, first version, 48 bytes."""

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
    """Request short slices for the calling thread, unless the user chose a policy. Returns whether it worked."""
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
    # Passed as longs: the system call takes register-wide arguments and has no declared prototype.
    arguments = ctypes.c_long(number), ctypes.c_long(0), ctypes.byref(attributes), ctypes.c_long(0)
    return int(ctypes.CDLL(None).syscall(*arguments)) == 0
