"""The data of a seek bar for the replay's current session: volume by time, events, gaps. Pure, without drawing.

The bar spans the session from its first trade to its last. A long gap is folded to a narrow band, the rest is linear.
Volume is summed into as many columns as there is room for; a column's height is the root of its volume, so that the
quiet night is still visible next to the open.
"""

from bisect import bisect_right
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.frozen import frozen
from flow_gl.core.schema import GAP_LIST, SESSION_SPAN, GapKind
from flow_gl.core.units import MINUTE_NS
from flow_gl.store.timeline import ChartTimeline

COLUMN_PX: Final = 4.0
"""Width of a column of volume with its gap, at content scale 1."""
FOLD_SHARE: Final = 0.02
"""Width of a folded gap, of the bar; shorter gaps are not folded."""
_MAX_FOLDS: Final = 12
_MAX_MARKS: Final = 160
"""Places for events on the bar: the strongest of each is marked."""


@frozen
class Mark:
    """An event on the seek bar."""

    share: float
    """Place on the bar, 0..1."""
    direction: int
    is_large_trade: bool


@frozen
class SeekBar:
    """A session on the seek bar."""

    start_ns: int
    end_ns: int
    trade_date: int
    """YYYYMMDD; 0 if unknown."""
    breaks_ns: tuple[int, ...]
    """Instants between which time is linear, from the start to the end ..."""
    breaks: tuple[float, ...]
    """... and their places, 0..1."""
    heights: tuple[float, ...]
    """Height of each column, 0..1."""
    volumes: tuple[int, ...]
    """The same in contracts."""
    marks: tuple[Mark, ...]
    gaps: tuple[tuple[float, float, int], ...]
    """Gaps within the session: where they begin and end, 0..1, and their GapKind."""
    number: int
    """Number of the session, from 1 ..."""
    count: int
    """... to this."""

    def share_of(self, ns: int) -> float:
        """Return the place of an instant, 0..1."""
        at = min(max(bisect_right(self.breaks_ns, ns) - 1, 0), len(self.breaks) - 2)
        start, end = self.breaks_ns[at : at + 2]
        low, high = self.breaks[at : at + 2]
        return min(1.0, max(0.0, low + (high - low) * (ns - start) / max(1, end - start)))

    def instant_at(self, share: float) -> int:
        """Return the instant at a place, ns."""
        at = min(max(bisect_right(self.breaks, share) - 1, 0), len(self.breaks) - 2)
        start, end = self.breaks_ns[at : at + 2]
        low, high = self.breaks[at : at + 2]
        within = (min(1.0, max(0.0, share)) - low) / max(1e-12, high - low)
        return start + int(min(1.0, max(0.0, within)) * (end - start))


def spans_of(timeline: ChartTimeline | None) -> NDArray[np.void]:
    """Return where the sessions are that have been read so far (SESSION_SPAN), the newest of them as far as that."""
    if timeline is None:
        return np.zeros(0, SESSION_SPAN)
    _, spans = timeline.spans.read(0, timeline.spans.head)
    newest: NDArray[np.void] = np.zeros(1, SESSION_SPAN)
    if timeline.open_span.read(newest) and newest["first_ts"][0]:
        spans = np.concatenate([spans[spans["first_ts"] < newest["first_ts"][0]], newest])
    found: NDArray[np.void] = spans[spans["first_ts"] > 0]
    return found


def session_index(spans: NDArray[np.void], at_ns: int) -> int:
    """Return the index of the session that contains an instant: the last one that has begun; -1 if none is known."""
    return max(0, int(np.searchsorted(spans["first_ts"], at_ns, side="right")) - 1) if len(spans) else -1


def make(
    timeline: ChartTimeline | None, at_ns: int, columns: int, *, replay: tuple[int, int], is_complete: bool
) -> SeekBar:
    """Make the seek bar of the session in which the replay is.

    Parameters
    ----------
    timeline : of the chart; None before it is begun
    at_ns : where the replay is
    columns : number of columns of volume
    replay : first and last trade of the replay, ns, for where no session is known
    is_complete : the whole replay has been read
    """
    spans = spans_of(timeline)
    index = session_index(spans, at_ns)
    if timeline is None or index < 0:
        return SeekBar(*replay, 0, replay, (0.0, 1.0), (), (), (), (), 0, 0)
    span = spans[index]
    start, end = int(span["first_ts"]), int(span["last_ts"])
    if not is_complete and index == len(spans) - 1:
        end = min(max(end, at_ns), replay[1])  # the session may continue after what has been read
    end = max(end, start + 1)
    gaps = _gaps(timeline, start, end)
    breaks_ns, breaks = _breaks(start, end, [(first, last) for first, last, _ in gaps])
    volumes = _volumes(timeline, breaks_ns, breaks, columns)
    tallest = int(volumes.max(initial=0)) or 1
    places = np.interp([[first, last] for first, last, _ in gaps] or np.zeros((0, 2)), breaks_ns, breaks)
    return SeekBar(
        start_ns=start,
        end_ns=end,
        trade_date=int(span["trade_date"]),
        breaks_ns=breaks_ns,
        breaks=breaks,
        heights=tuple(np.sqrt(volumes / tallest).tolist()),
        volumes=tuple(volumes.tolist()),
        marks=_marks(timeline, breaks_ns, breaks),
        gaps=tuple((*place, kind) for place, (_, _, kind) in zip(places.tolist(), gaps, strict=True)),
        number=index + 1,
        count=len(spans),
    )


def _breaks(start: int, end: int, gaps: list[tuple[int, int]]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return between which instants time is linear, and their places: long gaps take `FOLD_SHARE` each."""
    folds = [(first, last) for first, last in gaps if last - first > FOLD_SHARE * (end - start)]
    folds = [one for at, one in enumerate(folds) if not at or one[0] >= folds[at - 1][1]][:_MAX_FOLDS]
    open_ns = max(1, end - start - sum(last - first for first, last in folds))
    per_ns = (1.0 - FOLD_SHARE * len(folds)) / open_ns
    instants, places = [start], [0.0]
    for first, last in folds:
        instants += [first, last]
        places += [places[-1] + (first - instants[-3]) * per_ns, 0.0]
        places[-1] = places[-2] + FOLD_SHARE
    return (*instants, end), (*places, 1.0)


def _volumes(
    timeline: ChartTimeline, breaks_ns: tuple[int, ...], breaks: tuple[float, ...], columns: int
) -> NDArray[np.int64]:
    _, minutes = timeline.minutes.read(0, timeline.minutes.head)
    ts, start, end = minutes["ts_event"], breaks_ns[0], breaks_ns[-1]
    inside = minutes[np.searchsorted(ts, start - MINUTE_NS, side="right") : np.searchsorted(ts, end, side="right")]
    edges = inside["ts_event"], inside["ts_event"] + MINUTE_NS - 1
    firsts, lasts = (
        np.clip((np.interp(edge, breaks_ns, breaks) * columns).astype(np.int64), 0, columns - 1) for edge in edges
    )
    contracts = inside["buy"] + inside["sell"] + inside["unsided"]
    volumes: NDArray[np.int64] = np.zeros(columns, np.int64)
    np.add.at(volumes, firsts, contracts)
    is_own = np.zeros(columns, bool)
    is_own[firsts] = True
    for first, last, volume in zip(firsts.tolist(), lasts.tolist(), contracts.tolist(), strict=True):
        # A minute that is wider than a column fills all of its columns.
        for column in range(first + 1, last + 1):
            if not is_own[column]:
                volumes[column] = volume
    return volumes


def _marks(timeline: ChartTimeline, breaks_ns: tuple[int, ...], breaks: tuple[float, ...]) -> tuple[Mark, ...]:
    _, events = timeline.events.read(0, timeline.events.head)
    events = events[(events["ts_event"] >= breaks_ns[0]) & (events["ts_event"] <= breaks_ns[-1])]
    places = np.interp(events["ts_event"], breaks_ns, breaks)
    cells = (places * _MAX_MARKS).astype(np.int64)
    order = np.lexsort((events["strength"], cells))
    is_strongest = np.append(np.diff(cells[order]) > 0, True)[: len(order)]
    return tuple(
        Mark(float(places[at]), int(events["direction"][at]), int(events["kind"][at]) == EventKind.LARGE_TRADE)
        for at in order[is_strongest].tolist()
    )


def _gaps(timeline: ChartTimeline, start: int, end: int) -> list[tuple[int, int, int]]:
    """Return the gaps within a session: beginning, end (ns) and GapKind."""
    record: NDArray[np.void] = np.zeros(1, GAP_LIST)
    timeline.gaps.read(record)
    found = []
    for gap in record["gap"][0, : int(record["count"][0])]:
        first, last = max(int(gap["start"]), start), min(int(gap["end"]), end)
        if last > first and gap["kind"] != GapKind.UNSCHEDULED:
            found.append((first, last, int(gap["kind"])))
    return found
