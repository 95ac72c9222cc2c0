"""Shared memory on macOS and Windows: the standard library's, less its resource tracker.

The tracker would remove a segment when any reader ends (CPython 3.11), and take the picture away from under the
others. macOS lists no names, so that each is also noted as an empty file in the cache folder: an engine that was killed
leaves its memory to nobody else. On Windows memory ends with the last process that has it open.
"""

import sys
from contextlib import suppress
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path

from flow_gl.core.system.folders import cache_dir


class ForeignMemory(shared_memory.SharedMemory):
    """Memory under a name. Raises OSError or ValueError where it cannot be made or is not there.

    Parameters
    ----------
    nbytes : size of a new one; None opens what is there
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
        """Let go of it, also while arrays still look at it."""
        try:
            super().close()
        except BufferError:
            # Leave the mapping to the arrays, and close the descriptor.
            self._buf = self._mmap = None
            super().close()

    def unlink(self) -> None:
        """Remove the name."""
        if sys.platform != "win32":
            resource_tracker.register(self._name, "shared_memory")  # type: ignore[attr-defined]  # unlink unregisters
        super().unlink()
        _forget(self.name)


def names(prefix: str) -> list[str]:
    """Names that were noted and begin so."""
    with suppress(OSError):
        return sorted(path.name for path in _notes().glob(f"{prefix}*"))
    return []


def remove(name: str) -> bool:
    """Remove a name and its note; False where the memory was gone already."""
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
