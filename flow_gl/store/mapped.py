"""Shared memory on Linux: a file in /dev/shm, mapped, which is what `shm_open(3)` opens.

Python's own shared memory would start its resource tracker, one more interpreter for each process that touches a
segment, in the middle of the start.
"""

import mmap
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER: Final = Path("/dev/shm")


class MappedFile:
    """A file in /dev/shm, mapped. Raises OSError where it cannot be made or is not there.

    Parameters
    ----------
    nbytes : size of a new one; None opens what is there
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
        """Let go of it; what looks at it keeps the pages."""
        if self._map is not None:
            # Not closed itself: an array may look at it. The last one that does takes the mapping along.
            self._map = None
            with suppress(BufferError):
                self.buf.release()

    def unlink(self) -> None:
        """Remove the name."""
        (FOLDER / self.name).unlink()


def names(prefix: str) -> list[str]:
    """Names of the segments that begin so."""
    return sorted(path.name for path in FOLDER.glob(f"{prefix}*"))


def remove(name: str) -> bool:
    """Remove a name; False where it is gone already or another user's."""
    try:
        (FOLDER / name).unlink()
    except OSError:
        return False
    return True


def free_bytes() -> int | None:
    """Room in bytes; None where the system does not say."""
    if sys.platform == "win32":
        return None
    try:
        status = os.statvfs(FOLDER)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize
