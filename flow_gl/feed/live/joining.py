"""Symbols that are added while a live feed runs.

The gateway replays only what was requested before a session started, so a new symbol comes on a connection of its own:
a complete live feed that begins at the session's open. The running connection is not touched. Once the new feed is
live, one connection is opened for all symbols (`renewal`), and takes over from both. Until then the new instruments
are *apart* (`core.items.Apart`): how much of them is known differs from the others.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING, Final

import numpy as np

from flow_gl.core.items import Apart, FeedGap, Item, Mapping, Trades
from flow_gl.core.schema import FeedState
from flow_gl.feed.base import FeedStatus

if TYPE_CHECKING:
    from flow_gl.feed.live.connection import Connection
    from flow_gl.feed.live.intake import Intake
    from flow_gl.feed.live.supervisor import LiveFeed

_LIVE: Final = (FeedState.LIVE, FeedState.CLOSED)


class Joining:
    """The symbols that are being added: those that come on a connection of their own, and those that wait.

    Parameters
    ----------
    make : makes a live feed of some symbols, not started
    """

    def __init__(self, make: "Callable[[tuple[str, ...]], LiveFeed]") -> None:
        self._make: Final = make
        self._asked: list[str] = []
        self._feed: LiveFeed | None = None
        self._refused: list[tuple[str, str]] = []
        self._left: tuple[str, ...] = ()  # symbols of the feed that were not refused
        self._theirs: set[int] = set()  # instruments that come on this connection
        self._others: set[int] = set()  # instruments that the running connection has already
        self._ended: list[Connection] = []
        self._faults = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that is being added."""
        return (*self._left, *self._asked)

    @property
    def is_ready(self) -> bool:
        """Whether everything up to now has been handed over, so that one connection can take over."""
        feed = self._feed
        return feed is not None and feed.status().state in _LIVE and not feed.intake.held and bool(self._theirs)

    @property
    def instruments(self) -> frozenset[int]:
        """The instruments that come on this connection."""
        return frozenset(self._theirs) if self._feed is not None else frozenset()

    @property
    def ready(self) -> tuple[str, ...]:
        """The symbols that one connection may take over now."""
        return self._left if self.is_ready else ()

    @property
    def faults(self) -> int:
        """Records that were lost inside the client, each requested again."""
        return self._faults + (0 if self._feed is None else self._feed.faults)

    @property
    def intake(self) -> "Intake | None":
        """What was received of them so far; None if none is being received."""
        return None if self._feed is None else self._feed.intake

    def ask(self, symbol: str) -> None:
        """Add a symbol, after those that are being added now."""
        self._asked.append(symbol)

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once, the symbols that will not come, and why: one line each."""
        refused, self._refused = self._refused, []
        return refused

    def poll(self, wall_ns: int, received: Collection[int]) -> list[Item]:
        """Hand over what has arrived.

        Parameters
        ----------
        received : instruments that the running connection brings
        """
        if self._feed is None:
            if not self._asked:
                return []
            self._left, self._asked = tuple(self._asked), []
            self._theirs, self._others = set(), set()
            self._feed = self._make(self._left)
            self._feed.start()
        items: list[Item] = []
        for item in self._feed.poll(wall_ns):
            items += self._kept(item, received)
        self._look(self._feed)
        return items

    def retry(self) -> None:
        if self._feed is not None:
            self._feed.retry()

    def take_over(self) -> None:
        """End: another connection brings these symbols from now on."""
        self.let_go()
        self._left = ()

    def let_go(self) -> None:
        """Abandon the connection, without waiting for it. Idempotent."""
        feed, self._feed = self._feed, None
        if feed is not None:
            self._ended += feed.let_go()
            self._faults += feed.faults

    def ended(self) -> "list[Connection]":
        """Return, once, the connections that were abandoned and whose threads may still run."""
        ended, self._ended = self._ended, []
        return ended

    def apart(self) -> dict[int, Apart]:
        """Return what is known of each instrument."""
        if self._feed is None:
            return {}
        status = self._feed.status()
        return dict.fromkeys(self._theirs, Apart(status.known_from, status.known_until))

    def words(self) -> str:
        """What the user should know, one line; "" if there is nothing to say."""
        if self._feed is None:
            return ""
        status = self._feed.status()
        names = ", ".join(self._left)
        if status.state in _LIVE:
            return ""
        if status.state is FeedState.CATCHING_UP:
            return f"{names}: reading the session{_share(status)}"
        return f"{names}: {status.message or 'asking the gateway'}"

    def _kept(self, item: Item, received: Collection[int]) -> list[Item]:
        if isinstance(item, Mapping):
            return self._take_name(item, received)
        if isinstance(item, Trades):
            if not self._others:
                return [item]
            is_new = np.isin(item.rows["instrument_id"], list(self._theirs))
            return [Trades(item.rows[is_new])] if is_new.any() else []
        if isinstance(item, FeedGap):
            return [replace(item, instrument_id=instrument_id) for instrument_id in sorted(self._theirs)]
        return [item]

    def _take_name(self, mapping: Mapping, received: Collection[int]) -> list[Item]:
        instrument_id = mapping.instrument_id
        if instrument_id in received or instrument_id in self._others:
            self._others.add(instrument_id)
            symbol = mapping.symbol or str(instrument_id)
            self._refuse(mapping.requested, f"it is {symbol}, which has a chart already under another name")
            return []
        self._theirs.add(instrument_id)
        return [mapping]

    def _look(self, feed: "LiveFeed") -> None:
        """Refuse what will not come, and let go of the connection if nothing else comes on it."""
        status, known = feed.status(), feed.intake.known_symbols
        for symbol in self._left:
            if symbol in feed.intake.not_found:
                self._refuse(symbol, f"the gateway does not know it ({feed.intake.not_found[symbol]})")
            elif status.state in _LIVE and symbol not in known:
                self._refuse(symbol, "the gateway names no instrument for it")
            elif status.state is FeedState.FAILED and not self._theirs:
                self._refuse(symbol, status.message)
        if not self._left:
            self.let_go()

    def _refuse(self, symbol: str, why: str) -> None:
        if symbol in self._left:
            self._left = tuple(one for one in self._left if one != symbol)
            self._refused.append((symbol, why))


def _share(status: FeedStatus) -> str:
    return "" if isnan(status.progress) else f", {status.progress:.0%}"
