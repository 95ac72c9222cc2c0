"""From when on a session's trades are known, for all instruments of a stream.

A first trade long after the open does not mean that trades are missing: a quiet instrument trades late. Its session is
complete if the feed states that it hands over everything from before the open, or if another instrument of the same
stream traded at the open.
"""

from flow_gl.core.sessions import Session


class Coverage:
    """Shared by all instruments of a pipeline."""

    def __init__(self) -> None:
        self.known_from = 0
        """Event time (ns) from which on the feed hands over everything; 0 if it does not say."""
        self._first: dict[int, int] = {}  # by a session's open: its earliest trade of any instrument

    def begin(self, session: Session | None, ts: int) -> None:
        """Take an instrument's first trade of a session."""
        if session is not None:
            self._first[session.open] = min(ts, self._first.get(session.open, ts))

    def of(self, session: Session | None) -> int:
        """Event time (ns) from which on a session's trades are known; 0 if nothing says so."""
        first = self._first.get(session.open, 0) if session is not None else 0
        return min(first, self.known_from) if first and self.known_from else first or self.known_from
