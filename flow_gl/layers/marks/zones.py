"""When zones end. A zone is a price or a range of prices at which something happened; price ends it by trading through.

Absorbed buying at a price ends with the first trade above it, absorbed selling with the first one below it. A stacked
imbalance ends once price has traded through all of it: at or below its lowest and at or above its highest price. Both
end where the chart continues with another contract.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from flow_gl.core.event_kinds import EventKind
from flow_gl.layers.marks.mark import NEVER
from flow_gl.layers.marks.passage import first_passages
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.market import MarketReader, MarketStore

_MAX_NEW_ROWS: Final = 4096
_MAX_KEPT: Final = 1024


@dataclass(slots=True)
class _Zone:
    """A zone that has not ended: prices (1e-9) that end it, and when they were reached."""

    start_ns: int
    low: int | None
    """Reached by a trade at or below it."""
    high: int | None
    low_ns: int | None = None
    high_ns: int | None = None

    @property
    def lacks_low(self) -> bool:
        """Whether a trade at or below it is still awaited."""
        return self.low is not None and self.low_ns is None

    @property
    def lacks_high(self) -> bool:
        """Whether a trade at or above it is still awaited."""
        return self.high is not None and self.high_ns is None

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
        """Follow the trades since the last call. The cost depends on the zones that have not ended."""
        if reader.store is not self._store:
            self._store, self._head = reader.store, reader.heads[0]
            self.forget()
            return
        seen = reader.heads[0], reader.open_version
        if seen == self._seen:
            return
        self._seen = seen
        low, high = self._range_since(reader)
        fallen = [zone for zone in self._holding if zone.lacks_low and zone.low is not None and low <= zone.low]
        risen = [zone for zone in self._holding if zone.lacks_high and zone.high is not None and high >= zone.high]
        if fallen or risen:
            _search(reader, fallen, risen)
            self.version += 1
            self._holding = [zone for zone in self._holding if zone.end_ns == NEVER]

    def begin(self, reader: MarketReader, events: Iterable[np.void]) -> None:
        """Search for the ends of zones that `end_of` will be asked for, all at once."""
        new = {key: event for event in events if (key := event.tobytes()) not in self._zones}
        if len(self._zones) + len(new) > _MAX_KEPT:
            self._clear()
        zones = [_zone(event, reader.tick_size or UNKNOWN_TICK_SIZE) for event in new.values()]
        _search(reader, [zone for zone in zones if zone.lacks_low], [zone for zone in zones if zone.lacks_high])
        self._zones.update(zip(new, zones, strict=True))
        self._holding += [zone for zone in zones if zone.end_ns == NEVER]

    def end_of(self, reader: MarketReader, event: np.void) -> int:
        """Return the end of a zone (ns); NEVER while it has not ended."""
        key = event.tobytes()
        if key not in self._zones:
            self.begin(reader, [event])
        zone = self._zones[key]
        return min(zone.end_ns, _roll_after(reader, zone.start_ns))

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


def _zone(event: np.void, tick_size: int) -> _Zone:
    """Return the zone that an event begins, whose end is not known yet."""
    start_ns, price = int(event["ts_event"]), int(event["price"])
    if int(event["kind"]) == EventKind.STACKED_IMBALANCE:
        return _Zone(start_ns, price, int(event["value"][0]))
    if int(event["direction"]) > 0:
        return _Zone(start_ns, price - tick_size, None)
    return _Zone(start_ns, None, price + tick_size)


def _search(reader: MarketReader, lows: Sequence[_Zone], highs: Sequence[_Zone]) -> None:
    """Find when price reached the low end of some zones, and the high end of others."""
    if not lows and not highs:
        return
    start_ns = np.array([zone.start_ns for zone in (*lows, *highs)], np.int64)
    prices = np.array([*(zone.low for zone in lows), *(zone.high for zone in highs)], np.int64)
    found = first_passages(reader, start_ns, prices, np.arange(len(prices)) >= len(lows)).tolist()
    reached = [None if reached_ns == NEVER else reached_ns for reached_ns in found]
    for zone, reached_ns in zip(lows, reached, strict=False):
        zone.low_ns = reached_ns
    for zone, reached_ns in zip(highs, reached[len(lows) :], strict=True):
        zone.high_ns = reached_ns


def _roll_after(reader: MarketReader, t_ns: int) -> int:
    """Return when the chart went on with another contract after a time; NEVER if it did not."""
    for roll in reader.rolls:
        if int(roll["first_ts"]) > t_ns:
            return int(roll["first_ts"])
    return NEVER
