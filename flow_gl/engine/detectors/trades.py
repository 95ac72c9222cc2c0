"""The session's trades as compact columns, 17 bytes each: read by detectors, also when a parameter changes.

A trade's position counts from the session's first trade. The columns grow by doubling. Beyond `most` trades all are
dropped that no detector needs, which bounds memory (8,388,608 trades take 136 MiB; the busiest sessions of NQ and ES
have three million); from then on `is_whole` is False.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import Side
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import WORDS
from flow_gl.engine.kernels.trade_run import factors_nb
from flow_gl.engine.kernels.trade_words import trade_nb

MAX_TRADES: Final = 1 << 23
"""Trades of a session that are kept where parameters may change."""
FEW: Final = 1 << 16
"""Trades that are kept where parameters never change, for detectors that look back."""
_FIRST: Final = 1 << 12
_FIRST_OF_CHART: Final = 1 << 18
_DTYPES: Final = (np.int64, np.int32, np.uint32, np.int8)
_TRADE_BYTES: Final = sum(np.dtype(dtype).itemsize for dtype in _DTYPES)
_BUY: Final = int(Side.BUY)
_SELL: Final = int(Side.SELL)
_I64: Any = np.int64


@kernel
def decode_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64],
    tick_size: int,
    ts: NDArray[np.int64],
    tick: NDArray[np.int32],
    size: NDArray[np.uint32],
    sign: NDArray[np.int8],
    at: int,
) -> int:
    """Decode TRADE words into columns from index `at` on, without records that the pipeline rejects.

    Prices are multiples of `tick_size`: a product with the inverse of its odd part, shifted by its power of two, is the
    quotient (see `kernels.trade_run`). Returns the index after the last trade.
    """
    inverse, twos = factors_nb(tick_size)
    factor, shift = _I64(inverse), _I64(twos)
    for i in range(len(words) // WORDS):
        ts[at], price, contracts, side, is_trade = trade_nb(words, i)
        tick[at] = (price * factor) >> shift
        size[at] = contracts
        sign[at] = np.int8(side == _BUY) - np.int8(side == _SELL)
        at += _I64(is_trade)
    return at


class SessionTrades:
    """The session's trades so far, or the newest of them.

    Parameters
    ----------
    most : number of trades beyond which older ones are dropped
    """

    def __init__(self, *, most: int = FEW) -> None:
        self.most: Final = most
        """Number of trades beyond which older ones are dropped."""
        # A chart begins with room for a quiet session in one block, which the system can map in large pages.
        self._columns = _columns(_FIRST_OF_CHART if most > FEW else _FIRST)
        self.count = 0
        """Number of trades that are kept."""
        self.dropped = 0
        """Number of older trades that are not."""

    @property
    def is_whole(self) -> bool:
        """Whether all of the session's trades are kept."""
        return not self.dropped

    @property
    def arrays(self) -> tuple[Any, ...]:
        """The columns: ts_event in ns (int64), price in ticks (int32), contracts (uint32), sign of the side (int8)."""
        return tuple(self._columns)

    def clear(self) -> None:
        """Forget all trades, because a session begins."""
        self.count = self.dropped = 0

    def take(self, words: NDArray[np.int64], tick_size: int) -> None:
        """Append trades: int64 words of TRADE rows, with prices on the grid of `tick_size` (1e-9 units)."""
        self._make_room(len(words) // WORDS)
        self.count = int(decode_nb(*(words, tick_size, *self.arrays, self.count)))

    def drop(self, needed: int) -> int:
        """Drop older trades if there are too many, except the newest `needed`. Returns how many were dropped."""
        if self.count <= self.most or needed > self.most // 2:
            return 0
        left, gone = needed, self.count - needed
        for column in self._columns:
            column[:left] = column[gone : self.count].copy()
        self.count = left
        self.dropped += gone
        return gone

    def fits(self, factor: int) -> bool:
        """Return whether the prices in ticks can be multiplied by `factor`."""
        return int(np.abs(self._columns[1][: self.count]).max(initial=0)) * factor < 1 << 31

    def rescale(self, factor: int) -> None:
        """Multiply the prices in ticks by `factor`, because the tick has become that many times finer."""
        self._columns[1][: self.count] *= factor

    def keep(self) -> bytes:
        """Return the trades, for a checkpoint: time and price as differences, which compress well."""
        ts, tick, size, sign = (column[: self.count] for column in self._columns)
        parts = np.diff(ts, prepend=0), np.diff(tick, prepend=np.int32(0)), size, sign
        return b"".join(part.tobytes() for part in parts)

    def resume(self, kept: Sequence[bytes], *, dropped: int) -> None:
        """Restore trades. Raises ValueError.

        Parameters
        ----------
        kept : what `keep` returned, cut into runs of trades, each column by column
        dropped : number of trades before them
        """
        self.count, self.dropped = 0, dropped
        self._make_room(sum(map(len, kept)) // _TRADE_BYTES)
        for part in kept:
            count, rest = divmod(len(part), _TRADE_BYTES)
            if rest:
                raise ValueError(f"trades of {_TRADE_BYTES} bytes each, was {len(part)} bytes")
            first, start = self.count, 0
            for column, dtype, is_difference in zip(self._columns, _DTYPES, (True, True, False, False), strict=True):
                read, into = np.frombuffer(part, dtype, count, start), column[first : first + count]
                start += read.nbytes
                if not is_difference:
                    into[:] = read
                    continue
                np.cumsum(read, dtype=dtype, out=into)
                if first:
                    into += column[first - 1]
            self.count += count

    def _make_room(self, count: int) -> None:
        room = len(self._columns[0])
        if self.count + count <= room:
            return
        room = max(2 * room, 1 << (self.count + count - 1).bit_length())
        before, self._columns = self._columns, _columns(room)
        for column, old in zip(self._columns, before, strict=True):
            column[: self.count] = old[: self.count]


def _columns(room: int) -> list[NDArray[Any]]:
    """Return columns with room for a number of trades (a multiple of 8), in one block of memory."""
    block, columns, start = np.empty(17 * room, np.uint8), [], 0
    for dtype in _DTYPES:
        stop = start + room * np.dtype(dtype).itemsize
        columns.append(block[start:stop].view(dtype))
        start = stop
    return columns
