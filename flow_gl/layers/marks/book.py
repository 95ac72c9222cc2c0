"""The events of one chart, and which of them a frame shows."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.cached import Cached
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.layers.marks.mark import KINDS, NEVER, NO_MARKS, Mark, Marks
from flow_gl.layers.marks.pivots import pivots_of
from flow_gl.layers.marks.thinning import cell_ns, strongest
from flow_gl.layers.marks.zones import ZoneEnds
from flow_gl.store.market import MarketReader
from flow_gl.store.row_log import FrozenLog, RowCursor

_MAX_READ: Final = 4096
_KEPT: Final = 1 << 14
MAX_SHOWN: Final = 48
"""Marks of one kind in a frame, the strongest."""
_PER_CELL: Final = {EventKind.LARGE_TRADE: 2, EventKind.STACKED_IMBALANCE: 2}
_ZONES: Final = frozenset({EventKind.ABSORPTION, EventKind.STACKED_IMBALANCE})
_OLDER_ZONES: Final = 96
"""This many zones of a kind from before the view may still reach into it."""
_LATE_NS: Final = 10 * MINUTE_NS
"""A divergence becomes known at most this long after its later pivot, in a market that trades."""
_MAX_MADE: Final = 1024


class Window(NamedTuple):
    """What a chart shows of time: its ends and scale, and the events that are shown (known in a range of times)."""

    left_ns: int
    right_ns: int
    ns_per_px: float
    scale: float
    hidden_before_ns: int = 0
    until_ns: int = NEVER
    settings: AggregationSettings = DEFAULTS.aggregation
    """The detectors' parameters."""


class MarkBook:
    """Reads each event of a chart once, and selects those that a view has room for."""

    def __init__(self) -> None:
        self._log: FrozenLog | None = None
        self._cursor: RowCursor | None = None
        self._rows: dict[int, NDArray[np.void]] = {}
        self._version = 0
        self._seen: tuple[object, ...] = ()
        """The reader, and its changes that have been read."""
        self._ends: Final = ZoneEnds()
        self._made: Final[dict[bytes, Mark]] = {}
        """The marks of events that were chosen, by the event's bytes; valid for `_made_for`."""
        self._made_for: tuple[object, ...] = ()
        self._chosen: Final[Cached[tuple[list[np.void], tuple[tuple[int, int], ...]]]] = Cached()
        self._marks: Final[Cached[Marks]] = Cached()

    def select(self, reader: MarketReader, window: Window, kinds: frozenset[str]) -> Marks:
        """Return the marks of a frame; the same object while nothing changes.

        Parameters
        ----------
        kinds : names of the kinds that are switched on
        """
        seen = reader, reader.changes
        if seen != self._seen:
            self._read(reader)
            if self._rows and kinds:
                self._ends.refresh(reader)
            if self._cursor is not None and self._cursor.behind == 0:
                self._seen = seen
        if not self._rows or not kinds:
            return NO_MARKS
        cell = cell_ns(window.ns_per_px, window.scale)
        seen_ns = window.left_ns // cell * cell, (window.right_ns // cell + 1) * cell
        key = self._version, cell, seen_ns, kinds, window.hidden_before_ns, window.until_ns, window.settings
        chosen, hidden = self._chosen.get(key, lambda: self._choose(cell, seen_ns, kinds, window))
        return self._marks.get(
            (key, self._ends.version, reader.roll_total),
            lambda: Marks(_reaching(seen_ns[0], self._marks_of(reader, chosen, window.settings)), hidden),
        )

    def _read(self, reader: MarketReader) -> None:
        if reader.events is not self._log or self._cursor is None:
            self._log, self._cursor = reader.events, RowCursor(reader.events)
            self._forget()
        if self._cursor.renewed() is not None:
            self._forget()
        if self._cursor.behind == 0:
            return
        events = self._cursor.read(_MAX_READ)
        for kind in KINDS:
            new = events[events["kind"] == kind]
            if len(new):
                rows = np.concatenate([self._rows.get(kind, np.zeros(0, EVENT)), new])[-_KEPT:]
                self._rows[kind] = rows[np.argsort(rows["ts_event"], kind="stable")]
        self._version += 1

    def _forget(self) -> None:
        self._rows.clear()
        self._made.clear()
        self._ends.forget()
        self._version += 1

    def _choose(
        self, cell: int, seen_ns: tuple[int, int], kinds: frozenset[str], window: Window
    ) -> tuple[list[np.void], tuple[tuple[int, int], ...]]:
        chosen: list[np.void] = []
        hidden = []
        hidden_before_ns, until_ns = window.hidden_before_ns, window.until_ns
        for kind, name in KINDS.items():
            rows = self._rows.get(kind)
            if rows is None or name not in kinds:
                continue
            begin, first, last = rows["ts_event"].searchsorted(
                [hidden_before_ns, max(seen_ns[0], hidden_before_ns), min(seen_ns[1], until_ns)]
            )
            start = max(int(begin), int(first) - _OLDER_ZONES) if kind in _ZONES else int(first)
            if kind is EventKind.DIVERGENCE:  # known after its pivots
                last = rows["ts_event"].searchsorted(min(seen_ns[1] + _LATE_NS, until_ns))
            part = rows[start : int(last)]
            if len(part) == 0:
                continue
            found = strongest(part["ts_event"], part["strength"], cell, _PER_CELL.get(kind, 1))
            if len(found) > MAX_SHOWN:
                order = np.argsort(-part["strength"][found], kind="stable")
                found = np.sort(found[order[:MAX_SHOWN]])
            in_view = part["ts_event"] >= seen_ns[0]
            hidden.append((int(kind), int(in_view.sum()) - int(in_view[found].sum())))
            chosen += list(part[found])
        return chosen, tuple(hidden)

    def _marks_of(self, reader: MarketReader, events: list[np.void], settings: AggregationSettings) -> list[Mark]:
        """Return the marks of events. A mark is made once; what changes later is only when its zone ends."""
        made_for = settings, reader.roll_total
        if made_for != self._made_for or len(self._made) > _MAX_MADE:
            self._made.clear()
            self._made_for = made_for
        marks = []
        keys = [event.tobytes() for event in events]
        new = [event for event, key in zip(events, keys, strict=True) if key not in self._made]
        self._ends.begin(reader, (event for event in new if int(event["kind"]) in _ZONES))
        for event, key in zip(events, keys, strict=True):
            mark = self._made.get(key)
            if mark is None:
                mark = self._made[key] = self._mark(reader, event, settings)
            elif mark.end_ns == NEVER and (end_ns := self._ends.end_of(reader, event)) != NEVER:
                mark = self._made[key] = replace(mark, end_ns=end_ns)
            marks.append(mark)
        return marks

    def _mark(self, reader: MarketReader, event: np.void, settings: AggregationSettings) -> Mark:
        kind, t_ns = int(event["kind"]), int(event["ts_event"])
        length_ns, end_ns, pivots = 0, t_ns, None
        match kind:
            case EventKind.ABSORPTION:
                length_ns = settings.absorption_window_s * SECOND_NS
            case EventKind.STACKED_IMBALANCE:
                length_ns = MINUTE_NS
            case EventKind.DIVERGENCE:
                bar_ns = settings.divergence_bar_s * SECOND_NS
                pivots = pivots_of(reader, event, bar_ns=bar_ns, bars_after=settings.divergence_after)
        if kind in _ZONES:
            end_ns = self._ends.end_of(reader, event)
        return Mark(
            kind=kind,
            t_ns=t_ns,
            start_ns=t_ns - length_ns,
            price=int(event["price"]),
            direction=int(event["direction"]),
            strength=float(event["strength"]),
            inputs=tuple(event["value"].tolist()),
            end_ns=end_ns,
            pivots=pivots,
        )


def _reaching(left_ns: int, marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return the marks that are not over before a time (ns)."""
    return tuple(mark for mark in marks if mark.shown_until_ns >= left_ns)
