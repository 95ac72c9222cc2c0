"""What a replay came to file by file, kept from one run to the next: the second opening reads only what is new.

Behind each file of a replay that no clock and no command touched stands a *snapshot*: the closed rows that each chart
took from the file, and the state of all instruments behind it. Its key is made of the key before it, the file as it
is, the settings that numbers depend on, the charts, and the program itself; so a snapshot fits exactly the run that
would make it again, and a file that was changed, added or put elsewhere leaves those before it in force. What is
damaged or foreign is as good as absent.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from flow_gl.core.log import get_logger
from flow_gl.core.schema import LEVELS
from flow_gl.core.spec import EngineSpec
from flow_gl.engine import checkpoint
from flow_gl.engine.pipeline import Pipeline
from flow_gl.runtime.file_summaries import hashed, program
from flow_gl.runtime.snapshot_writer import SnapshotWriter
from flow_gl.services.replay_cache.shelf import Shelf, identity
from flow_gl.services.replay_cache.snapshot_file import SnapshotError, SnapshotFile
from flow_gl.store.market import MarketStore

_NO_NUMBERS: Final = frozenset({"feed", "resume_ns", "serve_on", "log_level", "debug"})
"""Fields of a spec on which no number depends."""
_SUFFIX: Final = ".snapshot"


class Note(msgspec.Struct, frozen=True):
    """What the engine's loop knows behind a file, beside the pipeline."""

    trades: int = 0
    newest_event: int = 0
    gap_starts: list[int] = []


class ReplaySnapshots:
    """The snapshots of one replay.

    Parameters
    ----------
    paths : the files, in the order of reading
    spec : the settings
    charts : instrument and name of each chart
    shelf : where they are kept
    """

    def __init__(
        self, paths: Sequence[Path], *, spec: EngineSpec, charts: Sequence[tuple[int, str]], shelf: Shelf
    ) -> None:
        self._paths: Final = list(paths)
        self._shelf: Final = shelf
        self._charts: Final = len(charts)
        self._files: Final[list[str]] = []
        self._keys: Final[list[str]] = []
        settings = {name: value for name, value in msgspec.to_builtins(spec).items() if name not in _NO_NUMBERS}
        key = hashed(program(), msgspec.json.encode([settings, charts], order="sorted").decode())
        for path in self._paths:
            try:
                self._files.append(identity(path))
            except OSError:
                break  # whoever reads it will say so
            key = hashed(key, self._files[-1])
            self._keys.append(key)
        self._found: list[SnapshotFile] = []
        self._state = checkpoint.PipelineState([], [])
        self._writer: Final = SnapshotWriter()
        self._next = 0
        self._stores: Sequence[MarketStore] = ()

    def find(self, most: int) -> int:
        """Look for the snapshots of the first files, `most` at most; of how many there are all."""
        for index, key in enumerate(self._keys[:most]):
            data = self._shelf.get(self._paths[index], key + _SUFFIX)
            if data is None:
                break
            try:
                self._found.append(SnapshotFile(data, key=key, charts=self._charts, levels=LEVELS))
            except SnapshotError as error:
                self._complain(index, error)
                break
        while self._found:
            try:
                self._state = checkpoint.decode(self._found[-1].state())
                self._note()
                break
            except (SnapshotError, checkpoint.CheckpointError, msgspec.MsgspecError) as error:
                self._complain(len(self._found) - 1, error)
                self._found.pop()
        self._next = len(self._found)
        return self._next

    def restore(self, pipeline: Pipeline, stores: Sequence[MarketStore], show: Callable[[float], None]) -> Note:
        """Put back what was found, coarse levels first: a far view is whole while the fine ones still come.

        Parameters
        ----------
        pipeline, stores : new ones; the charts' stores are attached
        show : called now and then with the share that is done, 0..1
        """
        note = self._note()
        self._stores = stores
        if self._found:
            pipeline.resume(self._state, stores)
            pipeline.publish()
        for level in reversed(range(LEVELS)):
            for chart, store in enumerate(stores):
                self._fill(store, chart, level)
            show(1 - level / LEVELS)
        for chart, store in enumerate(stores):
            for snapshot in self._found:
                store.events.append(snapshot.events(chart))
        self._found.clear()
        self._state = checkpoint.PipelineState([], [])
        self._writer.begin(stores)
        return note

    def keep(self, index: int, pipeline: Pipeline, note: Note) -> None:
        """Store the snapshot after a file, once its last trade is aggregated. Its rows are copied; a thread writes them."""
        if index != self._next or index >= len(self._keys):
            return
        path, key, file = self._paths[index], self._keys[index], self._files[index]

        def put(data: bytes) -> None:
            try:
                is_same = identity(path) == file
            except OSError:
                is_same = False
            if is_same and not self._shelf.put(path, key + _SUFFIX, data):
                get_logger("engine").info("a snapshot could not be kept", extra={"path": path})

        self._next += 1
        self._writer.write(key, pipeline.keep(self._stores), msgspec.json.encode(note).decode(), put)

    def close(self) -> None:
        """Write what waits. Idempotent."""
        self._writer.close()

    def _note(self) -> Note:
        return msgspec.json.decode(self._found[-1].note, type=Note) if self._found else Note()

    def _fill(self, store: MarketStore, chart: int, level: int) -> None:
        """Append a level's rows, of the oldest files only what the ring can hold beside the newer ones."""
        left, first = store.bubbles[level].capacity, len(self._found)
        while first and left > 0:
            first -= 1
            left -= self._found[first].count(chart, level)
        for snapshot in self._found[first:]:
            rows = snapshot.rows(chart, level)
            start, left = max(0, -left), 0
            store.cvd[level].append(rows.cvd[start:])
            store.bubbles[level].append(rows.bubbles[start:])

    def _complain(self, index: int, error: Exception) -> None:
        get_logger("engine").info("a snapshot is of no use", extra={"path": self._paths[index], "error": error})
