"""The pipeline: takes trades of any instruments and computes each instrument's results.

Every instrument has its own market, so spreads and back months never mix with an outright. Charted instruments have a
sink. No result depends on how trades are split into batches.

An id denotes one instrument as long as its raw symbol stays the same: if a mapping or a definition gives the id another
symbol, its market ends and a new one begins. If a sink is attached to a second instrument, its chart rolls: the first
instrument is finished, and the second begins with its next trade. An id can therefore have several markets at once, one
for each chart that joined it at a different time.

A chart attached after its instrument's first trade lacks the earlier bubbles; only its tables are complete.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import UsageError
from flow_gl.core.items import Definition, FeedGap, FileStart, Item, Mapping, Trades
from flow_gl.core.market.instrument import is_continuous_symbol
from flow_gl.core.schema import MAX_LODS, TRADE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.engine import checkpoint
from flow_gl.engine.completeness import Completeness
from flow_gl.engine.coverage import Coverage
from flow_gl.engine.detectors.group import FoundRoom
from flow_gl.engine.kernels.layout import WORDS, Scratch
from flow_gl.engine.kernels.partition import Partition
from flow_gl.engine.market import Market
from flow_gl.engine.reconfigure import Reconfigurable
from flow_gl.engine.sinks import MarketSink, Sink, places_of, tapes_of
from flow_gl.engine.summary import Summary
from flow_gl.store.market import MarketStore

_BATCH: Final = 1 << 15
"""Number of trades sorted by instrument per step."""


class Pipeline(Reconfigurable, Completeness):
    """Aggregates trades, instrument by instrument.

    Parameters
    ----------
    settings : all that the results depend on besides the trades
    sessions : the exchange's calendar; with None, all trades form one session
    lods : number of levels of detail to build, from the base bucket up
    sink_for : called with the id of each new instrument before its first trade; returns its sink, or None for no sink.
        Without it, only `attach` sets sinks
    has_detectors : detect events in every instrument that has a sink

    Raises
    ------
    UsageError : `lods` is out of range
    """

    def __init__(
        self,
        settings: AggregationSettings = DEFAULTS.aggregation,
        *,
        sessions: SessionCalendar | None = None,
        lods: int = MAX_LODS,
        sink_for: Callable[[int], Sink | None] | None = None,
        has_detectors: bool = True,
    ) -> None:
        if not 1 <= lods <= MAX_LODS:
            raise UsageError(f"lods must be 1 to {MAX_LODS}, was {lods}")
        self._settings = settings
        self._lods = lods
        self._calendar = sessions
        self._sink_for = sink_for
        self._found = FoundRoom() if has_detectors else None
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
        """Summaries by id of all instruments that were named, defined, charted or traded, as the ids are used now."""
        return {instrument_id: markets[0].summary for instrument_id, markets in self._markets.items()}

    def results(self) -> list[tuple[Summary, Sink]]:
        """Return the summary and sink of every market with a sink: ended ones first, then those in use."""
        markets = [*self._ended, *chain.from_iterable(self._markets.values())]
        return [(market.summary, market.sink) for market in markets if market.sink is not None]

    def take(self, item: Item) -> None:
        """Process one item of a feed; the end of a file changes no result."""
        match item:
            case Trades():
                self.process(item.rows)
            case Mapping():
                self.map(item)
            case Definition():
                self.define(item)
            case FeedGap():
                self.gap(item)
            case FileStart():
                self._coverage.start(item)

    def map(self, mapping: Mapping) -> None:
        """Apply an instrument's name (`core.items.Mapping`)."""
        if mapping.is_end:
            return  # the name ends, the instrument does not
        instrument_id, symbol = mapping.instrument_id, mapping.symbol
        self._end_reused_id(instrument_id, symbol)
        definition = self._definitions.get((instrument_id, symbol)) if symbol else None
        for market in self._markets_of(instrument_id):
            market.name(symbol, mapping.requested)
            if definition is not None:
                market.define(definition)

    def define(self, definition: Definition) -> None:
        """Apply an instrument's tick size and point value (`core.items.Definition`)."""
        instrument_id, symbol = definition.instrument_id, definition.symbol
        self._definitions[instrument_id, symbol] = definition
        self._end_reused_id(instrument_id, symbol)
        for market in self._markets_of(instrument_id):
            market.define(definition)

    def chart(
        self,
        instrument_id: int,
        store: MarketStore,
        requested: str = "",
        renew: Callable[[], MarketStore] | None = None,
    ) -> None:
        """Publish an instrument into a store. Works like `attach`, but `renew` returns an empty store."""
        sinks = (sink for sink, _ in self._seats if isinstance(sink, MarketSink) and sink.store is store)
        make = None if renew is None else lambda: MarketSink(renew())
        self.attach(instrument_id, next(sinks, None) or MarketSink(store), requested, make)

    def attach(
        self, instrument_id: int, sink: Sink, requested: str = "", renew: Callable[[], Sink] | None = None
    ) -> None:
        """Send an instrument's results to a sink.

        Call this before the instrument's first trade; otherwise the sink lacks the rows of earlier trades.

        Parameters
        ----------
        instrument_id : 0 detaches the sink. If the sink was attached to another instrument, its chart rolls
        sink : receives the results
        requested : the symbol that the user requested for this chart
        renew : returns an empty sink; called if the new instrument's trades begin before those of the old one ended
        """
        seat = next((at for at, (other, _) in enumerate(self._seats) if other is sink), None)
        if instrument_id == 0:
            self._vacate(seat)
            return
        if seat is None:
            market = self._free_market(instrument_id)
            # What traded before was not under this name, or comes again: a released chart's instrument is added again.
            if market.has_traded and (is_continuous_symbol(requested) or instrument_id in self._known_spans):
                market = self._successor(instrument_id)
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

    def release(self, store: MarketStore) -> None:
        """Stop publishing into a store, and drop its instrument's results; later trades begin a market without chart.

        A chart of the same instrument that is attached afterwards must be sent the session again.
        """
        for sink, market in [
            seat for seat in self._seats if isinstance(seat[0], MarketSink) and seat[0].store is store
        ]:
            self._seats.remove((sink, market))
            self._leave(market)

    def on_chart(self, store: MarketStore) -> int:
        """Return the id of the instrument whose results go into a store now, or 0 if there is none."""
        seats = (market for sink, market in self._seats if isinstance(sink, MarketSink) and sink.store is store)
        return next((market.instrument_id for market in seats if market in self._charted), 0)

    def process(self, trades: NDArray[np.void]) -> None:
        """Process trades of any instruments (dtype TRADE, in order of arrival). Raises TypeError for another dtype."""
        if trades.dtype != TRADE:
            raise TypeError(f"expected trades of dtype TRADE, was {trades.dtype}")
        # Trades from a file or the network are read-only, others are not, and Numba compiles a kernel for each kind.
        # Therefore this view, not the caller's array, is always made read-only.
        words = np.ascontiguousarray(trades).view(np.int64)
        words.flags.writeable = False
        at, count = 0, len(trades)
        while at < count:
            # Usually there is one instrument, whose trades are processed in place. At a trade of another instrument,
            # one batch is sorted by instrument.
            at = self._take(int(words[WORDS * at]) >> 32 & 0xFFFFFFFF, words, at, count)
            if at < count:
                stop = min(at + _BATCH, count)
                for instrument_id, run in self._partition.split(words, at, stop):
                    self._take(instrument_id, run, 0, len(run) // WORDS)
                at = stop

    def _take(self, instrument_id: int, words: NDArray[np.int64], start: int, stop: int) -> int:
        """Let an id's markets process trades; return the index of the first trade of another id."""
        at = start
        for market in self._markets_of(instrument_id):
            at = market.process(words, start, stop)
        return at

    def publish(self, *, is_brief: bool = False) -> None:
        """Write the tables that changed since the last call.

        Parameters
        ----------
        is_brief : write only the open bubble, the session's running numbers, the instrument and the gaps, which takes a
            tenth of the time; the next full call writes the other changes
        """
        for market in self._charted:
            market.publish(is_brief=is_brief)

    @property
    def charted(self) -> int:
        """Number of instruments on a chart."""
        return len(self._charted)

    def publish_next(self) -> None:
        """Write one chart's tables in full, a different chart each call, so that no call takes long."""
        if self._charted:
            self._turn = (self._turn + 1) % len(self._charted)
            self._charted[self._turn].publish()

    def finish(self) -> None:
        """End the stream: close the open buckets of every level of detail, and publish."""
        for market in self._charted:
            market.finish()
        self.publish()

    def keep(self, stores: Sequence[MarketStore] = ()) -> bytes:
        """Return a checkpoint, encoded; see `state`."""
        return checkpoint.encode(self.state(stores))

    def state(self, stores: Sequence[MarketStore] = ()) -> checkpoint.PipelineState:
        """Return all state on which later results depend, without rows already sent to sinks but for the tapes' orders.

        Parameters
        ----------
        stores : the stores of all charts, in order
        """
        charts, alive = places_of(self._seats, stores), [*chain(*self._markets.values())]
        shown = [market for market in self._ended if id(market) in charts]
        markets = [market.keep(charts.get(id(market), -1), is_ended=market in shown) for market in (*alive, *shown)]
        gaps, definitions = list(self._common_gaps.values()), list(self._definitions.values())
        tapes = tapes_of(self._seats, stores)
        return checkpoint.PipelineState(markets, gaps, definitions, self._coverage.keep(), tapes)

    def resume(self, state: checkpoint.PipelineState, stores: Sequence[MarketStore] = ()) -> None:
        """Restore a checkpoint (`checkpoint.decode`) before the first trade, under the settings it was taken with.

        Parameters
        ----------
        state : the decoded result of `keep`
        stores : the stores of all charts, in the order given to `keep`. Without them, attached sinks stay attached to
            their instruments
        """
        sinks = [sink for sink, _ in self._seats]
        if stores:
            made = [MarketSink(store) for store in stores]
            for sink, tape in zip(made, state.tapes, strict=True):
                sink.tape.resume(tape)
            sinks = [*made]
            for held in (self._markets, self._charted, self._seats):
                held.clear()
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
            if kept.is_ended:
                market.publish()  # once: no later trade will change it
        if stores:
            self._seats += [(sinks[at], seats[at]) for at in sorted(seats)]
        self._coverage.resume(state.coverage)
        self._common_gaps = {gap.start: gap for gap in state.gaps}
        self._definitions = {(one.instrument_id, one.symbol): one for one in state.definitions}

    def _markets_of(self, instrument_id: int) -> list[Market]:
        """Return the markets of the instrument that an id denotes now; the first call creates one."""
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
            found=self._found,
        )
        for gap in () if instrument_id in self._known_spans else self._common_gaps.values():
            market.feed_gap(gap)
        market.cover(self._coverage)
        market.set_alerts(self._rules)
        return market

    def _free_market(self, instrument_id: int) -> Market:
        """Return a market without a sink; if all have one, copy the state of the first into a new one."""
        markets = self._markets_of(instrument_id)
        market = next((market for market in markets if market.sink is None), None)
        if market is None:
            market = self._new_market(instrument_id)
            market.resume(markets[0].keep())
            markets.append(market)
        return market

    def _successor(self, instrument_id: int, old: Market | None = None) -> Market:
        """Return a market without trades, with its identity set, to follow another one on its chart."""
        markets = self._markets_of(instrument_id)
        market = self._new_market(instrument_id)
        if markets[0] is not old:
            market.identity.learn(markets[0].identity)
        markets[:] = [*(other for other in markets if other.sink is not None), market]
        return market

    def _leave(self, market: Market) -> None:
        """Take an instrument off its chart: close its open buckets and drop its market."""
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
        """Detach a chart: it receives no more results and keeps its contents."""
        if seat is not None and (market := self._seats[seat][1]) in self._charted:
            self._leave(market)
            self._ended.append(market)

    def _end_reused_id(self, instrument_id: int, symbol: str) -> None:
        """End an id's markets if the id gets another raw symbol: later trades belong to another instrument."""
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
