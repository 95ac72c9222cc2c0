"""The totals of a stream of items so far, for the status and for snapshots."""

from dataclasses import dataclass, field
from typing import Self

from flow_gl.core.items import FeedGap, Item, Trades
from flow_gl.runtime.replay_snapshots import Note


@dataclass(slots=True)
class Totals:
    """Totals of a stream, all instruments."""

    trades: int = 0
    newest_event: int = 0
    """Latest `ts_event`, ns; 0 before the first trade."""
    gap_starts: set[int] = field(default_factory=set)
    """Start times of feed gaps, ns."""

    @classmethod
    def of(cls, note: Note) -> Self:
        """Return the totals that a snapshot keeps."""
        return cls(note.trades, note.newest_event, set(note.gap_starts))

    def take(self, item: Item) -> None:
        """Count an item."""
        match item:
            case Trades(rows, False) if len(rows):
                self.trades += len(rows)
                self.newest_event = max(self.newest_event, int(rows["ts_event"].max()))
            case FeedGap():
                self.gap_starts.add(item.start)

    def note(self) -> Note:
        """Return the totals for a snapshot."""
        return Note(self.trades, self.newest_event, sorted(self.gap_starts))
