"""The time from which all trades of a session are known, for all instruments of a stream.

A first trade long after the open does not mean that trades are missing: a quiet instrument trades late. Its session is
complete if the feed states that it delivers everything from before the open, or if another instrument of the same
stream traded at the open.
"""

from flow_gl.core.sessions import Session


class Coverage:
    """Tracks which sessions are complete; shared by all instruments of a pipeline."""

    def __init__(self) -> None:
        self.known_from = 0
        """Event time (ns) from which the feed delivers all trades; 0 if it does not say."""
        self._first: dict[int, int] = {}  # session open (ns) -> earliest trade (ns) of any instrument

    def begin(self, session: Session | None, ts: int) -> None:
        """Record an instrument's first trade of a session, at `ts` (ns)."""
        if session is not None:
            self._first[session.open] = min(ts, self._first.get(session.open, ts))

    def of(self, session: Session | None) -> int:
        """Return the event time (ns) from which all trades of a session are known; 0 if unknown."""
        first = self._first.get(session.open, 0) if session is not None else 0
        return min(first, self.known_from) if first and self.known_from else first or self.known_from
