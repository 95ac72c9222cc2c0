"""Read one range of sessions and detect events under each set of parameters: a pure function of files and settings.

Every set has its own pipeline, the one that an export runs, and all of them take the same items, so the files are read
and decompressed once. The first pipeline also keeps each session's prices, from which the moves after events are
computed.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.items import FileEnd, Item, Mapping, Trades
from flow_gl.core.schema import EVENT, TickSource
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine import checkpoint
from flow_gl.engine.kernels.layout import STATE
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Finished, LogName, Rows, TableName, TradeReader
from flow_gl.feed.files.file_sequence import FileSequence
from flow_gl.runtime.detect.found import MarketFound, MarketState, RangeFound, SessionFound, encode
from flow_gl.runtime.detect.instrument_filter import InstrumentFilter
from flow_gl.runtime.detect.later import Prices, moves
from flow_gl.runtime.detect.plan import SessionRange, Tick

EVENT_ORDER: Final = ("ts_event", "kind", "price")
"""The order of a session's events in exported tables."""


class EventSink(TradeReader):
    """Collects the events of one instrument by session.

    Parameters
    ----------
    has_prices : also keep the trades' prices
    """

    is_chart: Final[bool] = False

    def __init__(self, *, has_prices: bool) -> None:
        self._events: list[NDArray[np.void]] = []
        self._prices: Final = Prices() if has_prices else None
        self._rejected = 0
        self.waiting: list[tuple[Finished, NDArray[np.void], int]] = []
        """Finished sessions that are not in `sessions` yet: with their events and the number of rejected records."""
        self.paths: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        """The times and prices of the sessions in `waiting`, if they are kept."""
        self.sessions: list[SessionFound] = []

    def trades(self, words: NDArray[np.int64]) -> None:
        if self._prices is not None:
            self._prices.add(words)

    def log(self, name: LogName, rows: NDArray[np.void]) -> None:
        if name == "events":
            self._events.append(rows)

    @property
    def open_events(self) -> bytes:
        """The events of the open session so far."""
        return b"".join(rows.tobytes() for rows in self._events)

    def finished(self, session: Finished) -> None:
        found = np.sort(np.concatenate([np.zeros(0, EVENT), *self._events]), order=EVENT_ORDER, kind="stable")
        self._events.clear()
        rejected = int(session.session["rejected"][0])
        self.waiting.append((session, found, rejected - self._rejected))
        self._rejected = rejected
        if self._prices is not None:
            self.paths.append(self._prices.taken())

    def settle(self, paths: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> None:
        """Complete the waiting sessions, given their times and prices."""
        for (session, events, rejected), (times, prices) in zip(self.waiting, paths, strict=True):
            row = session.session[0]
            then, moved = moves(events, times, prices, tick_size=int(session.instrument["tick_size"][0]))
            self.sessions.append(
                SessionFound(
                    trade_date=session.trade_date,
                    first_ts=int(row["first_ts"]),
                    last_ts=int(row["last_ts"]),
                    trades=int(row["trade_count"]),
                    volume=int(row["buy"] + row["sell"] + row["unsided"]),
                    rejected=rejected,
                    events=events.tobytes(),
                    price=then.tobytes(),
                    moves=moved.tobytes(),
                )
            )
        self.waiting.clear()

    def room(self, most: int) -> Rows | None:  # noqa: ARG002  # no bubble is kept
        return None

    def written(self, count: int) -> None:
        """Do nothing: no bubble is kept."""

    def bubbles(self, lod: int, bubbles: NDArray[np.void], cvd: NDArray[np.void]) -> None:
        """Do nothing: no bubble is kept."""

    def replace(self, name: LogName, count: int, rows: NDArray[np.void], since: int) -> None:
        """Do nothing: parameters do not change."""

    def table(self, name: TableName, record: NDArray[np.void]) -> None:
        """Do nothing: no table is kept."""


class _Run:
    """One set of parameters."""

    def __init__(self, settings: AggregationSettings, calendar: SessionCalendar, *, is_first: bool) -> None:
        self.sinks: Final[list[EventSink]] = []
        self._is_first: Final = is_first
        self.pipeline: Final = Pipeline(settings, sessions=calendar, lods=1, sink_for=self._sink)
        self._sink_of: Final[dict[int, EventSink]] = {}

    def _sink(self, instrument_id: int) -> EventSink:
        self.sinks.append(EventSink(has_prices=self._is_first))
        self._sink_of[instrument_id] = self.sinks[-1]
        return self.sinks[-1]

    def states(self) -> list[MarketState]:
        """Return the states on which later sessions depend, of all instruments in use."""
        markets = checkpoint.decode(self.pipeline.keep()).markets
        return [_state_of(market, self._sink_of[market.instrument_id]) for market in markets]

    def begin_with(self, ticks: Sequence[tuple[int, str, Tick]]) -> None:
        """Begin with the ticks that earlier files have shown, before the first item."""
        for instrument_id, symbol, _ in ticks:
            self.pipeline.map(Mapping(instrument_id, symbol))
        kept = checkpoint.decode(self.pipeline.keep())
        by_id = {instrument_id: tick for instrument_id, _, tick in ticks}
        self.pipeline.resume(replace(kept, markets=[_with_tick(one, by_id[one.instrument_id]) for one in kept.markets]))


def detect(
    session_range: SessionRange,
    sets: Sequence[AggregationSettings],
    *,
    instruments: InstrumentFilter | None = None,
    on_batch: Callable[[float], None] | None = None,
) -> list[bytes]:
    """Detect the events of a range of sessions.

    Parameters
    ----------
    session_range : files, and which of their sessions count
    sets : the sets of parameters
    instruments : the instruments to read; None for all
    on_batch : called after each item with the share of the range that is read; may raise

    Returns
    -------
    One `found.RangeFound` for each set, encoded

    Raises
    ------
    DataError : a file cannot be read, or files overlap
    """
    while True:
        reading = _Reading(session_range, sets, instruments)
        if reading.read(on_batch):
            return reading.finish()
        instruments = reading.instruments


class _Reading:
    """One reading of a range."""

    def __init__(
        self, session_range: SessionRange, sets: Sequence[AggregationSettings], instruments: InstrumentFilter | None
    ) -> None:
        calendar = _calendar()
        self.instruments = instruments
        """With the instruments that were named while reading."""
        self._range: Final = session_range
        self._runs: Final = [_Run(settings, calendar, is_first=at == 0) for at, settings in enumerate(sets)]
        self._sequence: Final = FileSequence(
            session_range.paths, known=dict(session_range.known) or None, yield_ends=True
        )
        self._shared: list[MarketState] = []
        self._has_left_out = False
        for run in self._runs if session_range.ticks else ():
            run.begin_with(session_range.ticks)

    def read(self, on_batch: Callable[[float], None] | None) -> bool:
        """Read to the end. False if a wanted instrument was named after trades had been left out."""
        sequence = self._sequence
        try:
            for item in sequence:
                if not self._take(item):
                    return False
                if isinstance(item, FileEnd) and item.index == self._range.shared_index:
                    self._shared = self._runs[0].states()
                if on_batch and isinstance(item, Trades):
                    on_batch(sequence.progress)
        except DataError:
            if sequence.trades or sequence.passed < len(self._range.paths):
                raise  # otherwise the files hold no trade, and others may
        finally:
            sequence.close()
        return True

    def finish(self) -> list[bytes]:
        """End the sessions and return the results."""
        end = self._runs[0].states()
        for run in self._runs:
            run.pipeline.finish()
        _settle(self._runs)
        return [encode(_found(run, self._range, self._shared, end, self._sequence)) for run in self._runs]

    def _take(self, item: Item) -> bool:
        if self.instruments is not None:
            before, self.instruments = self.instruments, self.instruments.with_named(item)
            if self.instruments is not before and self._has_left_out:
                return False
            if isinstance(item, Trades):
                rows = self.instruments.select(item.rows)
                self._has_left_out |= len(rows) < len(item.rows)
                item = Trades(rows)
        for run in self._runs:
            run.pipeline.take(item)
        if isinstance(item, Trades):
            _settle(self._runs)
        return True


def _state_of(market: checkpoint.MarketState, sink: EventSink) -> MarketState:
    state, grid = np.frombuffer(market.state, STATE)[0], market.grid
    digest = hashlib.blake2b(state["trade_count"].tobytes() + state["first_ts"].tobytes(), digest_size=16)
    # The first two are levels and alerts: no event depends on them, and levels remember other sessions.
    for part in (*market.detectors[2:], sink.open_events):
        digest.update(part)
    tick = int(state["tick_size"]), int(grid.source or 0), grid.known_tick, grid.has_seen_only_zero
    return MarketState(
        instrument_id=market.instrument_id,
        symbol=market.symbol,
        has_traded=bool(state["last_ts"]),
        session_first=int(state["first_ts"]),
        session_end=market.session.close if market.session else 0,
        tick=(*tick, grid.is_tick_guessed),
        digest=digest.digest(),
    )


def _with_tick(market: checkpoint.MarketState, tick: Tick) -> checkpoint.MarketState:
    """Return an instrument without trades whose price grid has a tick."""
    size, source, known_tick, is_zero, is_guessed = tick
    state = np.frombuffer(market.state, STATE).copy()
    state["tick_size"] = size
    grid = replace(
        market.grid,
        source=TickSource(source) if source else None,
        known_tick=known_tick,
        known_source=TickSource(source) if source and known_tick == size else None,
        has_seen_only_zero=is_zero,
        is_tick_guessed=is_guessed,
    )
    return replace(market, state=state.tobytes(), grid=grid)


@cache
def _calendar() -> SessionCalendar:
    """Return the calendar, which a process loads once."""
    return SessionCalendar()


def _settle(runs: Sequence[_Run]) -> None:
    """Complete the sessions that have finished: every run has finished the same ones."""
    first = runs[0].sinks
    for at, sink in enumerate(first):
        if sink.waiting:
            for run in runs:
                run.sinks[at].settle(sink.paths)
            sink.paths.clear()


def _found(
    run: _Run, session_range: SessionRange, shared: list[MarketState], end: list[MarketState], sequence: FileSequence
) -> RangeFound:
    markets: list[MarketFound] = []
    before = after = 0
    for summary, sink in run.pipeline.results():
        assert isinstance(sink, EventSink)
        ours = [one for one in sink.sessions if session_range.first_ns <= one.first_ts < session_range.until_ns]
        before += sum(one.first_ts < session_range.first_ns for one in sink.sessions)
        after += sum(one.first_ts >= session_range.until_ns for one in sink.sessions)
        if ours:
            markets.append(MarketFound(summary.instrument_id, summary.symbol, summary.requested, ours))
    return RangeFound(markets, shared, end, before, after, list(sequence.messages), list(sequence.damage))
