"""Footprints: contracts bought, sold and unsided at each price, by bucket and level of detail.

Each lod has one open bucket, whose rows are found by price in a hash table with open addressing. A bucket that closes
is sorted by price, appended to the lod's output, and added to the open bucket of the next coarser lod. A full table
starts another part of the same bucket, and a field that would overflow starts another row, so the number of prices and
contracts is unlimited. Rows depend on the order of the trades alone, not on how they are split into batches.

Raw prices are the keys, so rows need neither a tick size nor a price range. `settle_nb` follows the same buckets as
that of `rollup`, but a bucket has many rows here and one there, so they share no code.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FOOTPRINT_ROWS
from flow_gl.core.schema import Side
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import BASE_ROWS, NO_BUCKET, WORDS
from flow_gl.engine.kernels.trade_words import trade_nb

Records = NDArray[np.void]

SLOTS: Final = 2 * FOOTPRINT_ROWS
"""Slots of a lod's hash table, a power of two: at most half are in use."""
LEVEL: Final = np.dtype([("id", "<i8"), ("ratio", "<i8"), ("step", "<i8"), ("count", "<i8"), ("out", "<i8")])
"""Per lod: the open bucket's number, base buckets and finer buckets in one bucket, rows in the table and in the output.
"""

_BUY = int(Side.BUY)
_SELL = int(Side.SELL)
_MAX_U32 = (1 << 32) - 1
_U64: Any = np.uint64
_I64: Any = np.int64
_GOLDEN = _U64(0x9E3779B97F4A7C15)
_SHIFT = _U64(64 - (SLOTS.bit_length() - 1))
_MASK = _U64(SLOTS - 1)
_1 = _U64(1)
_GAPS = (701, 301, 132, 57, 23, 10, 4, 1)
"""Gaps for Shell's method: M. Ciura, Best Increments for the Average Case of Shellsort, 2001."""


@kernel
def row_of_nb(  # noqa: PLR0917  # kernels take arrays and numbers
    level: Any,
    slots: NDArray[np.int32],
    places: NDArray[np.int32],
    rows: Records,
    price: int,
    is_new: bool,  # kernels have no keywords
) -> Any:
    """Return the number of a price's newest row; start one if there is none, or if `is_new`.

    The table must have room for one more row.
    """
    slot = (_U64(price) * _GOLDEN) >> _SHIFT
    found = slots[slot]
    while found != 0 and rows[_U64(found - 1)]["price"] != price:
        slot = (slot + _1) & _MASK
        found = slots[slot]
    if found != 0 and not is_new:
        return _U64(found - 1)
    at = _U64(level["count"])
    row = rows[at]
    row["price"] = price
    row["buy"] = row["sell"] = row["unsided"] = row["trade_count"] = 0
    places[at] = slot
    level["count"] += 1
    slots[slot] = level["count"]
    return at


@kernel
def add_nb(  # noqa: PLR0917  # kernels take arrays and numbers
    level: Any,
    slots: NDArray[np.int32],
    places: NDArray[np.int32],
    rows: Records,
    price: int,
    buy: int,
    sell: int,
    unsided: int,
    trade_count: int,
) -> None:
    """Add contracts to the row of a price. The table must have room for one more row."""
    row = rows[row_of_nb(level, slots, places, rows, price, False)]
    if max(row["buy"] + buy, row["sell"] + sell, row["unsided"] + unsided, row["trade_count"] + trade_count) > _MAX_U32:
        row = rows[row_of_nb(level, slots, places, rows, price, True)]
    row["buy"] += buy
    row["sell"] += sell
    row["unsided"] += unsided
    row["trade_count"] += trade_count


@kernel
def sort_nb(rows: Records, count: int, order: NDArray[np.int32]) -> None:
    """Write the order of the first `count` rows by price (Shell's method); equal prices keep theirs."""
    for i in range(count):
        order[i] = i
    for gap in _GAPS:
        for i in range(gap, count):
            moved = order[i]
            price = rows[moved]["price"]
            at = i
            while at >= gap and (
                rows[order[at - gap]]["price"] > price
                or (rows[order[at - gap]]["price"] == price and order[at - gap] > moved)
            ):
                order[at] = order[at - gap]
                at -= gap
            order[at] = moved


@kernel
def emit_nb(  # noqa: PLR0917  # kernels take arrays
    level: Any,
    slots: NDArray[np.int32],
    places: NDArray[np.int32],
    rows: Records,
    order: NDArray[np.int32],
    out: Records,
) -> None:
    """Append the open bucket's rows to the output, by price, and empty the table."""
    count, at = level["count"], level["out"]
    sort_nb(rows, count, order)
    for i in range(count):
        row, into = rows[_U64(order[_U64(i)])], out[_U64(at + i)]
        into["id"] = level["id"]
        into["price"] = row["price"]
        into["buy"], into["sell"], into["unsided"] = row["buy"], row["sell"], row["unsided"]
        into["trade_count"] = row["trade_count"]
        slots[_U64(places[_U64(i)])] = 0
    level["out"] = at + count
    level["count"] = 0


@kernel
def take_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64],
    start: int,
    bucket_ns: int,
    levels: Records,
    slots: NDArray[np.int32],
    places: NDArray[np.int32],
    rows: Records,
    order: NDArray[np.int32],
    out: Records,
) -> int:
    """Add trades from index `start` on to the base lod, until the output might not have room for another bucket.

    Records that the pipeline rejects are skipped; see `kernels.aggregate`. A late trade counts in the open bucket.

    Parameters
    ----------
    words : int64 (n * 6,), TRADE records viewed as words
    levels : LEVEL (lods,)
    slots, places, rows : of the base lod: the hash table (row number + 1), each row's slot, FOOTPRINT rows
    order : working space, as long as `rows`
    out : FOOTPRINT (BASE_ROWS,)

    Returns
    -------
    next : index of the first trade that was not processed
    """
    level = levels[0]
    until_ts = (level["id"] + 1) * bucket_ns if level["id"] != NO_BUCKET else NO_BUCKET
    for i in range(start, len(words) // WORDS):
        ts, price, size, side, is_trade = trade_nb(words, i)
        if not is_trade:
            continue
        if ts >= until_ts or level["count"] == FOOTPRINT_ROWS:
            if level["out"] + level["count"] > BASE_ROWS:
                return i
            if level["count"]:
                emit_nb(level, slots, places, rows, order, out)
            if ts >= until_ts:
                level["id"] = ts // bucket_ns
                until_ts = (level["id"] + 1) * bucket_ns
        # Branchless, because the side is unpredictable.
        buy, sell = size * _I64(side == _BUY), size * _I64(side == _SELL)
        add_nb(level, slots, places, rows, price, buy, sell, size - buy - sell, 1)
    return len(words) // WORDS


@kernel
def settle_nb(  # noqa: PLR0917  # kernels take arrays
    bucket: int,
    levels: Records,
    slots: NDArray[np.int32],
    places: NDArray[np.int32],
    rows: Records,
    order: NDArray[np.int32],
    out: Records,
) -> None:
    """Open a base bucket unless a later one is open, and add the base lod's output to the coarser lods.

    Parameters
    ----------
    bucket : number of the base bucket
    levels : LEVEL (lods,)
    slots, places, rows : int32 (lods, SLOTS), int32 (lods, FOOTPRINT_ROWS), FOOTPRINT (lods, FOOTPRINT_ROWS)
    order : int32 (FOOTPRINT_ROWS,)
    out : FOOTPRINT (lods, n), see `layout.BASE_ROWS`. The outputs of coarser lods must be empty
    """
    base = levels[0]
    if bucket > base["id"]:
        if base["count"]:
            emit_nb(base, slots[0], places[0], rows[0], order, out[0])
        base["id"] = bucket
    for lod in range(1, len(levels)):
        level, own, at = levels[lod], rows[lod], out[lod]
        finer, step, stop = out[lod - 1], level["step"], levels[lod - 1]["out"]
        next_start = (level["id"] + 1) * step if level["id"] != NO_BUCKET else NO_BUCKET
        for i in range(stop):
            row = finer[i]
            is_later = row["id"] >= next_start
            if (is_later or level["count"] == FOOTPRINT_ROWS) and level["count"]:
                emit_nb(level, slots[lod], places[lod], own, order, at)
            if is_later:
                level["id"] = row["id"] // step
                next_start = (level["id"] + 1) * step
            add_nb(
                *(level, slots[lod], places[lod], own, row["price"]),
                *(_I64(row["buy"]), _I64(row["sell"]), _I64(row["unsided"]), _I64(row["trade_count"])),
            )
        if level["count"] and level["id"] < base["id"] // level["ratio"]:
            emit_nb(level, slots[lod], places[lod], own, order, at)
