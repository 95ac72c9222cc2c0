"""The inner loop: a run of trades that change only sums.

The trades of a run are in one bucket, in order, within the profile, and equal in action and F_MAYBE_BAD_BOOK. The run
ends before the first trade that is not.

The loop is limited by the processor's integer units, so half of its sums are kept in floating point, which uses other
units: sizes times row, and the extremes of row and CVD. All are whole numbers below 2**53 and therefore exact: the
sizes of a run add up to less than 2**26, a row is below 2**22, and CVD's move is summed in steps of 2**27 contracts,
leaving the lower bits for contracts without a side.

A price finds its row without a division: the tick is 2**k * odd, and x * (odd's inverse modulo 2**64), rotated right
by k, is x / tick where x is a multiple of it, and beyond every row where it is not (Granlund and Montgomery 1994,
section 9). So one comparison catches prices off the grid, outside the profile, and UNDEF.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import F_MAYBE_BAD_BOOK, Side
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import COLUMNS, MAX_RUN, WORDS

# Unsigned throughout: Numba would check a signed index for being negative, and mixing the two types gives floats.
_U64: Any = np.uint64
_I64: Any = np.int64
_WORDS = _U64(WORDS)
_0 = _U64(0)
_1 = _U64(1)
_2 = _U64(2)
_3 = _U64(3)
_COLUMNS = _U64(COLUMNS)
_63 = _U64(63)
_SIDE_AT = _U64(40)
_BYTE = _U64(0xFF)
SIZES: Final = _U64(0xFFFF_FFFF)
"""The bits of a trade's fourth word that hold its size."""
BAD_BOOK: Final = _U64(F_MAYBE_BAD_BOOK << 48)
KIND: Final = _U64(0xFF << 32) | BAD_BOOK
"""The bits of a trade's fourth word that are equal in all trades of a run: action and F_MAYBE_BAD_BOOK."""
_CHECKED = KIND | SIZES
MAX_SIZE: Final = _U64((1 << 26) // MAX_RUN - 1)
"""Largest size in a run, so that the sizes add up to less than 2**26; a larger trade is processed by itself."""
_NET_AT = 27
_UNSIDED = (1 << _NET_AT) - 1
_FAR = float(2**62)

SIDES: Final = np.zeros(1, np.dtype([("step", "<f8", (256,)), ("column", "<u8", (256,)), ("checked", "<u8")]))
"""By side byte: the step per contract in the sum of CVD's moves, and the profile column. It is passed as an argument
instead of a constant, so that the loop keeps its address in a register."""
SIDES["step"], SIDES["column"], SIDES["checked"] = 1, 2, _CHECKED
SIDES["step"][0, Side.BUY], SIDES["column"][0, Side.BUY] = 1 << _NET_AT, 0
SIDES["step"][0, Side.SELL], SIDES["column"][0, Side.SELL] = -(1 << _NET_AT), 1


@kernel
def inverse_nb(odd: int) -> Any:
    """Return the inverse of an odd number modulo 2**64 (Newton's method: each round doubles the correct bits)."""
    value = _U64(odd)
    inverse = value
    for _ in range(5):
        inverse = inverse * (_2 - value * inverse)
    return inverse


@kernel
def factors_nb(tick_size: int) -> tuple[Any, Any]:
    """Return the factors for `row_nb`: the inverse of the tick's odd part modulo 2**64, and its power of two."""
    twos, odd = 0, tick_size
    while odd and not odd & 1:
        twos, odd = twos + 1, odd >> 1
    return inverse_nb(odd), _U64(twos) & _63


@kernel
def row_nb(distance: int, inverse: Any, twos: Any) -> Any:
    """Return the row of a price at `distance` from row 0's price (1e-9 units).

    For a price below row 0 or off the grid, the result is greater than the number of rows of any profile.
    """
    scaled = _U64(distance) * inverse
    return (scaled >> twos) | (scaled << ((_0 - twos) & _63))


@kernel
def trade_run_nb(  # noqa: PLR0917  # kernels take arrays and numbers
    words: NDArray[np.int64],
    at: Any,
    end_at: Any,
    newest: int,
    until_ts: int,
    signed_id: int,
    kind: Any,
    base_price: int,
    inverse: Any,
    twos: Any,
    rows: Any,
    profile: NDArray[np.int64],
    sides: NDArray[np.void],
) -> tuple[Any, int, int, int, int, int, int, int, int, int]:
    """Add up trades from word `at` to `end_at`, at most MAX_RUN of them, until the run ends.

    Returns
    -------
    at : word index of the first trade that was not processed
    newest : ts_event of the last processed trade, ns
    volume, net, unsided : contracts: in total, bought minus sold, and without a side
    weighted : sum of size * row
    low, high : lowest and highest row
    net_low, net_high : extremes of `net` after each trade
    """
    steps, columns, checked = sides[0]["step"], sides[0]["column"], sides[0]["checked"]
    volume = _0
    moved = weighted = 0.0
    low = net_low = _FAR
    high = net_high = -_FAR
    while at < end_at:
        ts = words[at + _1]
        tail = _U64(words[at + _3])
        contracts = (tail & checked) - kind
        row = row_nb(words[at + _2] - base_price, inverse, twos)
        if ts < newest or ts >= until_ts or words[at] >> 32 != signed_id or contracts - _1 >= MAX_SIZE or row >= rows:
            break
        newest = ts
        side = (tail >> _SIDE_AT) & _BYTE
        profile[row * _COLUMNS + columns[side]] += _I64(contracts)
        volume += contracts
        size, height = float(_I64(contracts)), float(_I64(row))
        weighted += size * height
        moved += size * steps[side]
        # Comparisons instead of min and max, which would also check for NaN.
        if height < low:  # noqa: PLR1730
            low = height
        if height > high:  # noqa: PLR1730
            high = height
        if moved < net_low:  # noqa: PLR1730
            net_low = moved
        if moved > net_high:  # noqa: PLR1730
            net_high = moved
        at += _WORDS
    move = int(moved)
    net, unsided = move >> _NET_AT, move & _UNSIDED
    return (
        *(at, newest, _I64(volume), net, unsided, int(weighted), int(low), int(high)),
        *(int(net_low) >> _NET_AT, int(net_high) >> _NET_AT),
    )


@kernel
def large_nb(  # noqa: PLR0917  # kernels take arrays and numbers
    words: NDArray[np.int64], at: Any, base_price: int, inverse: Any, twos: Any, profile: NDArray[np.int64]
) -> tuple[Any, int, int, int, int, int, int, int, int, int]:
    """Process one trade of any size; returns the same values as `trade_run_nb`.

    All sums are integers here: with sizes above MAX_SIZE, the floating-point sums of a run would not be exact.
    """
    tail = _U64(words[at + _3])
    row = row_nb(words[at + _2] - base_price, inverse, twos)
    volume, side = _I64(tail & SIZES), (tail >> _SIDE_AT) & _BYTE
    net = unsided = 0
    column = _2
    if side == _U64(Side.BUY):
        net, column = volume, _0
    elif side == _U64(Side.SELL):
        net, column = -volume, _1
    else:
        unsided = volume
    profile[row * _COLUMNS + column] += volume
    at_row = _I64(row)
    return at + _WORDS, words[at + _1], volume, net, unsided, volume * at_row, at_row, at_row, net, net
