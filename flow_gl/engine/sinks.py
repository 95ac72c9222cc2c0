"""Sinks that receive an instrument's results: a MarketStore for the view, or arrays for export and tests."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import ALERT
from flow_gl.core.schema import BUBBLE, CVD_POINT, EVENT, MAX_LODS, MINUTE_LEVELS, ORDER_CVD
from flow_gl.engine.checkpoint import TapeState
from flow_gl.engine.order_tape import OrderTape
from flow_gl.store.market import MarketStore
from flow_gl.store.row_log import RowLog

TableName = Literal["open", "profile", "session", "levels", "gaps", "rolls", "sessions", "instrument", "footprint"]
LogName = Literal["events", "minutes", "order_cvd", "alerts"]
LOGS: Final[dict[LogName, np.dtype]] = {
    "events": EVENT,
    "minutes": MINUTE_LEVELS,
    "order_cvd": ORDER_CVD,
    "alerts": ALERT,
}
"""The logs of a market and the dtypes of their rows."""
Rows = tuple[NDArray[np.void], NDArray[np.void]]
"""BUBBLE and CVD_POINT rows of the same buckets, equally many of each."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Results of a finished session, or of all trades if there is no calendar. Prices are int64 in 1e-9 units."""

    trade_date: int
    """YYYYMMDD; 0 without a calendar."""
    session: NDArray[np.void]
    """SESSION, shape (1,)."""
    instrument: NDArray[np.void]
    """INSTRUMENT, shape (1,)."""
    is_regular: bool
    """Whether the profile and its levels are those of regular hours only."""
    price: NDArray[np.int64]
    """The profile's prices, ascending: those at which something traded."""
    buy: NDArray[np.int64]
    sell: NDArray[np.int64]
    unsided: NDArray[np.int64]
    poc: int
    """UNDEF_PRICE, like VAH and VAL, if the profile is empty: nothing traded in regular hours."""
    vah: int
    val: int
    value_area: int
    """Contracts traded from VAL to VAH."""
    lvn: NDArray[np.int64]
    hvn: NDArray[np.int64]
    levels: NDArray[np.void]
    """LEVELS, shape (1,)."""


class Sink(Protocol):
    """Receives the results of one instrument, in order."""

    @property
    def is_chart(self) -> bool:
        """Whether parameters may change while it receives results."""

    def room(self, most: int) -> Rows | None:
        """Return space for up to `most` closed rows of lod 0, or None to receive them through `bubbles`.

        The kernels may also write the row after the last closed one; its content has no meaning.
        """

    def written(self, count: int) -> None:
        """Accept the first `count` rows of the space that `room` returned last."""

    def bubbles(self, lod: int, bubbles: NDArray[np.void], cvd: NDArray[np.void]) -> None:
        """Accept closed rows of a lod (BUBBLE, CVD_POINT, of the same buckets). The arrays are reused: copy to keep."""

    def log(self, name: LogName, rows: NDArray[np.void]) -> None:
        """Accept rows of a log: EVENT, MINUTE_LEVELS, ORDER_CVD or ALERT."""

    def replace(self, name: LogName, count: int, rows: NDArray[np.void], since: int) -> None:
        """Accept rows of a log that replace the newest `count` ones, and hold from `since` (event time, ns)."""

    def table(self, name: TableName, record: NDArray[np.void]) -> None:
        """Accept a table's new record, shape (1,). The array is reused: copy to keep."""

    def finished(self, session: Finished) -> None:
        """Accept a finished session, after all of its closed bubbles."""


class TradeReader(ABC):
    """A sink that also receives the trades themselves derives from this."""

    @abstractmethod
    def trades(self, words: NDArray[np.int64]) -> None:
        """Accept trades that have been aggregated, and their events (int64 words of TRADE rows).

        Records without a price, a size or the action of a trade may be among them.
        """

    def pass_time(self, now_ns: int) -> None:  # noqa: B027  # most readers need no clock
        """Accept that all trades up to `now_ns` (event time) are known."""


class FootprintReader(ABC):
    """A sink that also receives footprints derives from this.

    Attributes
    ----------
    footprint_lods : number of levels of detail whose footprints it wants, from the finest; 0 for none
    """

    footprint_lods: int = MAX_LODS

    @abstractmethod
    def footprints(self, lod: int, rows: NDArray[np.void]) -> None:
        """Accept rows (FOOTPRINT) of buckets of a lod that have ended, by bucket. The array is reused: copy to keep."""


class MarketSink(TradeReader, FootprintReader):
    """Writes results into the rings and tables of a MarketStore."""

    is_chart: Final[bool] = True

    def __init__(self, store: MarketStore) -> None:
        self.store = store
        self.tape: Final = OrderTape(store.orders)

    def trades(self, words: NDArray[np.int64]) -> None:
        self.tape.take(words)

    def pass_time(self, now_ns: int) -> None:
        self.tape.pass_time(now_ns)

    def room(self, most: int) -> Rows | None:
        return self.store.bubbles[0].claim(most), self.store.cvd[0].claim(most)

    def written(self, count: int) -> None:
        # CVD first: a reader that sees a bubble at position i must find its CVD point there.
        self.store.cvd[0].publish(count)
        self.store.bubbles[0].publish(count)

    def bubbles(self, lod: int, bubbles: NDArray[np.void], cvd: NDArray[np.void]) -> None:
        # CVD first, as above.
        self.store.cvd[lod].append(cvd)
        self.store.bubbles[lod].append(bubbles)

    def log(self, name: LogName, rows: NDArray[np.void]) -> None:
        log: RowLog = getattr(self.store, name)
        log.append(rows)

    def replace(self, name: LogName, count: int, rows: NDArray[np.void], since: int) -> None:
        log: RowLog = getattr(self.store, name)
        log.replace(count, rows, since)

    def footprints(self, lod: int, rows: NDArray[np.void]) -> None:
        self.store.footprints[lod].append(rows)

    def table(self, name: TableName, record: NDArray[np.void]) -> None:
        if name == "footprint":
            record["head"] = [ring.head for ring in self.store.footprints]
        getattr(self.store, name).write(record)

    def finished(self, session: Finished) -> None:
        """Do nothing: finished sessions are in a table."""


def places_of(seats: Sequence[tuple[Sink, object]], stores: Sequence[MarketStore]) -> dict[int, int]:
    """Return the index of each seated object's chart, by the object's `id`; -1 if its sink uses none of the stores."""
    places = {id(store): at for at, store in enumerate(stores)}
    return {id(one): places.get(id(sink.store), -1) for sink, one in seats if isinstance(sink, MarketSink)}


def tapes_of(seats: Sequence[tuple[Sink, object]], stores: Sequence[MarketStore]) -> list[TapeState]:
    """Return the state of each chart's tape; a store without a sink has an empty one."""
    tapes = {id(sink.store): sink.tape for sink, _ in seats if isinstance(sink, MarketSink)}
    return [tapes[id(store)].keep() if id(store) in tapes else TapeState() for store in stores]


class Collector:
    """Collects results as arrays, for export, tests and scripts.

    Parameters
    ----------
    lods : number of levels of detail to keep, from the finest
    """

    is_chart: Final[bool] = False

    def __init__(self, *, lods: int = 1) -> None:
        self._lods = lods
        self._bubbles: list[list[NDArray[np.void]]] = [[] for _ in range(lods)]
        self._cvd: list[list[NDArray[np.void]]] = [[] for _ in range(lods)]
        self._logs: dict[LogName, list[NDArray[np.void]]] = {name: [] for name in LOGS}
        self._count = 0
        self.sessions: list[Finished] = []
        """Finished sessions, in order."""
        self.cuts: list[int] = []
        """Number of base bubbles closed by the end of each session."""
        self.log_cuts: dict[LogName, list[int]] = {name: [] for name in LOGS}
        """Number of rows of each log by the end of each session."""
        self.tables: dict[TableName, NDArray[np.void]] = {}
        """The newest record of each table."""

    def room(self, most: int) -> Rows | None:  # noqa: ARG002  # it keeps copies
        return None

    def written(self, count: int) -> None:
        """Do nothing, because `room` returns None."""

    def bubbles(self, lod: int, bubbles: NDArray[np.void], cvd: NDArray[np.void]) -> None:
        if lod == 0:
            self._count += len(bubbles)
        if lod < self._lods:
            self._bubbles[lod].append(bubbles.copy())
            self._cvd[lod].append(cvd.copy())

    def log(self, name: LogName, rows: NDArray[np.void]) -> None:
        self._logs[name].append(rows)

    def replace(self, name: LogName, count: int, rows: NDArray[np.void], since: int) -> None:  # noqa: ARG002  # in order
        before = self.log_rows(name)
        self._logs[name] = [before[: len(before) - count], rows]

    def table(self, name: TableName, record: NDArray[np.void]) -> None:
        self.tables[name] = record.copy()

    def finished(self, session: Finished) -> None:
        self.sessions.append(session)
        self.cuts.append(self._count)
        for name, parts in self._logs.items():
            self.log_cuts[name].append(sum(map(len, parts)))

    def bubble_rows(self, lod: int = 0) -> NDArray[np.void]:
        """Return all closed bubbles of a lod (BUBBLE)."""
        return _joined(self._bubbles[lod], BUBBLE)

    def cvd_rows(self, lod: int = 0) -> NDArray[np.void]:
        """Return all closed CVD points of a lod (CVD_POINT)."""
        return _joined(self._cvd[lod], CVD_POINT)

    def event_rows(self) -> NDArray[np.void]:
        """Return all events (EVENT)."""
        return self.log_rows("events")

    def log_rows(self, name: LogName) -> NDArray[np.void]:
        """Return all rows of a log."""
        return _joined(self._logs[name], LOGS[name])


def _joined(parts: list[NDArray[np.void]], dtype: np.dtype) -> NDArray[np.void]:
    # As plain bytes, because NumPy concatenates records field by field, which is slow.
    raw = [part.view(f"V{dtype.itemsize}") for part in parts]
    return np.concatenate(raw).view(dtype) if raw else np.zeros(0, dtype)
