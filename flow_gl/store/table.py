"""Table: one record that still changes (the open bubble, the profile, a status), copied as a whole under a version.

It is a ring of two rows of which readers use only the newest. The writer fills the other row and then publishes it, so
a reader never waits, not even for a writer that died in the middle of a write.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.store.ring import HEADER_BYTES, Ring


class Table:
    """One record of `dtype` over a buffer; one writer, many readers."""

    def __init__(self, buffer: memoryview, dtype: np.dtype) -> None:
        self._ring = Ring(buffer, dtype, 2)
        self.dtype: Final = dtype
        self._written: NDArray[np.void] | None = None
        self._raw: NDArray[np.void] = np.zeros(1, f"V{dtype.itemsize}")

    @staticmethod
    def nbytes(dtype: np.dtype) -> int:
        return HEADER_BYTES + 2 * dtype.itemsize

    @property
    def version(self) -> int:
        """Number of times the record was written; 0 before the first."""
        return self._ring.head

    def write(self, record: NDArray[np.void]) -> None:
        """Publish a record, an array of `dtype`, shape (1,). Raises TypeError for any other array."""
        if record is not self._written:
            # Writers pass the same array every time, and creating its byte view takes longer than copying it.
            if record.dtype != self.dtype or record.shape != (1,):
                raise TypeError(f"expected one record of {self.dtype}, was {record.dtype} of shape {record.shape}")
            self._written, self._raw = record, record.view(self._raw.dtype)
        self._ring.append_raw(self._raw)

    def read(self, out: NDArray[np.void]) -> int:
        """Copy the newest record into `out` (shape (1,)) and return its version; 0 and no copy before the first."""
        while True:
            version = self._ring.head
            if version == 0:
                return 0
            self._ring.copy_row(version - 1, out)
            if self._ring.claimed <= version + 1:
                return version


class TableCopy:
    """A copy of a table's newest record, updated when the table's version changes."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.record: NDArray[np.void] = np.zeros(1, table.dtype)
        self.row: np.void = self.record[0]
        """The record in place: it changes with `refresh`."""
        self.version = 0

    def refresh(self) -> bool:
        if self._table.version == self.version:
            return False
        self.version = self._table.read(self.record)
        return True
