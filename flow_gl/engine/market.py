"""One instrument in the engine: its state for the kernels, its session, and its published data.

The kernels stop at `stop_ts` (a session's open, 09:30, a CVD reset), and this module decides what begins there. Every
such change happens between two trades and does not depend on where a batch ends.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.items import Definition, FeedGap
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import MAX_LODS, SESSION, UNDEF_PRICE
from flow_gl.core.sessions import Session, SessionCalendar, next_time_of_day
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine import gaps, records
from flow_gl.engine.alerting import Alerting
from flow_gl.engine.checkpoint import MarketState, fill
from flow_gl.engine.coverage import Coverage
from flow_gl.engine.detectors.group import FoundRoom
from flow_gl.engine.flush import flush
from flow_gl.engine.footprints import Footprints
from flow_gl.engine.grid import Grid
from flow_gl.engine.identity import Identity
from flow_gl.engine.kernels.aggregate import aggregate_nb
from flow_gl.engine.kernels.layout import (
    BINS,
    BOUNDARY,
    BULK,
    CAPACITY,
    CLOSE_DELAY_NS,
    DONE,
    FAR_AHEAD,
    FOREIGN,
    FULL,
    MISFIT,
    NO_BUCKET,
    PENDING,
    Scratch,
    empty_state,
)
from flow_gl.engine.kernels.reference import START_STEP
from flow_gl.engine.kernels.rollup import close_nb
from flow_gl.engine.kernels.trade_run import SIDES
from flow_gl.engine.regular_hours import RegularHours
from flow_gl.engine.rolls import FormerInstrument, RollLog
from flow_gl.engine.session_events import SessionEvents
from flow_gl.engine.session_log import SessionLog
from flow_gl.engine.sinks import Finished, Sink, TableName


class Market(Alerting):
    """Aggregates one instrument's trades.

    Parameters
    ----------
    instrument_id : the id in the trade records
    settings : shared by all instruments
    lods : number of levels of detail to build
    calendar : session calendar; with None, all trades form one session
    scratch : output buffers of the kernels; shared by all markets and empty between calls
    found : space for events, shared by all markets; None: detect nothing
    """

    def __init__(
        self,
        instrument_id: int,
        *,
        settings: AggregationSettings,
        lods: int,
        calendar: SessionCalendar | None,
        scratch: Scratch,
        found: FoundRoom | None = None,
    ) -> None:
        self.instrument_id = instrument_id
        self.sink: Sink | None = None
        self._coverage = Coverage()
        self._settings = settings
        self._calendar = calendar
        self._scratch = scratch
        widths = widths_ns(settings.bucket_ns)[:lods]
        self._state: NDArray[np.void] = empty_state(instrument_id, widths)
        self._pending: NDArray[np.void] = np.zeros(MAX_LODS, PENDING)
        self._bins: NDArray[np.int64] = np.zeros(BINS, np.int64)
        self._grid = Grid(self._state, self._pending)
        self.identity = Identity(instrument_id, self._grid)
        self._gaps = gaps.GapLog(calendar)
        self._rolls = RollLog()
        self._sessions = SessionLog()
        self._events = SessionEvents(settings, found, instrument_id=instrument_id)
        self._footprints = Footprints(widths, scratch)
        self._renew: Callable[[], Sink] | None = None
        self._session: Session | None = None
        self._started = False
        self._next_reset = FAR_AHEAD
        self._hours = RegularHours()
        s = self._state[0]
        s["silence_ns"] = gaps.SILENCE_NS
        s["reference_step"] = START_STEP
        self._session_row: NDArray[np.void] = np.zeros(1, SESSION)
        records.fill_prior(self._session_row, None)
        self._reset_session()
        self._merged: NDArray[np.void] = np.zeros(2, PENDING)
        self._records: dict[TableName, NDArray[np.void]] = {}
        self._published = self._shown = (-1, -1, -1)
        self._instrument_changed = True

    @property
    def has_traded(self) -> bool:
        return bool(self._state["last_ts"][0])

    def name(self, symbol: str, requested: str) -> None:
        """Set the instrument's names."""
        self.identity.name(symbol, requested)
        self._match_alerts()
        self._instrument_changed = True

    def define(self, definition: Definition) -> None:
        """Apply a definition record."""
        self.identity.define(definition)
        self._instrument_changed = True

    def feed_gap(self, gap: FeedGap) -> None:
        """Record that the feed reports missing records."""
        self._gaps.feed(gap)

    def cover(self, coverage: Coverage) -> None:
        """Set the coverage shared by all instruments; call this again whenever it changes."""
        self._coverage = coverage
        self._published = self._shown = (-1, -1, -1)

    def attach(self, sink: Sink) -> None:
        """Send results to a sink from now on; the next publication writes all its tables."""
        self.sink = sink
        self._instrument_changed = True
        self._gaps.is_changed = self._sessions.is_changed = True
        self._match_alerts()

    def follow(self, old: "Market", renew: Callable[[], Sink] | None) -> None:
        """Take over the chart of another instrument, which must be finished, before this one's first trade.

        Parameters
        ----------
        old : the previous instrument; only its gaps, rolls and sessions stay on the chart
        renew : returns an empty sink. It is called if this instrument's first trade is older than the previous
            instrument's last bucket, because a chart never goes back in time. With None, such trades count as late
        """
        assert old.sink is not None
        self.sink, self._renew = old.sink, renew
        old.sink = old._renew = None  # `renew` may refer to the market: a cycle would keep it until the collector runs
        self._gaps.follow(old._gaps)
        s = old._state[0]
        former = FormerInstrument(old.instrument_id, old.identity.symbol, int(s["last_ts"])) if old.has_traded else None
        self._rolls.follow(old._rolls, former)
        self._sessions.follow(old._sessions)
        self._match_alerts()
        self._show_change()

    def process(self, words: NDArray[np.int64], start: int, stop: int) -> int:
        """Process trades [start, stop) of `words`, up to the first trade of another instrument.

        Parameters
        ----------
        words : int64, shape (n * 6,); TRADE records viewed as words
        start, stop : trade indexes, half-open

        Returns
        -------
        next : index of the first trade that was not processed
        """
        scratch = self._scratch
        at = taken = start
        self._events.start(self.sink, int(self._state["cvd"][0]))
        while True:
            sink = self.sink
            room = sink.room(CAPACITY) if sink is not None else None
            base_bubbles, base_points = room or scratch.base
            at, code = aggregate_nb(
                *(words, at, stop, SIDES, self._state, self._pending, self._grid.profile, self._bins),
                *(base_bubbles, base_points, *scratch.rows, scratch.silences, scratch.counts),
            )
            run, grid = words[6 * taken : 6 * at], self._grid
            self._footprints.take(run, sink)
            self._events.take(run, grid.tick_size, sink, row_ticks=grid.row_ticks)
            taken = at
            if sink is not None and room is not None:
                sink.written(int(scratch.counts[0]))
                scratch.counts[0] = 0
            flush(scratch, sink, self._gaps, least=1 if code != FULL else BULK)
            if code in (DONE, FOREIGN):
                return int(at)
            if code == MISFIT:
                tick_size = self._grid.tick_size
                if not self._grid.fit(int(words[6 * at + 2])):
                    self._reject("rejected_price")
                    taken = at = at + 1
                self._instrument_changed |= tick_size != self._grid.tick_size
            elif code == BOUNDARY and not self._cross(int(words[6 * at + 1])):
                self._reject("rejected_time")
                taken = at = at + 1

    def _reject(self, reason: str) -> None:
        """Count a rejected record; `reason` is a field of `core.market.rejections.REASONS`."""
        s = self._state[0]
        s["rejected"] += 1
        s[reason] += 1

    def advance(self, now: int) -> None:
        """Close buckets that ended 250 ms before `now` (event time, ns), and update the open silence."""
        s = self._state[0]
        if s["last_ts"] == 0:
            return
        self._close((now - CLOSE_DELAY_NS) // self._settings.bucket_ns)
        self._events.pass_time(now, self.sink)
        self._gaps.look(int(s["last_ts"]), now)

    def finish(self) -> None:
        """End the stream: close the open buckets of every level of detail, and the session. No trade may follow."""
        bucket = int(self._state["bucket"][0])
        if bucket == NO_BUCKET:
            return
        self._close(FAR_AHEAD)
        self._events.finish(self.sink)
        self._state["bucket"][0] = bucket + 1
        self._end_session()

    def configure(self, settings: AggregationSettings) -> None:
        """Apply changed settings; the bucket and the levels of detail of a running instrument stay the same."""
        self._settings = settings
        self._events.configure(settings)
        self._published = (-1, -1, -1)

    def keep(self, chart: int = -1, *, is_ended: bool = False) -> MarketState:
        """Return all state on which the results of later trades depend, for a checkpoint."""
        identity = self.identity
        state, pending, bins, session_row = (array.tobytes() for array in self._arrays())
        return MarketState(
            *(self.instrument_id, identity.symbol, identity.requested, self._started, self._next_reset),
            *(self._hours.keep(), identity.defined_outright, identity.point_value, self._session),
            *(self._grid.keep(), self._gaps.keep(), self._rolls.keep()),
            *(state, pending, bins, session_row),
            chart,
            is_ended,
            self._events.keep(),
            self._sessions.keep(),
            self._footprints.keep(),
        )

    def resume(self, kept: MarketState) -> None:
        """Replace this market's state with the state from a checkpoint."""
        identity = self.identity
        identity.symbol, identity.requested = kept.symbol, kept.requested
        self._started, self._next_reset, self._session = kept.has_started, kept.next_reset, kept.session
        self._hours.resume(kept.regular_hours, kept.session)
        identity.defined_outright, identity.point_value = kept.defined_outright, kept.point_value
        for array, data in zip(self._arrays(), (kept.state, kept.pending, kept.bins, kept.session_row), strict=True):
            fill(array, data)
        self._grid.resume(kept.grid)
        self._gaps.resume(kept.gaps)
        self._rolls.resume(kept.rolls)
        self._sessions.resume(kept.sessions)
        self._footprints.resume(kept.footprints)
        self._events.resume(kept.detectors, kept.session, is_chart=self.sink is None or self.sink.is_chart)
        self._match_alerts()
        self._instrument_changed = True
        if kept.rolls:
            self._show_change()

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self._state, self._pending, self._bins, self._session_row

    # Boundaries: sessions, the regular open, and CVD resets.

    def _cross(self, ts: int) -> bool:
        """Apply the boundaries at or before `ts`, the time of the next trade in ns, and set the next stop.

        Returns False if the calendar does not cover that time, which means that the record is damaged.
        """
        s = self._state[0]
        calendar, session = self._calendar, self._session
        is_new = not self._started or (session is not None and ts >= session.close)
        if is_new and calendar is not None:
            try:
                session = calendar.session_of_trade(ts)
            except DataError:
                return False
        self._close(ts // self._settings.bucket_ns)
        if is_new:
            if self._started:
                self._roll()
            else:
                self._begin(ts)
            if not self._started or self._settings.cvd_reset == "session":
                is_anew = self._settings.cvd_reset == "session"
                self._session_row["cvd_since"] = session.open if session is not None and is_anew else ts
            self._started = True
            self._session = session
            self._events.open(session, ts)
            self._coverage.begin(session, ts, self.instrument_id)
            if session is not None and not session.is_scheduled:
                self._gaps.mark_unscheduled(ts)
            self._hours.begin(session)
        if self._hours.cross(ts, self._grid):
            self._events.levels.open_regular_hours()
            if s["trade_count"]:
                self._session_row["overnight_high"], self._session_row["overnight_low"] = s["high"], s["low"]
        self._set_alert_levels()
        times = self._settings.cvd_reset_times
        if times:
            if ts >= self._next_reset:
                self._reset_cvd()
                self._session_row["cvd_since"] = max(int(self._session_row["cvd_since"][0]), self._next_reset)
            self._next_reset = next_time_of_day(ts, times)
        s["stop_ts"] = min(self._next_reset, session.close if session else FAR_AHEAD, self._hours.next_stop())
        return True

    def _begin(self, ts: int) -> None:
        """Handle the first trade, at `ts` (ns): relate it to the previous instrument on the chart."""
        before = self._rolls.awaited
        if before is None:
            return
        bucket = before.last_ts // self._settings.bucket_ns
        if ts // self._settings.bucket_ns < bucket:
            if self._renew is None:
                self._close(bucket)
            else:
                self.sink = self._renew()
                self._rolls.forget()
                self._gaps.forget()
                self._sessions.forget()
        elif ts - before.last_ts > gaps.SILENCE_NS:
            self._gaps.silence(before.last_ts, ts)
        self._rolls.begin(ts)
        self._show_change()

    def _roll(self) -> None:
        """End the session: its levels become the prior ones, and the session's state is reset."""
        self._events.end(self.sink)
        finished = self._end_session()
        if finished is not None:
            records.fill_prior(self._session_row, finished)
        self._reset_session()

    def _end_session(self) -> Finished | None:
        """Pass on the session's results; None if nothing has traded in it."""
        if not self._state["trade_count"][0]:
            return None
        finished = self._finished()
        self._events.levels.end(finished)
        self._sessions.add(finished)
        if self.sink is not None:
            self.sink.finished(finished)
        return finished

    def _reset_session(self) -> None:
        s = self._state[0]
        first_reset = not self._started
        for name in ("first_ts", "open", "high", "low", "buy", "sell", "unsided", "trade_count", "bubble_count"):
            s[name] = 0
        s["above"] = s["above_lower"] = 0
        self._bins[:] = 0
        self._session_row["overnight_high"] = self._session_row["overnight_low"] = UNDEF_PRICE
        self._grid.clear()
        if first_reset or self._settings.cvd_reset == "session":
            self._reset_cvd()

    def _reset_cvd(self) -> None:
        """Restart CVD at 0 from the next trade; the zero-cross detector must arm again."""
        s = self._state[0]
        s["cvd"] = 0
        self._events.set_cvd()
        s["cvd_high"], s["cvd_low"] = -(2**63), 2**63 - 1

    # Output.

    @property
    def is_recomputing(self) -> bool:
        """Whether a changed parameter's events are not complete yet."""
        return self._events.is_recomputing

    def can_change_to(self, settings: AggregationSettings) -> bool:
        """Return whether the session's events can be found under these parameters."""
        return self._events.can_change_to(settings)

    def recompute(self) -> None:
        """Do a slice of the work that a changed parameter needs."""
        self._events.recompute(self.sink)

    def _close(self, bucket: int) -> None:
        scratch = self._scratch
        close_nb(self._state, self._pending, self._bins, *scratch.rows, scratch.counts, bucket)
        flush(scratch, self.sink, self._gaps)
        self._footprints.close(bucket, self.sink)
