"""A chart's final rows with the bus's positions: takes the engine's rows, returns blocks to publish.

A stream's own position and the bus's differ by `offset`, which is found once (`positions.find`) and kept until rows are
replaced. Nothing is counted as published before the bus has acknowledged it (`commit`).
"""

from collections.abc import Iterable
from typing import Final

from flow_gl.protocol.bus import ROW_KINDS
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import PER_LEVEL, Cause, Kind, Part
from flow_gl.services.bus.positions import Absence, find
from flow_gl.streams.appended import Source, source_of
from flow_gl.streams.chart import Chart

BLOCK_ROWS: Final = 4096
"""Most rows of a message: half a megabyte at worst, where a server allows one."""
_Stream = tuple[Kind, int]


class RowStream:
    """The rows of one kind and level.

    Attributes
    ----------
    offset : the bus's position of a row, less the own one
    revision : the bus's number of the current rows
    """

    def __init__(self, kind: Kind, level: int, source: Source) -> None:
        self.kind: Final = kind
        self.level: Final = level
        self.source: Final = source
        self.offset = self.revision = 0
        self._own_revision = self._next = 0
        self._cause: Cause | None = Cause.NEW_EPOCH
        """Why the next block replaces the earlier rows; None if it follows them."""

    @property
    def waiting(self) -> int:
        """Rows that are not published yet."""
        own_revision, head = self.source.state
        return head - (self._next if own_revision == self._own_revision else self.source.oldest)

    def begin(self) -> None:
        """Publish all rows that are kept, from position 0 on."""
        self._own_revision, _ = self.source.state
        self._next = self.source.oldest
        self.offset, self.revision, self._cause = -self._next, 0, Cause.NEW_EPOCH

    def resume(self, published: Rows, *, newest_ns: int) -> Absence | None:
        """Continue after published rows. Returns the reason if that is impossible, else None."""
        own_revision, _ = self.source.state
        found = find(self.source, published, newest_ns=newest_ns)
        if isinstance(found, Absence):
            return found
        self._own_revision, self._next, self._cause = own_revision, found, None
        self.offset, self.revision = published.next - found, published.revision
        return None

    def block(self, epoch: int) -> Rows | None:
        """Return the next rows to publish, or None. They are returned again until `commit`."""
        own_revision, head = self.source.state
        if own_revision != self._own_revision:
            first = self.source.oldest
            self.offset += self._next - first
            self._own_revision, self._next, self._cause = own_revision, first, Cause.REPLACED
            self.revision += 1
        first, rows = self.source.read(self._next, min(head, self._next + BLOCK_ROWS))
        missed = first - self._next
        if missed:
            self._next, self._cause = first, self._cause or Cause.LAPPED
        if not len(rows) and self._cause is not Cause.REPLACED:
            return None
        sequence = first + self.offset
        return Rows(
            kind=self.kind,
            symbol=0,
            level=self.level,
            epoch=epoch,
            sequence=sequence,
            rows=rows,
            part=Part.INCREMENT if self._cause is None else Part.NEWEST,
            cause=self._cause or Cause.NONE,
            revision=self.revision,
            oldest=0 if self._cause is None else sequence,
            missed=missed,
        )

    def commit(self, block: Rows) -> None:
        """Note that a block is on the bus."""
        self._next, self._cause = block.next - self.offset, None


class ChartRows:
    """All row streams of a chart."""

    def __init__(self, chart: Chart) -> None:
        levels = range(len(chart.reader.widths_ns))
        self.streams: Final[dict[_Stream, RowStream]] = {
            (kind, level): RowStream(kind, level, source_of(chart, kind, level))
            for kind in ROW_KINDS
            for level in (levels if kind in PER_LEVEL else (0,))
        }

    @property
    def waiting(self) -> int:
        """Rows that are not published yet."""
        return sum(one.waiting for one in self.streams.values())

    @property
    def total(self) -> int:
        """Rows that are kept."""
        return sum(one.source.state[1] - one.source.oldest for one in self.streams.values())

    def begin(self) -> None:
        """Publish everything that is kept, in a new epoch."""
        for one in self.streams.values():
            one.begin()

    def resume(self, published: dict[_Stream, Rows], *, newest_ns: int) -> Absence | None:
        """Continue after the newest published rows of each stream. Returns the reason if that is impossible.

        Parameters
        ----------
        published : the last block of each stream that has one in this epoch
        newest_ns : event time up to which the engine has read trades
        """
        found = set()
        for key, one in self.streams.items():
            if key not in published:
                one.begin()
            elif absence := one.resume(published[key], newest_ns=newest_ns):
                found.add(absence)
        return Absence.DIFFERENT if Absence.DIFFERENT in found else next(iter(found), None)

    def blocks(self, epoch: int) -> list[Rows]:
        """Return the next block of each stream that has one."""
        return [block for one in self.streams.values() if (block := one.block(epoch)) is not None]

    def commit(self, blocks: Iterable[Rows]) -> None:
        """Note that blocks are on the bus."""
        for block in blocks:
            self.streams[block.kind, block.level].commit(block)

    def offset(self, kind: Kind, level: int) -> int:
        """Return what is added to the engine's position to get the bus's."""
        return self.streams[kind, level].offset
