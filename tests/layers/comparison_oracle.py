"""A comparison's values in plain Python: what two prices are after each trade, and whether both still hold.

It follows the definition trade by trade and knows nothing of bubbles, readers or binary searches.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from flow_gl.core.units import SECOND_NS

Break = tuple[int, bool]
"""Time at which a price ends, and whether a price of exactly that time still holds then."""

SILENCE_NS = 60 * SECOND_NS


class Trade(NamedTuple):
    symbol: int
    """0 for the chart's, 1 for the other one."""
    at_ns: int
    price: int


class Hours(NamedTuple):
    """Closed hours [start, end), and times [start, end) in which records are missing."""

    closed: Sequence[tuple[int, int]]
    missing: Sequence[tuple[int, int]] = ()


class Value(NamedTuple):
    at_ns: int
    own: int
    other: int


def expected_breaks(times: Sequence[int], hours: Hours, session_at: dict[int, int]) -> list[Break]:
    """Return the breaks of a symbol, in order of time.

    Parameters
    ----------
    session_at : number of the session of each trade time
    """
    found: list[Break] = [(start, True) for start, _ in hours.missing]
    for first, following in pairwise(times):
        parts = [(first, following)]
        for shut, opened in (*hours.closed, *hours.missing):
            if first < opened and shut < following:
                parts = [
                    piece
                    for low, high in parts
                    for piece in ((low, min(high, shut)), (max(low, opened), high))
                    if piece[0] < piece[1]
                ]
        found += [(low, True) for low, high in parts if high - low > SILENCE_NS]
        found += [(shut, True) for shut, opened in hours.closed if first < opened and shut < following]
        if session_at[first] != session_at[following]:
            found.append((following, False))
    return sorted(found)


def values_of(trades: Sequence[Trade], hours: Hours, session_at: dict[int, int]) -> list[Value | None]:
    """Return the value after each trade; None where a price does not hold. Trades are in order of time."""
    breaks = [
        expected_breaks([one.at_ns for one in trades if one.symbol == symbol], hours, session_at) for symbol in (0, 1)
    ]
    newest: list[Trade | None] = [None, None]
    found: list[Value | None] = []
    for trade in trades:
        newest[trade.symbol] = trade
        own, other = newest
        holds = own is not None and other is not None
        for one, ends in zip(newest, breaks, strict=True):
            holds = holds and one is not None and not is_cut(one.at_ns, trade.at_ns, ends)
        if not holds or own is None or other is None:
            found.append(None)
        else:
            found.append(Value(trade.at_ns, own.price, other.price))
    return found


def is_cut(first_ns: int, last_ns: int, ends: Sequence[Break]) -> bool:
    """Return whether a break lies between two times."""
    near = ends[bisect_left(ends, (first_ns,)) : bisect_left(ends, (last_ns + 1,))]
    return any((at < last_ns) if holds_then else (first_ns < at) for at, holds_then in near)


def buckets_of(trades: Sequence[Trade], values: Sequence[Value | None], width_ns: int) -> list[tuple[int, Value]]:
    """Return the bucket's id and the value after its last trade, of each bucket that has one."""
    last: dict[int, Value | None] = {}
    for trade, value in zip(trades, values, strict=True):
        last[trade.at_ns // width_ns] = value
    return [(bucket, value) for bucket, value in last.items() if value is not None]
