"""Several files as one stream, in the order given, never overlapping.

Files of definitions go first, wherever they stand. Two files whose times overlap, or stand in the wrong order, are
refused: a trade would count twice, or late. What orders them is `ts_recv`, as in Databento's own files (their
`ts_event` may step back where instruments interleave); `ts_event` where that is not given. Behind a damaged file, a
gap is told up to the next.
"""

from collections.abc import Generator, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.units import format_time
from flow_gl.feed.base import FeedGap, Item, Trades
from flow_gl.feed.trade_file import TradeFile


class FileSequence:
    """Iterate over the items of files, once.

    Attributes
    ----------
    paths : in reading order
    trades : handed over so far
    messages : a line for each damage and each thing left out that was met so far
    damage : of those, the damages
    """

    def __init__(self, paths: Sequence[str | PathLike[str]]) -> None:
        """Look at every file's beginning. Raises DataError for the first that is wrong from the start."""
        if not paths:
            raise DataError("at least one file was expected, none was given")
        self.trades = 0
        self.messages: list[str] = []
        self.damage: list[str] = []
        self.dataset = ""
        self._progress = 0.0
        self._current: TradeFile | None = None
        self._begun: tuple[int, Path] | None = None
        self._ended: tuple[int, Path] | None = None
        definitions: list[Path] = []
        others: list[Path] = []
        for path in map(Path, paths):
            if path in definitions or path in others:
                raise DataError(f"{path}: given twice")
            file = TradeFile(path)
            (definitions if file.is_definitions else others).append(path)
            self.dataset = self.dataset or file.dataset
            file.close()
        self.paths: Final[list[Path]] = definitions + others
        self._items = self._read()

    def __iter__(self) -> Iterator[Item]:
        return self._items

    @property
    def progress(self) -> float:
        """Share that was read, 0..1: each file alike, by its bytes."""
        part = self._current.progress if self._current else 0.0
        return min(1.0, self._progress + part / len(self.paths))

    def close(self) -> None:
        """Let go of the open file; nothing more is handed over. Idempotent."""
        self._items.close()

    def _read(self) -> Generator[Item]:
        held: list[str] = []
        gap_start = 0
        for path in self.paths:
            file = self._current = TradeFile(path)
            is_first = True
            try:
                for item in file.items():
                    if isinstance(item, Trades):
                        if gap_start:
                            yield FeedGap(gap_start, int(item.rows["ts_event"][0]))
                            gap_start = 0
                        self._check_order(item.rows, path, is_first=is_first)
                        is_first = False
                        self.trades += len(item.rows)
                    yield item
                self.messages += ([file.damage] if file.damage else []) + file.notes()
                if file.damage:
                    self.damage.append(file.damage)
                    gap_start = file.last_ts
                elif is_first:
                    held.append(f"{path}: it holds {file.describe()}")
            finally:
                file.close()
            self._current = None
            self._progress += 1 / len(self.paths)
        if not self.trades:
            raise DataError(f"{'; '.join(held)}; trades are needed")

    def _check_order(self, rows: NDArray[np.void], path: Path, *, is_first: bool) -> None:
        keys = _order_keys(rows)
        first, last = int(keys.min()), int(keys.max())
        if is_first:
            self._check_beginning(first, path)
            self._begun = (first, path)
        if self._ended is None or last > self._ended[0]:
            self._ended = (last, path)

    def _check_beginning(self, first: int, path: Path) -> None:
        if self._begun is None or self._ended is None:
            return
        (begun, before), (ended, ending) = self._begun, self._ended
        if first < begun:
            raise DataError(
                f"{path} begins at {_time(first)}, before {before} at {_time(begun)}: give files in order of time"
            )
        if first < ended:
            raise DataError(f"{path} begins at {_time(first)}, before {ending} ends at {_time(ended)}: they overlap")


def _order_keys(rows: NDArray[np.void]) -> NDArray[np.int64]:
    ts_recv = rows["ts_recv"]
    keys: NDArray[np.int64] = np.where(ts_recv > 0, ts_recv, rows["ts_event"])
    return keys


def _time(ts_ns: int) -> str:
    return format_time(ts_ns, zone="UTC", decimals=3)
