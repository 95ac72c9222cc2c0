"""The position of one client in a stream of appended rows, and what to send it next.

A live client receives the rows of each tick together with all others. A client that has just subscribed or has fallen
behind receives its own blocks until it is live: the newest rows, or those that it missed. History follows.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Cause, Part
from flow_gl.protocol.messages import Position
from flow_gl.streams.appended import AppendedStream

MAX_RESUMED: Final = 1 << 14
"""A slow client that missed more rows than this starts again from the newest."""


class Place:
    """The position of one client in one stream: it has been sent the rows [first, next).

    Parameters
    ----------
    span_ns : length of history requested, ns; None for all
    chunk : rows in a block of history
    screen : approximate number of rows in the first block
    """

    __slots__ = (
        "_cause",
        "_chunk",
        "_missed",
        "_oldest",
        "_screen",
        "_span_ns",
        "_starts",
        "first",
        "has_history",
        "is_live",
        "next",
        "stream",
    )

    def __init__(self, stream: AppendedStream, *, span_ns: int | None, chunk: int, screen: int) -> None:
        self.stream: Final = stream
        self._span_ns: Final = span_ns
        self._chunk: Final = chunk
        self._screen: Final = screen
        self.first = self.next = 0
        self._oldest = 0
        self._cause = Cause.SUBSCRIBED
        self._missed = 0
        self._starts = True
        self.is_live = False
        self.has_history = False

    def restart(self, cause: Cause, missed: int = 0) -> None:
        """Start again from the newest rows."""
        self._starts, self._cause, self._missed = True, cause, self._missed + missed
        self.is_live = self.has_history = False

    def resume(self, position: Position) -> None:
        """Continue from the rows that the client has, if possible."""
        stream = self.stream
        if (position.epoch, position.revision) != (stream.chart.epoch, stream.revision):
            is_same_run = position.epoch == stream.chart.epoch
            self.restart(Cause.REPLACED if is_same_run else Cause.NEW_EPOCH)
        elif not position.first <= position.next <= stream.position:
            self.restart(Cause.NEW_EPOCH)
        elif position.next < stream.oldest:
            self.restart(Cause.LAPPED, stream.oldest - position.next)
        else:
            self._starts, self._cause = False, Cause.SUBSCRIBED
            self.first, self.next = position.first, position.next
            self._look_back()

    def fall_behind(self, at: int) -> None:
        """Note that rows from `at` on were dropped from the client's queue."""
        if self.is_live:
            self.is_live, self._starts, self.next, self._cause = False, False, at, Cause.SLOW

    @property
    def is_resuming(self) -> bool:
        """Whether the next block holds rows that the client missed, rather than the newest rows."""
        return not self._starts

    def catch_up(self) -> Rows | None:
        """Return the next block for a client that is not live; None if it is live."""
        if self.is_live:
            return None
        stream = self.stream
        if not self._starts and self._cause is Cause.SLOW:
            self._missed = stream.position - self.next
            self._starts = self._missed > MAX_RESUMED
        if not self._starts:
            first, rows = stream.read(self.next, min(stream.position, self.next + self._chunk))
            if first == self.next:
                block = self._block(first, rows, Part.RESUMED)
                self.next = block.next
                self._become_live()
                return block
            self.restart(Cause.LAPPED, first - self.next)
        # The boundary moves in steps, so that clients that connect shortly after each other share the encoded block.
        start = max(stream.oldest, (stream.position - self._screen) // self._screen * self._screen, 0)
        start = max(start, stream.since(self._span_ns)) if self._span_ns is not None else start
        first, rows = stream.read(start, stream.position)
        self.first = first
        self._oldest = min(first, stream.since(self._span_ns))
        block = self._block(first, rows, Part.NEWEST)
        self.next, self._starts = stream.position, False
        self._become_live()
        self.has_history = self.first > self._oldest
        return block

    def history(self) -> Rows | None:
        """Return the next older block; None if history is complete."""
        if not self.has_history or not self.is_live:
            return None
        stream = self.stream
        start = max(self._oldest, (self.first - 1) // self._chunk * self._chunk)
        first, rows = stream.read(start, self.first)
        if first > start:
            # The oldest rows have been overwritten in the meantime: history ends here.
            self._oldest = first = min(first, self.first)
        block = self._block(first, rows, Part.HISTORY)
        self.first = first
        self.has_history = first > self._oldest
        return block

    def _look_back(self) -> None:
        self._oldest = min(self.first, self.stream.since(self._span_ns))
        self.has_history = self.first > self._oldest

    def _become_live(self) -> None:
        if self.next >= self.stream.position:
            self.is_live, self._missed, self._cause = True, 0, Cause.SUBSCRIBED

    def _block(self, first: int, rows: NDArray[np.void], part: Part) -> Rows:
        cause = Cause.NONE if part is Part.HISTORY else self._cause
        missed = 0 if part is Part.HISTORY else self._missed
        return self.stream.block(first, rows, part, cause=cause, oldest=self._oldest, missed=missed)
