"""The transport of a replay: whether it plays, its position, where it must go, and the section that it loops.

Commands only store the target; in each turn of the engine's loop, `due` returns the instant to go to now. Of several
seeks that arrive together the last one wins, and a seek to a part of the files that is not indexed yet waits.
"""

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from flow_gl.core import commands
from flow_gl.core.errors import DataError, UsageError
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS, format_time
from flow_gl.engine.pipeline import Pipeline
from flow_gl.feed.files.replay import FilesFeed
from flow_gl.runtime.chart_setup import ChartSetup
from flow_gl.runtime.meters import StatusBoard
from flow_gl.runtime.seek.index import ReplayIndex
from flow_gl.runtime.seek.places import step_target

if TYPE_CHECKING:
    from flow_gl.runtime.feeds import ReplayFiles

MIN_LOOP_NS: Final = SECOND_NS
"""Minimum length of a loop."""
_REST_NS: Final = SECOND_NS
"""The index is rebuilt this long after the last change of a setting, or as soon as a seek needs it."""
_NAMES: Final = {"bubble": "bubble", "event": "event", "large_trade": "large trade", "session": "session"}
_PREFETCH_NS: Final = SECOND_NS


class Transport:
    """The transport of one replay.

    Parameters
    ----------
    feed : the replay
    setup : creates pipelines and charts
    files : the replay's files
    """

    def __init__(self, feed: FilesFeed, setup: ChartSetup, files: "ReplayFiles") -> None:
        self._feed: Final = feed
        self._setup: Final = setup
        self._files: Final = files
        self._spec = setup.spec
        self._index: ReplayIndex | None = None
        self._is_wanted = False
        self._changed_ns: int | None = None
        self._target: int | None = None
        self._steps: list[commands.Step] = []
        self._loop = (0, 0)
        self._prefetched_ns = 0
        self.seeks = 0
        self.seek_to = 0

    @property
    def index(self) -> ReplayIndex:
        """The index; building it starts on first access. Raises SharedMemoryError."""
        if self._index is None:
            self._index = ReplayIndex(self._setup, self._files, self._spec)
            self._index.start()
            self._is_wanted, self._changed_ns = True, None
        return self._index

    def handle(self, command: commands.Transport) -> None:
        """Store a command's target. Raises UsageError."""
        match command:
            case commands.Play(is_playing=True):
                if self._feed.status().state is FeedState.ENDED and self._target is None:
                    self._target = self._loop[0] or self._files.summary.first_ts
                self._feed.play()
            case commands.Play():
                self._feed.hold()
            case commands.Seek():
                self._target, self._steps = command.to_ns, []
            case commands.Step():
                if command.chart >= len(self._files.charts):
                    raise UsageError(f"chart: expected 0 to {len(self._files.charts) - 1}, was {command.chart}")
                self._steps.append(command)
                if command.to != "session":
                    self._feed.hold()
            case commands.SetLoop():
                self._set_loop(command.start_ns, command.end_ns)
            case commands.OpenTimeline():
                self._is_wanted = True

    def change(self, pipeline: Pipeline, now_ns: int) -> None:
        """Discard the index, because settings or rules have changed.

        Parameters
        ----------
        pipeline : has the new settings and rules
        now_ns : monotonic clock
        """
        self._spec = msgspec.structs.replace(self._spec, aggregation=pipeline.settings, alerts=pipeline.rules)
        self._changed_ns = now_ns
        if self._index is not None:
            self._index.close()
            self._index = None

    def due(self, now_ns: int) -> int | None:
        """Return the instant (event time, ns) to go to now; None if there is none or it is not indexed yet.

        Raises
        ------
        DataError
            The index cannot be built.
        UsageError
            A step has no target.
        """
        is_rested = self._changed_ns is None or now_ns - self._changed_ns > _REST_NS
        start, end = self._loop
        if end and self._target is None and not self._feed.is_held:
            at = self._feed.position
            if at >= end or at < start or self._feed.is_ended():
                self._target = start
        if self._target is None and not self._steps:
            if self._is_wanted and is_rested:
                self._prefetch(self.index, now_ns)
            return None
        index = self.index
        if index.problem:
            self._target, self._steps = None, []
            raise DataError(index.problem)
        if self._steps and not self._resolve(index):
            return None
        if self._target is None:
            return None
        summary = self._files.summary
        target = min(max(self._target, summary.first_ts), summary.last_ts)
        if not index.reaches(target):
            return None
        self._target = None
        return target

    def arrived(self, event_ns: int) -> None:
        """Record that the replay has arrived at an instant."""
        self.seeks, self.seek_to, self._prefetched_ns = self.seeks + 1, event_ns, 0

    def publish(self, board: StatusBoard) -> None:
        """Write the transport's state into the status."""
        row, summary, index = board.row, self._files.summary, self._index
        row["can_seek"], row["is_held"] = 1, self._feed.is_held
        row["seeks"], row["seek_to"] = self.seeks, self.seek_to
        waits = self._target is not None or bool(self._steps)
        row["seeking"] = (self._target or self._feed.position) if waits else 0
        row["loop_start"], row["loop_end"] = self._loop
        row["first_event"], row["last_event"] = summary.first_ts, summary.last_ts
        row["indexed"] = index.progress if index is not None else np.nan
        row["timeline"] = index.timeline.name.encode() if index is not None and index.timeline is not None else b""

    def close(self) -> None:
        """Stop building the index. Idempotent."""
        if self._index is not None:
            self._index.close()

    def _set_loop(self, start_ns: int, end_ns: int) -> None:
        if not end_ns:
            self._loop = (0, 0)
            return
        summary = self._files.summary
        start, end = max(start_ns, summary.first_ts), min(end_ns, summary.last_ts)
        if end - start < MIN_LOOP_NS:
            given = f"{format_time(start_ns)} to {format_time(end_ns)}"
            raise UsageError(f"loop: expected at least a second of the replay, was {given}")
        self._loop = (start, end)

    def _resolve(self, index: ReplayIndex) -> bool:
        """Resolve pending steps to an instant; return whether the index already covers them."""
        at = self._feed.position if self._target is None else self._target
        while self._steps:
            step = self._steps[0]
            if step.to == "second":
                found: int | None = at + step.by * SECOND_NS
            else:
                if not index.is_complete and not index.reaches(at):
                    return False
                found = step_target(index, step, at)
                if found is None and step.by > 0 and not index.is_complete:
                    return False
            self._steps.pop(0)
            if found is None:
                self._steps.clear()
                raise UsageError(f"there is no {'next' if step.by > 0 else 'previous'} {_NAMES[step.to]}")
            at = self._target = found
        return True

    def _prefetch(self, index: ReplayIndex, now_ns: int) -> None:
        if now_ns - self._prefetched_ns > _PREFETCH_NS:
            self._prefetched_ns = now_ns
            index.prefetch(self._feed.position)
