"""Shared memory on Linux: a file in /dev/shm, mapped, which is what `shm_open(3)` opens.

Python's own shared memory would start its resource tracker during startup: one more interpreter for each process that
opens a segment.
"""

import mmap
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER: Final = Path("/dev/shm")


class MappedFile:
    """A mapped file in /dev/shm. Raises OSError if it cannot be created or does not exist.

    Parameters
    ----------
    nbytes : size of a new segment, bytes; None opens an existing one
    """

    def __init__(self, name: str, nbytes: int | None = None) -> None:
        self.name: Final = name
        flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | (0 if nbytes is None else os.O_CREAT | os.O_EXCL)
        descriptor = os.open(FOLDER / name, flags, 0o600)
        try:
            if nbytes is not None:
                os.ftruncate(descriptor, nbytes)
            self._map: mmap.mmap | None = mmap.mmap(descriptor, 0)
        except BaseException:
            if nbytes is not None:
                self.unlink()
            raise
        finally:
            os.close(descriptor)
        self.buf: Final = memoryview(self._map)

    def close(self) -> None:
        """Close it. Arrays that still refer to it keep the pages alive."""
        if self._map is not None:
            # The mmap is not closed: an array may still refer to it. It is freed with the last such array.
            self._map = None
            with suppress(BufferError):
                self.buf.release()

    def unlink(self) -> None:
        """Remove the name."""
        (FOLDER / self.name).unlink()


def names(prefix: str) -> list[str]:
    """List the segments whose names begin with a prefix."""
    return sorted(path.name for path in FOLDER.glob(f"{prefix}*"))


def remove(name: str) -> bool:
    """Remove a segment; False if it no longer exists or belongs to another user."""
    try:
        (FOLDER / name).unlink()
    except OSError:
        return False
    return True


def free_bytes() -> int | None:
    """Return the free space, bytes; None if the system does not report it."""
    if sys.platform == "win32":
        return None
    try:
        status = os.statvfs(FOLDER)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize
