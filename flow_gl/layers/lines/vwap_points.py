"""The points of a session's VWAP, which the line joins and from which its value at any time is read.

A session has a point at its first trade (that trade's price, deviation 0), at the end of each minute with trades and,
while it runs, at its newest trade. Between two of them VWAP changes evenly over the time in which trades were seen: it
holds during gaps and in minutes without trades, whose ends are points too.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import PRICE_SCALE
from flow_gl.core.units import MINUTE_NS
from flow_gl.layers.base import Scene, once
from flow_gl.layers.rows.hit import END_OF_TIME
from flow_gl.layers.sessions import Session

Points = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Times (n,), ns, rising, and VWAP with its standard deviation (n, 2), points."""
_PAUSE_NS: Final = 3 * MINUTE_NS
"""If minutes are omitted because the view is wide, shorter times without trades are drawn as slopes."""
_NO_POINTS: Final[Points] = np.zeros(0, np.int64), np.zeros((0, 2))
_NO_GAPS: Final = np.zeros(0, np.int64), np.zeros(0, np.int64)


Values = Callable[[int], tuple[float, float] | None]
"""VWAP and standard deviation of a session at a time (ns), as `vwap_at` returns them."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a session: its minutes [first, last), and its points beside them.

    Attributes
    ----------
    start : time (ns) and price (points) of its first trade; None if its first minute is not known
    present : the newest values; None of a finished session and during a pause
    newest_ns : since when it has them
    end_ns : until when it is shown
    """

    first: int
    last: int
    start: tuple[int, float] | None
    present: tuple[float, float] | None
    newest_ns: int
    end_ns: int


def points_of(scene: Scene, session: Session, left_ns: int, right_ns: int, most: int | None = None) -> Points:
    """Return a session's points from the last one before a range to the first one after it; none if none is known.

    Parameters
    ----------
    left_ns, right_ns : the range, ns; where it is outside the session, the points at that end
    most : most minutes; of more, every n-th is returned, the same ones wherever the range begins, and the newest
    """
    known = _known(scene, session)
    return _points(scene, known, (left_ns, right_ns), most) if known is not None else _NO_POINTS


def vwap_at(scene: Scene, session: Session, t_ns: int) -> tuple[float, float] | None:
    """Return a session's VWAP and its standard deviation at a time, in points, as the line shows them.

    Before its first trade they are those of that trade, after the last known minute the present ones. None if none of
    its minutes is known.
    """
    return values_of(scene, session)(t_ns)


def values_of(scene: Scene, session: Session) -> Values:
    """Return `vwap_at` for one session; the labels of one layout ask for the same few times."""
    rows, known = scene.lines.vwaps, _known(scene, session)
    if known is None:
        return lambda _: None
    times, values, (gap_starts, gap_ends) = rows.times, rows.values, _gaps(scene)
    kept: dict[int, tuple[float, float]] = {}

    def found(t_ns: int) -> tuple[float, float]:
        one = kept.get(t_ns)
        if one is None:
            one = kept[t_ns] = find(t_ns)
        return one

    def find(t_ns: int) -> tuple[float, float]:
        at = min(max(int(times.searchsorted(t_ns)), known.first), known.last)
        before = (int(times[at - 1]), *values[at - 1].tolist()) if at > known.first else _begin(known)
        after = None
        if at < known.last:
            after = (int(times[at]), *values[at].tolist())
        elif known.present is not None:
            after = known.newest_ns, *known.present
        if before is None or after is None:
            one = before or after
            assert one is not None
            return one[1:]
        if t_ns <= before[0] or t_ns >= after[0]:
            return before[1:] if t_ns <= before[0] else after[1:]
        if len(gap_starts) and ((gap_starts < after[0]) & (gap_ends > before[0])).any():
            points, seen = _points(scene, known, (t_ns, t_ns), None)
            x, xs = t_ns - int(points[0]), points - points[0]
            return float(np.interp(x, xs, seen[:, 0])), float(np.interp(x, xs, seen[:, 1]))
        since = max(before[0], _minute_end(after[0]) - MINUTE_NS)
        part = max(0, t_ns - since) / (after[0] - since)
        return before[1] + part * (after[1] - before[1]), before[2] + part * (after[2] - before[2])

    return found


def end_of(scene: Scene, session: Session) -> int:
    """Return until when a session is shown, ns."""
    return min(session.end_ns, scene.now_ns, scene.until_ns)


def _known(scene: Scene, session: Session) -> _Known | None:
    """Return what is known of a session; None if there is not even a line.

    A minute belongs to the session in which it began; its row has the time of its end. Where the contract changed
    within a minute, both have a row for it, the old contract first.
    """
    times, end_ns, present = scene.lines.vwaps.times, end_of(scene, session), _present(scene, session)
    first_ts, last_ts = int(session.numbers["first_ts"]), int(session.numbers["last_ts"])
    first, last = times.searchsorted([max(session.start_ns, first_ts), end_ns], side="right").tolist()
    minute_end = (first_ts // MINUTE_NS + 1) * MINUTE_NS
    if first < last:
        first = int(times.searchsorted(times[first], side="right")) - 1
        is_joined, newest_ns = times[first] == minute_end, int(times[last - 1])
    else:
        # Until the first minute's row has arrived, the session has traded in no later minute than the next one.
        last, is_joined, newest_ns = first, last_ts < minute_end + MINUTE_NS, first_ts
        if present is None or not is_joined:
            return None
    newest_ns = max(newest_ns, min(last_ts, end_ns))
    if present is not None and first < last and times[last - 1] == newest_ns:
        last -= 1  # nothing has traded since, and the newest values are the present ones
    start = (first_ts, float(session.numbers["open"]) / PRICE_SCALE) if is_joined else None
    return _Known(first, last, start, present, newest_ns, end_ns)


def _minute_end(t_ns: int) -> int:
    """Return the end of the minute whose row has a time, ns; a minute's end belongs to the minute."""
    return -(-t_ns // MINUTE_NS) * MINUTE_NS


def _begin(known: _Known) -> tuple[int, float, float] | None:
    return None if known.start is None else (*known.start, 0.0)


def _present(scene: Scene, session: Session) -> tuple[float, float] | None:
    if session.is_finished or scene.until_ns < scene.now_ns:
        return None
    vwap, deviation = float(session.numbers["vwap"]), float(session.numbers["vwap_sd"])
    return (vwap, deviation) if math.isfinite(vwap) and math.isfinite(deviation) else None


def _points(scene: Scene, known: _Known, range_ns: tuple[int, int], most: int | None) -> Points:
    """Return the points of `points_of`."""
    rows, first, last = scene.lines.vwaps, known.first, known.last
    low, high = rows.times.searchsorted(range_ns).tolist()
    low, high = max(min(low - 1, last - 1), first), min(max(high, first) + 1, last)
    times, values = rows.times[low:high], rows.values[low:high]
    step = -(-(high - low) // most) if most is not None else 1
    present = known.present if high == last else None
    minutes = times if present is None else np.concatenate((times, [_minute_end(known.newest_ns)]))
    has_start = known.start is not None and low == first
    if has_start:
        assert known.start is not None
        times = np.concatenate(([known.start[0]], times))
        values = np.concatenate(([(known.start[1], 0.0)], values))
    if present is not None:
        times = np.concatenate((times, (known.newest_ns, known.end_ns)))
        values = np.concatenate((values, (present, present)))
    starts, ends = _holds(scene, minutes, MINUTE_NS if step <= 1 else _PAUSE_NS, (int(times[0]), int(times[-1])))
    kept_times, kept_values = times, values
    if step > 1:
        is_kept = np.ones(len(times), np.bool_)
        is_kept[has_start : has_start + high - low - 1] = np.arange(low, high - 1) % step == 0
        kept_times, kept_values = times[is_kept], values[is_kept]
    if not len(starts) and (kept_times[1:] > kept_times[:-1]).all():
        return kept_times, kept_values
    held, held_values = _held(times, values, starts, ends)
    found, at = np.unique(np.concatenate((kept_times, held)), return_index=True)
    return found, np.concatenate((kept_values, held_values))[at]


@once
def _gaps(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and ends of the gaps, int64 (n,), ns."""
    gaps = scene.reader.gaps
    if not len(gaps):
        return _NO_GAPS
    return gaps["start"].astype(np.int64), np.where(gaps["open"] == 1, END_OF_TIME, gaps["end"])


def _holds(
    scene: Scene, minutes: NDArray[np.int64], pause_ns: int, range_ns: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and ends of all times in which nothing was seen to trade, int64 (n,), ns: ascending and disjoint.

    Parameters
    ----------
    minutes : ends of the minutes with trades, int64 (n,), ns
    pause_ns : least distance between two of them that counts, beside the gaps
    range_ns : gaps beyond are left out
    """
    paused = (minutes[1:] - minutes[:-1] > pause_ns).nonzero()[0]
    starts, ends = _gaps(scene)
    if len(starts):
        is_seen = (ends > range_ns[0]) & (starts < range_ns[1]) & (ends > starts)
        starts, ends = starts[is_seen], ends[is_seen]
    if not len(starts) and not len(paused):
        return starts, ends
    starts = np.append(starts, minutes[paused])
    ends = np.append(ends, minutes[1:][paused] - MINUTE_NS)
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    is_apart = starts[1:] > ends[:-1]
    return starts[np.append(True, is_apart)[: len(starts)]], ends[np.append(is_apart, True)[: len(ends)]]


def _held(
    times: NDArray[np.int64], values: NDArray[np.float64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> Points:
    """Return points at the ends of the holds among points: times (n,) and values (n, 2)."""
    is_seen = (ends > times[0]) & (starts < times[-1]) & (ends > starts)
    if not is_seen.any():
        return _NO_POINTS
    starts, ends = starts[is_seen], np.minimum(ends[is_seen], times[-1])
    before = np.append(0, np.cumsum(ends - starts))

    def traded(at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the time in which trades were seen, from the first point to a time, ns."""
        hold = np.maximum(starts.searchsorted(at, side="right") - 1, 0)
        inside = np.minimum(np.maximum(at - starts[hold], 0), ends[hold] - starts[hold])
        passed: NDArray[np.int64] = at - times[0] - before[hold] - inside
        return passed

    held = np.stack((starts, ends), axis=1).ravel()
    held = held[(held > times[0]) & (held < times[-1])]
    xs, x = traded(times), traded(held)
    return held, np.stack([np.interp(x, xs, column) for column in values.T], axis=1)
