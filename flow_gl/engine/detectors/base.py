"""What a detector is: trades of one instrument in, EVENT rows out.

A detector sees every trade of a session once, in arrival order, as columns that `columns` has decoded for all of them.
How the trades are cut into batches changes nothing. Its state is fixed-size arrays, so that it can be kept as bytes and
resumed. It starts again at each session's open.

A second, bar or minute that a detector waits for ends when a trade of a later one arrives, or when `pass_time` says
that the clock is beyond it; what is then known carries the end as its `ts_event`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EVENT, TRADE, UNDEF_PRICE, Side
from flow_gl.engine.kernels.jit import kernel

SECOND_NS: Final = 1_000_000_000
DELAY_NS: Final = 250_000_000
"""Live, a second, bar or minute ends when the clock has passed its end by this."""
NEVER: Final = 2**62
"""A time (ns) that all seconds, bars and minutes end before."""
EVENTS: Final = 1024
"""Events that a kernel can hand over at a time."""

_BUY: Final = int(Side.BUY)
_SELL: Final = int(Side.SELL)
_TRADE: Final = ord("T")


@dataclass(frozen=True, slots=True)
class Columns:
    """Trades as the detectors read them: int64 columns of equal length, in arrival order."""

    ts: NDArray[np.int64]
    """`ts_event`, ns."""
    tick: NDArray[np.int64]
    """Price in ticks."""
    size: NDArray[np.int64]
    """Contracts."""
    sign: NDArray[np.int64]
    """+1 a buy aggressor, -1 a sell aggressor, 0 none given."""

    def __len__(self) -> int:
        return len(self.ts)

    def arrays(self) -> tuple[Any, ...]:
        """The columns in the order in which kernels take them."""
        return self.ts, self.tick, self.size, self.sign


class Detector(Protocol):
    """Finds events of one kind in the trades of one instrument."""

    def begin(self) -> None:
        """Start again, at a session's open."""

    def take(self, trades: Columns, tick_size: int) -> Iterator[NDArray[np.void]]:
        """Take in trades; yield EVENT rows (reused arrays: copy to keep) as they become known."""

    def pass_time(self, now_ns: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        """Let time pass to `now_ns`: what ends before it has no further trades. Yields as `take` does."""

    def rescale(self, factor: int) -> None:
        """The tick has become `factor` times finer: what is kept in ticks is multiplied."""

    def keep(self) -> bytes:
        """Everything that the next trade builds on."""

    def resume(self, kept: bytes) -> None:
        """Go on from what `keep` gave. Raises ValueError where it has another size."""


class Kept:
    """State of a detector in named arrays, kept and resumed as bytes in their order."""

    def __init__(self, *arrays: NDArray[Any]) -> None:
        self._arrays: Final = arrays

    def keep(self) -> bytes:
        return b"".join(array.tobytes() for array in self._arrays)

    def resume(self, kept: bytes) -> None:
        if len(kept) != sum(array.nbytes for array in self._arrays):
            raise ValueError(f"a detector's state of {sum(a.nbytes for a in self._arrays)} bytes, was {len(kept)}")
        start = 0
        for array in self._arrays:
            array[:] = np.frombuffer(kept, array.dtype, array.size, start).reshape(array.shape)
            start += array.nbytes


class Decoder:
    """Turns TRADE rows into `Columns`, in buffers that are reused."""

    def __init__(self) -> None:
        self._room = np.empty((4, 0), np.int64)

    def columns(self, trades: NDArray[np.void], tick_size: int) -> Columns:
        """Decode trades (TRADE, one instrument, prices on the grid of `tick_size`), without what is no trade."""
        assert trades.dtype == TRADE
        count = len(trades)
        if self._room.shape[1] < count:
            self._room = np.empty((4, max(count, 4096)), np.int64)
        count = decode_nb(trades, tick_size, *self._room)
        return Columns(*(column[:count] for column in self._room))


@kernel
def decode_nb(  # noqa: PLR0917  # kernels take arrays
    trades: NDArray[np.void],
    tick_size: int,
    ts: NDArray[np.int64],
    tick: NDArray[np.int64],
    size: NDArray[np.int64],
    sign: NDArray[np.int64],
) -> int:
    """Decode trades into columns; records that the pipeline rejects are left out. Returns how many there are."""
    count, inverse = 0, 1.0 / tick_size
    for i in range(len(trades)):
        trade = trades[i]
        ts[count] = trade["ts_event"]
        # A product instead of a division: exact, for a price is a whole number of ticks, and below 2**26 of them.
        tick[count] = np.int64(np.floor(float(trade["price"]) * inverse + 0.5))
        size[count] = trade["size"]
        side = trade["side"]
        sign[count] = np.int64(side == _BUY) - np.int64(side == _SELL)
        is_trade = trade["action"] == _TRADE and trade["size"] > 0
        count += int(is_trade and trade["price"] != UNDEF_PRICE and trade["ts_event"] >= 0)
    return count


@kernel
def event_nb(  # noqa: PLR0917  # one row's fields
    event: Any, kind: int, ts: int, price: int, direction: int, strength: float, a: float, b: float, c: float, d: float
) -> None:
    """Fill an EVENT row; `a` to `d` are its inputs."""
    event["ts_event"] = ts
    event["price"] = price
    event["strength"] = strength
    value = event["value"]
    value[0] = a
    value[1] = b
    value[2] = c
    value[3] = d
    event["kind"] = kind
    event["direction"] = direction


def event_room() -> NDArray[np.void]:
    """Room for the events of one kernel call: EVENT, (EVENTS,)."""
    return np.zeros(EVENTS, EVENT)
