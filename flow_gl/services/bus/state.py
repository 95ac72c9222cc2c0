"""A chart's records and lists for *state*: each complete, at a limited rate, and only if it has changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol.bus import STATE_KINDS
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Kind, Part
from flow_gl.services.bus.rows import ChartRows
from flow_gl.streams.appended import Key, Source, source_of
from flow_gl.streams.chart import Chart
from flow_gl.streams.tables import TableStream, make_table

EVERY_S: Final = {
    Kind.OPEN: 0.1,
    Kind.SESSION: 0.1,
    Kind.PROFILE: 0.25,
    Kind.OPEN_FOOTPRINT: 0.25,
    Kind.ORDER: 0.25,
}
USUALLY_S: Final = 1.0
"""Shortest time between two messages of a kind; `EVERY_S` lists the exceptions."""
MAX_ORDERS: Final = 512
"""Most orders in a message; the newest are sent."""


class Orders:
    """The newest orders for the tape. Their positions continue those that were published last."""

    def __init__(self, source: Source) -> None:
        self._source: Final = source
        self._next = source.oldest
        self._offset = -self._next

    def resume(self, published: Rows | None) -> None:
        """Continue after the published orders, in position and in time. None: begin at position 0."""
        self._next = self._source.oldest
        self._offset = -self._next
        if published is None or not len(published.rows):
            return
        first, rows = self._source.read(self._next, self._source.state[1])
        self._next = first + int(rows["ts_event"].searchsorted(published.rows["ts_event"][-1], side="right"))
        self._offset = published.next - self._next

    @property
    def has_news(self) -> bool:
        return self._source.state[1] > self._next

    def take(self, epoch: int) -> Rows:
        """Return the orders since the last call, or the newest of them."""
        _, head = self._source.state
        first, rows = self._source.read(max(self._next, head - MAX_ORDERS), head)
        self._next = first + len(rows)
        return Rows(kind=Kind.ORDER, symbol=0, level=0, epoch=epoch, sequence=first + self._offset, rows=rows)


class ChartState:
    """The records and lists of a chart.

    Parameters
    ----------
    rows : gives the bus's positions
    now_s : monotonic time
    """

    def __init__(self, chart: Chart, rows: ChartRows, now_s: Callable[[], float]) -> None:
        self._rows: Final = rows
        self._now_s: Final = now_s
        levels = range(len(chart.reader.widths_ns))
        self._tables: Final[dict[Kind, list[TableStream]]] = {
            kind: [make_table(Key(0, kind, level), chart) for level in (levels if kind is Kind.OPEN else (0,))]
            for kind in STATE_KINDS
            if kind is not Kind.ORDER
        }
        self.orders: Final = Orders(source_of(chart, Kind.ORDER, 0))
        self._sent_s: Final[dict[Kind, float]] = {}
        self._changed: Final[set[Kind]] = set()
        self.renew()

    def renew(self) -> None:
        """Publish everything again."""
        self._changed.update(self._tables)
        self._sent_s.clear()

    def due(self, epoch: int, version: int, *, at_once: bool = False) -> list[tuple[Kind, list[Rows]]]:
        """Return what is to be published now, by kind. Refresh the chart's reader first.

        Parameters
        ----------
        version : larger than in every earlier call, of other publishers too
        at_once : include what was published only a short time ago
        """
        now_s = self._now_s()
        for kind, tables in self._tables.items():
            news = [table.advance() for table in tables]  # a list, not `any`: every table must advance
            if any(news):
                self._changed.add(kind)
        found = []
        for kind in STATE_KINDS:
            has_news = self.orders.has_news if kind is Kind.ORDER else kind in self._changed
            is_due = now_s - self._sent_s.get(kind, -1e9) >= EVERY_S.get(kind, USUALLY_S)
            if not has_news or not (is_due or at_once):
                continue
            self._sent_s[kind] = now_s
            self._changed.discard(kind)
            found.append((kind, self._blocks(kind, epoch, version)))
        return found

    def _blocks(self, kind: Kind, epoch: int, version: int) -> list[Rows]:
        if kind is Kind.ORDER:
            return [self.orders.take(epoch)]
        return [self._numbered(block, epoch, version) for table in self._tables[kind] for block in table.whole()]

    def _numbered(self, block: Rows, epoch: int, version: int) -> Rows:
        """Return a block with the bus's numbers in place of the engine's."""
        sequence, rows = version, block.rows
        if block.kind is Kind.OPEN:
            sequence = block.sequence + self._rows.offset(Kind.BUBBLE, block.level)
        elif block.kind in (Kind.GAP, Kind.ROLL, Kind.FINISHED_SESSION):
            sequence = block.sequence
        elif block.kind is Kind.OPEN_FOOTPRINT:
            rows = self._moved(rows)
        return replace(block, symbol=0, epoch=epoch, sequence=sequence, rows=rows, part=Part.NEWEST)

    def _moved(self, head: NDArray[np.void]) -> NDArray[np.void]:
        moved = head.copy()
        for (kind, level), one in self._rows.streams.items():
            if kind is Kind.FOOTPRINT:
                moved["head"][0, level] += one.offset
        return moved
