"""The board in shared memory on which the windows link their charts (`ui.state.links`).

It has one table per window, which that window alone writes, so no window waits for another one and none can damage
another one's record. Once per frame a window compares the tables' versions, reads the records that changed, and writes
its own if that changed.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.store.ring import HEAD_WORD
from flow_gl.store.shm import Segment
from flow_gl.store.table import Table
from flow_gl.ui import scenes
from flow_gl.ui.state.link_groups import GROUPS
from flow_gl.ui.state.links import (
    MAX_SLOTS,
    CrosshairLink,
    GroupLink,
    Links,
    TimeLink,
    UnitLink,
    WindowLinks,
)
from flow_gl.view.frame_loop import FrameLoop

_GROUP: Final = np.dtype(
    [
        ("stamp", np.int64),
        ("has_charts", np.int64),
        ("is_fixed", np.int64),
        ("low", np.float64),
        ("high", np.float64),
        ("middle", np.float64),
        ("span", np.float64),
    ]
)
RECORD: Final = np.dtype(
    [
        (
            "time",
            [
                ("stamp", np.int64),
                ("span_ns", np.float64),
                ("edge_ns", np.int64),
                ("is_growing", np.int64),
                ("folding", np.int64),
            ],
        ),
        ("unit", [("stamp", np.int64), ("unit", np.int64)]),
        ("crosshair", [("stamp", np.int64), ("at_ns", np.int64), ("group", np.int64), ("height", np.float64)]),
        *((name, _GROUP) for name in GROUPS),
    ]
)
"""A window's record, a `WindowLinks`."""
_STRIDE: Final = Table.nbytes(RECORD)
_NO_CROSSHAIR: Final = (0, 0, -1.0)


class LinkBoard:
    """The board as one window uses it.

    Parameters
    ----------
    segment : of `LinkBoard.nbytes()`; `close` closes it
    slot : number of the window's table

    Attributes
    ----------
    links : what the frame needs of the board
    """

    def __init__(self, segment: Segment, slot: int) -> None:
        self._segment: Final = segment
        buffer = segment.buffer
        self._tables: Final = [Table(buffer[at * _STRIDE : (at + 1) * _STRIDE], RECORD) for at in range(MAX_SLOTS)]
        words = np.frombuffer(buffer, np.int64, count=self.nbytes() // 8)
        self._heads: Final[NDArray[np.int64]] = words.reshape(MAX_SLOTS, _STRIDE // 8)[:, HEAD_WORD]
        """The version of each table, in place."""
        self._known = [0] * MAX_SLOTS
        self._others: Final[dict[int, WindowLinks]] = {}
        self._written: WindowLinks | None = None
        self._record: Final[NDArray[np.void]] = np.zeros(1, RECORD)
        self._read: Final[NDArray[np.void]] = np.zeros(1, RECORD)
        self.links: Final = Links(slot)

    @staticmethod
    def nbytes() -> int:
        return MAX_SLOTS * _STRIDE

    @property
    def name(self) -> str:
        """Name of the segment, for `Segment.attach`."""
        return self._segment.name

    def exchange(self, loop: FrameLoop) -> None:
        """Take over what other windows have changed, and publish this window's changes."""
        heads = self._heads.tolist()
        if heads != self._known and self._read_changed(heads):
            self.links.see(self._others)
            loop.wake("links")
        crosshair = _NO_CROSSHAIR if loop.frame is None else scenes.own_crosshair(loop.frame.charts, loop.state)
        own = self.links.exchange(loop.state, crosshair)
        if own is not self._written and own != self._written:
            self._written = own
            self._record[0] = (own.time, own.unit, own.crosshair, *own.groups)
            self._tables[self.links.slot].write(self._record)

    def clear(self, slot: int) -> None:
        """Empty the record of a window whose process has ended."""
        self._tables[slot].write(np.zeros(1, RECORD))

    def close(self) -> None:
        """Close the segment; the main window's process also removes it."""
        self._segment.close()

    def _read_changed(self, heads: list[int]) -> bool:
        """Read the records whose versions changed. Returns whether one of another window did."""
        is_new = False
        for slot, (head, known) in enumerate(zip(heads, self._known, strict=True)):
            if head != known and slot != self.links.slot:
                self._tables[slot].read(self._read)
                self._others[slot] = _links_of(self._read[0].item())
                is_new = True
        self._known = heads
        return is_new


def _links_of(record: tuple[tuple[float, ...], ...]) -> WindowLinks:
    time, unit, crosshair, *groups = record
    return WindowLinks(
        TimeLink._make(time),
        UnitLink._make(unit),
        CrosshairLink._make(crosshair),
        tuple(GroupLink._make(group) for group in groups),
    )
