"""Shared-memory segments that are gone when their maker is, also after a crash.

A name is `flowgl_<pid>_<tag>`. Whoever makes a segment removes it; segments whose maker no longer runs are removed
by the next engine that starts. Python's resource tracker is told nothing: it would remove a segment when any reader
ends (CPython 3.11), and take the picture away from under the other screens.
"""

import os
from contextlib import suppress
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import Final

from flow_gl.core.errors import FlowError

PREFIX: Final = "flowgl_"
_SHM_DIR: Final = Path("/dev/shm")


class SharedMemoryError(FlowError):
    """Shared memory cannot be had or is gone."""


class _Memory(shared_memory.SharedMemory):
    """Shared memory that may be let go of, also by the garbage collector, while arrays still look at it."""

    def close(self) -> None:
        try:
            super().close()
        except BufferError:
            # Leave the mapping to the arrays, and close the descriptor.
            self._buf = self._mmap = None
            super().close()


class Segment:
    """A named piece of shared memory, zeroed when new."""

    def __init__(self, memory: shared_memory.SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self.name: Final = memory.name
        self.buffer: Final[memoryview] = memory.buf  # type: ignore[assignment]  # None only once closed

    @classmethod
    def create(cls, tag: str, nbytes: int) -> "Segment":
        """Make a segment of this process. Raises SharedMemoryError with the size where there is no room."""
        free = free_bytes()
        if free is not None and free < nbytes // 8:
            # Pages are taken when they are first written, and a full /dev/shm kills the writer without a word.
            raise SharedMemoryError(
                f"shared memory is too small: {free / 1e6:.0f} MB free in {_SHM_DIR},"
                f" a chart needs {nbytes / 8e6:.0f} MB (in a container: --shm-size=1g)"
            )
        name = f"{PREFIX}{os.getpid()}_{tag}"
        try:
            memory = _Memory(name, create=True, size=nbytes)
        except OSError as error:
            raise SharedMemoryError(f"cannot make a shared-memory segment of {nbytes} bytes: {error}") from error
        _untrack(memory)
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> "Segment":
        """Open another process's segment. Raises SharedMemoryError where it is gone."""
        try:
            memory = _Memory(name)
        except (OSError, ValueError) as error:
            raise SharedMemoryError(f"shared memory {name!r} is gone: the engine has ended") from error
        _untrack(memory)
        return cls(memory, owner=False)

    def close(self) -> None:
        """Let go of it; the maker also removes it. Arrays over the buffer keep the pages until they are gone."""
        if self._owner:
            with suppress(FileNotFoundError):
                _unlink(self._memory)
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


def _untrack(memory: shared_memory.SharedMemory) -> None:
    if os.name == "posix":
        resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]  # no public name


def _unlink(memory: shared_memory.SharedMemory) -> None:
    if os.name == "posix":
        resource_tracker.register(memory._name, "shared_memory")  # type: ignore[attr-defined]  # unlink unregisters
    memory.unlink()
