"""Finds the events of one market's sessions and sends them to its sink.

Detectors run where results go to a sink. A chart's parameters may change, so a chart keeps its session's trades.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.detectors.base import rules_of
from flow_gl.engine.detectors.group import DetectorGroup, FoundRoom
from flow_gl.engine.sinks import Sink


class SessionEvents:
    """The detectors of one market.

    Parameters
    ----------
    settings : their parameters
    room : space for events, shared by all markets; None: detect nothing
    """

    def __init__(self, settings: AggregationSettings, room: FoundRoom | None) -> None:
        self._settings = settings
        self._room: Final = room
        self._group: DetectorGroup | None = None
        self._count = 0

    @property
    def is_recomputing(self) -> bool:
        """Whether a changed parameter's events are not complete yet."""
        return self._group is not None and self._group.is_recomputing

    def start(self, sink: Sink | None, cvd: int) -> None:
        """Begin with the next trade if there is a sink; `cvd` is the chart's CVD before it."""
        if sink is None or self._room is None or self._group is not None:
            return
        self._group = DetectorGroup(self._settings, room=self._room, keeps_trades=sink.is_chart)
        self._group.set_cvd(cvd)

    def take(self, words: NDArray[np.int64], tick_size: int, sink: Sink | None) -> None:
        """Process trades that have been aggregated (int64 words of TRADE rows)."""
        if self._group is not None and len(words) and tick_size:
            self._send(self._group.take(words, tick_size), sink)

    def pass_time(self, now_ns: int, sink: Sink | None) -> None:
        """Advance the clock to `now_ns` (event time)."""
        if self._group is not None:
            self._send(self._group.pass_time(now_ns), sink)

    def begin(self, sink: Sink | None, since: int) -> None:
        """End the session; `since` is its open, ns."""
        if self._group is None:
            return
        while self._group.is_recomputing:
            self.recompute(sink, since)
        self._send(self._group.begin(), sink)
        self._count = 0

    def set_cvd(self, cvd: int = 0) -> None:
        """CVD restarts at this value."""
        if self._group is not None:
            self._group.set_cvd(cvd)

    def can_change_to(self, settings: AggregationSettings) -> bool:
        """Return whether the session's events can be found under these parameters."""
        is_same = bool((rules_of(settings) == rules_of(self._settings)).all())
        return is_same or self._group is None or self._group.can_change

    def configure(self, settings: AggregationSettings) -> None:
        """Change the parameters; `recompute` then finds the session's events under them."""
        self._settings = settings
        if self._group is not None:
            self._group.configure(settings)

    def recompute(self, sink: Sink | None, since: int) -> None:
        """Do a slice of the work that a changed parameter needs. The last one replaces the session's events."""
        events = self._group.recompute() if self._group is not None else None
        if events is None:
            return
        if sink is not None:
            sink.replace_events(self._count, events, since)
        self._count = len(events)

    def keep(self) -> list[bytes]:
        """Return the state for a checkpoint; empty before the first trade."""
        return [*self._group.keep(), self._count.to_bytes(8, "little")] if self._group is not None else []

    def resume(self, kept: list[bytes], *, is_chart: bool) -> None:
        """Restore what `keep` returned. Raises ValueError."""
        if not kept or self._room is None:
            return
        *state, count = kept
        self._group = DetectorGroup(self._settings, room=self._room, keeps_trades=is_chart)
        self._group.resume(state)
        self._count = int.from_bytes(count, "little")

    def _send(self, found: Iterable[NDArray[np.void]], sink: Sink | None) -> None:
        for rows in found:
            self._count += len(rows)
            if sink is not None:
                sink.events(rows)
