"""Frame times: statistics over a window of frames, and GPU time per layer from timer queries."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.api import GL

_SETS: Final = 4
"""Frames between a query and reading its result, so that reading never waits for the GPU."""


class FrameTimes:
    """The most recent frame times in preallocated memory; `add` allocates nothing."""

    def __init__(self, capacity: int = 1024) -> None:
        self._times_ms: Final[NDArray[np.float64]] = np.zeros(capacity)
        self._count = 0

    def add(self, time_ms: float) -> None:
        self._times_ms[self._count % len(self._times_ms)] = time_ms
        self._count += 1

    @property
    def count(self) -> int:
        """Frames in the window."""
        return min(self._count, len(self._times_ms))

    def clear(self) -> None:
        self._count = 0

    def window(self) -> NDArray[np.float64]:
        """Return the times in ms, float64, oldest first."""
        if self._count <= len(self._times_ms):
            return self._times_ms[: self._count].copy()
        return np.roll(self._times_ms, -(self._count % len(self._times_ms)))

    def percentiles(self) -> tuple[float, float, float]:
        """Return p50, p99 and the maximum in ms; zeros before the first frame."""
        times = self._times_ms[: self.count]
        if len(times) == 0:
            return 0.0, 0.0, 0.0
        p50, p99 = np.percentile(times, (50.0, 99.0))
        return float(p50), float(p99), float(times.max())


class LayerTimer:
    """GPU time per name, from GL_TIME_ELAPSED queries whose results are read a few frames later.

    Use: `begin_frame()`, then `begin(name)` .. `end()` around each layer. Calls must not be nested.
    """

    def __init__(self) -> None:
        self._free: list[int] = []
        self._pending: list[list[tuple[str, int]]] = [[] for _ in range(_SETS)]
        self._frame = 0
        self.times_us: Final[dict[str, float]] = {}
        """Latest known time per name in microseconds, summed over its uses in a frame."""

    @staticmethod
    def is_available() -> bool:
        """Return whether the driver measures GPU time."""
        bits = GL.glGetQueryiv(GL.GL_TIME_ELAPSED, GL.GL_QUERY_COUNTER_BITS)
        return bool(np.asarray(bits).reshape(-1)[0] > 0)

    def begin_frame(self) -> None:
        """Start a frame and read the results of queries issued a few frames ago."""
        self._frame += 1
        due = self._pending[self._frame % _SETS]
        times: dict[str, float] = {}
        for name, query in due:
            nanoseconds = int(np.asarray(GL.glGetQueryObjectuiv(query, GL.GL_QUERY_RESULT)).reshape(-1)[0])
            times[name] = times.get(name, 0.0) + nanoseconds / 1000
            self._free.append(query)
        if times:
            self.times_us.clear()
            self.times_us.update(times)
        due.clear()

    def begin(self, name: str) -> None:
        query = self._free.pop() if self._free else int(np.asarray(GL.glGenQueries(1)).reshape(-1)[0])
        self._pending[self._frame % _SETS].append((name, query))
        GL.glBeginQuery(GL.GL_TIME_ELAPSED, query)

    def end(self) -> None:
        GL.glEndQuery(GL.GL_TIME_ELAPSED)

    def release(self) -> None:
        queries = [query for frame in self._pending for _, query in frame] + self._free
        if queries:
            GL.glDeleteQueries(len(queries), np.array(queries, np.uint32))
        self._free.clear()
        for frame in self._pending:
            frame.clear()
