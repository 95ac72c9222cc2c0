"""Handling of implausible times: count and report them and end the connection, but not repeatedly for the same one.

A record with a wrong time may be in the gateway's memory, so that every replay brings it again. A trade that ended a
connection is therefore dropped when it arrives a second time. Heartbeats differ each time; after some of them have
ended connections, wrong ones are ignored, and the clock follows the trades alone.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE
from flow_gl.core.units import MINUTE_NS
from flow_gl.dbn.layout import TRADE_KIND
from flow_gl.feed.live.errors import Fault, Trouble
from flow_gl.feed.live.gateway_clock import SLACK_NS, GatewayClock, Hold, describe, in_words, stated_ns

MAX_REFUSED: Final = 10_000
"""Trades with a wrong time that are remembered; the oldest are dropped first."""
STRIKES: Final = 3
"""Connections that are ended for a message's time within `STRIKES_WITHIN_NS` of each other; then it is ignored."""
STRIKES_WITHIN_NS: Final = 10 * MINUTE_NS


class TimeChecks:
    """Checks the times of trades and system messages.

    Parameters
    ----------
    clock : the state of the gateway's clock
    """

    def __init__(self, clock: GatewayClock) -> None:
        self._clock: Final = clock
        self.count = 0
        """Records that were rejected or dropped because of their time."""
        self.claimed = 0
        """The implausible time of the last record checked, ns, if that record is to be held back."""
        self._refused: dict[bytes, None] = {}
        self._newest = 0  # time that a message of this connection stated, ns
        self._strikes = 0
        self._struck_ns = 0

    def begin(self) -> None:
        """Start checking a new connection."""
        self._newest = 0

    def words(self) -> str:
        """Message for the user; "" if no time was wrong."""
        if not self.count:
            return ""
        return f"{self.count:,} record{'s' if self.count > 1 else ''} with impossible times rejected"

    def judge(self, chunk: bytes, newest_ts: int, wall_ns: int, now_ns: int) -> bool | Trouble | list[bytes]:
        """Check the time of a system message.

        Parameters
        ----------
        chunk : the message
        newest_ts : newest `ts_event` of the connection's trades, ns
        wall_ns, now_ns : this machine's wall clock and monotonic clock, ns

        Returns
        -------
        Whether the time may be used; or the error that ends the connection; or the message, if it is to be held back
        """
        ts = stated_ns(chunk)
        newest = max(self._newest, newest_ts)
        if self._clock.is_impossible(ts, wall_ns):
            return self._strike(f"a message of the gateway states {describe(ts, wall_ns)}", now_ns)
        if ts < newest - SLACK_NS:
            self._clock.forget()
            back = in_words(newest - ts)
            return self._strike(f"the gateway's clock went back by {back}", now_ns)
        if ts > self._clock.limit(wall_ns):
            if self._has_struck_out(now_ns):
                self.count += 1
                return False
            self.claimed = ts
            return [chunk]
        self._newest = max(self._newest, ts)
        return True

    def sift(self, rows: NDArray[np.void], wall_ns: int) -> tuple[NDArray[np.void], NDArray[np.void], Trouble | None]:
        """Check the times of trades.

        Parameters
        ----------
        rows : dtype TRADE, arrival order
        wall_ns : now, ns since the epoch

        Returns
        -------
        believed : the rows before the first implausible one
        rest : that row and those after it, to be held back; empty if all are plausible
        trouble : the error that ends the connection after the believed rows; None if there is none
        """
        ts, limit = rows["ts_event"], self._clock.limit(wall_ns)
        if len(rows) == 0 or (ts.max() <= limit and not self._clock.is_impossible(int(ts.min()), wall_ns)):
            return rows, rows[:0], None
        is_wrong = self._clock.impossible(ts, wall_ns)
        is_doubtful = is_wrong | (ts > limit)
        is_known = is_doubtful.copy()
        for at in np.flatnonzero(is_doubtful).tolist():
            is_known[at] = rows[at].tobytes() in self._refused
        self.count += int(np.count_nonzero(is_known))
        rows, is_wrong, is_doubtful = rows[~is_known], is_wrong[~is_known], is_doubtful[~is_known]
        if not is_doubtful.any():
            return rows, rows[:0], None
        first = int(np.argmax(is_doubtful))
        self.claimed = int(rows["ts_event"][first])
        if not is_wrong[first]:
            return rows[:first], rows[first:], None
        wrong = [row.tobytes() for row in rows[is_wrong]]
        self._remember(wrong)
        return rows[:first], rows[:0], self._trouble(f"a trade states {describe(self.claimed, wall_ns)}", len(wrong))

    def first_seen(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Return the trades (TRADE) that have not arrived before, and remember them."""
        new = [trade for trade in map(np.void.tobytes, rows) if trade not in self._refused]
        self._remember(new)
        return np.frombuffer(b"".join(new), TRADE)

    def refuse(self, hold: Hold, wall_ns: int, now_ns: int) -> Trouble:
        """Reject a time that the following records did not confirm. Returns the error that ends the connection."""
        limit = self._clock.limit(wall_ns)
        trades = [chunk for chunk in hold.chunks if chunk[1] == TRADE_KIND and len(chunk) == TRADE.itemsize]
        wrong = [chunk for chunk in trades if stated_ns(chunk) > limit]
        self._remember(wrong)
        is_trade = hold.chunks[0][1] == TRADE_KIND
        if not is_trade:
            self._has_struck_out(now_ns)
            self._add_strike(now_ns)
        who = "a trade" if is_trade else "a message of the gateway"
        what = f"{who} states {describe(hold.claimed, wall_ns)}, which no other record confirms"
        return self._trouble(what, len(wrong) + (not is_trade))

    def _remember(self, trades: list[bytes]) -> None:
        for trade in trades:
            self._refused[trade] = None
        while len(self._refused) > MAX_REFUSED:
            del self._refused[next(iter(self._refused))]

    def _strike(self, what: str, now_ns: int) -> Trouble | bool:
        if self._has_struck_out(now_ns):
            self.count += 1
            return False
        self._add_strike(now_ns)
        return self._trouble(what, 1)

    def _has_struck_out(self, now_ns: int) -> bool:
        """Whether enough connections were recently ended by messages with a wrong time."""
        if now_ns - self._struck_ns > STRIKES_WITHIN_NS:
            self._strikes = 0
        return self._strikes >= STRIKES

    def _add_strike(self, now_ns: int) -> None:
        self._strikes += 1
        self._struck_ns = now_ns

    def _trouble(self, what: str, count: int) -> Trouble:
        self.count += count
        return Trouble(Fault.RETRY, f"{what}: it is rejected; requesting what follows again")
