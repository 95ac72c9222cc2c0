"""Sessions before the running one, read back from their recordings when a live engine starts.

The recordings of the sessions that directly precede the running one are handed over first, oldest first; a session
that was not recorded ends the search, because levels of a session before it might have been traded through unseen. So a
restarted engine has the finished sessions, their profiles and lines, and the prior levels. What a recording lacks until
its session's close is a feed gap.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from flow_gl.core.errors import DataError
from flow_gl.core.items import FeedGap, Item, Trades
from flow_gl.core.log import get_logger
from flow_gl.core.schema import FeedState
from flow_gl.core.sessions import Session, SessionCalendar
from flow_gl.core.units import MINUTE_NS
from flow_gl.feed.base import Feed, FeedClock, FeedStatus
from flow_gl.feed.files.file_sequence import FileSequence
from flow_gl.runtime.recovered import Recorded
from flow_gl.services.recording.folder import recorded

COMPLETE_NS: Final = MINUTE_NS
"""A recording is complete if one of its instruments traded within this time of the session's close."""


class RecordedFeed(Feed, Protocol):
    """A live feed that begins with the running session's recording."""

    def resume(self, recorded: Callable[[], Recorded | None]) -> None: ...

    def retry(self) -> None: ...

    def add(self, symbol: str) -> None: ...

    def release(self, symbol: str) -> None: ...

    def refusals(self) -> list[tuple[str, str]]: ...


class EarlierSessions:
    """Reads the recordings of earlier sessions.

    Parameters
    ----------
    directory : folder of the recordings
    dataset : dataset of the recordings
    count : most sessions to read
    calendar : None: the exchange's
    """

    def __init__(self, directory: Path, *, dataset: str, count: int, calendar: SessionCalendar | None = None) -> None:
        self._directory: Final = directory
        self._dataset: Final = dataset
        self._count: Final = count
        self._calendar: Final = calendar or SessionCalendar()
        self._file: FileSequence | None = None
        self._done = 0
        self._of = 0

    @property
    def progress(self) -> float:
        """Share read, 0..1."""
        return (self._done + (self._file.progress if self._file else 0.0)) / max(self._of, 1)

    def read(self, wall_ns: int) -> Iterator[Item]:
        """Yield the items of the sessions before the one at a wall time (ns), oldest first."""
        found = self._find(wall_ns)
        self._of = len(found)
        for session, path in found:
            yield from self._read(session, path)
            self._file = None
            self._done += 1

    def _find(self, wall_ns: int) -> list[tuple[Session, Path]]:
        found: list[tuple[Session, Path]] = []
        session = self._calendar.session_at(wall_ns)
        while len(found) < self._count:
            session = self._calendar.session_at(session.open - 1)
            paths = recorded(self._directory, self._dataset, session.trade_date)
            if not paths:
                break
            found += [(session, path) for path in paths]
        return found[::-1]

    def _read(self, session: Session, path: Path) -> Iterator[Item]:
        """Yield the items of one recording; a damaged one ends early."""
        newest = trades = 0
        try:
            file = self._file = FileSequence([path])
            for item in file:
                if isinstance(item, Trades):
                    newest, trades = max(newest, int(item.rows["ts_event"].max())), trades + len(item.rows)
                yield item
        except DataError as error:
            get_logger("live").warning("earlier session", extra={"file": path.name, "error": error})
        newest = max(newest, session.open)
        if newest < session.close - COMPLETE_NS:
            yield FeedGap(newest, session.close)
        get_logger("live").info("earlier session read back", extra={"file": path.name, "trades": trades})


class EarlierFeed:
    """Earlier sessions, then a live feed. Implements `feed.base.Feed`.

    Parameters
    ----------
    feed : the live feed, not started
    sessions : the earlier sessions
    """

    def __init__(self, feed: RecordedFeed, sessions: EarlierSessions) -> None:
        self._feed: Final = feed
        self._sessions: Final = sessions
        self._items: Iterator[Item] | None = None
        self._is_read = False
        self._is_history = False

    def is_history(self) -> bool:
        """Return whether the items of the last poll belong to earlier sessions and are therefore recorded already."""
        return self._is_history

    def start(self) -> None:
        """Open the live feed. Raises FlowError."""
        self._feed.start()

    def poll(self, wall_ns: int) -> list[Item]:
        """Hand over the next items: up to one batch of trades of an earlier session, or the live feed's items."""
        if self._is_read:
            self._is_history = False
            return self._feed.poll(wall_ns)
        if self._items is None:
            self._items = self._sessions.read(wall_ns)
        self._is_history = True
        items: list[Item] = []
        for item in self._items:
            items.append(item)
            if isinstance(item, Trades):
                return items
        self._is_read = True
        return items

    def clock(self) -> FeedClock:
        return self._feed.clock()

    def status(self) -> FeedStatus:
        status = self._feed.status()
        if self._is_read:
            return status
        return replace(
            status,
            state=FeedState.CATCHING_UP,
            message="reading earlier sessions",
            progress=self._sessions.progress,
            known_until=0,
            known_from=0,
        )

    def is_ended(self) -> bool:
        return self._feed.is_ended()

    def resume(self, recorded: Callable[[], Recorded | None]) -> None:
        """Continue with a recording of the running session, after the earlier ones."""
        self._feed.resume(recorded)

    def retry(self) -> None:
        """Reconnect at once, after a fatal error or during a pause."""
        self._feed.retry()

    def add(self, symbol: str) -> None:
        """Ask for another symbol of the running session. Raises UsageError."""
        self._feed.add(symbol)

    def release(self, symbol: str) -> None:
        """Note that a symbol has no chart any more."""
        self._feed.release(symbol)

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the added symbols that cannot be delivered, with the reasons."""
        return self._feed.refusals()

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._feed.close()
