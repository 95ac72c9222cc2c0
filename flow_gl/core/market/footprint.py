"""Adding up rows of footprints."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SUMS: Final = ("buy", "sell", "unsided", "trade_count")
SUMMED: Final = np.dtype([(name, "<i8") for name in ("id", "price", *SUMS)])
"""Like `core.schema.FOOTPRINT`, with sums that cannot overflow."""


def added_up(rows: NDArray[np.void], *, is_by_bubble: bool) -> NDArray[np.void]:
    """Return FOOTPRINT rows as SUMMED, those of the same price added up, by ascending price.

    Parameters
    ----------
    is_by_bubble : keep bubbles apart and order the rows by bubble first; otherwise the ids have no meaning
    """
    order = np.argsort(rows["price"], kind="stable")
    if is_by_bubble:
        order = order[np.argsort(rows["id"][order], kind="stable")]
    price, bubble = rows["price"][order], rows["id"][order]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = price[1:] != price[:-1]
    if is_by_bubble:
        is_first[1:] |= bubble[1:] != bubble[:-1]
    starts = np.flatnonzero(is_first)
    found: NDArray[np.void] = np.zeros(len(starts), SUMMED)
    found["id"], found["price"] = bubble[starts], price[starts]
    for name in SUMS if len(starts) else ():
        found[name] = np.add.reduceat(rows[name][order], starts, dtype=np.int64)
    return found
