"""Finds the target of a replay step: the previous or next bubble, event or session."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.commands import Step
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import Trades
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.units import SECOND_NS
from flow_gl.runtime.seek.index import ReplayIndex

_RESTART_NS: Final = 2 * SECOND_NS
"""A step back goes to the start of the current session, unless that is closer than this."""


def step_target(index: ReplayIndex, step: Step, at_ns: int) -> int | None:
    """Return the target of a step from an instant, both event times in ns; None if the index has no such target."""
    if step.to == "bubble":
        return _bubble(index, step, at_ns)
    if step.to == "session":
        starts = index.lookup.session_starts(step.chart)
        if step.by > 0:
            return _first(starts[starts > at_ns])
        return _last(starts[starts < at_ns - _RESTART_NS])
    events = index.lookup.large_trades(step.chart) if step.to == "large_trade" else index.lookup.events(step.chart)
    return _event(index, events, step.by, at_ns)


def _bubble(index: ReplayIndex, step: Step, at_ns: int) -> int | None:
    """Return the last instant of the next or previous bubble, at which it is complete."""
    widths = widths_ns(index.spec.aggregation.bucket_ns)[: index.spec.lods]
    lod = min(step.lod, len(widths) - 1)
    segment = index.place_before(at_ns).segment
    while 0 <= segment < len(index.segments):
        ends = (index.segments.bubble_ids(segment, step.chart, lod) + 1) * widths[lod] - 1
        found = _first(ends[ends > at_ns]) if step.by > 0 else _last(ends[ends < at_ns])
        if found is not None:
            return found
        segment += step.by
    return index.files.summary.last_ts if step.by > 0 and index.is_complete else None


def _event(index: ReplayIndex, events: NDArray[np.void], by: int, at_ns: int) -> int | None:
    """Return when the next or previous event became known."""
    times = events["ts_event"]
    if by > 0:
        for event in events[times > at_ns]:
            known = _known_at(index, event)
            if known is not None and known > at_ns:
                return known
        return None
    for event in events[times < at_ns][::-1]:
        known = _known_at(index, event)
        if known is not None and known < at_ns:
            return known
    return None


def _known_at(index: ReplayIndex, event: np.void) -> int | None:
    """Return the time of the trade that made an event known, the first one after the event's end."""
    ts, instrument_id = int(event["ts_event"]), int(event["instrument_id"])
    ts += event["kind"] == EventKind.LARGE_TRADE  # an order can continue through all trades at its time
    if not index.reaches(ts):
        return None
    source = index.source(index.place_before(ts))
    while (item := source.take()) is not None:
        if isinstance(item, Trades):
            rows = item.rows
            is_it = (rows["ts_event"] >= ts) & (rows["instrument_id"] == instrument_id)
            if is_it.any():
                return int(rows["ts_event"][is_it.argmax()])
    return None


def _first(times: NDArray[np.int64]) -> int | None:
    return int(times[0]) if len(times) else None


def _last(times: NDArray[np.int64]) -> int | None:
    return int(times[-1]) if len(times) else None
