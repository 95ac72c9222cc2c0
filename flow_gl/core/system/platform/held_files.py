"""Files that are held open and locked while they are written, and that may be replaced meanwhile.

Linux and macOS: an advisory lock on the file (`flock`), and a name may be given to another file while it is open.
Windows: a lock on one byte far behind the end (`LockFileEx`), so that others may read the file, and a file must be
closed before its name is given to another. Both locks end with the file's last descriptor, also by a crash.
"""

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Final

_LOCKED_AT: Final = 1 << 62
"""Offset of the byte that is locked on Windows, where locks keep others from reading what they cover."""
_FAIL_IMMEDIATELY: Final = 1
_EXCLUSIVE: Final = 2
_ERROR_LOCK_VIOLATION: Final = 33
_ERROR_IO_PENDING: Final = 997


class _Overlapped(ctypes.Structure):
    """`OVERLAPPED` of the Windows API: where in the file."""

    _fields_ = (
        ("internal", ctypes.c_void_p),
        ("internal_high", ctypes.c_void_p),
        ("offset", ctypes.c_uint32),
        ("offset_high", ctypes.c_uint32),
        ("event", ctypes.c_void_p),
    )


def open_for_update(path: Path) -> int:
    """Open a file that exists for reading and writing bytes; no child inherits the descriptor. Raises OSError."""
    if sys.platform == "win32":
        # Without O_BINARY the C library writes each line feed as two bytes.
        return os.open(path, os.O_RDWR | os.O_BINARY | os.O_NOINHERIT)
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def lock(descriptor: int, path: Path) -> None:
    """Hold a file against other writers until it is closed.

    Raises
    ------
    BlockingIOError
        Another process holds it.
    OSError
        It cannot be locked.
    """
    if sys.platform == "win32":
        _lock_on_windows(descriptor, path)
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _held(path) from error


def can_replace_open_files() -> bool:
    """Whether a name may be given to another file while this process has the file open."""
    return sys.platform != "win32"


def _lock_on_windows(descriptor: int, path: Path) -> None:
    if sys.platform != "win32":
        return
    import msvcrt

    where = _Overlapped(offset=_LOCKED_AT & 0xFFFFFFFF, offset_high=_LOCKED_AT >> 32)
    handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
    lock_file = ctypes.WinDLL("kernel32", use_last_error=True).LockFileEx
    if lock_file(handle, _EXCLUSIVE | _FAIL_IMMEDIATELY, 0, 1, 0, ctypes.byref(where)):
        return
    code = ctypes.get_last_error()
    if code in (_ERROR_LOCK_VIOLATION, _ERROR_IO_PENDING):
        raise _held(path)
    raise OSError(errno.EIO, f"cannot be locked (Windows error {code})", str(path))


def _held(path: Path) -> BlockingIOError:
    return BlockingIOError(errno.EWOULDBLOCK, "another flow-gl is writing it", str(path))
