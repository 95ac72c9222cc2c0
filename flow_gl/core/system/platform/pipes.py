"""Pipes to and from another process that never block the caller.

One thread per pipe does the blocking calls, on every system: on Windows, pipes cannot be made non-blocking before
Python 3.12, and `select` does not support them.
"""

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

_CHUNK: Final = 65536
_MAX_CHUNKS: Final = 64
"""Maximum number of chunks waiting for `PipeReader.take`: 4 MB; beyond that, the other process has to wait."""
_LOOKS: Final = 50
"""How often `PipeReader.wait_for_end` makes space for the thread."""
_MAX_WAITING: Final = 256
"""Maximum number of messages waiting to be written; further ones are dropped."""


class PipeReader:
    """Reads a pipe in a thread.

    Parameters
    ----------
    pipe : binary and unbuffered; closed by `close`
    on_bytes : called in the thread with what was read; `take` then returns nothing
    """

    def __init__(self, pipe: IO[bytes], *, name: str, on_bytes: Callable[[bytes], None] | None = None) -> None:
        self._pipe: Final = pipe
        self._on_bytes: Final = on_bytes
        self._chunks: Final[queue.Queue[bytes]] = queue.Queue(_MAX_CHUNKS)
        self._gathered: list[bytes] = []
        self._is_closed = False
        self._thread: Final = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_ended(self) -> bool:
        """True if the other end is closed and everything was read; `take` may still return some of it."""
        return not self._thread.is_alive()

    def take(self) -> bytes:
        """Return everything received since the last call, without waiting."""
        self._gather()
        found, self._gathered = self._gathered, []
        return b"".join(found)

    def wait_for_end(self, timeout_s: float) -> None:
        """Wait until everything is read, after the other process has ended."""
        for _ in range(_LOOKS):
            self._gather()
            self._thread.join(timeout_s / _LOOKS)
            if self.is_ended:
                break

    def _gather(self) -> None:
        while not self._chunks.empty():  # only this method takes chunks
            self._gathered.append(self._chunks.get_nowait())

    def close(self) -> None:
        """Release the pipe. Idempotent."""
        self._is_closed = True
        self.take()
        with suppress(OSError):
            self._pipe.close()

    def _run(self) -> None:
        with suppress(OSError, ValueError):  # ValueError: closed in the meantime
            while not self._is_closed and (chunk := os.read(self._pipe.fileno(), _CHUNK)):
                (self._on_bytes or self._chunks.put)(chunk)


class PipeWriter:
    """Writes messages to a pipe in a thread, in order.

    Parameters
    ----------
    pipe : binary and unbuffered; closed after `close`, when everything is written
    """

    def __init__(self, pipe: IO[bytes], *, name: str) -> None:
        self._pipe: Final = pipe
        self._waiting: Final[queue.Queue[bytes | None]] = queue.Queue(_MAX_WAITING)
        self._is_open = True
        self._thread: Final = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, message: bytes) -> bool:
        """Queue a message; return False if it is dropped because the queue is full or the reader is gone."""
        if not self._is_open:
            return False
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """Close the pipe once all queued messages are written. Returns immediately. Idempotent."""
        self._is_open = False
        with suppress(queue.Full):
            self._waiting.put_nowait(None)

    def wait_for_end(self, timeout_s: float) -> None:
        """Wait until the pipe is closed, after `close`."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            # If the queue had no room for the end marker, nothing follows the last line.
            while (message := self._next()) is not None:
                view = memoryview(message)
                while view:
                    view = view[os.write(self._pipe.fileno(), view) :]
        except (OSError, ValueError):
            self._is_open = False
        finally:
            with suppress(OSError):
                self._pipe.close()

    def _next(self) -> bytes | None:
        if self._is_open:
            return self._waiting.get()
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return None
