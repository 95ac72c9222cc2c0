"""The VWAP of all trades since an anchor, with its standard deviation, as it developed.

Exact sums of contracts, and of contracts times price and price squared, in integers relative to the first price. Each
closed bucket is read once. There is a point at each minute's end, as in the session's VWAP, and a current one. The
curve continues across sessions and ends with the anchor's contract.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import totals
from flow_gl.core.schema import NOT_YET, PRICE_SCALE
from flow_gl.core.units import MINUTE_NS
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.footprints import Steps, steps_of
from flow_gl.store.market import MarketReader

FAR_NS: Final = 2**62
_MAX_SUM: Final = 2**60
"""Larger sums are not shown: an int64 could overflow."""
_Sums = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Of each bucket: contracts, contracts times price, contracts times price squared; prices above the base, in units."""
_NO_SUMS: Final[_Sums] = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class AnchoredVwap:
    """VWAP since an anchor. Compared by identity.

    Attributes
    ----------
    known_start_ns : start of the trades included; later than the anchor if older ones are no longer kept
    starts, ends : int64 (n,), ns: start and end of the bucket before each point
    vwap, deviation : float64 (n,), points; the last row is the current one
    contracts : sum of sizes
    weighted : sum of size times price above `base`, in units of `unit`
    base, unit : 1e-9
    """

    known_start_ns: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    vwap: NDArray[np.float64]
    deviation: NDArray[np.float64]
    contracts: int
    weighted: int
    base: int
    unit: int

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def price(self) -> int:
        """The current VWAP, 1e-9, rounded once, half to even."""
        whole, rest = divmod(self.unit * self.weighted, self.contracts)
        is_up = 2 * rest > self.contracts or (2 * rest == self.contracts and (self.base + whole) % 2 == 1)
        return self.base + whole + is_up


def contract_end(reader: MarketReader, t_ns: int) -> int:
    """Return the end (ns) of the contract that a chart shows at a time; far in the future if it is the current one."""
    base_ns = reader.bucket_ns
    for roll in reader.rolls:
        first_ts = int(roll["first_ts"])
        if first_ts != NOT_YET and first_ts // base_ns * base_ns > t_ns:
            return first_ts // base_ns * base_ns
    return FAR_NS


class VwapSums:
    """Running sums since one anchor.

    Parameters
    ----------
    anchor_ns : start of the first bucket
    """

    def __init__(self, reader: MarketReader, anchor_ns: int) -> None:
        self._reader: Final = reader
        self._anchor_ns: Final = anchor_ns // reader.bucket_ns * reader.bucket_ns
        self._lod: Final = max(lod for lod, width in enumerate(reader.widths_ns) if lod == 0 or width <= MINUTE_NS)
        self._begin(reader.tick_size or UNKNOWN_TICK_SIZE)

    def _begin(self, unit: int) -> None:
        self._unit = unit
        self._base: int | None = None
        self._known_start_ns = self._anchor_ns
        self._from_ns = self._anchor_ns
        """Trades before it are in the sums."""
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._ends: NDArray[np.int64] = np.zeros(0, np.int64)
        self._sums = _NO_SUMS
        self._is_too_large = False

    def read(self) -> AnchoredVwap | None:
        """Add the trades since the last call; return the curve, or None while there is nothing to show."""
        reader = self._reader
        end_ns = contract_end(reader, self._anchor_ns)
        steps = self._steps(end_ns)
        if self._from_ns > self._anchor_ns and steps.start * reader.bucket_ns > self._from_ns:
            # Rows were overwritten before they were read, so everything still kept is read again from the anchor.
            self._begin(self._unit)
            steps = self._steps(end_ns)
        if not self._suits(steps):
            steps = self._steps(end_ns)
        if self._base is None:
            self._known_start_ns = steps.start * reader.bucket_ns
            first = next((rows for _, rows in (*steps.parts, (0, steps.open_rows)) if len(rows)), None)
            if first is None:
                return None
            self._base = int(first["price"][0])
        whole_ns = reader.widths_ns[self._lod]
        # Finer buckets after the last complete minute are read again as a minute once that is over.
        final = max((at + 1 for at, (width_ns, _) in enumerate(steps.parts) if width_ns >= whole_ns), default=0)
        for width_ns, rows in steps.parts[:final]:
            self._add(*self._buckets(rows, width_ns), width_ns)
        starts, ends, sums = self._starts, self._ends, self._sums
        if len(ends):
            self._from_ns = int(ends[-1])
        for width_ns, rows in (*steps.parts[final:], (reader.bucket_ns, steps.open_rows)):
            self._add(*self._buckets(rows, width_ns), width_ns)
        shown = self._starts, self._ends, self._sums
        self._starts, self._ends, self._sums = starts, ends, sums
        return None if self._is_too_large else self._curve(*shown)

    def _steps(self, end_ns: int) -> Steps:
        """Return what is to be added. Up to the end of the anchor's minute it is in base buckets, if these are kept.

        The curve therefore begins at the anchor and not up to a minute later.
        """
        reader, begin_ns = self._reader, self._from_ns
        base_ns, minute_ns = reader.bucket_ns, reader.widths_ns[self._lod]
        if begin_ns == self._anchor_ns:
            fine_end_ns = min((begin_ns // minute_ns + 1) * minute_ns, end_ns)
            fine = steps_of(reader, begin_ns, fine_end_ns, lod=0)
            last = min(fine_end_ns // base_ns, int(reader.footprint["bucket"]))
            if fine.start * base_ns == begin_ns and fine.end == last:
                if last * base_ns < fine_end_ns:
                    return fine
                rest = steps_of(reader, fine_end_ns, end_ns, lod=self._lod)
                if rest.start == last:
                    return rest._replace(start=fine.start, parts=fine.parts + rest.parts)
        return steps_of(reader, begin_ns, end_ns, lod=self._lod)

    def _add(self, starts: NDArray[np.int64], sums: _Sums, width_ns: int) -> None:
        if len(starts):
            self._starts, self._ends = np.append(self._starts, starts), np.append(self._ends, starts + width_ns)
            kept = [np.append(one, new) for one, new in zip(self._sums, sums, strict=True)]
            self._sums = kept[0], kept[1], kept[2]

    def _suits(self, steps: Steps) -> bool:
        """Return whether all prices are multiples of the unit; if not, restart with a unit that divides them."""
        offsets = [rows["price"] % self._unit for _, rows in (*steps.parts, (0, steps.open_rows)) if len(rows)]
        if not any(part.any() for part in offsets):
            return True
        self._begin(math.gcd(self._unit, *(int(np.gcd.reduce(part)) for part in offsets)))
        return False

    def _buckets(self, rows: NDArray[np.void], width_ns: int) -> tuple[NDArray[np.int64], _Sums]:
        """Return start (ns) and the three sums of each bucket."""
        if not len(rows):
            return np.zeros(0, np.int64), _NO_SUMS
        assert self._base is not None
        above, size = (rows["price"] - self._base) // self._unit, totals(rows)
        self._is_too_large |= int(np.abs(above).max()) * int(size.sum()) >= _MAX_SUM
        ids = rows["id"].astype(np.int64)
        firsts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
        each = size, size * above, size * np.square(above, dtype=np.float64)
        sums = tuple(np.add.reduceat(one, firsts) for one in each)
        return ids[firsts] * width_ns, (sums[0], sums[1], sums[2])

    def _curve(self, starts: NDArray[np.int64], ends: NDArray[np.int64], sums: _Sums) -> AnchoredVwap | None:
        assert self._base is not None
        if not len(starts):
            return None
        contracts, weighted, squares = np.cumsum(sums[0]), np.cumsum(sums[1]), np.cumsum(sums[2])
        mean = weighted / contracts
        spread = np.sqrt(np.maximum(squares / contracts - mean * mean, 0.0))
        per_point = self._unit / PRICE_SCALE
        vwap: NDArray[np.float64] = self._base / PRICE_SCALE + mean * per_point
        return AnchoredVwap(
            known_start_ns=self._known_start_ns,
            starts=starts,
            ends=ends,
            vwap=vwap,
            deviation=spread * per_point,
            contracts=int(contracts[-1]),
            weighted=int(weighted[-1]),
            base=self._base,
            unit=self._unit,
        )
