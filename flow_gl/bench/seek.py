"""Seeks in a replay: time until the engine's numbers are those of the instant, and until they are shown.

A file is a session of NQ at its busiest: three million trades in 22 hours. The program's own engine process reads one,
or with `--sessions` several, for its index (`index_s`), and again from the index that it kept (`index_again_s`). Then
the replay goes to instants of all of them at random, forward and back. `engine` ends when the status reports the seek:
all rings and tables are complete. `shown` ends when the pixels of the first frame that shows it are finished, at
1920x1080.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from flow_gl.bench.machine import describe, print_figures, write_json
from flow_gl.bench.tape import START_NS, make_tape
from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import OpenTimeline, Play, Seek
from flow_gl.core.errors import FlowError, UsageError
from flow_gl.core.spec import EngineSpec, FilesSpec
from flow_gl.core.units import HOUR_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.services.replay_cache.file_cache import FOLDER
from flow_gl.ui.link import LinkState
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.frame_loop import FrameLoop

LIMIT_MS: Final = 300.0
"""To a complete chart, within a session."""
_MAX_SESSIONS: Final = 5
_OPENS_NS: Final = tuple(START_NS + HOUR_NS + (days + 3 * (days > 0)) * 24 * HOUR_NS for days in range(_MAX_SESSIONS))
"""2025-11-27 18:00 New York, and from the Monday after it on: the sessions' opens."""
_SESSION_NS: Final = 22 * HOUR_NS
_SIZE: Final = (1920, 1080)
_WARM: Final = 5
_POLL_S: Final = 0.0005
_PATIENCE_S: Final = 600.0
_PACKAGES: Final = ("flow_gl", "numpy", "numba", "zstandard")


def run(
    *,
    trades: int = 3_000_000,
    sessions: int = 1,
    seeks: int = 200,
    wait_ms: float = 0.0,
    seed: int = 1,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    trades : trades of each session
    sessions : number of sessions, each a file
    seeks : number of seeks
    wait_ms : time between a shown seek and the next one
    seed : seed of the market and of the instants
    json_path : file for the figures
    """
    from flow_gl.engine.warm import warm_up

    console = Console(soft_wrap=True)
    if not 1 <= sessions <= _MAX_SESSIONS:
        raise UsageError(f"--sessions must be 1 to {_MAX_SESSIONS}, was {sessions}")
    console.print(f"writing {sessions} x {trades:,} trades", style="dim")
    warm_up()
    with tempfile.TemporaryDirectory() as name:
        paths, every = [], []
        for number in range(sessions):
            paths.append(Path(name) / f"session{number}.dbn.zst")
            rows = make_tape(trades, seed=seed + number)
            spread = rows["ts_event"] - rows["ts_event"][0]
            rows["ts_event"] = _OPENS_NS[number] + (spread * (_SESSION_NS / max(1, int(spread[-1])))).astype(np.int64)
            rows["ts_recv"] = rows["ts_event"] + 150_000
            write_dbn(paths[-1], rows, symbols={1: "NQZ5"})
            every.append(rows["ts_event"])
        with closing(_link(paths)) as link:
            index_s = _index(link)
        kept = sum(file.stat().st_size for file in (paths[0].parent / FOLDER).iterdir() if file.suffix == ".seek")
        with closing(_link(paths)) as link:
            index_again_s = _index(link)
            rng = np.random.default_rng(seed)
            times = np.concatenate(every)[rng.integers(0, trades * sessions, _WARM + seeks)]
            engine_ms, shown_ms, processor_ms = _seek(link, times.tolist(), wait_ms / 1e3)
        figures: dict[str, Any] = {
            "trades": trades,
            "sessions": sessions,
            "seeks": seeks,
            "file_bytes": sum(path.stat().st_size for path in paths),
            "index_bytes": kept,
            "index_s": index_s,
            "index_again_s": index_again_s,
            **_quantiles("engine", engine_ms),
            **_quantiles("shown", shown_ms),
            "engine_processor_ms": processor_ms,
            "limit_ms": LIMIT_MS,
            "machine": describe(_PACKAGES),
        }
    print_figures(console, figures)
    if json_path:
        write_json(json_path, figures)
    return figures


def _link(paths: list[Path]) -> EngineLink:
    feed = FilesSpec(paths=tuple(map(str, paths)), speed=1.0, cache=True, cache_beside=True)
    return EngineLink.start(EngineSpec(feed=feed))


def _until(
    link: EngineLink, is_so: Callable[[], bool], each: Callable[[], object] = lambda: time.sleep(_POLL_S)
) -> None:
    """Poll until a condition holds. Raises FlowError if the engine fails or takes too long."""
    deadline = time.perf_counter() + _PATIENCE_S
    while not is_so():
        if link.poll() is LinkState.FAILED or time.perf_counter() > deadline:
            raise FlowError(link.message or "the engine did not answer")
        if link.engine is not None:
            link.engine.refresh()
        each()


def _status(link: EngineLink, field: str) -> float:
    return float(link.engine.status[field]) if link.engine is not None else 0.0


def _index(link: EngineLink) -> float:
    """Return how long reading the file for its index took, seconds."""
    _until(link, lambda: bool(link.markets) and _status(link, "can_seek") == 1.0)
    link.send(Play(is_playing=False))
    start = time.perf_counter()
    link.send(OpenTimeline())
    _until(link, lambda: _status(link, "indexed") == 1.0)
    return time.perf_counter() - start


def _seek(link: EngineLink, instants: list[int], wait_s: float) -> tuple[list[float], list[float], float]:
    """Seek to instants; return the times until the engine has arrived and until it is shown, and the processor time."""
    surface = HeadlessContext(*_SIZE)
    state = ViewState()
    gui = Gui(state.palette, scale=1.0)
    loop = FrameLoop(surface, link, state, gui, SYSTEM)
    engine_ms, shown_ms, processor_s = [], [], 0.0
    try:
        for number, instant in enumerate(instants):
            seeks = _status(link, "seeks")
            if number == _WARM:
                processor_s = -_processor_s(link)
            start = time.perf_counter()
            link.send(Seek(instant))
            _until(link, lambda seeks=seeks: _status(link, "seeks") > seeks)  # type: ignore[misc]  # bound at once
            engine_ms.append(1e3 * (time.perf_counter() - start))
            loop.run_for_picture()
            surface.swap()
            shown_ms.append(1e3 * (time.perf_counter() - start))
            time.sleep(wait_s)
    finally:
        loop.release()
        gui.close()
        surface.close()
    processor_s += _processor_s(link)
    return engine_ms[_WARM:], shown_ms[_WARM:], 1e3 * processor_s / max(1, len(instants) - _WARM)


def _processor_s(link: EngineLink) -> float:
    """Return the engine's processor time, seconds; `nan` on systems without /proc."""
    if sys.platform != "linux":
        return float("nan")
    try:
        fields = Path(f"/proc/{link.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _quantiles(name: str, times_ms: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times_ms, (50, 99))
    return {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99), f"{name}_max_ms": max(times_ms)}
