"""Files that stay open and locked while they are written, and that another process may replace in the meantime.

Linux and macOS use an advisory lock on the file (`flock`); an open file can be replaced. Windows uses a lock on a byte
far beyond the end (`LockFileEx`), so that other processes can read the file; a file must be closed before it is
replaced. Both locks end when the last descriptor is closed, also after a crash.
"""

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Final

_LOCKED_AT: Final = 1 << 62
"""Offset of the locked byte on Windows, where a lock prevents others from reading the locked range."""
_FAIL_IMMEDIATELY: Final = 1
_EXCLUSIVE: Final = 2
_ERROR_LOCK_VIOLATION: Final = 33
_ERROR_IO_PENDING: Final = 997


class _Overlapped(ctypes.Structure):
    """`OVERLAPPED` of the Windows API: an offset in the file."""

    _fields_ = (
        ("internal", ctypes.c_void_p),
        ("internal_high", ctypes.c_void_p),
        ("offset", ctypes.c_uint32),
        ("offset_high", ctypes.c_uint32),
        ("event", ctypes.c_void_p),
    )


def open_for_update(path: Path) -> int:
    """Open an existing file for reading and writing bytes; child processes do not inherit it. Raises OSError."""
    if sys.platform == "win32":
        # Without O_BINARY, the C library writes each line feed as two bytes.
        return os.open(path, os.O_RDWR | os.O_BINARY | os.O_NOINHERIT)
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def lock(descriptor: int, path: Path) -> None:
    """Lock a file against other writers until it is closed.

    Raises
    ------
    BlockingIOError
        Another process has locked it.
    OSError
        The file cannot be locked.
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
    """Return whether a file can be replaced while this process has it open."""
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
