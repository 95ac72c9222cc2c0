"""Compares two runs row by row: one with faults, and one that received the same tape without faults."""

from textwrap import shorten
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, Mapping
from flow_gl.core.schema import GAP_LIST, MAX_LODS, PROFILE, SESSION, GapKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.pipeline import Pipeline
from flow_gl.store.market import MarketStore
from flow_gl.store.ring import Cursor, Ring
from flow_gl.store.row_log import RowCursor, RowLog
from flow_gl.store.table import Table
from tests.gateway.tape import Contract

CAPACITY: Final = 1 << 14
"""Capacity of a store in closed bubbles: small, so that all of its memory is in use within the first minute."""
_BY_CLOCK: Final = frozenset({"bubble_count", "reference"})
"""Fields that depend on whether the clock or the next trade closed a bucket; compared once all are closed."""

_COUNTS: Final = {
    "lvn": "lvn_count",
    "hvn": "hvn_count",
    "buy": "count",
    "sell": "count",
    "unsided": "count",
    "row": "count",
}
"""The profile's list fields, and the field that says how much of each is in use."""


def touched_store() -> MarketStore:
    """Return a store whose memory has been written to, so that it counts as used from the start."""
    store = MarketStore.local(base_capacity=CAPACITY)
    for ring in (*store.bubbles, *store.cvd):
        ring.rows[:] = np.zeros(1, ring.dtype)
    return store


class Unbroken:
    """The run without faults.

    Parameters
    ----------
    contracts : one chart each
    tick : tick size of all contracts, 1e-9
    arm : distance of CVD from zero that arms a zero cross, contracts
    """

    def __init__(self, contracts: tuple[Contract, ...], *, tick: int, arm: int) -> None:
        self.pipeline: Final = Pipeline(AggregationSettings(arm=arm), sessions=SessionCalendar())
        self.stores: Final = [touched_store() for _ in contracts]
        for contract, store in zip(contracts, self.stores, strict=True):
            self.pipeline.chart(contract.instrument_id, store, contract.requested)
            self.pipeline.map(Mapping(contract.instrument_id, contract.symbol, contract.requested))
            self.pipeline.define(Definition(contract.instrument_id, contract.symbol, tick, None, is_outright=True))


class Comparison:
    """Compares what both runs have published, up to where both have arrived.

    Parameters
    ----------
    name : the contract's name
    broken, unbroken : its store in the run with faults, and in the run without
    """

    def __init__(self, name: str, broken: MarketStore, unbroken: MarketStore) -> None:
        self._name: Final = name
        self._stores: Final = broken, unbroken
        self._rings: Final[list[tuple[str, Ring | RowLog, Ring | RowLog]]] = [
            *((f"bubbles at level {n}", broken.bubbles[n], unbroken.bubbles[n]) for n in range(MAX_LODS)),
            *((f"CVD at level {n}", broken.cvd[n], unbroken.cvd[n]) for n in range(MAX_LODS)),
            ("events", broken.events, unbroken.events),
        ]
        self._cursors: Final = [(_cursor(ours), _cursor(theirs)) for _, ours, theirs in self._rings]
        self.rows = 0
        """Number of rows that were equal."""

    def look(self, *, is_final: bool = False) -> list[str]:
        """Return the differences, one line each. With `is_final` all buckets are closed and both must be complete."""
        found = []
        for (what, ours, theirs), (mine, other) in zip(self._rings, self._cursors, strict=True):
            count = min(ours.head, theirs.head) - mine.position
            if is_final and ours.head != theirs.head:
                found.append(f"{self._name}: {ours.head} {what}, expected {theirs.head}")
            got, want = mine.read(count), other.read(count)
            self.rows += len(got)
            if mine.missed or other.missed:
                found.append(f"{self._name}: {what} arrived too fast to be compared")
            elif got.tobytes() != want.tobytes():
                at = int(np.argmax(got != want))
                found.append(f"{self._name}: {what} differ: {got[at]}, expected {want[at]}")
        broken, unbroken = self._stores
        found += self._tables("session", SESSION, broken.session, unbroken.session, is_final=is_final)
        found += self._tables("profile", PROFILE, broken.profile, unbroken.profile, is_final=is_final)
        if is_final:
            missing = _feed_gaps(broken)
            if missing:
                found.append(f"{self._name}: {missing} gaps of the feed stay marked")
        return found

    def _tables(self, what: str, dtype: np.dtype, ours: Table, theirs: Table, *, is_final: bool) -> list[str]:
        got, want = _record(ours, dtype), _record(theirs, dtype)
        names = [name for name in dtype.names or () if is_final or name not in _BY_CLOCK]
        pairs = [(name, _used(got, name), _used(want, name)) for name in names]
        return [
            f"{self._name}: {what}.{name} is {shorten(str(mine), 80)}, expected {shorten(str(other), 80)}"
            for name, mine, other in pairs
            if mine.tobytes() != other.tobytes()
        ]


def _record(table: Table, dtype: np.dtype) -> NDArray[np.void]:
    record: NDArray[np.void] = np.zeros(1, dtype)
    table.read(record)
    return record


def _used(record: NDArray[np.void], name: str) -> NDArray[np.void]:
    """Return a field; of a list, only the part that is in use."""
    field: NDArray[np.void] = record[name][0]
    count = _COUNTS.get(name)
    return field if count is None or field.ndim == 0 else field[: record[count][0]]


def _feed_gaps(store: MarketStore) -> int:
    gaps = _record(store.gaps, GAP_LIST)[0]
    return int((gaps["gap"]["kind"][: gaps["count"]] == GapKind.FEED).sum())


def _cursor(rows: Ring | RowLog) -> Cursor | RowCursor:
    return RowCursor(rows) if isinstance(rows, RowLog) else Cursor(rows)
