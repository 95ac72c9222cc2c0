"""Gaps between trades, classified by cause: a quiet market, the calendar, or the feed.

A silence is split at the exchange's closed hours (CLOSED); the rest is NO_TRADES if it is longer than 60 s. A trade in
closed hours opens an unscheduled session, no part of which is closed. Where the feed reports missing records (FEED), it
is unknown whether anything traded: those ranges are removed from a silence, and the remainder must again exceed 60 s.
"""

from collections import deque
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.items import FeedGap
from flow_gl.core.schema import GAPS, GapKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.checkpoint import GapState

Piece = tuple[int, int, GapKind]
_CLOSED_GAPS: Final = 128
"""Closed hours that are kept: half a year of trading days."""
SILENCE_NS: Final = MINUTE_NS


def pieces_of(start: int, end: int, calendar: SessionCalendar | None, *, is_end_traded: bool = True) -> list[Piece]:
    """Split the silence between two trades into closed hours and intervals of open hours without trades.

    Parameters
    ----------
    start, end : times of the trades before and after it, in ns
    calendar : session calendar; with None, the exchange never closes
    is_end_traded : False if nothing has traded since `start` and `end` is the present time

    Returns
    -------
    pieces : (start, end, kind) in order of time; intervals of open hours up to 60 s are left out
    """
    pieces: list[Piece] = []
    at = start
    stretches = calendar.closed_between_trades(start, end, is_end_traded=is_end_traded) if calendar else ()
    for closed, opened in stretches:
        _add_quiet(pieces, at, closed)
        pieces.append((closed, opened, GapKind.CLOSED))
        at = opened
    _add_quiet(pieces, at, end)
    return pieces


def _add_quiet(pieces: list[Piece], start: int, end: int) -> None:
    if end - start > SILENCE_NS:
        pieces.append((start, end, GapKind.NO_TRADES))


class GapLog:
    """The gaps of one instrument."""

    def __init__(self, calendar: SessionCalendar | None) -> None:
        self._calendar = calendar
        self._quiet: deque[Piece] = deque(maxlen=GAPS)
        self._closed: deque[Piece] = deque(maxlen=_CLOSED_GAPS)
        """Closed hours apart, so that the many silences of a quiet instrument do not displace them."""
        self._feed: dict[int, FeedGap] = {}
        self._total = 0
        self._open: list[Piece] = []
        self._newest = 0
        self.is_changed = True

    def silence(self, start: int, end: int) -> None:
        """Record the silence between two consecutive trades, `start` to `end` (ns)."""
        for piece in self._without_feed(pieces_of(start, end, self._calendar)):
            (self._closed if piece[2] is GapKind.CLOSED else self._quiet).append(piece)
            self._total += 1
        self._open = []
        self.is_changed = True

    def mark_unscheduled(self, ts: int) -> None:
        """Record that a trade at `ts` (ns) begins a session that is not in the calendar."""
        self._quiet.append((ts, ts, GapKind.UNSCHEDULED))
        self._total += 1
        self.is_changed = True

    def look(self, last_ts: int, now: int) -> None:
        """Update the silence that is still open.

        Parameters
        ----------
        last_ts : time of the newest trade, in ns; 0 if there is none
        now : current event time, in ns
        """
        self._newest = max(self._newest, now, last_ts)
        pieces: list[Piece] = []
        if last_ts and now - last_ts > SILENCE_NS:
            pieces = self._without_feed(pieces_of(last_ts, now, self._calendar, is_end_traded=False))
        if pieces != self._open or any(gap.end == 0 for gap in self._feed.values()):
            self._open = pieces
            self.is_changed = True

    def follow(self, other: "GapLog") -> None:
        """Take over the gaps of the previous instrument on the chart."""
        self._quiet.extend(other._quiet)
        self._closed.extend(other._closed)
        self._feed = {**other._feed, **self._feed}
        self._total = len(self._quiet) + len(self._closed) + len(self._feed)
        self.is_changed = True

    def forget(self) -> None:
        """Forget earlier silences, because a new chart begins."""
        self._quiet.clear()
        self._closed.clear()
        self._total = len(self._feed)
        self.is_changed = True

    def feed(self, gap: FeedGap) -> None:
        """Record that records are missing from the feed, or that such a gap was filled."""
        if gap.filled:
            if self._feed.pop(gap.start, None) is None:
                return
            self._total -= 1
        else:
            self._total += gap.start not in self._feed
            self._feed[gap.start] = gap
        self.is_changed = True

    def keep(self) -> GapState:
        """Return the state for a checkpoint, without a silence that is still open: `look` finds it again."""
        return GapState([*self._closed, *self._quiet], list(self._feed.values()), self._total)

    def resume(self, kept: GapState) -> None:
        """Restore the state that `keep` returned."""
        for piece in kept.quiet:
            (self._closed if piece[2] is GapKind.CLOSED else self._quiet).append(piece)
        self._feed = {gap.start: gap for gap in kept.feed}
        self._total = kept.total
        self.is_changed = True

    def write(self, record: NDArray[np.void]) -> None:
        """Fill a GAP_LIST record (shape (1,)), oldest first: closed hours, and the newest other gaps that fit."""
        closed = [(start, end, kind, 0) for start, end, kind in self._closed]
        rows = [(start, end, kind, 0) for start, end, kind in self._quiet]
        for gap in self._feed.values():
            rows += self._open_hours(gap.start, gap.end or max(self._newest, gap.start), is_open=gap.end == 0)
        rows += [(start, end, kind, int(end >= self._newest)) for start, end, kind in self._open]
        rows.sort()
        rows = sorted(closed + rows[len(closed) - GAPS :])
        row = record[0]
        row["count"] = len(rows)
        row["total"] = self._total + len(self._open)
        for name, column in zip(("start", "end", "kind", "open"), zip(*rows, strict=True), strict=False):
            row["gap"][name][: len(rows)] = column
        self.is_changed = False

    def _open_hours(self, start: int, end: int, *, is_open: bool) -> list[tuple[int, int, GapKind, int]]:
        """Return the parts of a feed gap in which the exchange was open, as rows.

        There may be none: files of one session each leave out closed hours. An open gap always has a row.
        """
        closed: list[tuple[int, int]] = []
        with suppress(DataError):  # a header may name a time that no calendar covers
            closed = self._calendar.closed_between(start, end) if self._calendar else []
        starts, ends = [start, *(opened for _, opened in closed)], [*(shut for shut, _ in closed), end]
        parts = [(one, other) for one, other in zip(starts, ends, strict=True) if one < other]
        if not parts and (is_open or not closed):
            parts = [(start, end)]
        return [(one, other, GapKind.FEED, int(is_open and other == end)) for one, other in parts]

    def _without_feed(self, pieces: list[Piece]) -> list[Piece]:
        for gap in self._feed.values():
            missing_end = gap.end or 2**63 - 1
            left: list[Piece] = []
            for start, end, kind in pieces:
                if kind is GapKind.CLOSED or missing_end <= start or gap.start >= end:
                    left.append((start, end, kind))
                else:
                    _add_quiet(left, start, gap.start)
                    _add_quiet(left, missing_end, end)
            pieces = left
        return pieces
