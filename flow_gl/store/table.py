"""Table: one record that still changes (the open bubble, the profile, a status), copied whole under a version.

It is a ring of two rows of which readers want only the newest: the writer fills the row that nobody is sent to and
then publishes it, so a reader is never held up, not even by a writer that died half-way.
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
        """How often it was written; 0 before the first time."""
        return self._ring.head

    def write(self, record: NDArray[np.void]) -> None:
        """Publish a record: an array of `dtype` of shape (1,)."""
        if record is not self._written:
            # Writers hand in the same array again and again; to look at it as bytes takes longer than to copy it.
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
