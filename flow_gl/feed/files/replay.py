"""Replay of files: trades handed over by event time, at a chosen speed.

The feed's event time is a linear function of wall time: an anchor and a rate. `poll(wall_ns)` hands over every trade
whose time has been reached. Event time never runs ahead of the trades: if a poll's bulk is too small, or polls are late
(a busy machine, a laptop that slept), the anchor is moved back, so a replay may slow down, but no bucket closes before
its trades have arrived. At the highest speed each poll hands over one bulk, and event time is that of the last trade.
Where a batch ends has no meaning, and consumers must not depend on it.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import FlowError, UsageError
from flow_gl.core.items import FeedGap, Item, Trades
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS, format_time
from flow_gl.feed.base import FeedClock, FeedStatus
from flow_gl.feed.files.choices import InstrumentSummary
from flow_gl.feed.files.file_order import event_times
from flow_gl.feed.files.file_part import read_part
from flow_gl.feed.files.file_sequence import FileSequence
from flow_gl.feed.files.scan import FileSummary, scan
from flow_gl.feed.files.trade_file import TradeFile

__all__ = ["FileSummary", "FilesFeed", "InstrumentSummary", "read_items", "scan"]

LOW_SPEED: Final = 0.1
HIGH_SPEED: Final = 10_000.0
MAX_SPEED: Final = math.inf
"""As fast as the consumer takes the trades."""
BULK_TRADES: Final = 1 << 16
_NEVER: Final = 2**63 - 1
_LONGEST_STEP_NS: Final = SECOND_NS
"""Longest wall time between two polls that counts: after a longer pause, the replay continues where it was."""


def read_items(paths: Sequence[str | PathLike[str]]) -> FileSequence:
    """Read files, in any order, without pacing. Returns an iterable of items, with `progress`, at the end `messages`.

    Files whose headers give time ranges that overlap, or no time range, are read twice: first for their summaries.

    Raises
    ------
    DataError
        A file cannot be read; while iterating: files overlap, or none holds a trade.
    """
    if len(paths) == 1 or (ordered := _ordered(paths)) is None:
        known = {path: read_part(path) for path in map(Path, paths)} if len(paths) > 1 else None
        return FileSequence(paths, known=known)
    return FileSequence(ordered)


def _ordered(paths: Sequence[str | PathLike[str]]) -> list[Path] | None:
    """Order files by the time ranges in their headers; None if the ranges overlap or a file has none.

    Files that overlap may have to be merged, which requires their summaries. Definitions have no place in the order.
    """
    ranges: list[tuple[tuple[int, int], Path]] = []
    definitions: list[Path] = []
    for path in map(Path, paths):
        file = TradeFile(path)
        file.close()
        if file.is_definitions:
            definitions.append(path)
        elif file.requested is None:
            return None
        else:
            ranges.append((file.requested, path))
    ranges.sort()
    is_apart = all(one[1] <= other[0] for (one, _), (other, _) in pairwise(ranges))
    return [*definitions, *(path for _, path in ranges)] if is_apart else None


class ItemSource(Protocol):
    """The items of a replay from some point on, read from elsewhere than its files."""

    @property
    def is_waiting(self) -> bool:
        """Whether there is no item now, but more will come."""

    def take(self) -> Item | None:
        """Return the next item; None if there is none."""


class FilesFeed:
    """A replay. Implements `feed.base.Feed`."""

    def __init__(
        self,
        paths: Sequence[str | PathLike[str]],
        *,
        speed: float = 1.0,
        from_ns: int | None = None,
        bulk: int = BULK_TRADES,
        summary: FileSummary | None = None,
        done: int = 0,
        yield_ends: bool = False,
    ) -> None:
        """Prepare a replay; nothing is opened yet.

        Parameters
        ----------
        paths : files in order of time
        speed : event seconds per wall second, 0.1 to 10,000, or inf
        from_ns : event time at which pacing begins; earlier trades are handed over without pacing, so that the
            session's CVD, profile and levels are complete
        bulk : most trades per poll
        summary : result of `scan` for the same files; without it several files are scanned at the start
        done : number of leading files to skip, because their numbers are known; requires `summary`
        yield_ends : hand over a FileEnd after each file

        Raises
        ------
        UsageError
            Speed out of range.
        """
        self._paths = list(paths)
        more = f" and {len(self._paths) - 1} more" if len(self._paths) > 1 else ""
        self._source: Final = f"{Path(self._paths[0]).name}{more}" if self._paths else ""
        self._speed = _checked_speed(speed)
        self._from_ns = from_ns
        self._bulk = bulk
        self._summary = summary
        self._done = done
        self._yield_ends = yield_ends
        self._sequence: FileSequence | None = None
        self._elsewhere: ItemSource | None = None
        self._is_held = False
        self._waiting: deque[Item] = deque()
        self._state = FeedState.STARTING
        self._failure = ""
        self._wall: int | None = None
        self._anchor_wall = 0
        self._anchor_event = 0
        self._first_ts = 0
        self._last_ts = 0

    def start(self) -> None:
        """Open the files and read up to the first trades.

        Raises
        ------
        DataError
            A file cannot be read, files overlap or are out of order, or none holds a trade.
        UsageError
            `from_ns` is after the last trade.
        """
        if self._summary is None and (len(self._paths) > 1 or self._from_ns is not None):
            self._summary = scan(self._paths)
        if self._summary and self._from_ns is not None and self._from_ns > self._summary.last_ts:
            wanted, last = format_time(self._from_ns), format_time(self._summary.last_ts)
            raise UsageError(f"the replay cannot start at {wanted}: the last trade is at {last}")
        parts = dict(zip(self._summary.paths, self._summary.parts, strict=True)) if self._summary else {}
        self._sequence = FileSequence(self._paths, known=parts, yield_ends=self._yield_ends)
        for part in list(parts.values())[: self._done]:
            self._sequence.skip(part)
            self._first_ts = self._first_ts or part.first_ts
            self._last_ts = max(self._last_ts, part.last_ts)
        for item in self._sequence:
            self._waiting.append(item)
            if isinstance(item, Trades):
                first_ts = int(event_times(item.rows)[0])
                self._first_ts = self._first_ts or first_ts
                self._last_ts = max(self._last_ts, first_ts)
                break
        if self._is_held and self._from_ns is None:
            self._from_ns = self._first_ts + 1  # the first trade is shown
        is_late = self._from_ns is not None and self._from_ns > self._first_ts
        self._state = FeedState.CATCHING_UP if is_late else FeedState.REPLAY

    def poll(self, wall_ns: int) -> list[Item]:
        """Return the items due at a wall time, at most one bulk of trades. Errors are reported by `status`."""
        items: list[Item] = []
        if self._state in (FeedState.STARTING, FeedState.ENDED, FeedState.FAILED):
            return items
        self._pass_time(wall_ns)
        try:
            room = self._hand_over(items)
        except FlowError as error:
            self._failure = str(error)
            self._state = FeedState.FAILED
            return items
        is_short = self._elsewhere is not None and self._elsewhere.is_waiting
        if self._is_held and self._state == FeedState.REPLAY:
            self._anchor(self._anchor_event)
        elif (not room or is_short) and self._is_paced():
            self._anchor(self._last_ts)
        return items

    def clock(self) -> FeedClock:
        """Return the event clock. At the wall time of the last `poll` it is never ahead of the trades handed over."""
        if self._is_held and self._state == FeedState.REPLAY:
            return FeedClock(self._anchor_wall, self._anchor_event, 0.0)
        if self._is_paced():
            return FeedClock(self._anchor_wall, self._anchor_event, self._speed)
        return FeedClock(self._wall or 0, self._last_ts, 0.0)

    def status(self) -> FeedStatus:
        """Return the state; its message reports a failure, or damage and omissions."""
        messages = self._summary.messages if self._summary else self._sequence.messages if self._sequence else ()
        return FeedStatus(
            state=self._state,
            message=self._failure or "; ".join((*self._reading(), *messages)),
            progress=self._progress(),
            speed=self._speed,
            dataset=self._sequence.dataset if self._sequence else "",
            source=self._source,
        )

    def is_ended(self) -> bool:
        return self._state in (FeedState.ENDED, FeedState.FAILED)

    def close(self) -> None:
        """Close the files and end the replay. Idempotent."""
        self._waiting.clear()
        if self._sequence:
            self._sequence.close()
        if not self.is_ended():
            self._state = FeedState.ENDED

    def set_speed(self, speed: float) -> None:
        """Change the speed, from the last poll on. Raises UsageError if it is out of range."""
        checked = _checked_speed(speed)
        if self._wall is not None:
            self._anchor(self._event_now() if self._is_paced() else self._last_ts)
        self._speed = checked

    @property
    def is_held(self) -> bool:
        """Whether the clock is stopped until the replay is played again."""
        return self._is_held

    @property
    def position(self) -> int:
        """Event time that the replay has reached, ns."""
        clock = self.clock()
        return max(clock.anchor_event + int(((self._wall or 0) - clock.anchor_wall) * clock.rate), self._first_ts)

    def hold(self) -> None:
        """Stop the clock where it is; items read without pacing are still delivered."""
        if not self._is_held:
            self._anchor(self._event_now() if self._is_paced() else self._last_ts)
            self._is_held = True

    def play(self) -> None:
        """Let the clock run again."""
        if self._is_held:
            self._anchor(self._anchor_event)
            self._is_held = False

    def go_on_from(self, source: ItemSource, last_ts: int) -> None:
        """Continue with the items of a source instead of the files, at any point, also after the end.

        Parameters
        ----------
        last_ts : latest event time of the trades before that point, ns; 0 if there are none
        """
        self._waiting.clear()
        if self._sequence:
            self._sequence.close()
        self._elsewhere = source
        self._last_ts = last_ts
        self._state = FeedState.REPLAY

    def hand_over_until(self, event_ns: int) -> Iterator[Item]:
        """Yield all items up to an event time without pacing, and continue from that time. Raises DataError."""
        self._state = FeedState.REPLAY
        while (item := self._peek()) is not None and (count := self._due_until(item, event_ns)):
            items: list[Item] = []
            self._take(items, item, count)
            yield from items
        self._anchor(event_ns)

    def _hand_over(self, items: list[Item]) -> int:
        """Append the items that are due to `items`. Returns the room left in the bulk, trades."""
        room = self._bulk
        while room > 0 and not (self._is_held and self._state == FeedState.REPLAY):
            item = self._peek()
            if item is None:
                if self._elsewhere is None or not self._elsewhere.is_waiting:
                    self._state = FeedState.ENDED
                break
            count = min(room, self._due_count(item))
            if count:
                self._take(items, item, count)
                room -= count
            elif self._state == FeedState.CATCHING_UP:
                self._state = FeedState.REPLAY
                self._anchor(max(self._last_ts, self._from_ns or 0))
            else:
                break
        return room

    def _peek(self) -> Item | None:
        """Return the next item without taking it; None at the end of the files."""
        if not self._waiting:
            if self._elsewhere is not None:
                item = self._elsewhere.take()
            else:
                item = next(iter(self._sequence), None) if self._sequence else None
            if item is not None:
                self._waiting.append(item)
        return self._waiting[0] if self._waiting else None

    def _due_count(self, item: Item) -> int:
        """Return how many trades of an item are due; 1 for a due notice (names at once, a gap when it has ended)."""
        if self._state == FeedState.CATCHING_UP:
            return self._due_until(item, (self._from_ns or 0) - 1)
        return self._due_until(item, self._event_now() if self._is_paced() else _NEVER)

    @staticmethod
    def _due_until(item: Item, event_ns: int) -> int:
        if not isinstance(item, Trades | FeedGap):
            return 1
        ts_event = item.rows["ts_event"] if isinstance(item, Trades) else np.array([item.end])
        return _leading(ts_event, event_ns) if event_ns < _NEVER else len(ts_event)

    def _take(self, items: list[Item], item: Item, count: int) -> None:
        self._waiting.popleft()
        if isinstance(item, Trades):
            if count < len(item.rows):
                self._waiting.appendleft(Trades(item.rows[count:]))
                item = Trades(item.rows[:count])
            self._last_ts = max(self._last_ts, int(item.rows["ts_event"].max()))
        items.append(item)

    def _is_paced(self) -> bool:
        return self._state == FeedState.REPLAY and self._speed < MAX_SPEED and self._wall is not None

    def _event_now(self) -> int:
        return self._anchor_event + int(((self._wall or 0) - self._anchor_wall) * self._speed)

    def _anchor(self, event_ns: int) -> None:
        self._anchor_wall, self._anchor_event = self._wall or 0, event_ns

    def _pass_time(self, wall_ns: int) -> None:
        """Advance to a wall time; a jump in either direction counts as the longest step at most."""
        if self._wall is None:
            self._wall = wall_ns
            self._anchor(self._last_ts)
        step = wall_ns - self._wall
        self._anchor_wall += step - min(max(step, 0), _LONGEST_STEP_NS)
        self._wall = wall_ns

    def _reading(self) -> tuple[str, ...]:
        """Return which of several files is being read, while catching up; () otherwise."""
        sequence = self._sequence
        is_reading = self._state == FeedState.CATCHING_UP or (
            self._state == FeedState.REPLAY and self._speed == MAX_SPEED
        )
        if sequence is None or not is_reading or len(self._paths) == 1:
            return ()
        return (f"reading {min(sequence.passed + 1, len(self._paths))} of {len(self._paths)} files",)

    def _progress(self) -> float:
        if self._summary and self._summary.last_ts > self._first_ts:
            return (
                (self._last_ts - self._first_ts) / (self._summary.last_ts - self._first_ts) if self._first_ts else 0.0
            )
        return self._sequence.progress if self._sequence else 0.0


def _leading(ts_event: NDArray[np.int64], last: int) -> int:
    """Count the leading times that are not later than `last`, looking only as far as needed."""
    start, length = 0, 512
    while start < len(ts_event):
        is_ahead = ts_event[start : start + length] > last
        at = int(is_ahead.argmax())
        if is_ahead[at]:
            return start + at
        start += length
        length *= 4
    return len(ts_event)


def _checked_speed(speed: float) -> float:
    if LOW_SPEED <= speed <= HIGH_SPEED or speed == MAX_SPEED:
        return float(speed)
    raise UsageError(f"speed: expected {LOW_SPEED:g} to {HIGH_SPEED:,.0f} or max, got {speed:g}")
