"""A reader's side of one chart on the bus, without sockets: messages go in, rows and descriptions come out.

A reader joins with the newest `Chart`, reads *history* from `history_next` to its end at that moment, then *rows* from
`rows_next` on, and *state* alongside. Rows are collected until all that were published before the join have arrived;
then every stream is delivered as one block of part NEWEST, and what follows as INCREMENT.

*history* and *rows* overlap, and a publisher that takes over may publish rows twice: rows that are known are dropped.
Rows that do not follow the known ones raise ProtocolError, so rows are never skipped silently.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chapter, Chart
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import FORMS, PER_LEVEL, Cause, Kind, Part
from flow_gl.protocol.messages import Status

_Stream = tuple[Kind, int]
"""Kind and level of detail."""
Update = Chart | Status | Rows


@dataclass(slots=True)
class _Held:
    """The rows of a stream that are known: [first, next). `blocks` has them until they are given out."""

    revision: int
    first: int
    next: int
    blocks: list[Rows] = field(default_factory=list)


class BusReceiver:
    """The state of one reader of one chart, over all its connections.

    Attributes
    ----------
    index : the chart's number, `symbol` of its rows
    chart : the chart's description; None before the first `join`
    history_next, rows_next : sequences in *history* and *rows* to read next
    is_whole : all rows that had been published before the join have been given out
    """

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self.chart: Chart | None = None
        self.history_next = self.rows_next = 0
        self.is_whole = False
        self._rows_last = 0
        """The last message of *rows* when the reader joined, or the description of an epoch that began later."""
        self._held: Final[dict[_Stream, _Held]] = {}
        self._orders_next = 0
        self._waiting: Final[dict[str, tuple[int, list[Rows]]]] = {}
        """State that is ahead of the rows, by subject: the sequence in *rows* that it waits for, and its blocks."""

    @property
    def is_behind(self) -> bool:
        """Whether state waits for rows that have not arrived."""
        return bool(self._waiting)

    def join(self, chart: Chart, *, rows_last: int) -> None:
        """Begin, or begin again: forget everything.

        Parameters
        ----------
        chart : the newest description
        rows_last : sequence of the last message in *rows*
        """
        self._begin(chart)
        self._waiting.clear()
        self.is_whole = False
        self.history_next, self.rows_next, self._rows_last = chart.history_begin, chart.rows_begin, rows_last

    def _begin(self, chart: Chart) -> None:
        self.chart = chart
        self._held.clear()
        self._orders_next = 0

    def history(self, sequence: int, last: str, payload: bytes) -> None:
        """Take a message of *history*. Raises ProtocolError.

        Parameters
        ----------
        sequence : the message's sequence in the stream
        last : its subject after the chart's key, like `Bubble.0` or `Chapter`
        """
        self.history_next = sequence + 1
        if last == bus.CHAPTER:
            chapter = bus.decode(payload, Chapter)
            if self.chart is not None and chapter.epoch == self.chart.instrument.epoch:
                self.rows_next = max(self.rows_next, chapter.rows_next)
            return
        for block in bus.unpack(payload):
            for _ in self._take(block):
                pass

    def rows(self, sequence: int, last: str, payload: bytes) -> list[Update]:
        """Process a message of *rows* and return the rows that it completes. Raises ProtocolError."""
        if sequence < self.rows_next:
            return []
        self.rows_next = sequence + 1
        found: list[Update] = []
        if last == bus.CHART:
            found += self._describe(sequence, bus.decode(payload, Chart))
        else:
            for block in bus.unpack(payload):
                found += self._take(block)
        return [*found, *self.settle()]

    def settle(self) -> list[Update]:
        """Return the rows, once none is missing, and the state that waited for them."""
        found: list[Update] = []
        if not self.is_whole:
            # The publisher's first state comes when all rows that the engine already had have been published.
            afters = [after for after, blocks in self._waiting.values() if blocks and self._is_current(blocks[0])]
            if not afters or self.rows_next <= max(self._rows_last, min(afters)):
                return []
            self.is_whole = True
            found += self._all()
        for last, (after, blocks) in list(self._waiting.items()):
            if after < self.rows_next:
                del self._waiting[last]
                found += self._changed(blocks)
        return found

    def state(self, last: str, payload: bytes, *, after: int) -> list[Update]:
        """Process a message of *state* and return the state that applies now. Raises ProtocolError.

        Parameters
        ----------
        after : header `AFTER`: the last sequence in *rows* before it
        """
        if last == bus.STATUS:
            return [bus.decode(payload, Status)]
        if last == bus.CHART:
            return []  # *rows* also contains it, at its position among the rows
        self._waiting.pop(last, None)
        self._waiting[last] = after, bus.unpack(payload)
        return self.settle()

    def _describe(self, sequence: int, chart: Chart) -> list[Update]:
        """Take a description: of another epoch, or a changed one."""
        if self.chart is not None and chart.instrument.epoch == self.chart.instrument.epoch:
            self.chart = chart
            return [chart] if self.is_whole else []
        self._begin(chart)
        self.is_whole, self._rows_last = False, sequence
        return [chart]

    def _is_current(self, block: Rows) -> bool:
        return self.chart is not None and block.epoch == self.chart.instrument.epoch

    @property
    def _streams(self) -> list[_Stream]:
        assert self.chart is not None
        levels = range(len(self.chart.instrument.widths_ns))
        return [
            *((kind, level) for kind in bus.ROW_KINDS for level in (levels if kind in PER_LEVEL else (0,))),
            (Kind.ORDER, 0),
        ]

    def _all(self) -> Iterator[Rows]:
        """Give out everything that is known."""
        for kind, level in self._streams:
            held = self._held.setdefault((kind, level), _Held(0, 0, 0))
            rows = [block.rows for block in held.blocks]
            held.blocks.clear()
            whole = np.concatenate(rows) if rows else np.zeros(0, FORMS[kind].dtype)
            yield self._block((kind, level), held, whole, Part.NEWEST, Cause.SUBSCRIBED)

    def _block(self, stream: _Stream, held: _Held, rows: NDArray[np.void], part: Part, cause: Cause) -> Rows:
        kind, level = stream
        assert self.chart is not None
        return Rows(
            kind=kind,
            symbol=self.index,
            level=level,
            epoch=self.chart.instrument.epoch,
            sequence=held.next - len(rows),
            rows=rows,
            part=part,
            cause=cause,
            revision=held.revision,
            oldest=held.first,
        )

    def _take(self, block: Rows) -> Iterator[Rows]:
        """Take rows of *rows* or *history*; return new rows once all earlier ones have been returned."""
        assert self.chart is not None
        if block.epoch != self.chart.instrument.epoch:
            return
        stream = block.kind, block.level
        held = self._held.get(stream)
        cause = Cause.NONE
        if held is not None and block.revision > held.revision:
            cause = Cause.REPLACED
        elif held is not None and block.cause is Cause.LAPPED and block.sequence > held.next:
            cause = Cause.LAPPED  # the engine itself no longer had the rows in between
        if held is None or cause is not Cause.NONE:
            held = self._held[stream] = _Held(block.revision, block.sequence, block.sequence)
        elif block.revision < held.revision or (block.next <= held.next and len(block.rows)):
            return
        if block.sequence > held.next:
            raise ProtocolError(
                f"{FORMS[block.kind].name} of {self.chart.instrument.symbol}: rows {block.sequence} to {block.next} "
                f"do not follow row {held.next}"
            )
        rows = block.rows[held.next - block.sequence :]
        held.next = block.next
        if not self.is_whole:
            held.blocks.append(replace(block, rows=rows))
        elif len(rows) or cause is not Cause.NONE:
            yield self._block(stream, held, rows, Part.INCREMENT if cause is Cause.NONE else Part.NEWEST, cause)

    def _changed(self, blocks: list[Rows]) -> Iterator[Rows]:
        """Give out state of the current epoch."""
        for block in blocks:
            if not self._is_current(block):
                continue
            if block.kind is not Kind.ORDER:
                yield replace(block, symbol=self.index, part=Part.NEWEST, cause=Cause.SUBSCRIBED)
            elif block.next > self._orders_next:
                rows = block.rows[max(0, self._orders_next - block.sequence) :]
                self._orders_next = block.next
                yield replace(block, symbol=self.index, sequence=block.next - len(rows), rows=rows, part=Part.INCREMENT)
