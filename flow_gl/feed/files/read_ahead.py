"""Decompress ahead on a thread while the consumer aggregates: zstd releases the interpreter lock, so both get a core.

An exception of the source is raised to the consumer after everything that preceded it. Closing the generator stops the
thread before it returns, so that the file may be closed afterwards.
"""

from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import Final

_BATCH_BYTES: Final = 1 << 19
_BATCHES: Final = 8
"""Most batches waiting: 4 MiB, about 90 thousand trades."""


class _End:
    """The source is exhausted."""


def read_ahead(chunks: Iterator[bytes]) -> Generator[bytes]:
    """Yield the same chunks, produced on a thread that starts with the first request."""
    waiting: Queue[list[bytes] | BaseException | _End] = Queue(_BATCHES)
    is_stopped = Event()

    def work() -> None:
        batch: list[bytes] = []
        size = 0
        end: BaseException | _End = _End()
        try:
            for chunk in chunks:
                batch.append(chunk)
                size += len(chunk)
                if size >= _BATCH_BYTES:
                    waiting.put(batch)
                    batch, size = [], 0
                if is_stopped.is_set():
                    return
        except BaseException as error:
            end = error
        waiting.put(batch)
        waiting.put(end)

    thread = Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            taken = waiting.get()
            if isinstance(taken, list):
                yield from taken
            elif isinstance(taken, _End):
                return
            else:
                raise taken
    finally:
        is_stopped.set()
        while thread.is_alive():
            with suppress(Empty):  # the thread may be waiting for room in the queue
                waiting.get_nowait()
            thread.join(0.001)
