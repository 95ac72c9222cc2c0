"""Adds symbols to a running live feed.

The gateway replays only subscriptions made before a session starts, so a new symbol gets its own connection: a complete
live feed that begins at the session's open. The running connection is not touched. Once the new feed is live, one
connection is opened for all symbols (`renewal`) and takes over from both. Until then the new instruments have their own
`core.items.KnownSpan`. A symbol whose chart was released is added again in the same way (`adding`).
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import FeedGap, Item, KnownSpan, Mapping, Trades
from flow_gl.core.schema import FeedState
from flow_gl.feed.base import FeedStatus

if TYPE_CHECKING:
    from flow_gl.feed.live.connection import Connection
    from flow_gl.feed.live.intake import Intake
    from flow_gl.feed.live.ledger import Ledger
    from flow_gl.feed.live.supervisor import LiveFeed

_LIVE: Final = (FeedState.LIVE, FeedState.CLOSED)


class AddedSymbols:
    """The symbols being added: those being received on their own connection, and those waiting for the next one.

    Parameters
    ----------
    make : returns a live feed for some symbols, not started
    take_from_others : called with a requested symbol and the instrument that it means: the running connection leaves
        that instrument to this one. Returns the trades that it has delivered; None if it never did
    """

    def __init__(
        self,
        make: "Callable[[tuple[str, ...]], LiveFeed]",
        *,
        take_from_others: "Callable[[str, int], Ledger | None]",
    ) -> None:
        self._make: Final = make
        self._take_from_others: Final = take_from_others
        self._delivered: dict[int, Ledger] = {}  # by instrument: what the running connection had delivered
        self._waiting: list[str] = []
        self._feed: LiveFeed | None = None
        self._rejected: list[tuple[str, str]] = []
        self._pending: tuple[str, ...] = ()  # symbols of the feed that were not rejected
        self._instruments: set[int] = set()  # instruments received on this connection
        self._known_elsewhere: set[int] = set()  # instruments that the running connection already delivers
        self._ended: list[Connection] = []
        self._faults = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols being added."""
        return (*self._pending, *self._waiting)

    @property
    def pending(self) -> tuple[str, ...]:
        """The symbols that are being received."""
        return self._pending

    @property
    def is_ready(self) -> bool:
        """Whether everything up to now has been delivered, so one connection can take over."""
        feed = self._feed
        return feed is not None and feed.status().state in _LIVE and not feed.intake.held and bool(self._instruments)

    @property
    def instruments(self) -> frozenset[int]:
        """The instruments received on this connection."""
        return frozenset(self._instruments) if self._feed is not None else frozenset()

    @property
    def ready(self) -> tuple[str, ...]:
        """The symbols that one connection can take over now."""
        return self._pending if self.is_ready else ()

    @property
    def faults(self) -> int:
        """Number of records lost inside the client; each was requested again."""
        return self._faults + (0 if self._feed is None else self._feed.faults)

    @property
    def intake(self) -> "Intake | None":
        """The intake of this connection; None if nothing is being received."""
        return None if self._feed is None else self._feed.intake

    def add(self, symbol: str) -> None:
        """Add a symbol, after those being added now."""
        self._waiting.append(symbol)

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the symbols that cannot be added, with the reason in one line."""
        rejected, self._rejected = self._rejected, []
        return rejected

    def poll(self, wall_ns: int, received: Collection[int]) -> list[Item]:
        """Return the items that have arrived.

        Parameters
        ----------
        received : instruments that the running connection delivers for charts
        """
        if self._feed is None:
            if not self._waiting:
                return []
            self._pending, self._waiting = tuple(self._waiting), []
            self._instruments, self._known_elsewhere, self._delivered = set(), set(), {}
            self._feed = self._make(self._pending)
            self._feed.start()
        items: list[Item] = []
        for item in self._feed.poll(wall_ns):
            items += self._kept(item, received)
        self._check(self._feed)
        return items

    def retry(self) -> None:
        if self._feed is not None:
            self._feed.retry()

    def take_over(self) -> None:
        """Stop: another connection delivers these symbols from now on."""
        self.abandon()
        self._pending = ()

    def abandon(self) -> None:
        """Abandon the connection without waiting for it. Idempotent."""
        feed, self._feed = self._feed, None
        if feed is not None:
            self._ended += feed.abandon()
            self._faults += feed.faults

    def ended(self) -> "list[Connection]":
        """Return, once each, the abandoned connections whose threads may still run."""
        ended, self._ended = self._ended, []
        return ended

    def known_spans(self) -> dict[int, KnownSpan]:
        """Return the known span of each instrument."""
        if self._feed is None:
            return {}
        status = self._feed.status()
        return dict.fromkeys(self._instruments, KnownSpan(status.known_from, status.known_until))

    def status_text(self) -> str:
        """Return one line on the progress for the user; "" if there is nothing to report."""
        if self._feed is None:
            return ""
        status = self._feed.status()
        names = ", ".join(self._pending)
        if status.state in _LIVE:
            return ""
        if status.state is FeedState.CATCHING_UP:
            return f"{names}: reading the session{_share(status)}"
        return f"{names}: {status.message or 'requesting it from the gateway'}"

    def _kept(self, item: Item, received: Collection[int]) -> list[Item]:
        if isinstance(item, Mapping):
            return self._take_name(item, received)
        if isinstance(item, Trades):
            return self._kept_trades(item.rows)
        if isinstance(item, FeedGap):
            return [replace(item, instrument_id=instrument_id) for instrument_id in sorted(self._instruments)]
        return [item]

    def _kept_trades(self, rows: NDArray[np.void]) -> list[Item]:
        if self._known_elsewhere:
            rows = rows[np.isin(rows["instrument_id"], list(self._instruments))]
        is_repeat = np.zeros(len(rows), np.bool_)
        for instrument_id, delivered in self._delivered.items():
            is_its = rows["instrument_id"] == instrument_id
            is_repeat[is_its] = delivered.are_repeats(rows[is_its])
        cuts = np.flatnonzero(is_repeat[1:] != is_repeat[:-1]) + 1
        starts = (0, *cuts.tolist()) if len(rows) else ()
        return [Trades(part, bool(is_repeat[at])) for at, part in zip(starts, np.split(rows, cuts), strict=False)]

    def _take_name(self, mapping: Mapping, received: Collection[int]) -> list[Item]:
        instrument_id = mapping.instrument_id
        if instrument_id in received or instrument_id in self._known_elsewhere:
            self._known_elsewhere.add(instrument_id)
            symbol = mapping.symbol or str(instrument_id)
            self._reject(mapping.requested, f"it is {symbol}, which already has a chart under another name")
            return []
        delivered = self._take_from_others(mapping.requested, instrument_id)
        if delivered is not None:
            self._delivered[instrument_id] = delivered
        self._instruments.add(instrument_id)
        return [mapping]

    def _check(self, feed: "LiveFeed") -> None:
        """Reject symbols that cannot be added, and abandon the connection if no symbol is left on it."""
        status, known = feed.status(), feed.intake.known_symbols
        for symbol in self._pending:
            if symbol in feed.intake.not_found:
                self._reject(symbol, f"the gateway does not know it ({feed.intake.not_found[symbol]})")
            elif status.state in _LIVE and symbol not in known:
                self._reject(symbol, "the gateway has no instrument for it")
            elif status.state is FeedState.FAILED and not self._instruments:
                self._reject(symbol, status.message)
        if not self._pending:
            self.abandon()

    def _reject(self, symbol: str, why: str) -> None:
        if symbol in self._pending:
            self._pending = tuple(one for one in self._pending if one != symbol)
            self._rejected.append((symbol, why))


def _share(status: FeedStatus) -> str:
    return "" if isnan(status.progress) else f", {status.progress:.0%}"
