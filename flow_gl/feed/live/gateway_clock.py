"""Decide which of the times that a gateway states are plausible.

A live session has three sources of time: this machine's clock, the times in the gateway's messages (mainly heartbeats),
and those of the trades. Any of them may be wrong, and a wrong one must neither close buckets whose trades are still to
come nor hide what follows it. Therefore:

- *Now* is this machine's clock plus the offset found so far, initially 0. A time at most `SLACK_NS` ahead of now is
  accepted at once.
- A time further ahead, by up to a day, is held back together with everything after it until the following records
  decide. If they are earlier, it was wrong. If they confirm it for `PROOF_NS`, this machine's clock is behind: the
  offset is set, and its size is shown to the user.
- A time more than a day ahead of now, or days behind, is always wrong. Offsets of a day or more are not accepted.
- If nothing that the gateway sends live reaches now minus `FAST_NS` for a minute, this machine's clock is ahead, and
  the offset becomes negative.
"""

import datetime as dt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE
from flow_gl.core.units import DAY_NS, MINUTE_NS, SECOND_NS
from flow_gl.dbn.layout import SYSTEM_KIND, TRADE_KIND

SLACK_NS: Final = MINUTE_NS
"""How far ahead of now a time is accepted at once: an unsynchronised clock drifts by less."""
QUIET_NS: Final = 5 * SECOND_NS
"""How far ahead of the clock that the trades show a message closes buckets."""
PROOF_NS: Final = 10 * SECOND_NS
"""How long the following records must confirm a time further ahead; longer than the heartbeat interval."""
PATIENCE_NS: Final = 30 * SECOND_NS
"""A time that is neither confirmed nor refuted within this is rejected."""
OLDEST_NS: Final = 2 * DAY_NS
"""The gateway replays a day; a trade may be reported late. An older time cannot belong to a live session."""
FAST_NS: Final = 30 * SECOND_NS
"""This machine's clock is called fast where everything live seems older than this, for `WINDOW_NS`."""
WINDOW_NS: Final = MINUTE_NS
MAX_HELD: Final = 1 << 17
"""Most records held back; no more are taken from the connection until they are decided on."""
_MIN_SAMPLES: Final = 3
"""Fewest records with a time that can decide."""
_TS_FROM, _TS_TO = 8, 16
_NONE: Final = -1


def stated_ns(chunk: bytes) -> int:
    """Return the time in a record's header, int64 ns; -1 if it has none."""
    return int.from_bytes(chunk[_TS_FROM:_TS_TO], "little", signed=True)


class Hold:
    """A time too far ahead, and the records after it that will confirm or refute it.

    Parameters
    ----------
    claimed : the time, ns
    since_ns : monotonic time at which it arrived
    """

    def __init__(self, claimed: int, since_ns: int) -> None:
        self.claimed: Final = claimed
        self.chunks: list[bytes] = []
        self._since_ns: Final = since_ns
        self._bearing = self._falling = 0
        self._top: NDArray[np.int64] = np.zeros(0, np.int64)

    @property
    def is_full(self) -> bool:
        return len(self.chunks) >= MAX_HELD

    @property
    def reached(self) -> int:
        """The time that enough of the records have reached; a single one does not count."""
        return int(self._top[-1]) if len(self._top) == _MIN_SAMPLES else self.claimed

    def add(self, chunks: list[bytes]) -> None:
        """Add records; the first one of the first call is the record with the doubtful time."""
        stated = _times(chunks)
        if not self.chunks and len(stated):
            stated = stated[1:]
        self.chunks += chunks
        bearing = stated >= self.claimed - SLACK_NS
        count = int(np.count_nonzero(bearing))
        self._bearing += count
        self._falling += len(stated) - count
        highest = np.sort(np.concatenate([self._top, stated[bearing]]))[::-1]
        self._top = highest[:_MIN_SAMPLES]

    def is_refuted(self, now_ns: int) -> bool:
        """Whether the following records were earlier, or did not confirm the time soon enough."""
        if self._falling >= _MIN_SAMPLES and self._falling > self._bearing:
            return True
        return now_ns - self._since_ns >= PATIENCE_NS and not self.is_borne_out(now_ns)

    def is_borne_out(self, now_ns: int) -> bool:
        has_enough = self._bearing >= _MIN_SAMPLES and self._bearing > self._falling
        return has_enough and now_ns - self._since_ns >= PROOF_NS


class GatewayClock:
    """The offset between the gateway's clock and this machine's, estimated from the gateway's records."""

    def __init__(self) -> None:
        self.offset_ns = 0
        """The gateway's time minus this machine's, ns; 0 unless they are known to differ."""
        self.ahead_ns = 0
        """How far ahead of this machine's clock the newest records were, ns; part of the event clock."""
        self._window_from = 0
        self._window_most = -DAY_NS

    def forget(self) -> None:
        """Discard the estimate, after this machine's clock was set or the machine slept."""
        self.offset_ns = self.ahead_ns = 0
        self._restart_window(0)

    def limit(self, wall_ns: int) -> int:
        """Return the latest time that is accepted at once, ns."""
        return wall_ns + self.offset_ns + SLACK_NS

    def vouched(self, stated: int, wall_ns: int) -> int:
        """Return the event time (ns) up to which a message with this time guarantees that no further trade comes."""
        return min(stated, wall_ns + self.ahead_ns + QUIET_NS)

    def is_impossible(self, ts: int, wall_ns: int) -> bool:
        """Whether a time cannot be right now, even if this machine's clock is wrong."""
        return not wall_ns - OLDEST_NS <= ts <= wall_ns + DAY_NS

    def impossible(self, ts: NDArray[np.int64], wall_ns: int) -> NDArray[np.bool_]:
        """Return `is_impossible` for each of many times (int64, ns)."""
        return (ts < wall_ns - OLDEST_NS) | (ts > wall_ns + DAY_NS)

    def accept(self, reached: int, wall_ns: int) -> None:
        """Set the offset: the records confirm that the gateway's clock is at `reached` (ns) now."""
        self.offset_ns = self.ahead_ns = reached - wall_ns
        self._restart_window(0)

    def note_live(self, ts: int, wall_ns: int) -> None:
        """Take the accepted time of a trade that has just happened."""
        if self.offset_ns >= 0:
            self.ahead_ns = max(self.ahead_ns, ts - wall_ns)
        self.note_message(ts, wall_ns)

    def note_message(self, ts: int, wall_ns: int) -> None:
        """Take the accepted time of a record that was just sent."""
        if not self._window_from:
            self._window_from = wall_ns
        self._window_most = max(self._window_most, ts - wall_ns)
        if wall_ns - self._window_from < WINDOW_NS:
            return
        most = self._window_most
        if most < -FAST_NS:
            self.offset_ns = self.ahead_ns = most
        elif self.offset_ns < 0:
            self.offset_ns = self.ahead_ns = 0
        self._restart_window(wall_ns)

    def words(self) -> str:
        """Message for the user about this machine's clock; "" if it is right."""
        if not self.offset_ns:
            return ""
        which = "behind" if self.offset_ns > 0 else "ahead of"
        return f"this machine's clock is {in_words(abs(self.offset_ns))} {which} the gateway's: set it"

    def _restart_window(self, wall_ns: int) -> None:
        self._window_from = wall_ns
        self._window_most = -DAY_NS


def describe(ts: int, wall_ns: int) -> str:
    """Describe an implausible time for the user: when it is, and how far from this machine's clock."""
    if ts == _NONE:
        return "no time at all"
    difference = ts - wall_ns
    way = "ahead of" if difference > 0 else "behind"
    return f"the time {_date(ts)}, {in_words(abs(difference))} {way} this machine's clock"


def in_words(ns: int) -> str:
    """Format a duration in its two largest units."""
    seconds = ns // SECOND_NS
    for size, unit, part, small in ((86_400, "day", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            if size == 86_400 and whole >= 730:
                return f"{whole // 365} years"
            plural = "s" if unit == "day" and whole > 1 else ""
            return f"{whole} {unit}{plural}" + (f" {rest // part} {small}" if rest // part else "")
    return f"{seconds} s"


def _date(ts: int) -> str:
    if not 0 <= ts < 253_402_300_800_000_000_000:
        return str(ts)
    return dt.datetime.fromtimestamp(ts // SECOND_NS, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _times(chunks: list[bytes]) -> NDArray[np.int64]:
    """Return the times of the trades and system messages among records, in order: int64, ns."""
    joined = b"".join(chunks)
    size = TRADE.itemsize
    if len(joined) == size * len(chunks):
        return np.frombuffer(joined, TRADE)["ts_event"].astype(np.int64)
    kept = [stated_ns(chunk) for chunk in chunks if _states_time(chunk)]
    return np.array(kept, np.int64)


def _states_time(chunk: bytes) -> bool:
    return chunk[1] == SYSTEM_KIND or (chunk[1] == TRADE_KIND and len(chunk) == TRADE.itemsize)
