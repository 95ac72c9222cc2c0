"""The trades of a time range: contracts by price, levels, first and last price, and interruptions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FootprintSums, imbalances, on_ticks, totals
from flow_gl.core.market.value_area import PARTS, point_of_control, value_area
from flow_gl.core.schema import NOT_YET, UNDEF_PRICE
from flow_gl.core.settings import AggregationSettings
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.footprints import footprint_of
from flow_gl.store.market import MarketReader


@dataclass(frozen=True, slots=True, eq=False)
class RangeProfile(FootprintSums):
    """The trades in [start_ns, end_ns). Prices are int64 in 1e-9 units; UNDEF_PRICE where nothing traded.

    Attributes
    ----------
    start_ns, end_ns : the range, within one contract
    known_start_ns, known_end_ns : the part of it whose footprints are still kept
    rows : `core.market.footprint.SUMMED`, one per traded tick, ascending
    is_buy_imbalance, is_sell_imbalance : bool, one per row
    tick_size : height of a row
    open, close : first and last price
    held : contracts in the value area
    is_cut : the contract changes within the requested range; only trades since the change are included
    """

    start_ns: int
    end_ns: int
    known_start_ns: int
    known_end_ns: int
    rows: NDArray[np.void]
    is_buy_imbalance: NDArray[np.bool_]
    is_sell_imbalance: NDArray[np.bool_]
    tick_size: int
    open: int
    close: int
    poc: int
    vah: int
    val: int
    held: int
    is_cut: bool

    # Scenes and keys of layers compare it; two readings of a range differ, and arrays have no single truth value.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def volume(self) -> int:
        return self.buy + self.sell + self.unsided

    @property
    def low(self) -> int:
        return int(self.rows["price"][0]) if len(self.rows) else UNDEF_PRICE

    @property
    def high(self) -> int:
        return int(self.rows["price"][-1]) if len(self.rows) else UNDEF_PRICE

    @property
    def ticks_moved(self) -> int:
        """Net move from the first to the last price, in ticks."""
        return 0 if UNDEF_PRICE in (self.open, self.close) else (self.close - self.open) // self.tick_size

    @property
    def is_whole(self) -> bool:
        """Whether the footprints of the whole range are still kept."""
        return self.known_start_ns <= self.start_ns and self.known_end_ns >= self.end_ns

    def as_profile(self) -> dict[str, Any]:
        """Return the fields of a PROFILE record that the bars need."""
        rows, tick_size = self.rows, self.tick_size
        base = self.low if len(rows) else 0
        return {
            "count": len(rows),
            "base": base,
            "tick_size": tick_size,
            "ticks_per_row": 1,
            "row": (rows["price"] - base) // tick_size,
            **{side: rows[side] for side in ("buy", "sell", "unsided")},
            **{"poc": self.poc, "vah": self.vah, "val": self.val},
        }


def read_range(reader: MarketReader, start_ns: int, end_ns: int, settings: AggregationSettings) -> RangeProfile:
    """Return what traded in the base buckets that begin in [start_ns, end_ns).

    Parameters
    ----------
    settings : rules of the value area and of imbalances
    """
    start, end = within_contract(reader, start_ns, end_ns)
    found = footprint_of(reader, start, end)
    tick_size = int(reader.profile["tick_size"]) or reader.tick_size or UNKNOWN_TICK_SIZE
    rows = on_ticks(found.rows, tick_size)
    is_buy, is_sell = imbalances(
        *(rows, tick_size), least=settings.stacked_imbalance_contracts, ratio=settings.stacked_imbalance_ratio
    )
    poc = vah = val = UNDEF_PRICE
    held = 0
    if len(rows):
        contracts = totals(rows)
        numbers = rows["price"] // tick_size
        at = point_of_control(numbers, contracts)
        parts = round(settings.value_area * PARTS)
        low, high, held = value_area(
            *(numbers.tolist(), contracts.tolist(), at), step=settings.value_area_step, parts=parts
        )
        poc, val, vah = (int(rows["price"][row]) for row in (at, low, high))
    first, last = _ends(reader, start, end)
    return RangeProfile(
        start_ns=start,
        end_ns=end,
        known_start_ns=found.start_ns,
        known_end_ns=found.end_ns,
        rows=rows,
        is_buy_imbalance=is_buy,
        is_sell_imbalance=is_sell,
        tick_size=tick_size,
        open=first,
        close=last,
        poc=poc,
        vah=vah,
        val=val,
        held=held,
        is_cut=(start, end) != (start_ns, end_ns),
    )


def within_contract(reader: MarketReader, start_ns: int, end_ns: int) -> tuple[int, int]:
    """Return the part of a range after its last roll, cut at whole base buckets."""
    base_ns = reader.bucket_ns
    for roll in reversed(reader.rolls):
        first_ts = int(roll["first_ts"])
        if first_ts == NOT_YET:
            continue
        start = first_ts // base_ns * base_ns
        if start_ns < start < end_ns:
            return start, end_ns
    return start_ns, end_ns


def _ends(reader: MarketReader, start_ns: int, end_ns: int) -> tuple[int, int]:
    """Return the first and last price of a range, from the finest level of detail that still holds its ends."""
    first = last = UNDEF_PRICE
    for lod, width_ns in enumerate(reader.widths_ns):
        ring, head = reader.store.bubbles[lod], reader.heads[lod]
        start, stop = (ring.position_of(-(-at // width_ns), head) for at in (start_ns, end_ns))
        is_kept = ring.oldest == 0 or start > ring.oldest
        rows = [ring.row(at) for at in (start, stop - 1)] if stop > start and is_kept else []
        newest = reader.open_bubble(lod)
        if newest is not None and start_ns <= int(newest["ts_event"]) < end_ns and is_kept:
            rows.append(newest)
        known = [row for row in rows if row is not None]
        if known:
            first, last = int(known[0]["open"]), int(known[-1]["close"])
        if is_kept:
            break
    return first, last
