"""Decoded blocks of a replay's index: the newest few are kept, and others are decoded ahead on threads.

A seek needs one or two blocks. Decompressing them needs no interpreter lock, so it happens while rows are filled in.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from flow_gl.core.items import Item

_KEPT: Final = 4
"""Blocks that are kept: of 6 MB at most each."""
_THREADS: Final = 2


class Blocks:
    """The blocks of one index, by segment and number.

    Parameters
    ----------
    decode : returns a block's items; called on any thread
    """

    def __init__(self, decode: Callable[[int, int], list[Item]]) -> None:
        self._decode: Final = decode
        self._lock: Final = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._found: Final[dict[tuple[int, int], Future[list[Item]]]] = {}
        """Oldest first."""

    def decode_ahead(self, segment: int, block: int) -> None:
        """Begin to decode a block, unless it is kept."""
        self._find(segment, block)

    def items(self, segment: int, block: int) -> list[Item]:
        """Return a block's items, which must not be changed. Raises what `decode` raises."""
        found = self._find(segment, block)
        try:
            return found.result()
        except BaseException:
            with self._lock:
                self._found.pop((segment, block), None)
            raise

    def close(self) -> None:
        """Drop all blocks and end the threads. Idempotent."""
        with self._lock:
            pool, self._pool = self._pool, None
            self._found.clear()
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _find(self, segment: int, block: int) -> "Future[list[Item]]":
        with self._lock:
            found = self._found.pop((segment, block), None)
            if found is None:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="blocks")
                found = self._pool.submit(self._decode, segment, block)
            self._found[segment, block] = found
            while len(self._found) > _KEPT:
                del self._found[next(iter(self._found))]
            return found
