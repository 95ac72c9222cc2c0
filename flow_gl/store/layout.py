"""Divides a buffer into rings and tables, and lists their counters: a reader sees by them whether anything is new."""

import numpy as np

from flow_gl.store.ring import HEAD_WORD, Ring
from flow_gl.store.table import Table


class StoreLayout:
    """Divides a buffer into rings and tables, each starting on its own cache line."""

    def __init__(self, buffer: memoryview | None) -> None:
        self.buffer = buffer
        self.size = 0
        self.counters: list[int] = []
        """Offsets of the rings' heads and the tables' versions, in words of eight bytes."""

    def ring(self, dtype: np.dtype, capacity: int) -> Ring:
        self.counters.append(self.size // 8 + HEAD_WORD)
        return Ring(self._take(Ring.nbytes(dtype, capacity)), dtype, capacity)

    def table(self, dtype: np.dtype) -> Table:
        self.counters.append(self.size // 8 + HEAD_WORD)
        return Table(self._take(Table.nbytes(dtype)), dtype)

    def _take(self, nbytes: int) -> memoryview:
        start = self.size
        self.size += (nbytes + 127) & ~127
        assert self.buffer is not None
        return self.buffer[start : start + nbytes]
