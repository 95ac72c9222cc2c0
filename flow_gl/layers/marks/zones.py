"""When zones end. A zone is a price or a range of prices at which something happened; price ends it by trading through.

Absorbed buying at a price ends with the first trade above it, absorbed selling with the first one below it. A stacked
imbalance ends once price has traded through all of it: at or below its lowest and at or above its highest price. Both
end where the chart continues with another contract.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from flow_gl.core.schema import EventKind
from flow_gl.layers.marks.mark import NEVER
from flow_gl.layers.marks.passage import first_passage
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.market import MarketReader, MarketStore

_MAX_NEW_ROWS: Final = 4096
_MAX_KEPT: Final = 1024


@dataclass(slots=True)
class _Zone:
    """A zone that still holds: prices (1e-9) that end it, and when they were reached."""

    start_ns: int
    low: int | None
    """Reached by a trade at or below it."""
    high: int | None
    low_ns: int | None = None
    high_ns: int | None = None

    @property
    def end_ns(self) -> int:
        low = self.low_ns if self.low is not None else 0
        high = self.high_ns if self.high is not None else 0
        return NEVER if low is None or high is None else max(low, high)


class ZoneEnds:
    """Keeps the ends of zones. A zone's end is searched for when it is first requested, then only by new trades."""

    def __init__(self) -> None:
        self._zones: dict[bytes, _Zone] = {}
        self._holding: list[_Zone] = []
        """Those that price has not ended yet: only these are compared with new trades."""
        self._store: MarketStore | None = None
        self._head = 0
        self._seen: tuple[int, int] = (0, 0)
        self.version = 0
        """Changes with every end that became known."""

    def forget(self) -> None:
        self._clear()
        self.version += 1

    def _clear(self) -> None:
        self._zones.clear()
        self._holding.clear()

    def refresh(self, reader: MarketReader) -> None:
        """Follow the trades since the last call. The work depends on the zones that still hold."""
        if reader.store is not self._store:
            self._store, self._head = reader.store, reader.heads[0]
            self.forget()
            return
        seen = reader.heads[0], reader.open_version
        if seen == self._seen:
            return
        self._seen = seen
        low, high = self._range_since(reader)
        before = self.version
        for zone in self._holding:
            if zone.low is not None and zone.low_ns is None and low <= zone.low:
                zone.low_ns = first_passage(reader, zone.start_ns, zone.low, is_up=False)
                self.version += 1
            if zone.high is not None and zone.high_ns is None and high >= zone.high:
                zone.high_ns = first_passage(reader, zone.start_ns, zone.high, is_up=True)
                self.version += 1
        if self.version != before:
            self._holding = [zone for zone in self._holding if zone.end_ns == NEVER]

    def end_of(self, reader: MarketReader, event: np.void) -> int:
        """Return the end of a zone (ns); NEVER while it holds."""
        key = event.tobytes()
        zone = self._zones.get(key)
        if zone is None:
            if len(self._zones) >= _MAX_KEPT:
                self._clear()
            zone = self._zones[key] = self._begin(reader, event)
            if zone.end_ns == NEVER:
                self._holding.append(zone)
        return min(zone.end_ns, _roll_after(reader, zone.start_ns))

    def _begin(self, reader: MarketReader, event: np.void) -> _Zone:
        price, tick_size = int(event["price"]), reader.tick_size or UNKNOWN_TICK_SIZE
        if int(event["kind"]) == EventKind.STACKED_IMBALANCE:
            zone = _Zone(int(event["ts_event"]), price, int(event["value"][0]))
        elif int(event["direction"]) > 0:
            zone = _Zone(int(event["ts_event"]), price - tick_size, None)
        else:
            zone = _Zone(int(event["ts_event"]), None, price + tick_size)
        if zone.low is not None:
            zone.low_ns = first_passage(reader, zone.start_ns, zone.low, is_up=False)
        if zone.high is not None:
            zone.high_ns = first_passage(reader, zone.start_ns, zone.high, is_up=True)
        return zone

    def _range_since(self, reader: MarketReader) -> tuple[int, int]:
        """Return the lowest and highest price of the rows since the last call, the open one included."""
        ring, head = reader.store.bubbles[0], reader.heads[0]
        first, self._head = self._head, head
        if head - first > _MAX_NEW_ROWS:
            return -NEVER, NEVER
        lows, highs = [NEVER], [-NEVER]
        for rows in ring.segments(first, head):
            lows.append(int(rows["low"].min()))
            highs.append(int(rows["high"].max()))
        bubble = reader.open_bubble(0)
        if bubble is not None:
            lows.append(int(bubble["low"]))
            highs.append(int(bubble["high"]))
        return min(lows), max(highs)


def _roll_after(reader: MarketReader, t_ns: int) -> int:
    """Return when the chart went on with another contract after a time; NEVER if it did not."""
    for roll in reader.rolls:
        if int(roll["first_ts"]) > t_ns:
            return int(roll["first_ts"])
    return NEVER
