"""Finds the events, lines and alerts of one market's sessions and sends them to its sink.

Detectors run where results go to a sink. A chart's parameters may change, so a chart keeps its session's trades.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import Level
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.sessions import Session
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.alerts.market_alerts import MarketAlerts
from flow_gl.engine.detectors.base import NEVER, RULES
from flow_gl.engine.detectors.group import DetectorGroup, FoundRoom
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS
from flow_gl.engine.session_levels import SessionLevels
from flow_gl.engine.sinks import LOGS, LogName, Sink, TradeReader

_RECOMPUTED: Final = (*(RULES.names or ()), "initial_balance_minutes", "opening_range_minutes")
"""The settings whose change needs all of the session's trades."""
_OF_MINUTE: Final = {Level.POC: "poc", Level.VAH: "vah", Level.VAL: "val"}
_OF_BALANCE: Final = {Level.INITIAL_HIGH: "initial_high", Level.INITIAL_LOW: "initial_low"}


class SessionEvents:
    """The detectors of one market.

    Parameters
    ----------
    settings : their parameters
    room : space for events, shared by all markets; None: detect nothing
    instrument_id : written into the events

    Attributes
    ----------
    levels : the session's levels
    alerts : the alert rules that hold for the market
    """

    def __init__(self, settings: AggregationSettings, room: FoundRoom | None, *, instrument_id: int = 0) -> None:
        self._settings = settings
        self._room: Final = room
        self._instrument_id: Final = instrument_id
        self.levels: Final = SessionLevels(settings)
        self.alerts: Final = MarketAlerts()
        self._group: DetectorGroup | None = None
        self._counts: dict[LogName, int] = dict.fromkeys(LOGS, 0)
        self._since = 0
        self._session: Session | None = None

    @property
    def is_recomputing(self) -> bool:
        """Whether a changed parameter's events are not complete yet."""
        return self._group is not None and self._group.is_recomputing

    def start(self, sink: Sink | None, cvd: int) -> None:
        """Begin with the next trade if there is a sink; `cvd` is the chart's CVD before it."""
        if sink is None or self._room is None or self._group is not None:
            return
        self._group = DetectorGroup(self._settings, room=self._room, keeps_trades=sink.is_chart)
        self._group.open(self._session)
        self.set_cvd(cvd)

    def take(self, words: NDArray[np.int64], tick_size: int, sink: Sink | None, *, row_ticks: int = 1) -> None:
        """Process trades that have been aggregated (int64 words of TRADE rows); see `DetectorGroup.take`."""
        self.levels.take(words)
        if not len(words) or not tick_size:
            return
        if self._group is not None:
            self._send(self._group.take(words, tick_size, row_ticks), sink)
            if isinstance(sink, TradeReader):
                sink.trades(words)
        if self.alerts.is_on:
            self._move_initial_balance()
            self.alerts.take(words, bucket_ns=self._settings.bucket_ns, tick_size=tick_size)
            self._pass_on_alerts(sink)

    def pass_time(self, now_ns: int, sink: Sink | None) -> None:
        """Advance the clock to `now_ns` (event time)."""
        self.levels.pass_time(now_ns - CLOSE_DELAY_NS)
        if self._group is not None:
            self._send(self._group.pass_time(now_ns), sink, is_by_clock=True)
            if isinstance(sink, TradeReader):
                sink.pass_time(now_ns)
        if self.alerts.is_on:
            self._move_initial_balance()
            self.alerts.pass_time(now_ns)
            self._pass_on_alerts(sink)

    def open(self, session: Session | None, first_ts: int) -> None:
        """Begin a session (None without a calendar) with its first trade, at `first_ts` (ns)."""
        self._since = min(session.open, first_ts) if session is not None else first_ts
        self.levels.begin(session)
        self.alerts.begin()
        self._session = session
        if self._group is not None:
            self._group.open(session)

    def finish(self, sink: Sink | None) -> None:
        """End the stream: report events that become known at its end. Parameters may still change."""
        if self._group is not None:
            self._send(self._group.pass_time(NEVER), sink, is_by_clock=True)
            if isinstance(sink, TradeReader):
                sink.pass_time(NEVER)
        self._end_alerts(sink)

    def end(self, sink: Sink | None) -> None:
        """End the session."""
        while self.is_recomputing:
            self.recompute(sink)
        if self._group is not None:
            self._send(self._group.begin(), sink, is_by_clock=True)
        self._end_alerts(sink)
        self._counts = dict.fromkeys(LOGS, 0)

    def set_cvd(self, cvd: int = 0) -> None:
        """CVD restarts at this value."""
        self.alerts.set_cvd(cvd)
        if self._group is not None:
            self._group.set_cvd(cvd)

    def can_change_to(self, settings: AggregationSettings) -> bool:
        """Return whether the session's events can be found under these parameters."""
        is_same = all(getattr(settings, name) == getattr(self._settings, name) for name in _RECOMPUTED)
        return is_same or self._group is None or self._group.can_change

    def configure(self, settings: AggregationSettings) -> None:
        """Change the parameters; `recompute` then finds the session's events under them."""
        self._settings = settings
        if self.levels.configure(settings) and self._group is not None:
            self.levels.take_columns(*self._group.prices())
        if self._group is not None:
            self._group.configure(settings)

    def recompute(self, sink: Sink | None) -> None:
        """Do a slice of the work that a changed parameter needs. The last one replaces the session's events."""
        events = self._group.recompute() if self._group is not None else None
        if events is None:
            return
        assert self._group is not None
        events["instrument_id"] = self._instrument_id
        minutes, seconds = self._group.take_lines()
        new: dict[LogName, NDArray[np.void]] = {"events": events, "minutes": minutes, "order_cvd": seconds}
        for name, rows in new.items():
            if sink is not None:
                sink.replace(name, self._counts[name], rows, self._since)
            self._counts[name] = len(rows)

    def keep(self) -> list[bytes]:
        """Return the state for a checkpoint: of the levels and the alerts, then of the detectors."""
        numbers = np.array([self._since, *self._counts.values()], np.int64).tobytes()
        group = self._group.keep() if self._group is not None else ()
        return [self.levels.keep(), self.alerts.keep(), numbers, *group]

    def resume(self, kept: list[bytes], session: Session | None, *, is_chart: bool) -> None:
        """Restore what `keep` returned. Raises ValueError."""
        levels, alerts, numbers, *state = kept
        self.levels.resume(levels, session)
        self.alerts.resume(alerts)
        self._session = session
        self._since, *counts = np.frombuffer(numbers, np.int64).tolist()
        self._counts = dict(zip(LOGS, counts, strict=True))
        if state and self._room is not None:
            self._group = DetectorGroup(self._settings, room=self._room, keeps_trades=is_chart)
            self._group.resume(state)

    def _send(self, found: Iterable[NDArray[np.void]], sink: Sink | None, *, is_by_clock: bool = False) -> None:
        group = self._group
        for rows in found:
            rows["instrument_id"] = self._instrument_id
            self._pass_on("events", rows, sink)
            if self.alerts.is_on and group is not None:
                self.alerts.hear(rows, [0] * len(rows) if is_by_clock else group.known.tolist())
        if group is not None:
            minutes, seconds = group.take_lines()
            for minute in minutes[minutes["poc"] != UNDEF_PRICE]:
                for level, name in _OF_MINUTE.items():
                    self.alerts.move_level(level, int(minute[name]), int(minute["ts_event"]))
            self._pass_on("minutes", minutes, sink)
            self._pass_on("order_cvd", seconds, sink)

    def _end_alerts(self, sink: Sink | None) -> None:
        """End the open second, for the rules on it."""
        self.alerts.end_second()
        self._pass_on_alerts(sink)

    def _move_initial_balance(self) -> None:
        """Make the initial balance a level once it is complete."""
        row = self.levels.record[0]
        if row["initial_frozen"]:
            for level, name in _OF_BALANCE.items():
                if self.alerts.level(level) != row[name]:
                    self.alerts.move_level(level, int(row[name]), int(row["initial_end"]))

    def _pass_on_alerts(self, sink: Sink | None) -> None:
        rows = self.alerts.collect()
        rows["instrument_id"] = self._instrument_id
        self._pass_on("alerts", rows, sink)

    def _pass_on(self, name: LogName, rows: NDArray[np.void], sink: Sink | None) -> None:
        self._counts[name] += len(rows)
        if sink is not None and len(rows):
            sink.log(name, rows)
