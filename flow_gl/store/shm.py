"""Shared-memory segments that are gone when their maker is, also after a crash.

A name is `flowgl_<pid>_<tag>`. Whoever makes a segment removes it; segments whose maker no longer runs are removed
by the next engine that starts. Python's resource tracker is told nothing: it would remove a segment when any reader
ends (CPython 3.11), and take the picture away from under the other screens. On Linux it is not even started: it is
one more interpreter for each process that touches a segment, in the middle of the start, and a segment there is a file
in /dev/shm, mapped (`shm_open(3)` opens just that).
"""

import mmap
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from flow_gl.core.errors import FlowError

PREFIX: Final = "flowgl_"
LEAST_MB: Final = 50
"""Of shared memory that any chart needs, about: said also where there is not even room for the engine's status."""
_SHM_DIR: Final = Path("/dev/shm")


class SharedMemoryError(FlowError):
    """Shared memory cannot be had or is gone."""


class _Memory(Protocol):
    """Memory under a name, which may be let go of while arrays still look at it."""

    @property
    def name(self) -> str: ...

    @property
    def buf(self) -> memoryview: ...

    def close(self) -> None:
        """Let go of it; what looks at it keeps the pages."""

    def unlink(self) -> None:
        """Remove the name."""


class _MappedFile:
    """A file in /dev/shm, mapped. Raises OSError where it cannot be made or is not there.

    Parameters
    ----------
    nbytes : size of a new one; None opens what is there
    """

    def __init__(self, name: str, nbytes: int | None = None) -> None:
        self.name: Final = name
        flags = os.O_RDWR | os.O_NOFOLLOW | (0 if nbytes is None else os.O_CREAT | os.O_EXCL)
        descriptor = os.open(_SHM_DIR / name, flags, 0o600)
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
        if self._map is not None:
            # Not closed itself: an array may look at it. The last one that does takes the mapping along.
            self._map = None
            with suppress(BufferError):
                self.buf.release()

    def unlink(self) -> None:
        (_SHM_DIR / self.name).unlink()


class Segment:
    """A named piece of shared memory, zeroed when new."""

    def __init__(self, memory: _Memory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self.name: Final = memory.name
        self.buffer: Final = memory.buf

    @classmethod
    def create(cls, tag: str, nbytes: int) -> "Segment":
        """Make a segment of this process. Raises SharedMemoryError with the size where there is no room."""
        free = free_bytes()
        if free is not None and free < nbytes // 8:
            # Pages are taken when they are first written, and a full /dev/shm kills the writer without a word.
            raise SharedMemoryError(
                f"shared memory is too small: {free / 1e6:.0f} MB free in {_SHM_DIR},"
                f" a chart needs {max(nbytes / 8e6, LEAST_MB):.0f} MB (in a container: --shm-size=1g)"
            )
        name = f"{PREFIX}{os.getpid()}_{tag}"
        try:
            memory = _open(name, nbytes)
        except OSError as error:
            raise SharedMemoryError(f"cannot make a shared-memory segment of {nbytes} bytes: {error}") from error
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> "Segment":
        """Open another process's segment. Raises SharedMemoryError where it is gone."""
        try:
            memory = _open(name)
        except (OSError, ValueError) as error:
            raise SharedMemoryError(f"shared memory {name!r} is gone: the engine has ended") from error
        return cls(memory, owner=False)

    def close(self) -> None:
        """Let go of it; the maker also removes it. Arrays over the buffer keep the pages until they are gone."""
        if self._owner:
            with suppress(FileNotFoundError):
                self._memory.unlink()
        self._memory.close()


def free_bytes() -> int | None:
    """Room for shared memory in bytes; None where the system does not say."""
    try:
        status = os.statvfs(_SHM_DIR)
    except (OSError, AttributeError):
        return None
    return status.f_bavail * status.f_frsize


def remove_stale() -> list[str]:
    """Remove segments whose maker no longer runs; the names removed. Linux only: elsewhere none can be listed."""
    removed = []
    for path in _SHM_DIR.glob(f"{PREFIX}*") if _SHM_DIR.is_dir() else ():
        pid = path.name.removeprefix(PREFIX).split("_", 1)[0]
        if pid.isdigit() and not _is_running(int(pid)):
            with suppress(OSError):
                path.unlink()
                removed.append(path.name)
    return removed


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _open(name: str, nbytes: int | None = None) -> _Memory:
    """Open shared memory, or make it where a size is given. Raises OSError or ValueError."""
    if _SHM_DIR.is_dir():
        return _MappedFile(name, nbytes)
    from flow_gl.store.foreign import ForeignMemory

    return ForeignMemory(name, nbytes)
