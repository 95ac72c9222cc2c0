"""The engine's own measurements, and the status table that publishes them."""

import math
import os
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.outside import plain
from flow_gl.core.schema import CHARTS, STATUS, FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.base import FeedClock, FeedStatus
from flow_gl.store.market import EngineStore

RATE_WINDOW_NS: Final = SECOND_NS
"""Trades per second are counted over the last second ..."""
RATE_SLOTS: Final = 20
"""... in this many slots."""


class Rate:
    """Events per second over a sliding window of wall time."""

    def __init__(self) -> None:
        self._slot_ns: Final = RATE_WINDOW_NS // RATE_SLOTS
        self._counts: Final = [0] * RATE_SLOTS
        self._slot = 0
        self._started_ns: int | None = None

    def add(self, count: int, now_ns: int) -> None:
        """Count events at a monotonic time."""
        if self._started_ns is None:
            self._started_ns = now_ns
        self._turn(now_ns)
        self._counts[self._slot % RATE_SLOTS] += count

    def per_second(self, now_ns: int) -> float:
        """Return events per second over the last second, or since the first event if that is more recent."""
        if self._started_ns is None:
            return 0.0
        self._turn(now_ns)
        span = min(RATE_WINDOW_NS, max(now_ns - self._started_ns, self._slot_ns))
        return sum(self._counts) * 1e9 / span

    def _turn(self, now_ns: int) -> None:
        slot = now_ns // self._slot_ns
        for passed in range(min(slot - self._slot, RATE_SLOTS)):
            self._counts[(slot - passed) % RATE_SLOTS] = 0
        self._slot = slot


class StatusBoard:
    """The STATUS record being filled in; `publish` writes it to the store.

    Attributes
    ----------
    row : the record's fields, set by name
    """

    def __init__(self, store: EngineStore) -> None:
        self._store = store
        self._record: NDArray[np.void] = np.zeros(1, STATUS)
        self.row: Final[np.void] = self._record[0]
        self.row["pid"] = os.getpid()
        self.row["progress"] = math.nan
        self.row["state"] = FeedState.STARTING
        self.row["speed"] = 1.0

    @property
    def name(self) -> str:
        """Segment of the status."""
        return self._store.name

    def text(self, field: str, text: str) -> None:
        """Set a text field as one printable line, truncated between characters if it is too long."""
        limit = self._record.dtype[field].itemsize
        data = plain(text, limit).encode("utf-8")
        if len(data) > limit:
            data = data[: limit - 3].decode("utf-8", "ignore").encode("utf-8") + "…".encode()
        self.row[field] = data

    def markets(self, names: list[str]) -> None:
        """Set the charts' segment names, in chart order."""
        self.row["charts"] = len(names)
        self.row["market"] = [name.encode() for name in names] + [b""] * (CHARTS - len(names))

    def feed(self, status: FeedStatus, clock: FeedClock, requested: Sequence[str] = ()) -> None:
        """Copy the feed's status and clock, and which of the charts' symbols were not found."""
        row = self.row
        row["state"] = status.state
        row["progress"] = status.progress
        row["speed"] = status.speed
        row["attempt"] = status.attempt
        row["retry_at"] = status.retry_at
        row["reconnects"] = status.reconnects
        row["next_open"] = status.next_open
        for chart, symbol in enumerate(requested):
            row["not_found"][chart] = symbol in status.not_found
        row["lost"] = status.lost
        row["anchor_wall"] = clock.anchor_wall
        row["anchor_event"] = clock.anchor_event
        row["rate"] = clock.rate
        self.text("dataset", status.dataset)
        self.text("source", status.source)

    def publish(self, wall_ns: int) -> None:
        """Write the record, with the heartbeat."""
        self.row["heartbeat"] = wall_ns
        self._store.status.write(self._record)
