"""What a feed hands over, item by item, in the order in which it became known: trades, and the notices between them.

Everything downstream (pipeline, recorder, exports) takes these items; `engine.pipeline.Pipeline.take` is where they
become numbers.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.instrument import is_raw_symbol


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades as they came: dtype TRADE, any instruments, arrival order. Not yet checked for undefined prices."""

    rows: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a name means from here on, in the order of the stream."""

    instrument_id: int
    symbol: str
    """The exchange's own symbol (`NQZ5`), which tells instruments of one id apart; "" where it is not known."""
    requested: str = ""
    """The symbol that was asked for (`NQ.v.0`, `NQ.FUT`), "" where none is known."""
    ts_event: int = 0
    is_end: bool = False
    """The name means this instrument no longer, and no other one either."""

    @staticmethod
    def of(instrument_id: int, name: str, ts_event: int = 0, *, is_end: bool = False) -> "Mapping":
        """Make one of a single name, whichever kind it is."""
        symbol, requested = (name, "") if is_raw_symbol(name) else ("", name)
        return Mapping(instrument_id, symbol, requested, ts_event, is_end)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a definition record says of an instrument."""

    instrument_id: int
    symbol: str
    tick_size: int
    """`min_price_increment`, 1e-9 units; 0 where undefined."""
    point_value: float | None
    """`unit_of_measure_qty`: currency per point and contract."""
    is_outright: bool
    """A future of its own: not a spread, not an option."""
    ts_event: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FeedGap:
    """Records are known to be missing from `start` to `end` (ns, event time); `end` 0 while it lasts.
    `filled`: the gap that began at `start` has been filled since, take it away."""

    start: int
    end: int = 0
    filled: bool = False
    lost: int = 0
    instrument_id: int = 0
    """0: every instrument."""


@dataclass(frozen=True, slots=True)
class FileEnd:
    """Everything of a file has been handed over. Told only to who asks for it."""

    index: int
    """Place of the file in the order of reading, from 0."""


Item = Trades | Mapping | Definition | FeedGap | FileEnd
