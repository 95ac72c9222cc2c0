"""The half of `supervisor.LiveFeed` that adds symbols while it runs, and adds those again whose chart was released.

A released symbol stays subscribed, because it is still recorded. If it is added again, a separate connection requests
its session from the open. Once that connection names the instrument, the running connection's trades of it are dropped,
and trades that the feed had already delivered are marked as repeated (`core.items.Trades`).
"""

import logging
from typing import TYPE_CHECKING

from flow_gl.core.errors import UsageError
from flow_gl.core.items import Item, KnownSpan
from flow_gl.feed.live.added_symbols import AddedSymbols
from flow_gl.feed.live.connection import Connection
from flow_gl.feed.live.intake import Intake
from flow_gl.feed.live.ledger import Ledger
from flow_gl.feed.live.renewal import Renewal
from flow_gl.feed.live.request import Request, checked_symbols
from flow_gl.feed.live.resume_request import ResumeRequests


class Adding:
    """Adds and releases symbols; the feed owns the connections."""

    _is_parent: bool
    _is_live: bool
    _intake: Intake
    _added: AddedSymbols
    _released: set[str]
    """Requested symbols that have no chart."""
    _renewal: Renewal
    _requests: ResumeRequests
    _known_spans: dict[int, KnownSpan]
    _ending: list[Connection]
    _log: logging.Logger

    if TYPE_CHECKING:

        def _drop(self, connection: Connection | None) -> None: ...

    def add(self, symbol: str) -> None:
        """Request another symbol, from the session's open, without touching the others. Raises UsageError.

        If the gateway refuses it, `refusals` returns the reason; otherwise its name and its trades arrive as items.
        """
        if self._is_parent:
            raise UsageError("no symbol can be added to a feed of parent symbols")
        (symbol,) = checked_symbols((symbol,))
        if symbol in self._released or symbol not in (*self._intake.symbols, *self._added.symbols):
            self._added.add(symbol)

    def release(self, symbol: str) -> None:
        """Record that a symbol's chart was removed. Its trades still arrive; `add` requests its session again."""
        self._released.add(symbol)

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the added symbols that cannot be delivered, with a reason of one line."""
        return self._added.refusals()

    def _join(self, wall_ns: int, now_ns: int) -> list[Item]:
        """Return the items of symbols being added; once those are complete, request all symbols on one connection."""
        added = self._added
        charted = self._intake.known_symbols - self._released
        released = self._intake.meant_by(self._released) - self._intake.meant_by(charted)
        items = added.poll(wall_ns, self._intake.instruments - released)
        self._ending += added.ended()
        if self._is_live and added.is_ready and not self._renewal.is_wanted:
            self._renewal.want(now_ns, is_session_new=False)
        return items

    def _hand_over(self, symbol: str, instrument_id: int) -> Ledger | None:
        """Leave a released symbol to the new connection, which has named it.

        Returns
        -------
        The ledger of its instrument's delivered trades; None if neither the symbol nor the instrument was released
        """
        is_its = (one for one in self._released if one == symbol or instrument_id in self._intake.meant_by({one}))
        again = [one for one in is_its if one in self._intake.symbols]
        self._released.difference_update(again)
        if not again:
            return None
        ledger = Ledger()
        for one in again:
            ledger.absorb(self._intake.leave(one), {instrument_id})
        ledger.take_over()
        self._requests.symbols = tuple(one for one in self._requests.symbols if one not in again)
        if self._renewal.connection is not None:  # its request includes the symbol
            is_session_new = self._renewal.is_session_new
            self._drop(self._renewal.cancel())
            self._renewal.want(0, is_session_new=is_session_new)
        return ledger

    def _may_take_over(self, second: Connection | None) -> bool:
        """Return whether the added symbols that a connection delivers have been received completely."""
        return self._added.is_ready or second is None or not self._added_in(second.request)

    def _added_in(self, request: Request) -> tuple[str, ...]:
        """Return the added symbols that a connection for all symbols delivers in place of the separate one."""
        symbols = request.subscriptions[-1].symbols
        return tuple(one for one in self._added.pending if one in symbols and one not in self._intake.symbols)

    def _absorb(self, request: Request) -> None:
        """Take over the added symbols if this connection delivers them from here on."""
        intake, symbols = self._added.intake, self._added_in(request)
        if not symbols or intake is None:
            return
        self._known_spans |= self._added.known_spans()
        self._intake.absorb(intake, symbols, self._added.instruments)
        self._requests.symbols += symbols
        self._added.take_over()
        self._log.info("symbols added", extra={"symbols": ", ".join(symbols)})
