"""The items that a feed delivers, in the order in which they became known: trades, and notices between them.

Everything downstream (pipeline, recorder, export) takes these items; `engine.pipeline.Pipeline.take` aggregates them.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.instrument import is_raw_symbol


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades as received: dtype TRADE, any instruments, arrival order. Not yet checked for undefined prices."""

    rows: NDArray[np.void]
    is_repeated: bool = False
    """They were delivered before: a symbol whose chart was released is charted again, from the session's open."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """The meaning of a name from this point of the stream on."""

    instrument_id: int
    symbol: str
    """The exchange's own symbol (`NQZ5`), which distinguishes instruments that share an id; "" if unknown."""
    requested: str = ""
    """The requested symbol (`NQ.v.0`, `NQ.FUT`); "" if unknown."""
    ts_event: int = 0
    is_end: bool = False
    """From here on, the name means no instrument."""

    @staticmethod
    def of(instrument_id: int, name: str, ts_event: int = 0, *, is_end: bool = False) -> "Mapping":
        """Make a mapping from a single name, raw or requested."""
        symbol, requested = (name, "") if is_raw_symbol(name) else ("", name)
        return Mapping(instrument_id, symbol, requested, ts_event, is_end)


@dataclass(frozen=True, slots=True)
class Definition:
    """The parts of an instrument definition that are used."""

    instrument_id: int
    symbol: str
    tick_size: int
    """`min_price_increment`, 1e-9 units; 0 where undefined."""
    point_value: float | None
    """`unit_of_measure_qty`: currency per point and contract."""
    is_outright: bool
    """A single future, not a spread or an option."""
    ts_event: int = field(default=0, compare=False)
    expiration: int = field(default=0, compare=False)
    """Time of the instrument's last trade, ns; 0 if unknown."""


@dataclass(frozen=True, slots=True)
class FeedGap:
    """Records are known to be missing from `start` to `end` (ns, event time); `end` is 0 while the gap lasts.

    `filled`: the gap that began at `start` has been filled; remove it.
    """

    start: int
    end: int = 0
    filled: bool = False
    lost: int = 0
    instrument_id: int = 0
    """0 for every instrument."""


@dataclass(frozen=True, slots=True)
class KnownSpan:
    """The event times (ns, 0 if unknown) for which an instrument added to a running feed is complete.

    It applies until one connection delivers the instrument together with the others.
    """

    known_from: int
    """Everything from this time on was or will be delivered."""
    known_until: int
    """Everything up to this time was delivered."""


@dataclass(frozen=True, slots=True)
class FileEnd:
    """A file has been delivered completely. Sent only on request."""

    index: int
    """Place of the file in the order of reading, from 0."""


Spans = dict[int, tuple[tuple[int, int], ...]]
"""Intervals of time, from and until (ns), by instrument id."""


@dataclass(frozen=True, slots=True)
class FileStart:
    """A file begins."""

    covers: Spans
    """When the file has an instrument's trades, if it trades; empty: those of every instrument at any time."""
    is_joined: bool = False
    """It is read together with the file that began before it."""


Item = Trades | Mapping | Definition | FeedGap | FileStart | FileEnd


def mapping_in(item: Item) -> Mapping | None:
    """Return the name that an item gives an instrument; None if it gives none. A definition names its instrument."""
    match item:
        case Mapping():
            return item
        case Definition():
            return Mapping(item.instrument_id, item.symbol)
    return None
