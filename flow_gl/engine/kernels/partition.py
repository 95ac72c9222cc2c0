"""Sorting a batch of interleaved trades into one run per instrument, each in arrival order."""

import numpy as np
from numpy.typing import NDArray

from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import WORDS


@kernel
def find_slots_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64],
    start: int,
    stop: int,
    ids: NDArray[np.int64],
    slots: NDArray[np.int64],
    slot_of: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> int:
    """Look up each trade's slot, and count the trades per slot.

    Parameters
    ----------
    words : int64 (n * 6,), trades
    start, stop : the trades to look up, half-open
    ids, slots : int64 (power of two,), open-addressed hash table of instrument ids (-1: empty) and their slots
    slot_of : int64 (at least stop - start,), receives the slots
    counts : int64 (number of slots,), receives the number of trades per slot

    Returns
    -------
    unknown : the first instrument id that is not in the table, or -1
    """
    mask = len(ids) - 1
    counts[:] = 0
    for i in range(start, stop):
        instrument_id = (words[6 * i] >> 32) & 0xFFFFFFFF
        at = (instrument_id * 0x9E3779B1 >> 7) & mask
        while ids[at] != instrument_id:
            if ids[at] < 0:
                return int(instrument_id)
            at = (at + 1) & mask
        slot = slots[at]
        slot_of[i - start] = slot
        counts[slot] += 1
    return -1


@kernel
def scatter_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64],
    start: int,
    stop: int,
    slot_of: NDArray[np.int64],
    counts: NDArray[np.int64],
    ends: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Copy trades [start, stop) into `out`, grouped by slot, in arrival order within each.

    Parameters
    ----------
    words : int64 (n * 6,), trades
    slot_of, counts : as filled by `find_slots_nb`
    ends : int64 (number of slots,), receives the end of each slot's run, in trades
    out : int64 (at least 6 * (stop - start),), receives the trades
    """
    at = 0
    for slot in range(len(counts)):
        ends[slot] = at
        at += counts[slot]
    for i in range(start, stop):
        slot = slot_of[i - start]
        at = ends[slot]
        for word in range(WORDS):
            out[6 * at + word] = words[6 * i + word]
        ends[slot] = at + 1


class Partition:
    """Sorts batches of at most `most` trades by instrument, with reused buffers."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._ids = np.full(64, -1, np.int64)
        self._slots = np.zeros(64, np.int64)
        self._known: list[int] = []
        self._slot_of = np.zeros(most, np.int64)
        self._sorted = np.zeros(most * WORDS, np.int64)
        self._runs = self._sorted.view()
        self._runs.flags.writeable = False  # like all trades: see `Pipeline.process`

    def split(self, words: NDArray[np.int64], start: int, stop: int) -> list[tuple[int, NDArray[np.int64]]]:
        """Split trades [start, stop) of `words`, int64 (n * 6,), by instrument.

        Returns (instrument id, trades) pairs; the trades, int64 (m * 6,), are read-only and valid until the next call.
        """
        while True:
            counts = np.zeros(len(self._known), np.int64)
            unknown = find_slots_nb(words, start, stop, self._ids, self._slots, self._slot_of, counts)
            if unknown < 0:
                break
            self._add(int(unknown))
        ends = np.zeros_like(counts)
        scatter_nb(words, start, stop, self._slot_of, counts, ends, self._sorted)
        return [
            (self._known[slot], self._runs[WORDS * (ends[slot] - counts[slot]) : WORDS * ends[slot]])
            for slot in np.flatnonzero(counts)
        ]

    def _add(self, instrument_id: int) -> None:
        self._known.append(instrument_id)
        if 2 * len(self._known) > len(self._ids):
            self._ids = np.full(4 * len(self._ids), -1, np.int64)
            self._slots = np.zeros(len(self._ids), np.int64)
            fresh = range(len(self._known))
        else:
            fresh = range(len(self._known) - 1, len(self._known))
        mask = len(self._ids) - 1
        for slot in fresh:
            at = (self._known[slot] * 0x9E3779B1 >> 7) & mask
            while self._ids[at] >= 0:
                at = (at + 1) & mask
            self._ids[at], self._slots[at] = self._known[slot], slot
