"""Merge files of the same time with different instruments into one stream, by `file_order.order_keys`."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Item, Trades
from flow_gl.feed.files.file_order import order_keys
from flow_gl.feed.files.file_part import FilePart
from flow_gl.feed.files.trade_file import TradeFile


def groups_of(parts: Sequence[FilePart]) -> list[int]:
    """Return the group number of each file. Files in a group overlap in time and share no instrument."""
    groups: list[int] = []
    members: list[FilePart] = []
    for part in parts:
        overlaps = [one for one in members if part.trades and part.begins < one.ends and one.begins < part.ends]
        ids = {traded.instrument_id for traded in part.traded}
        is_apart = all(ids.isdisjoint(traded.instrument_id for traded in one.traded) for one in overlaps)
        if not (overlaps and is_apart):
            members = []
        groups.append(groups[-1] if members else len(groups))
        members.append(part)
    return groups


class Merged:
    """Several files, read in parallel.

    Attributes
    ----------
    files : in the order of the paths; filled when `items` starts
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        self.files: list[TradeFile] = []

    @property
    def progress(self) -> float:
        """Share read, 0..1."""
        return sum(file.progress for file in self.files) / max(len(self._paths), 1)

    def items(self) -> Iterator[Item]:
        """Yield names as they are read, and trades in order of time. Raises DataError."""
        with ExitStack() as opened:
            for path in self._paths:
                self.files.append(TradeFile(path))
                opened.callback(self.files[-1].close)
            sources: list[Iterator[Item]] = [file.items() for file in self.files]
            rows: list[NDArray[np.void] | None] = [None] * len(sources)
            keys: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(sources)
            alive = set(range(len(sources)))
            while alive:
                for at in sorted(alive):
                    while rows[at] is None:
                        item = next(sources[at], None)
                        if item is None:
                            alive.discard(at)
                            break
                        if isinstance(item, Trades):
                            # Trades of one file stay in file order.
                            rows[at], keys[at] = item.rows, np.maximum.accumulate(order_keys(item.rows))
                        else:
                            yield item
                if alive:
                    yield _next_trades(rows, keys, sorted(alive))


def _next_trades(rows: list[NDArray[np.void] | None], keys: list[NDArray[np.int64]], alive: list[int]) -> Trades:
    """Take from each file the trades that no trade of another file can precede."""
    limit = min(int(keys[at][-1]) for at in alive)
    taken, taken_keys = [], []
    for at in alive:
        held = rows[at]
        assert held is not None
        count = int(np.searchsorted(keys[at], limit, side="right"))
        taken.append(held[:count])
        taken_keys.append(keys[at][:count])
        rows[at], keys[at] = (held[count:], keys[at][count:]) if count < len(held) else (None, keys[at][:0])
    order = np.argsort(np.concatenate(taken_keys), kind="stable")
    return Trades(np.concatenate(taken)[order])
