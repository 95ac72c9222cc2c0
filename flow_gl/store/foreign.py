"""Shared memory on macOS and Windows: the standard library's, without its resource tracker.

The tracker would remove a segment as soon as any reader exits (CPython 3.11), while the others still use it. macOS
cannot list shared-memory names, so each name is also recorded as an empty file in the cache folder; the next engine
then finds the segments of an engine that was killed. On Windows memory is freed with the last process that has it open.
"""

import sys
from contextlib import suppress
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path

from flow_gl.core.system.folders import cache_dir


class ForeignMemory(shared_memory.SharedMemory):
    """Named shared memory. Raises OSError or ValueError if it cannot be created or does not exist.

    Parameters
    ----------
    nbytes : size of a new segment, bytes; None opens an existing one
    """

    def __init__(self, name: str, nbytes: int | None = None) -> None:
        is_new = nbytes is not None
        if is_new:
            _note(name)
        try:
            super().__init__(name, create=is_new, size=nbytes or 0)
        except BaseException:
            if is_new:
                _forget(name)
            raise
        if sys.platform != "win32":
            resource_tracker.unregister(self._name, "shared_memory")  # type: ignore[attr-defined]  # no public name

    @property
    def buf(self) -> memoryview:
        """The memory, until it is closed."""
        return super().buf  # type: ignore[return-value]  # None only once closed

    def close(self) -> None:
        """Close it, even while arrays still refer to it."""
        try:
            super().close()
        except BufferError:
            # The arrays keep the mapping; close only the descriptor.
            self._buf = self._mmap = None
            super().close()

    def unlink(self) -> None:
        """Remove the name."""
        if sys.platform != "win32":
            resource_tracker.register(self._name, "shared_memory")  # type: ignore[attr-defined]  # unlink unregisters
        super().unlink()
        _forget(self.name)


def names(prefix: str) -> list[str]:
    """List the recorded names that begin with a prefix."""
    with suppress(OSError):
        return sorted(path.name for path in _notes().glob(f"{prefix}*"))
    return []


def remove(name: str) -> bool:
    """Remove a segment and its record; False if the memory no longer exists."""
    try:
        memory = ForeignMemory(name)
    except (OSError, ValueError):
        return False
    finally:
        _forget(name)
    memory.unlink()
    memory.close()
    return True


def _notes() -> Path:
    return cache_dir() / "segments"


def _note(name: str) -> None:
    with suppress(OSError):
        _notes().mkdir(parents=True, exist_ok=True)
        (_notes() / name).touch()


def _forget(name: str) -> None:
    with suppress(OSError):
        (_notes() / name).unlink()
