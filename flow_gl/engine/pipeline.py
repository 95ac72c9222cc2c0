"""The pipeline: trades of any instruments in, each instrument's numbers out.

Every instrument has its own market, so spreads and back months never mix with an outright. Charted instruments have a
sink. No number depends on how trades are split into batches.

An instrument is an id for as long as its raw symbol stays the same: if a mapping or a definition gives the id another
one, its market ends and a new one begins. A sink that is attached to a second instrument continues with that one after
a roll: the first instrument is finished, and the new one begins with its next trade. So an id may have several markets
at once, one for each chart that joined it at a different time.

A chart attached after its instrument's first trade lacks the earlier bubbles; only its tables are complete.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import UsageError
from flow_gl.core.items import Definition, FeedGap, Item, Mapping, Trades
from flow_gl.core.schema import MAX_LODS, TRADE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import DEFAULTS, AggregationSettings, merge
from flow_gl.engine import checkpoint
from flow_gl.engine.coverage import Coverage
from flow_gl.engine.kernels.layout import WORDS, Scratch
from flow_gl.engine.kernels.partition import Partition
from flow_gl.engine.market import Market
from flow_gl.engine.sinks import MarketSink, Sink, places_of
from flow_gl.engine.summary import Summary
from flow_gl.store.market import MarketStore

_BATCH: Final = 1 << 15
"""Trades sorted by instrument per step."""


class Pipeline:
    """Aggregates trades, instrument by instrument.

    Parameters
    ----------
    settings : what numbers depend on besides the trades
    sessions : the exchange's calendar; None: all trades are one session
    lods : levels of detail that are kept, from the base bucket up
    sink_for : asked for a sink when an instrument is first heard of, before its first trade; None: by `attach` alone
    has_detectors : find large trades, absorption, divergences and stacked imbalances in every instrument
    """

    def __init__(
        self,
        settings: AggregationSettings = DEFAULTS.aggregation,
        *,
        sessions: SessionCalendar | None = None,
        lods: int = MAX_LODS,
        sink_for: Callable[[int], Sink | None] | None = None,
        has_detectors: bool = False,
    ) -> None:
        if not 1 <= lods <= MAX_LODS:
            raise UsageError(f"lods must be 1 to {MAX_LODS}, was {lods}")
        self._settings = settings
        self._lods = lods
        self._calendar = sessions
        self._sink_for = sink_for
        self._has_detectors = has_detectors
        self._scratch = Scratch()
        self._partition = Partition(_BATCH)
        self._markets: dict[int, list[Market]] = {}
        self._ended: list[Market] = []
        self._charted: list[Market] = []
        self._seats: list[tuple[Sink, Market]] = []
        self._definitions: dict[tuple[int, str], Definition] = {}
        self._turn = -1
        self._common_gaps: dict[int, FeedGap] = {}
        self._coverage = Coverage()

    @property
    def instruments(self) -> dict[int, Summary]:
        """Every id that was named, defined, charted or traded, with what it means now."""
        return {instrument_id: markets[0].summary for instrument_id, markets in self._markets.items()}

    def results(self) -> list[tuple[Summary, Sink]]:
        """Every instrument that has, or had, a sink of its own, in the order in which they began."""
        markets = [*self._ended, *chain.from_iterable(self._markets.values())]
        return [(market.summary, market.sink) for market in markets if market.sink is not None]

    def take(self, item: Item) -> None:
        """Take one item of a feed; a file's end changes no number."""
        match item:
            case Trades():
                self.process(item.rows)
            case Mapping():
                self.map(item)
            case Definition():
                self.define(item)
            case FeedGap():
                self.gap(item)

    def map(self, mapping: Mapping) -> None:
        """Take an instrument's name (`core.items.Mapping`)."""
        if mapping.is_end:
            return  # it ends a name, not an instrument
        instrument_id, symbol = mapping.instrument_id, mapping.symbol
        self._tell_apart(instrument_id, symbol)
        definition = self._definitions.get((instrument_id, symbol)) if symbol else None
        for market in self._markets_of(instrument_id):
            market.name(symbol, mapping.requested)
            if definition is not None:
                market.define(definition)

    def define(self, definition: Definition) -> None:
        """Take an instrument's tick size and point value (`core.items.Definition`)."""
        instrument_id, symbol = definition.instrument_id, definition.symbol
        self._definitions[instrument_id, symbol] = definition
        self._tell_apart(instrument_id, symbol)
        for market in self._markets_of(instrument_id):
            market.define(definition)

    def gap(self, gap: FeedGap) -> None:
        """Take news of missing records (`core.items.FeedGap`)."""
        if gap.instrument_id:
            for market in self._markets_of(gap.instrument_id):
                market.feed_gap(gap)
            return
        if gap.filled:
            self._common_gaps.pop(gap.start, None)
        else:
            self._common_gaps[gap.start] = gap
        for market in chain.from_iterable(self._markets.values()):
            market.feed_gap(gap)

    def know_from(self, known_from: int) -> None:
        """The feed hands over everything from an event time (ns) on: a first trade that comes later misses nothing."""
        if known_from == self._coverage.known_from:
            return
        self._coverage.known_from = known_from
        for market in chain.from_iterable(self._markets.values()):
            market.cover(self._coverage)

    def chart(
        self,
        instrument_id: int,
        store: MarketStore,
        requested: str = "",
        renew: Callable[[], MarketStore] | None = None,
    ) -> None:
        """Publish an instrument into a store: as `attach` does, with a store to go on in for `renew`."""
        sinks = (sink for sink, _ in self._seats if isinstance(sink, MarketSink) and sink.store is store)
        make = None if renew is None else lambda: MarketSink(renew())
        self.attach(instrument_id, next(sinks, None) or MarketSink(store), requested, make)

    def attach(
        self, instrument_id: int, sink: Sink, requested: str = "", renew: Callable[[], Sink] | None = None
    ) -> None:
        """Send an instrument's results to a sink, before its first trade, or the rows of its history are not there.

        Parameters
        ----------
        instrument_id : a sink that had another one's results continues after a roll; 0: detach the sink
        requested : what the chart was asked for
        renew : gives an empty sink where the new instrument's trades begin before the old one's ended
        """
        seat = next((at for at, (other, _) in enumerate(self._seats) if other is sink), None)
        if instrument_id == 0:
            self._vacate(seat)
            return
        if seat is None:
            market = self._free_market(instrument_id)
            market.identity.requested = requested or market.identity.requested
            market.attach(sink)
            self._seats.append((sink, market))
        else:
            old = self._seats[seat][1]
            market = self._successor(instrument_id, old)
            self._leave(old)
            market.identity.requested = requested
            self._seats[seat] = (sink, market)

            def take_new_sink(renew: Callable[[], Sink]) -> Sink:
                self._seats[seat] = (renew(), market)
                return self._seats[seat][0]

            market.follow(old, renew and partial(take_new_sink, renew))
        if market not in self._charted:
            self._charted.append(market)

    def on_chart(self, store: MarketStore) -> int:
        """The instrument whose results go into a store now; 0 where there is none."""
        seats = (market for sink, market in self._seats if isinstance(sink, MarketSink) and sink.store is store)
        return next((market.instrument_id for market in seats if market in self._charted), 0)

    def process(self, trades: NDArray[np.void]) -> None:
        """Take in trades (dtype TRADE): any instruments, in the order in which they arrived."""
        if trades.dtype != TRADE:
            raise TypeError(f"expected trades of dtype TRADE, was {trades.dtype}")
        # Trades from a file or the wire are read-only, others are not, and Numba compiles a kernel for each kind.
        # So all are read-only here: a flag of this view, not of the caller's array.
        words = np.ascontiguousarray(trades).view(np.int64)
        words.flags.writeable = False
        at, count = 0, len(trades)
        while at < count:
            # Mostly one instrument: its trades are taken where they are. Where another comes, a batch is sorted.
            at = self._take(int(words[WORDS * at]) >> 32 & 0xFFFFFFFF, words, at, count)
            if at < count:
                stop = min(at + _BATCH, count)
                for instrument_id, run in self._partition.split(words, at, stop):
                    self._take(instrument_id, run, 0, len(run) // WORDS)
                at = stop

    def _take(self, instrument_id: int, words: NDArray[np.int64], start: int, stop: int) -> int:
        """Let an id's markets take in trades; the first trade of another id."""
        at = start
        for market in self._markets_of(instrument_id):
            at = market.process(words, start, stop)
        return at

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
        """CVD of an instrument restarts at 0, from the next trade."""
        for market in self._markets_of(instrument_id):
            market.reset_cvd()

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings from the next trade on (`core.settings.merge`). Raises UsageError."""
        self._settings = merge(self._settings, changes)
        for market in chain.from_iterable(self._markets.values()):
            market.configure(self._settings)

    def keep(self, stores: Sequence[MarketStore] = ()) -> bytes:
        """Everything that the next trade builds on, as a checkpoint. Rows that were handed on are not in it.

        Parameters
        ----------
        stores : of all charts, in their order
        """
        charts = places_of(self._seats, stores)
        alive = list(chain.from_iterable(self._markets.values()))
        shown = [market for market in self._ended if id(market) in charts]
        markets = [market.keep(charts.get(id(market), -1), is_ended=market in shown) for market in (*alive, *shown)]
        gaps = list(self._common_gaps.values())
        definitions = list(self._definitions.values())
        return checkpoint.encode(checkpoint.PipelineState(markets, gaps, definitions))

    def resume(self, state: checkpoint.PipelineState, stores: Sequence[MarketStore] = ()) -> None:
        """Go on from a checkpoint (`checkpoint.decode`), before the first trade, with the settings that it had.

        Parameters
        ----------
        state : of `keep`
        stores : of all charts, as they were given there; without them what is attached stays, by its instrument
        """
        sinks = [sink for sink, _ in self._seats]
        if stores:
            sinks = [MarketSink(store) for store in stores]
            self._markets.clear()
            self._charted.clear()
            self._seats.clear()
        seats: dict[int, Market] = {}
        for kept in state.markets:
            if not stores and not kept.is_ended:
                market = self._markets_of(kept.instrument_id)[0]
            else:
                market = self._new_market(kept.instrument_id)
                (self._ended if kept.is_ended else self._markets.setdefault(kept.instrument_id, [])).append(market)
            if stores and kept.chart >= 0:
                market.attach(sinks[kept.chart])
                seats[kept.chart] = market
                if not kept.is_ended:
                    self._charted.append(market)
            market.resume(kept)
        if stores:
            self._seats += [(sinks[at], seats[at]) for at in sorted(seats)]
        self._common_gaps = {gap.start: gap for gap in state.gaps}
        self._definitions = {(one.instrument_id, one.symbol): one for one in state.definitions}

    def _markets_of(self, instrument_id: int) -> list[Market]:
        """The markets of what an id means now; made with the first question."""
        markets = self._markets.get(instrument_id)
        if not markets:
            market = self._new_market(instrument_id)
            markets = self._markets[instrument_id] = [market]
            sink = self._sink_for(instrument_id) if self._sink_for else None
            if sink is not None:
                self.attach(instrument_id, sink)
        return markets

    def _new_market(self, instrument_id: int) -> Market:
        market = Market(
            instrument_id,
            settings=self._settings,
            lods=self._lods,
            calendar=self._calendar,
            scratch=self._scratch,
            has_detectors=self._has_detectors,
        )
        for gap in self._common_gaps.values():
            market.feed_gap(gap)
        market.cover(self._coverage)
        return market

    def _free_market(self, instrument_id: int) -> Market:
        """A market that no sink has yet; where all have one, one more with the same numbers."""
        markets = self._markets_of(instrument_id)
        market = next((market for market in markets if market.sink is None), None)
        if market is None:
            market = self._new_market(instrument_id)
            market.resume(markets[0].keep())
            markets.append(market)
        return market

    def _successor(self, instrument_id: int, old: Market) -> Market:
        """A market without trades, to follow another one on its chart; it knows who it is."""
        markets = self._markets_of(instrument_id)
        market = self._new_market(instrument_id)
        if markets[0] is not old:
            market.identity.learn(markets[0].identity)
        markets[:] = [*(other for other in markets if other.sink is not None), market]
        return market

    def _leave(self, market: Market) -> None:
        """A chart goes on without this instrument: close what is open. Its trades are no longer the chart's."""
        if market in self._charted:
            market.finish()
            market.publish()
            self._charted.remove(market)
        markets = self._markets.get(market.instrument_id, [])
        if market in markets:
            markets.remove(market)
            if not markets:
                del self._markets[market.instrument_id]
        if market in self._ended:
            self._ended.remove(market)

    def _vacate(self, seat: int | None) -> None:
        """Detach a chart: nothing more comes to it, and what is on it stays."""
        if seat is not None and (market := self._seats[seat][1]) in self._charted:
            self._leave(market)
            self._ended.append(market)

    def _tell_apart(self, instrument_id: int, symbol: str) -> None:
        """End what an id meant where it gets another raw symbol: whatever comes is another instrument's."""
        markets = self._markets.get(instrument_id, [])
        known = markets[0].identity.symbol if markets else ""
        if not symbol or not known or known == symbol:
            return
        for market in markets:
            if market in self._charted:
                market.finish()
                market.publish()
                self._charted.remove(market)
            if market.has_traded or market.sink is not None:
                self._ended.append(market)
        del self._markets[instrument_id]
