"""Collects a segment of a replay's index while its trades are aggregated."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import FlowError
from flow_gl.core.items import Item, Trades
from flow_gl.engine import checkpoint
from flow_gl.engine.pipeline import Pipeline
from flow_gl.runtime.replay_snapshots import Note
from flow_gl.services.replay_cache.segment import (
    Columns,
    Contents,
    Point,
    added_columns,
    encode_block,
    encode_contents,
    encode_orders,
    pack,
)
from flow_gl.services.replay_cache.snapshot_file import Rows, Snapshot
from flow_gl.store.market import MarketStore
from flow_gl.store.ring import Cursor, Ring
from flow_gl.store.row_log import RowCursor, RowLog
from flow_gl.store.table import Table

TRADES_OF_DETECTORS: Final = 4
"""Index of the held trades in `MarketState.detectors`, if the market has detectors."""


def positions_of(store: MarketStore) -> list[int]:
    """Return the positions of a chart's rings: bubbles and footprints by level of detail, then the logs."""
    rings: list[Ring | RowLog] = [*store.bubbles, *store.footprints, *store.logs]
    return [ring.head for ring in rings]


class SegmentWriter:
    """Collects one segment at a time.

    Parameters
    ----------
    pipeline : aggregates the trades
    stores : the charts' stores, local to this process
    base : by chart and ring, the positions at which these stores continue; empty if they begin at 0
    """

    def __init__(self, pipeline: Pipeline, stores: Sequence[MarketStore], base: Sequence[Sequence[int]] = ()) -> None:
        self._pipeline: Final = pipeline
        self._stores: Final = list(stores)
        self._base: Final = base
        self._cursors: Final = [_ChartCursors(store) for store in stores]
        self._points: list[Point] = []
        self._blocks: list[bytes] = []
        self._items: list[Item] = []
        self._kept: dict[tuple[int, int], tuple[int, NDArray[np.uint8]]] = {}
        """At the last point: index and held trades of each market with detectors, by instrument and chart."""
        self._tape_heads: list[int] = []
        """At the last point: orders written, by chart; empty before the first one of a segment."""
        self.trades_since_point = 0
        self.trades = 0

    def begin(self, note: Note) -> None:
        """Begin a segment at the current position."""
        self._points, self._blocks, self._items, self._kept, self._tape_heads = [], [], [], {}, []
        self.trades_since_point = self.trades = 0
        for cursors in self._cursors:
            cursors.begin()
        self._mark(note)

    def take(self, item: Item) -> None:
        """Record an aggregated item and the rows that it added to the charts."""
        self._items.append(item)
        if isinstance(item, Trades):
            self.trades += len(item.rows)
            self.trades_since_point += len(item.rows)
        for cursors in self._cursors:
            cursors.read()

    def mark(self, note: Note) -> None:
        """Add a checkpoint at the current position."""
        self._blocks.append(encode_block(self._items))
        self._items = []
        self._mark(note)

    def finish(self, *, is_last: bool) -> tuple[Snapshot, Contents]:
        """Return the segment, which ends at the last checkpoint. The charts' tables must be published before."""
        tables = [
            [pack(_record(table)) for table in (store.gaps, store.sessions, store.session, store.open)]
            for store in self._stores
        ]
        contents = Contents(self._points, self._blocks, tables, is_last)
        snapshot = Snapshot("", encode_contents(contents))
        for cursors in self._cursors:
            rows, logs = cursors.taken()
            snapshot.rows.append(rows)
            snapshot.logs.append(logs)
        return snapshot, contents

    def _mark(self, note: Note) -> None:
        self.trades_since_point = 0
        state = self._pipeline.state(self._stores)
        markets, columns, kept = [], [], {}
        for place, market in enumerate(state.markets):
            detectors = market.detectors
            if len(detectors) > TRADES_OF_DETECTORS:
                now = np.frombuffer(detectors[TRADES_OF_DETECTORS], np.uint8)
                key = (market.instrument_id, market.chart)
                before = self._kept.get(key)
                goes_on, data = added_columns(now, before[1] if before else None)
                columns.append(Columns(place, before[0] if before and goes_on else -1, pack(data)))
                kept[key] = (place, now)
                detectors = [*detectors]
                detectors[TRADES_OF_DETECTORS] = b""
            markets.append(msgspec.structs.replace(market, detectors=detectors))
        self._kept = kept
        before_heads = self._tape_heads or [0] * len(state.tapes)
        orders = [
            encode_orders(tape.rows, tape.head - before) for tape, before in zip(state.tapes, before_heads, strict=True)
        ]
        self._tape_heads = [tape.head for tape in state.tapes]
        tapes = [msgspec.structs.replace(tape, rows=b"") for tape in state.tapes]
        data = pack(checkpoint.encode(msgspec.structs.replace(state, markets=markets, tapes=tapes)))
        heads = [positions_of(store) for store in self._stores]
        if self._base:
            heads = [
                [one + more for one, more in zip(*pair, strict=True)] for pair in zip(heads, self._base, strict=True)
            ]
        self._points.append(Point(note.trades, note.newest_event, note.gap_starts, heads, data, columns, orders))


class _ChartCursors:
    """Collects the rows of one chart's rings."""

    def __init__(self, store: MarketStore) -> None:
        self._rings: Final[list[Ring]] = [*store.bubbles, *store.cvd, *store.footprints]
        self._lods: Final = len(store.bubbles)
        self._logs: Final = store.logs
        self.begin()

    def begin(self) -> None:
        self._cursors: list[Cursor | RowCursor] = [Cursor(ring, position=ring.head) for ring in self._rings]
        self._cursors += [RowCursor(log, position=log.head) for log in self._logs]
        self._parts: list[list[NDArray[np.void]]] = [[] for _ in self._cursors]

    def read(self) -> None:
        for cursor, parts in zip(self._cursors, self._parts, strict=True):
            if cursor.behind:
                parts.append(cursor.read())
                if cursor.missed:
                    raise FlowError("the index of the replay cannot be built: a batch has more rows than a ring holds")

    def taken(self) -> tuple[list[Rows], list[NDArray[np.void]]]:
        """Return the rows by level of detail, and those of the logs."""
        dtypes = [ring.dtype for ring in self._rings] + [log.dtype for log in self._logs]
        arrays = [_joined(parts, dtype) for parts, dtype in zip(self._parts, dtypes, strict=True)]
        lods = self._lods
        rows = [Rows(*(arrays[lod + kind * lods] for kind in range(3))) for lod in range(lods)]
        return rows, arrays[3 * lods :]


def _joined(parts: list[NDArray[np.void]], dtype: np.dtype) -> NDArray[np.void]:
    # As raw bytes, because NumPy copies records field by field.
    raw = [part.view(f"V{dtype.itemsize}") for part in parts]
    return np.concatenate(raw).view(dtype) if raw else np.zeros(0, dtype)


def _record(table: Table) -> bytes:
    record = np.zeros(1, table.dtype)
    table.read(record)
    return record.tobytes()
