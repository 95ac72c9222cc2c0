"""Snapshots of a replay after each file, cached between runs: opening the same files again reads only new ones.

After each file, or group of merged files, of a replay that no clock and no command has influenced, the engine stores a
*snapshot*: the closed rows that each chart took from it, and the state of all instruments. Its key is a hash of the
previous key, the file's identity, the settings that numbers depend on, the charts, and the program. So a snapshot is
used only by a run that would produce it again, and changing, adding or moving a file invalidates only the snapshots
after it. Damaged and foreign snapshots are ignored.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from flow_gl.core.log import get_logger
from flow_gl.core.market.footprint import FOOTPRINT
from flow_gl.core.schema import MAX_LODS
from flow_gl.core.spec import EngineSpec
from flow_gl.engine import checkpoint
from flow_gl.engine.pipeline import Pipeline
from flow_gl.runtime.file_summaries import hashed, program
from flow_gl.runtime.snapshot_writer import SnapshotWriter
from flow_gl.services.replay_cache.file_cache import FileCache, identity
from flow_gl.services.replay_cache.snapshot_file import SnapshotError, SnapshotFile
from flow_gl.store.market import MarketStore

_NO_NUMBERS: Final = frozenset({"feed", "resume_ns", "serve_on", "log_level", "debug"})
"""Fields of a spec that do not affect any number."""
_SUFFIX: Final = ".snapshot"


class Note(msgspec.Struct, frozen=True):
    """The engine loop's own state after a file; the pipeline's is in its checkpoint."""

    trades: int = 0
    newest_event: int = 0
    gap_starts: list[int] = []


def keys_of(
    paths: Sequence[Path], *, spec: EngineSpec, charts: Sequence[tuple[int, str]]
) -> tuple[list[str], list[str]]:
    """Return the identity of each file, and a key of everything that the results after it depend on.

    Both end before the first file that cannot be read.
    """
    files: list[str] = []
    keys: list[str] = []
    settings = {name: value for name, value in msgspec.to_builtins(spec).items() if name not in _NO_NUMBERS}
    key = hashed(program(), msgspec.json.encode([settings, charts], order="sorted").decode())
    for path in paths:
        try:
            files.append(identity(path))
        except OSError:
            break  # the feed reports the error when it opens the file
        key = hashed(key, files[-1])
        keys.append(key)
    return files, keys


class ReplaySnapshots:
    """The snapshots of one replay.

    Parameters
    ----------
    paths : the files, in reading order
    spec : the settings
    charts : instrument and name of each chart
    cache : cache that holds the snapshots
    joined : indices of the files that are merged with the next one: no snapshot is kept between the two
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        spec: EngineSpec,
        charts: Sequence[tuple[int, str]],
        cache: FileCache,
        joined: Collection[int] = (),
    ) -> None:
        self._paths: Final = list(paths)
        self._cache: Final = cache
        self._charts: Final = len(charts)
        files, keys = keys_of(self._paths, spec=spec, charts=charts)
        self._files: Final = files
        self._keys: Final = keys
        self._found: list[SnapshotFile] = []
        self._state = checkpoint.PipelineState([], [])
        self._writer: Final = SnapshotWriter()
        self._joined: Final = frozenset(joined)
        self._next = 0
        self._stores: Sequence[MarketStore] = ()

    def find(self, most: int) -> int:
        """Load the snapshots of the first files, at most `most`. Returns how many leading files have one."""
        ends: list[int] = []  # number of files up to each snapshot found
        for index, key in enumerate(self._keys[:most]):
            if index in self._joined:
                continue
            data = self._cache.get(self._paths[index], key + _SUFFIX)
            if data is None:
                break
            try:
                self._found.append(SnapshotFile(data, key=key, charts=self._charts, lods=MAX_LODS))
                ends.append(index + 1)
            except SnapshotError as error:
                self._complain(index, error)
                break
        while self._found:
            try:
                self._state = checkpoint.decode(self._found[-1].state())
                self._note()
                break
            except (SnapshotError, checkpoint.CheckpointError, msgspec.MsgspecError) as error:
                self._complain(ends.pop() - 1, error)
                self._found.pop()
        self._next = ends[-1] if ends else 0
        return self._next

    def restore(self, pipeline: Pipeline, stores: Sequence[MarketStore], show: Callable[[float], None]) -> Note:
        """Restore the cached rows, coarse levels of detail first, so that a wide view is complete early.

        Parameters
        ----------
        pipeline, stores : new ones, with the charts' stores attached
        show : called from time to time with the share done, 0..1

        Returns
        -------
        The engine loop's state after the last file restored
        """
        note = self._note()
        self._stores = stores
        if self._found:
            pipeline.resume(self._state, stores)
            pipeline.publish()
        for lod in reversed(range(MAX_LODS)):
            for chart, store in enumerate(stores):
                self._fill(store, chart, lod)
                self._fill_footprints(store, chart, lod)
            show(1 - lod / MAX_LODS)
        for chart, store in enumerate(stores):
            for snapshot in self._found:
                for log, rows in zip(store.logs, snapshot.logs(chart), strict=True):
                    log.append(rows)
        self._found.clear()
        self._state = checkpoint.PipelineState([], [])
        self._writer.begin(stores)
        return note

    def keep(self, index: int, pipeline: Pipeline, note: Note) -> None:
        """Store the snapshot after a file, once its last trade is aggregated. A thread writes it."""
        if index < self._next or index >= len(self._keys):
            return
        path, key = self._paths[index], self._keys[index]
        sources = list(zip(self._paths, self._files, strict=False))[self._next : index + 1]

        def put(data: bytes) -> None:
            try:
                is_same = all(identity(source) == file for source, file in sources)
            except OSError:
                is_same = False
            if is_same and not self._cache.put(path, key + _SUFFIX, data):
                get_logger("engine").info("a snapshot could not be kept", extra={"path": path})

        self._next = index + 1
        self._writer.write(key, pipeline.keep(self._stores), msgspec.json.encode(note).decode(), put)

    def close(self) -> None:
        """Write what waits. Idempotent."""
        self._writer.close()

    def _note(self) -> Note:
        return msgspec.json.decode(self._found[-1].note, type=Note) if self._found else Note()

    def _fill(self, store: MarketStore, chart: int, lod: int) -> None:
        """Append the rows of one level of detail; of the oldest files only those that fit the ring."""
        left, first = store.bubbles[lod].capacity, len(self._found)
        while first and left > 0:
            first -= 1
            left -= self._found[first].count(chart, lod)
        for snapshot in self._found[first:]:
            bubbles, points = snapshot.bubbles(chart, lod)
            start, left = max(0, -left), 0
            store.cvd[lod].append(points[start:])
            store.bubbles[lod].append(bubbles[start:])

    def _fill_footprints(self, store: MarketStore, chart: int, lod: int) -> None:
        """Append the footprints of one level of detail, of as many of the newest files as the ring has room for."""
        left, first = store.footprints[lod].capacity, len(self._found)
        while first and left > 0:
            first -= 1
            left -= self._found[first].footprint_count(chart, lod)
        if left <= 0:
            # One row more than fits: readers then see that older rows are missing.
            store.footprints[lod].append(np.zeros(1, FOOTPRINT))
        for snapshot in self._found[first:]:
            store.footprints[lod].append(snapshot.footprints(chart, lod))

    def _complain(self, index: int, error: Exception) -> None:
        get_logger("engine").info("a snapshot cannot be used", extra={"path": self._paths[index], "error": error})
