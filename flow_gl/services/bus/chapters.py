"""Writes *history*: what *rows* has received since the last chapter, in a few large messages.

A chapter is made of the bus's own messages and not of an engine's rows, so any leader can write the next one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chapter, Log
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Kind, Part
from flow_gl.services.bus.rows import BLOCK_ROWS
from flow_gl.services.bus.writer import ChartWriter, Message

CHAPTER_MESSAGES: Final = 2_000
"""Messages in *rows* after which a chapter is written: some minutes of a session."""


def merged(blocks: Iterable[Rows]) -> list[Rows]:
    """Join the blocks of each stream as far as they follow one another, to at most BLOCK_ROWS rows."""
    runs: dict[tuple[Kind, int], list[list[Rows]]] = {}
    for block in blocks:
        known = runs.setdefault((block.kind, block.level), [])
        if known and _follows(known[-1], block):
            known[-1].append(block)
        else:
            known.append([block])
    return [_joined(run) for one in runs.values() for run in one]


def _follows(run: Sequence[Rows], block: Rows) -> bool:
    last = run[-1]
    return (
        block.part is Part.INCREMENT
        and (last.revision, last.next) == (block.revision, block.sequence)
        and block.next - run[0].sequence <= BLOCK_ROWS
    )


def _joined(run: Sequence[Rows]) -> Rows:
    return replace(run[0], rows=np.concatenate([block.rows for block in run]))


class Chapters:
    """The chapters of one epoch of a chart."""

    def __init__(self, writer: ChartWriter) -> None:
        self._writer: Final = writer
        self._epoch = 0
        self._next = 0
        """Sequence in *rows* of the first message that is not in *history*."""

    def begin(self, epoch: int, rows_begin: int) -> None:
        """Begin with a new epoch."""
        self._epoch, self._next = epoch, rows_begin

    async def resume(self, epoch: int, rows_begin: int, history_begin: int) -> None:
        """Continue after the last chapter; remove the remains of an unfinished one."""
        writer = self._writer
        self.begin(epoch, rows_begin)
        end = history_begin - 1
        found = await writer.newest(Log.HISTORY, writer.topic.subject(Log.HISTORY, bus.CHAPTER))
        if found is not None and found[0] >= history_begin:
            chapter = bus.decode(found[1], Chapter)
            if chapter.epoch == epoch:
                end, self._next = found[0], chapter.rows_next
        for sequence in range(end + 1, writer.last[Log.HISTORY] + 1):
            await writer.delete(Log.HISTORY, sequence)

    @property
    def is_due(self) -> bool:
        return self._writer.last[Log.ROWS] + 1 - self._next >= CHAPTER_MESSAGES

    async def write(self, *, tick_size: int, widths_ns: Sequence[int]) -> None:
        """Write a chapter with all rows so far. Raises as `ChartWriter.send` does."""
        writer, topic = self._writer, self._writer.topic
        stop = writer.last[Log.ROWS] + 1
        ends = f".{bus.CHART}"
        found = await writer.read(Log.ROWS, self._next, stop)
        blocks = [one for subject, payload in found if not subject.endswith(ends) for one in bus.unpack(payload)]
        ours = merged(block for block in blocks if block.epoch == self._epoch)
        found_before = writer.last[Log.HISTORY]
        messages = [
            Message(
                subject := topic.subject_of(Log.HISTORY, block.kind, block.level),
                bus.pack([block], tick_size=tick_size, widths_ns=widths_ns),
                bus.message_id(self._epoch, subject, found_before + at),
            )
            for at, block in enumerate(ours)
        ]
        subject = topic.subject(Log.HISTORY, bus.CHAPTER)
        chapter = bus.encode(Chapter(self._epoch, stop))
        messages.append(Message(subject, chapter, bus.message_id(self._epoch, subject, found_before + len(ours))))
        await writer.send(Log.HISTORY, messages)
        self._next = stop
