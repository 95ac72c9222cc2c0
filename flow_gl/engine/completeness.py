"""A pipeline's knowledge of its feed: missing records, and the time up to which all trades have arrived."""

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Final

from flow_gl.core.items import FeedGap, KnownSpan
from flow_gl.engine.coverage import Coverage
from flow_gl.engine.market import Market

_NONE: Final[Mapping[int, KnownSpan]] = {}


class Completeness:
    """The half of `engine.pipeline.Pipeline` that follows the feed's state; the pipeline owns the markets.

    An instrument that was added to a running feed has a known span of its own while it catches up: what the feed
    reports for all instruments does not apply to it.
    """

    _markets: dict[int, list[Market]]
    _charted: list[Market]
    _common_gaps: dict[int, FeedGap]
    _coverage: Coverage
    _known_spans: Mapping[int, KnownSpan] = _NONE

    if TYPE_CHECKING:

        def _markets_of(self, instrument_id: int) -> list[Market]: ...

    def gap(self, gap: FeedGap) -> None:
        """Record missing records, or that they were filled in (`core.items.FeedGap`)."""
        if gap.instrument_id:
            for market in self._markets_of(gap.instrument_id):
                market.feed_gap(gap)
            return
        if gap.filled:
            self._common_gaps.pop(gap.start, None)
        else:
            self._common_gaps[gap.start] = gap
        for market in chain.from_iterable(self._markets.values()):
            if market.instrument_id not in self._known_spans or gap.filled:
                market.feed_gap(gap)

    def know_from(self, known_from: int) -> None:
        """Set the event time (ns) from which the feed is complete: no trades are missing before a later first trade."""
        if known_from == self._coverage.known_from:
            return
        self._coverage.known_from = known_from
        self._cover()

    def set_known_spans(self, spans: Mapping[int, KnownSpan]) -> None:
        """Set the spans of instruments that are catching up, by id. Their `known_from` stays in force afterwards."""
        self._known_spans = spans
        own = self._coverage.own
        if any(own.get(instrument_id, 0) != one.known_from for instrument_id, one in spans.items()):
            own.update((instrument_id, one.known_from) for instrument_id, one in spans.items())
            self._cover()

    def advance(self, event_now_ns: int) -> None:
        """Advance the clock to an event time (ns): close buckets that ended 250 ms ago, and update open silences."""
        for market in self._charted:
            span = self._known_spans.get(market.instrument_id)
            known_until = event_now_ns if span is None else min(event_now_ns, span.known_until)
            if known_until:
                market.advance(known_until)

    def _cover(self) -> None:
        for market in chain.from_iterable(self._markets.values()):
            market.cover(self._coverage)
