"""Decide what the next connection requests: enough of the past that nothing is missing, and no more.

Instruments already received need a replay from shortly before their last trade; others from the origin, the session's
open. When a session opens, a symbol may mean another contract, which is wanted from the open on.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from flow_gl.feed.live.connection import Connection
from flow_gl.feed.live.gap import ReplayExtent
from flow_gl.feed.live.hours import Hours, replayable_from
from flow_gl.feed.live.intake import Intake
from flow_gl.feed.live.request import Request, Subscription


class ResumeRequests:
    """Makes connections that request exactly the missing data.

    Parameters
    ----------
    blank : a request without subscriptions
    key : the API key
    symbols, stype_in : requested symbols and their type
    hours : the exchange's hours and the origin
    """

    def __init__(self, blank: Request, *, key: str, symbols: tuple[str, ...], stype_in: str, hours: Hours) -> None:
        self.blank: Final = blank
        self.origin = 0
        """`ts_event` from which trades are wanted, ns; set when a connection is made."""
        self.has_definitions = True
        """Whether definitions are requested too."""
        self._key: Final = key
        self.symbols = symbols
        self._stype_in: Final = stype_in
        self._hours: Final = hours

    def make(
        self,
        intakes: Sequence[Intake],
        wall_ns: int,
        *,
        extent: ReplayExtent,
        is_first: bool,
        is_session_new: bool,
        more: tuple[str, ...] = (),
    ) -> Connection:
        """Make a connection, not opened yet, that brings everything missing.

        Parameters
        ----------
        intakes : the data received so far
        wall_ns : now, ns since the epoch
        extent : how far back the gateway is believed to replay
        is_first : nothing was received yet on any connection
        is_session_new : a session has opened since the symbols were last requested
        more : symbols besides `symbols`
        """
        if is_first or not self._hours.is_live_only:
            self.origin = self._hours.origin(wall_ns)
        if extent is not ReplayExtent.WANTED:
            trades_from = 0 if extent is ReplayExtent.EVERYTHING else None
        elif is_first and self._hours.is_live_only:
            trades_from = None
        else:
            trades_from = min(self._from(intake, wall_ns, is_session_new=is_session_new) for intake in intakes)
        symbols = (*self.symbols, *more)
        subscriptions = [Subscription("trades", symbols, self._stype_in, trades_from)]
        if self.has_definitions:
            subscriptions.insert(0, Subscription("definition", symbols, self._stype_in, 0))
        return Connection(replace(self.blank, subscriptions=tuple(subscriptions)), key=self._key)

    def _from(self, intake: Intake, wall_ns: int, *, is_session_new: bool) -> int:
        need = intake.need_from()
        wanted = self.origin if need is None else need
        if is_session_new:
            wanted = min(wanted, self.origin)
        if intake.wanted_from is not None:
            wanted = min(wanted, intake.wanted_from)
        return replayable_from(wanted, wall_ns)
