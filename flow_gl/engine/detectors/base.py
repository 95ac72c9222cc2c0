"""The protocol of detectors, which find EVENT rows in the trades of one instrument.

A detector receives every trade of a session once, in arrival order, as columns that `Decoder` has decoded for all
detectors. The results do not depend on how trades are split into batches. The state is a set of arrays, so that it can
be saved as bytes and restored. A detector starts again at each session's open.

The second, bar or minute that a detector waits for ends when a trade of a later one arrives, or when `pass_time` says
that the clock has passed it. The event found then has that end as its `ts_event`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EVENT, TRADE, UNDEF_PRICE, Side
from flow_gl.engine.kernels.jit import kernel

NEVER: Final = 2**62
"""A time (ns) after the end of every second, bar and minute."""
EVENTS: Final = 1024
"""Maximum number of events per kernel call."""

_BUY: Final = int(Side.BUY)
_SELL: Final = int(Side.SELL)
_TRADE: Final = ord("T")


@dataclass(frozen=True, slots=True)
class Columns:
    """Decoded trades: int64 columns of equal length, in arrival order."""

    ts: NDArray[np.int64]
    """`ts_event`, ns."""
    tick: NDArray[np.int64]
    """Price in ticks."""
    size: NDArray[np.int64]
    """Contracts."""
    sign: NDArray[np.int64]
    """+1 for a buy aggressor, -1 for a sell aggressor, 0 if none is given."""

    def __len__(self) -> int:
        return len(self.ts)

    def arrays(self) -> tuple[Any, ...]:
        """Return the columns in the order of the kernels' parameters."""
        return self.ts, self.tick, self.size, self.sign


class Detector(Protocol):
    """Detects events of one kind in the trades of one instrument."""

    def begin(self) -> None:
        """Reset the state at a session's open."""

    def take(self, trades: Columns, tick_size: int) -> Iterator[NDArray[np.void]]:
        """Process trades, and yield EVENT rows as they are found (in reused arrays: copy to keep)."""

    def pass_time(self, now_ns: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        """Advance the clock to `now_ns` and close what ended before it. Yields EVENT rows like `take`."""

    def rescale(self, factor: int) -> None:
        """Multiply all state in ticks by `factor`, because the tick has become that many times finer."""

    def keep(self) -> bytes:
        """Return the whole state, for a checkpoint."""

    def resume(self, kept: bytes) -> None:
        """Restore what `keep` returned. Raises ValueError if its size is wrong."""


class Kept:
    """State of a detector in arrays, saved and restored as their bytes in order."""

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
    """Decodes TRADE rows into `Columns`, in reused buffers."""

    def __init__(self) -> None:
        self._room = np.empty((4, 0), np.int64)

    def columns(self, trades: NDArray[np.void], tick_size: int) -> Columns:
        """Decode trades of one instrument (TRADE, prices on the grid of `tick_size`, 1e-9); skip rejected records."""
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
    """Decode trades into columns without records that the pipeline rejects. Returns the number of trades decoded."""
    count, inverse = 0, 1.0 / tick_size
    for i in range(len(trades)):
        trade = trades[i]
        ts[count] = trade["ts_event"]
        # A product instead of a division: exact, because a price is a whole number of ticks below 2**26.
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
    """Fill an EVENT row; `a` to `d` are the values stored as its inputs."""
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
    """Return an array for the events of one kernel call: EVENT, shape (EVENTS,)."""
    return np.zeros(EVENTS, EVENT)
