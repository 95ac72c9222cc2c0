"""Shared memory where it is no file: macOS, Windows. The standard library's, less its resource tracker (see `shm`)."""

import os
from multiprocessing import resource_tracker, shared_memory


class ForeignMemory(shared_memory.SharedMemory):
    """Memory under a name. Raises OSError or ValueError where it cannot be made or is not there.

    Parameters
    ----------
    nbytes : size of a new one; None opens what is there
    """

    def __init__(self, name: str, nbytes: int | None = None) -> None:
        super().__init__(name, create=nbytes is not None, size=nbytes or 0)
        if os.name == "posix":
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
        if os.name == "posix":
            resource_tracker.register(self._name, "shared_memory")  # type: ignore[attr-defined]  # unlink unregisters
        super().unlink()
