"""What a feed is: something that the engine asks, turn by turn, what has arrived.

A feed hands over items in the order in which they became known: batches of trades, and the rare notices between
them. It never calls back. Threads that it needs (the live client's) are its own affair.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.instrument import is_raw_symbol
from flow_gl.core.schema import FeedState


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


@dataclass(frozen=True, slots=True)
class FeedClock:
    """Event time as a function of wall time: `anchor_event + (wall - anchor_wall) * rate`; rate 0 stands still."""

    anchor_wall: int
    anchor_event: int
    rate: float


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """Where a feed stands, for the header and the feed panel."""

    state: FeedState
    message: str = ""
    """One line for the user: damage found, an error, what is awaited."""
    progress: float = float("nan")
    speed: float = 1.0
    attempt: int = 0
    retry_at: int = 0
    lost: int = 0
    """Records known to be lost."""
    dataset: str = ""
    source: str = ""
    next_open: int = 0
    """When the exchange opens again, ns; 0 while it is open, and where that is not known."""
    not_found: tuple[str, ...] = ()
    """Symbols that were asked for and that the source does not know."""
    known_until: int = 0
    """Event time (ns) up to which everything has been handed over: no record before it can still come, not even
    after a reconnection. A live feed takes it from its newest record or heartbeat. 0: the feed does not say."""


class Feed(Protocol):
    """A source of trades."""

    def start(self) -> None:
        """Open it. Raises FlowError (one clear line) where it cannot."""

    def poll(self, wall_ns: int) -> list[Item]:
        """Hand over what has arrived by now; never waits longer than a few milliseconds. [] where nothing has."""

    def clock(self) -> FeedClock:
        """The event clock in force: live 1:1 with the wall, replay at its speed, standing once ended."""

    def status(self) -> FeedStatus: ...

    def is_ended(self) -> bool:
        """No item will come any more."""

    def close(self) -> None:
        """Let go of files, threads, connections. Idempotent."""
