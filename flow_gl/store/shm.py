"""Shared-memory segments that do not outlive the process that created them, even after a crash.

A name is `flowgl_<pid>_<tag>`. The creator removes its segments; the next engine that starts removes those whose
creator no longer runs. On Linux a segment is a file in /dev/shm (`mapped`), on macOS a POSIX name, and on Windows a
mapping that ends with its last handle (`foreign`).
"""

import os
import sys
from contextlib import suppress
from typing import Final, Protocol

from flow_gl.core.errors import FlowError
from flow_gl.core.system.platform.processes import is_running
from flow_gl.store import mapped

PREFIX: Final = "flowgl_"
MIN_MB: Final = 50
"""Shared memory that any chart needs, roughly; named in the error even if not even the engine's status fits."""


class SharedMemoryError(FlowError):
    """Shared memory cannot be created or no longer exists."""


class _Memory(Protocol):
    """Named memory that may be closed while arrays still refer to it."""

    @property
    def name(self) -> str: ...

    @property
    def buf(self) -> memoryview: ...

    def close(self) -> None:
        """Close it. Arrays that still refer to it keep the pages alive."""

    def unlink(self) -> None:
        """Remove the name."""


class Segment:
    """A named block of shared memory, zeroed when created."""

    def __init__(self, memory: _Memory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self.name: Final = memory.name
        self.buffer: Final = memory.buf

    @classmethod
    def create(cls, tag: str, nbytes: int) -> "Segment":
        """Create a segment owned by this process. Raises SharedMemoryError, with the size, if there is no room."""
        free = free_bytes()
        if free is not None and free < nbytes // 8:
            # Pages are allocated when first written, and a full /dev/shm kills the writer without a message (SIGBUS).
            raise SharedMemoryError(
                f"shared memory is too small: {free / 1e6:.0f} MB free in {mapped.FOLDER},"
                f" a chart needs {max(nbytes / 8e6, MIN_MB):.0f} MB (in a container: --shm-size=1g)"
            )
        name = f"{PREFIX}{os.getpid()}_{tag}"
        try:
            memory = _open(name, nbytes)
        except OSError as error:
            raise SharedMemoryError(f"cannot make a shared-memory segment of {nbytes} bytes: {error}") from error
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> "Segment":
        """Open another process's segment. Raises SharedMemoryError if it no longer exists."""
        try:
            memory = _open(name)
        except (OSError, ValueError) as error:
            raise SharedMemoryError(f"shared memory {name!r} is gone: the engine has ended") from error
        return cls(memory, owner=False)

    def close(self) -> None:
        """Close the segment; its creator also removes it. Arrays over the buffer keep the pages alive."""
        if self._owner:
            with suppress(FileNotFoundError):
                self._memory.unlink()
        self._memory.close()


def free_bytes() -> int | None:
    """Return the free space for shared memory, bytes; None if the system does not report it."""
    return mapped.free_bytes() if _is_mapped() else None


def remove_stale() -> list[str]:
    """Remove segments whose creator no longer runs; returns their names. On Windows none can be left over."""
    if sys.platform == "win32":
        return []
    if _is_mapped():
        return [name for name in mapped.names(PREFIX) if _is_stale(name) and mapped.remove(name)]
    from flow_gl.store import foreign

    return [name for name in foreign.names(PREFIX) if _is_stale(name) and foreign.remove(name)]


def _is_stale(name: str) -> bool:
    pid = name.removeprefix(PREFIX).split("_", 1)[0]
    return pid.isdigit() and not is_running(int(pid))


def _is_mapped() -> bool:
    return sys.platform == "linux" and mapped.FOLDER.is_dir()


def _open(name: str, nbytes: int | None = None) -> _Memory:
    """Open shared memory, or create it if a size is given. Raises OSError or ValueError."""
    if _is_mapped():
        return mapped.MappedFile(name, nbytes)
    from flow_gl.store.foreign import ForeignMemory

    return ForeignMemory(name, nbytes)
