"""The pipeline: trades of any instruments in, each instrument's numbers out.

Every instrument has a state of its own, so spreads and back months never mix with an outright. Those that are charted
have a sink. Nothing here depends on how trades are cut into batches: a batch's border changes no number.

A chart attached after its instrument's first trade lacks the rings' history (its tables are right). Whoever charts
late replays the trades through a new pipeline instead.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import LEVELS, TRADE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.engine import checkpoint
from flow_gl.engine.gaps import kept_gap
from flow_gl.engine.layout import WORDS, Scratch
from flow_gl.engine.market import Market
from flow_gl.engine.notices import DefinitionNotice, GapNotice, MappingNotice
from flow_gl.engine.partition import Partition
from flow_gl.engine.profile import ProfileSettings
from flow_gl.engine.settings import Settings
from flow_gl.engine.sinks import MarketSink, Sink
from flow_gl.engine.summary import Summary
from flow_gl.store.market import MarketStore

_BATCH: Final = 1 << 15
"""Trades that are sorted by instrument at a time."""


class Pipeline:
    """Aggregates trades, instrument by instrument.

    Parameters
    ----------
    bucket_ns : width of the base bucket, 0.1 s to 1 h
    sessions : the exchange's calendar; None: all trades are one session
    arm : contracts at which CVD's zero cross is armed
    value_area, value_area_step : share of volume (0 < x < 1) and rows compared at a time (1 or 2)
    lvn_smooth, lvn_prominence : rows of the centred mean, and the prominence asked for as a share of its maximum
    lvn_volume : most smoothed volume of an LVN and least of an HVN, as a share of that maximum
    levels : levels of detail that are kept, from the base bucket up
    cvd_reset : "session" or "never"
    cvd_reset_times : times of day in New York at which CVD starts anew too
    sink_for : asked for a sink when an instrument is first heard of, before its first trade; None: by `attach` alone

    Raises
    ------
    UsageError : a setting is out of its range
    """

    def __init__(
        self,
        *,
        bucket_ns: int = 1_000_000_000,
        sessions: SessionCalendar | None = None,
        arm: int = 300,
        value_area: float = 0.70,
        value_area_step: int = 2,
        lvn_smooth: int = 5,
        lvn_prominence: float = 0.25,
        lvn_volume: float = 0.40,
        levels: int = LEVELS,
        cvd_reset: Literal["session", "never"] = "session",
        cvd_reset_times: tuple[dt.time, ...] = (),
        sink_for: Callable[[int], Sink | None] | None = None,
    ) -> None:
        profile = ProfileSettings(value_area, value_area_step, lvn_smooth, lvn_prominence, lvn_volume)
        self._settings = Settings(bucket_ns, arm, levels, cvd_reset, cvd_reset_times, profile)
        self._calendar = sessions
        self._sink_for = sink_for
        self._scratch = Scratch()
        self._partition = Partition(_BATCH)
        self._markets: dict[int, Market] = {}
        self._charted: list[Market] = []
        self._turn = -1
        self._common_gaps: dict[int, GapNotice] = {}
        self._known_from = 0

    @property
    def instruments(self) -> Mapping[int, Summary]:
        """Every instrument that was named, defined, charted or traded, by id."""
        return {instrument_id: market.summary for instrument_id, market in self._markets.items()}

    def map(self, mapping: MappingNotice) -> None:
        """Take an instrument's name (`feed.base.Mapping`)."""
        self._market(mapping.instrument_id).name(mapping.symbol, mapping.requested)

    def define(self, definition: DefinitionNotice) -> None:
        """Take an instrument's tick size and point value (`feed.base.Definition`)."""
        self._market(definition.instrument_id).define(definition)

    def gap(self, gap: GapNotice) -> None:
        """Take news of missing records (`feed.base.FeedGap`)."""
        if gap.instrument_id:
            self._market(gap.instrument_id).feed_gap(gap)
            return
        if gap.filled:
            self._common_gaps.pop(gap.start, None)
        else:
            self._common_gaps[gap.start] = gap
        for market in self._markets.values():
            market.feed_gap(gap)

    def know_from(self, known_from: int) -> None:
        """The feed hands over everything from an event time (ns) on: a first trade that comes later misses nothing."""
        self._known_from = known_from
        for market in self._markets.values():
            market.know_from(known_from)

    def chart(self, instrument_id: int, store: MarketStore, requested: str = "") -> None:
        """Publish an instrument into a store. Before its first trade, or its rings lack the history."""
        self.attach(instrument_id, MarketSink(store), requested)

    def attach(self, instrument_id: int, sink: Sink, requested: str = "") -> None:
        """Send an instrument's results to a sink, in place of the one that it had."""
        market = self._market(instrument_id)
        if requested:
            market.requested = requested
        market.attach(sink)
        if market not in self._charted:
            self._charted.append(market)

    def process(self, trades: NDArray[np.void]) -> None:
        """Take in trades (dtype TRADE): any instruments, in the order in which they arrived."""
        if trades.dtype != TRADE:
            raise TypeError(f"expected trades of dtype TRADE, was {trades.dtype}")
        count = len(trades)
        # Trades from a file or the wire are read-only, others are not, and Numba compiles a kernel for each kind.
        # So all are read-only here: a flag of this view, not of the caller's array.
        words = np.ascontiguousarray(trades).view(np.int64)
        words.flags.writeable = False
        at = 0
        while at < count:
            # Mostly one instrument: its trades are taken from where they lie. Where another one comes in between,
            # the next batch is sorted first.
            at = self._market(int(words[WORDS * at]) >> 32 & 0xFFFFFFFF).process(words, at, count)
            if at < count:
                stop = min(at + _BATCH, count)
                for instrument_id, run in self._partition.split(words, at, stop):
                    self._market(instrument_id).process(run, 0, len(run) // WORDS)
                at = stop

    def advance(self, event_now_ns: int) -> None:
        """Let the clock pass: closes buckets whose end lies 250 ms back, and finds silences that last."""
        for market in self._charted:
            market.advance(event_now_ns)

    def publish(self, *, is_brief: bool = False) -> None:
        """Write the tables of what has changed since the last call.

        Parameters
        ----------
        is_brief : only the open bubble, the session's running numbers, whose they are and what is missing, in a tenth
            of the time; what else has changed is written by the next call without it
        """
        for market in self._charted:
            market.publish(is_brief=is_brief)

    @property
    def charted(self) -> int:
        """How many instruments have a chart."""
        return len(self._charted)

    def publish_next(self) -> None:
        """Write one chart's tables in full: each call the next one's, so that no call takes long."""
        if self._charted:
            self._turn = (self._turn + 1) % len(self._charted)
            self._charted[self._turn].publish()

    def finish(self) -> None:
        """The trades have come to their end: close what is open at every level, and publish."""
        for market in self._charted:
            market.finish()
        self.publish()

    def reset_cvd(self, instrument_id: int) -> None:
        """CVD of an instrument starts anew at 0, from the next trade."""
        self._market(instrument_id).reset_cvd()

    def configure(
        self, *, arm: int | None = None, value_area: float | None = None, value_area_step: int | None = None
    ) -> None:
        """Change settings from the next trade on; None leaves one as it is. Raises UsageError."""
        now = self._settings
        profile = replace(
            now.profile,
            value_area=now.profile.value_area if value_area is None else value_area,
            value_area_step=now.profile.value_area_step if value_area_step is None else value_area_step,
        )
        self._settings = replace(now, arm=now.arm if arm is None else arm, profile=profile)
        for market in self._markets.values():
            market.configure(self._settings)

    def keep(self) -> bytes:
        """Everything that the next trade builds on, as a checkpoint. Rows that were handed on are not in it."""
        markets = [market.keep() for market in self._markets.values()]
        gaps = [kept_gap(gap) for gap in self._common_gaps.values()]
        return checkpoint.encode(checkpoint.PipelineState(markets, gaps))

    def resume(self, state: checkpoint.PipelineState) -> None:
        """Go on from a checkpoint (`checkpoint.decode`), before the first trade, with the settings that it had."""
        for kept in state.markets:
            self._market(kept.instrument_id).resume(kept)
        self._common_gaps = {gap.start: gap for gap in state.gaps}

    def _market(self, instrument_id: int) -> Market:
        market = self._markets.get(instrument_id)
        if market is None:
            market = Market(instrument_id, settings=self._settings, calendar=self._calendar, scratch=self._scratch)
            for gap in self._common_gaps.values():
                market.feed_gap(gap)
            market.know_from(self._known_from)
            self._markets[instrument_id] = market
            sink = self._sink_for(instrument_id) if self._sink_for else None
            if sink is not None:
                self.attach(instrument_id, sink)
        return market


def warm_up(progress: Callable[[str, int, int], None] | None = None) -> None:
    """Compile every kernel, or load its machine code from the cache: seconds the first time, then a fraction of one.

    Parameters
    ----------
    progress : called with what is being compiled, how many are done, and how many there are
    """
    from flow_gl.engine import warm

    warm.compile_all(progress)
