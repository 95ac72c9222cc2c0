"""Publishing a market's tables when they have changed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.rejections import counts_of
from flow_gl.core.schema import FINISHED_LIST, GAP_LIST, INSTRUMENT, OPEN, PROFILE, ROLL_LIST
from flow_gl.core.sessions import Session
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.coverage import Coverage
from flow_gl.engine.footprints import Footprints
from flow_gl.engine.gaps import GapLog
from flow_gl.engine.grid import Grid
from flow_gl.engine.identity import Identity
from flow_gl.engine.kernels.rollup import open_rows_nb
from flow_gl.engine.records import Reading, fill_instrument, fill_profile, fill_session, finished_of, read_profile
from flow_gl.engine.regular_hours import RegularHours
from flow_gl.engine.rolls import RollLog
from flow_gl.engine.session_events import SessionEvents
from flow_gl.engine.session_log import SessionLog
from flow_gl.engine.sinks import Finished, FootprintReader, Sink, TableName
from flow_gl.engine.summary import Summary

_ALL_NODES: Final = 1 << 31


class Published:
    """The publishing half of `engine.market.Market`, which owns the state."""

    instrument_id: int
    identity: Identity
    sink: Sink | None
    _coverage: Coverage
    _settings: AggregationSettings
    _state: NDArray[np.void]
    _pending: NDArray[np.void]
    _merged: NDArray[np.void]
    _session_row: NDArray[np.void]
    _grid: Grid
    _gaps: GapLog
    _rolls: RollLog
    _sessions: SessionLog
    _events: SessionEvents
    _footprints: Footprints
    _session: Session | None
    _hours: RegularHours
    _records: dict[TableName, NDArray[np.void]]
    _published: tuple[int, int, int]
    _shown: tuple[int, int, int]
    _instrument_changed: bool

    @property
    def summary(self) -> Summary:
        s = self._state[0]
        return Summary(
            instrument_id=self.instrument_id,
            symbol=self.identity.symbol,
            requested=self.identity.requested,
            trades=int(s["total_trades"]),
            volume=int(s["total_volume"]),
            rejected=int(s["rejected"]),
            rejections=counts_of(s),
            late=int(s["late"]),
            last_ts=int(s["last_ts"]),
            is_outright=self.identity.is_outright,
            tick_size=self._grid.tick_size,
            tick_source=self._grid.source,
            point_value=self.identity.point_value,
        )

    def publish(self, *, is_brief: bool = False) -> None:
        """Write the tables that changed since the last call.

        Parameters
        ----------
        is_brief : skip the profile, and leave the VWAP that is computed from it unchanged
        """
        sink = self.sink
        if sink is None:
            return
        s = self._state[0]
        seen = (int(s["total_trades"]), int(s["rejected"]), int(s["bucket"]))
        if self._instrument_changed:
            # Always first: a reader of the numbers needs to know their instrument and its tick size.
            self._publish_instrument(sink)
        if self._gaps.is_changed:
            # Before the numbers: a reader that sees trades after a gap, or trades that filled it, must see the gap too.
            record = self._record("gaps", GAP_LIST)
            self._gaps.write(record)
            sink.table("gaps", record)
        if self._sessions.is_changed:
            record = self._record("sessions", FINISHED_LIST)
            self._sessions.write(record)
            sink.table("sessions", record)
        if is_brief:
            if seen not in (self._published, self._shown):
                self._shown = seen
                self._publish_open(sink)
                sink.table("session", self._session_record(None))
            return
        if seen != self._published:
            self._published = seen
            self._publish_open(sink)
            reading = read_profile(self._grid, self._settings, self._hours)
            record = self._record("profile", PROFILE)
            fill_profile(record, reading, step=self._settings.value_area_step)
            sink.table("profile", record)
            self._events.levels.trade_at(reading.traded)
            sink.table("levels", self._events.levels.record)
            sink.table("session", self._session_record(reading))
            if isinstance(sink, FootprintReader):
                sink.table("footprint", self._footprints.record())

    def _publish_instrument(self, sink: Sink) -> None:
        self._instrument_changed = False
        sink.table("instrument", self._instrument_record())
        self._published = self._shown = (-1, -1, -1)

    def _publish_open(self, sink: Sink) -> None:
        record = self._record("open", OPEN)
        open_rows_nb(self._state, self._pending, self._merged, record)
        sink.table("open", record)

    def _record(self, name: TableName, dtype: np.dtype) -> NDArray[np.void]:
        if name not in self._records:
            self._records[name] = np.zeros(1, dtype)
        return self._records[name]

    def _session_record(self, reading: Reading | None) -> NDArray[np.void]:
        record, s = self._session_row, self._state[0]
        known_from = self._coverage.of(self._session, self.identity.instrument_id)
        fill_session(record, self._state, self._session, reading, known_from=known_from)
        if s["trade_count"] and self._hours.are_known and not self._hours.have_begun:
            record["overnight_high"], record["overnight_low"] = s["high"], s["low"]
        return record

    def _instrument_record(self) -> NDArray[np.void]:
        record = self._record("instrument", INSTRUMENT)
        fill_instrument(record, self.summary, bucket_ns=self._settings.bucket_ns)
        return record

    def _finished(self) -> Finished:
        reading = read_profile(self._grid, self._settings, self._hours, most_nodes=_ALL_NODES)
        self._events.levels.trade_at(reading.traded)
        instrument, grid = self._instrument_record().copy(), self._grid
        if grid.known_tick and grid.known_source is not None:
            # The grid is finer after a price off the tick, and its source then says so.
            instrument["tick_size"], instrument["tick_source"] = grid.known_tick, grid.known_source
        return finished_of(
            reading,
            levels=self._events.levels.record.copy(),
            session=self._session,
            session_record=self._session_record(reading),
            instrument_record=instrument,
        )

    def _show_change(self) -> None:
        """Publish a change of instrument at once, so that readers never see its rows before they know about it."""
        self._instrument_changed = self._gaps.is_changed = True
        if self.sink is not None:
            rolls = self._record("rolls", ROLL_LIST)
            self._rolls.write(rolls, instrument_id=self.instrument_id, symbol=self.identity.symbol)
            self.sink.table("rolls", rolls)
            self.sink.table("session", self._session_record(None))
            self._publish_instrument(self.sink)
