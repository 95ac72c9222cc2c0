"""A month of session files: time until the whole chart is shown, the first time and from the cache.

Sessions of a synthetic NQ at its natural rate (about 190,000 trades each) are written to one file each. The program's
own engine process opens them at the highest speed: without a cache (`plain`), for the `first` time, for the `second`
time with the cache that the first one left beside the files, and with one more session. Times count from the start of
the engine's process until all numbers are final: `start` until the engine is up, `far` until all buckets of 1 min and
longer are there. Every way must give the same rows at every lod. The view then draws the whole month.
"""

import math
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console

from flow_gl.bench.machine import describe, print_figures, write_json
from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FlowError
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import FeedState
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.spec import EngineSpec, FilesSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.services.replay_cache.file_cache import FOLDER
from flow_gl.ui.link import LinkState
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.frame_loop import FrameLoop

_FIRST_DAY_NS: Final = 1_792_432_800_000_000_000
"""Monday, 19 October 2026, 14:00 New York: the first session opens that evening."""
_FAR_LEVEL: Final = 4
"""Level of 1 min bubbles: from here up the rings hold a month."""
_PACKAGES: Final = ("flow_gl", "numpy", "numba", "zstandard")
_POLL_S: Final = 0.002
_FRAME_S: Final = 1 / 60
_WARM_FRAMES: Final = 30
_FRAMES: Final = 120

_SPAN_NS: Final = 33 * 86_400 * SECOND_NS
_SIZE: Final = (1280, 720)


@dataclass(frozen=True, slots=True)
class _Opened:
    """The result of opening the files once."""

    start_s: float
    """Seconds until the engine runs and has announced its charts; also needed for a single file."""
    whole_s: float
    far_s: float
    """Seconds until the far lods are complete; `nan` if the number of rows to wait for is unknown."""
    heads: list[int]
    """Number of rows published so far, by lod."""
    rows: list[bytes]
    """Content of each ring of bubbles and of CVD, oldest row first."""


def run(*, sessions: int = 22, seed: int = 1, json_path: Path | None = None) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    sessions : number of session files; one more is made for the last opening
    seed : seed of the synthetic market
    json_path : file for the figures
    """
    from flow_gl.engine.warm import warm_up

    console = Console(soft_wrap=True)
    console.print(f"writing {sessions + 1} sessions", style="dim")
    warm_up()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths, trades = _write(folder, sessions + 1, seed)
        month = paths[:sessions]
        plain = _open(month, sum(trades[:sessions]), cache=False)
        first = _open(month, sum(trades[:sessions]))
        kept = sum(path.stat().st_size for path in (folder / FOLDER).iterdir())
        second = _open(month, sum(trades[:sessions]), far_heads=first.heads[_FAR_LEVEL:])
        one_more = _open(paths, sum(trades))
        drawn = _draw(month, sum(trades[:sessions]))
        figures: dict[str, Any] = {
            "sessions": sessions,
            "trades": sum(trades[:sessions]),
            "bubbles": first.heads[0],
            "file_bytes": sum(path.stat().st_size for path in month),
            "kept_bytes": kept,
            "plain_s": plain.whole_s,
            "first_s": first.whole_s,
            "second_s": second.whole_s,
            "second_start_s": second.start_s,
            "second_far_s": second.far_s,
            "one_more_s": one_more.whole_s,
            "ratio": second.whole_s / first.whole_s,
            "are_rows_identical": plain.rows == first.rows == second.rows,
            **drawn,
            "machine": describe(_PACKAGES),
        }
    print_figures(console, figures)
    if json_path:
        write_json(json_path, figures)
    return figures


def _write(folder: Path, count: int, seed: int) -> tuple[list[Path], list[int]]:
    """Write one file per session; return the paths in order of time and the number of trades in each."""
    calendar = SessionCalendar()
    session = calendar.session_at(_FIRST_DAY_NS)
    paths: list[Path] = []
    trades: list[int] = []
    for number in range(count):
        session = calendar.session_at(session.next_open)
        length_s = (session.close - session.open) / 1e9
        maker = TradeMaker(seed=seed + number, symbols=("NQ",), start_ns=session.open, history_s=length_s)
        rows = maker.take(0.0)
        paths.append(folder / f"nq-{session.trade_date}.trades.dbn.zst")
        write_dbn(paths[-1], rows, symbols=maker.symbols())
        trades.append(len(rows))
    return paths, trades


def _open(paths: list[Path], trades: int, *, cache: bool = True, far_heads: list[int] | None = None) -> _Opened:
    """Open the files in a new engine and wait until the chart is complete."""
    start = time.perf_counter()
    start_s = far_s = math.nan
    with closing(_link(paths, cache=cache)) as link:
        while not _is_whole(link, trades):
            time.sleep(_POLL_S)
            if math.isnan(start_s) and link.markets:
                start_s = time.perf_counter() - start
            if far_heads and math.isnan(far_s) and link.markets:
                heads = [ring.head for ring in link.markets[0].store.cvd[_FAR_LEVEL:]]
                # The last row of each lod is closed only when the replay ends.
                if all(head >= expected - 1 for head, expected in zip(heads, far_heads, strict=True)):
                    far_s = time.perf_counter() - start
        whole_s = time.perf_counter() - start
        store = link.markets[0].store
        rows = [ring.read(0, ring.head)[1].tobytes() for ring in (*store.bubbles, *store.cvd)]
        return _Opened(start_s, whole_s, far_s, [ring.head for ring in store.bubbles], rows)


def _link(paths: list[Path], *, cache: bool = True) -> EngineLink:
    feed = FilesSpec(paths=tuple(map(str, paths)), speed=None, cache=cache, cache_beside=True)
    return EngineLink.start(EngineSpec(feed=feed))


def _is_whole(link: EngineLink, trades: int) -> bool:
    """Return whether all trades were counted. Raises FlowError if the engine cannot run."""
    if link.poll() is LinkState.FAILED:
        raise FlowError(link.message)
    if link.engine is None:
        return False
    link.engine.refresh()
    status = link.engine.status
    return bool(link.markets and status["state"] == FeedState.ENDED and status["trades"] == trades)


def _draw(paths: list[Path], trades: int) -> dict[str, Any]:
    """Draw the whole month; return the lod in use, the number of bubbles, and the cost of a frame."""
    with closing(_link(paths)) as link:
        while not _is_whole(link, trades):
            time.sleep(_POLL_S)
        surface = HeadlessContext(*_SIZE)
        state = ViewState()
        gui = Gui(state.palette, scale=1.0)
        loop = FrameLoop(surface, link, state, gui, SYSTEM)
        costs: list[float] = []
        try:
            for number in range(_WARM_FRAMES + _FRAMES):
                start = time.perf_counter()
                loop.run_frame(_FRAME_S)
                surface.swap()
                costs.append(1e3 * (time.perf_counter() - start))
                if number == 0 and loop.frame is not None:
                    state.time.set_span(_SPAN_NS, loop.frame.charts[0].layout.price.width)
            scene = loop.frame.charts[0].scene if loop.frame else None
            lod = scene.lod if scene else 0
            return {
                "far_bucket_s": widths_ns(SECOND_NS)[lod] // SECOND_NS,
                "far_bubbles": link.markets[0].heads[lod],
                "far_instances": loop.figures.counters.instances,
                "far_uploaded_bytes_per_frame": loop.figures.counters.uploaded_bytes,
                "far_frame_p50_ms": median(costs[_WARM_FRAMES:]),
            }
        finally:
            loop.release()
            gui.close()
            surface.close()
