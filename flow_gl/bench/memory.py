"""Memory of both processes over a simulated day: the program at high speed, with two charts and a full session.

The synthetic market runs on from its night at thousands of event seconds per second while the whole chart is drawn.
The proportional set size (PSS) of the engine and of this process, the view, is sampled twice a second.
"""

import time
from pathlib import Path
from typing import Any, Final

from flow_gl.bench.machine import describe
from flow_gl.bench.watched import Run, WatchedSurface, draw, parse_size, report
from flow_gl.core.errors import FlowError
from flow_gl.core.spec import DemoSpec, EngineSpec
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.view.engine_link.supervisor import EngineLink

_EVERY_S: Final = 0.5
_PACKAGES: Final = ("flow_gl", "numpy", "numba", "PyOpenGL", "imgui-bundle")


class _Weighed(WatchedSurface):
    """A watched surface that also samples the memory of both processes twice a second."""

    def __init__(self, inner: HeadlessContext, link: EngineLink) -> None:
        super().__init__(inner, link, is_stored_watched=False)
        self.weights: Final[list[tuple[float, float, float]]] = []
        """Samples: simulated hours since the feed started, MB of the engine, MB of the view."""
        self._due = 0.0
        self._first_event = 0

    def swap(self) -> None:
        super().swap()
        engine, pid, now = self._link.engine, self._link.pid, time.monotonic()
        if engine is None or pid is None or not self.run.frames or now < self._due:
            return
        self._due = now + _EVERY_S
        event = int(engine.status["anchor_event"])
        self._first_event = self._first_event or event
        self.weights.append(((event - self._first_event) / 3.6e12, _held_mb(str(pid)), _held_mb("self")))


def run(
    *,
    hours: float = 24.0,
    speed: float = 1_000.0,
    size: str = "1280x720",
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print, and return the figures in MB. `growth` compares the last tenth of the run with its second."""
    feed = DemoSpec(speed=speed, length_s=hours * 3600.0)
    surface, seen = _run(EngineSpec(feed=feed), parse_size(size))
    totals = [engine + view for _, engine, view in surface.weights]
    if len(totals) < 20:
        raise FlowError("the run was too short for a result: use more --hours or a lower --speed")
    tenth = len(totals) // 10
    early, late = (sum(part) / len(part) for part in (totals[tenth : 2 * tenth], totals[-tenth:]))
    figures: dict[str, Any] = {
        "hours": surface.weights[-1][0],
        "speed": speed,
        "trades": seen.trades,
        "most_mb": max(totals),
        "engine_mb": surface.weights[-1][1],
        "view_mb": surface.weights[-1][2],
        "early_mb": early,
        "late_mb": late,
        "growth_mb": late - early,
        "growth_mb_an_hour": (late - early) / (0.85 * surface.weights[-1][0]),
        "size": size,
        "graphics": seen.graphics,
        "machine": describe(_PACKAGES),
    }
    report(figures, json_path)
    return figures


def _run(spec: EngineSpec, size: tuple[int, int]) -> tuple[_Weighed, Run]:
    link = EngineLink.start(spec)
    try:
        surface = _Weighed(HeadlessContext(*size), link)
        try:
            draw(surface, link, fps=30.0)
        finally:
            surface.close()
    finally:
        link.close()
    return surface, surface.run


def _held_mb(process: str) -> float:
    """Return the proportional set size in MB: a page shared by two processes counts half. Raises FlowError."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise FlowError(f"the memory of a process cannot be read here: {error}") from error
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3
