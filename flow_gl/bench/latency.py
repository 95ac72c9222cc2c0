"""Latency: the age of a trade when its row becomes visible to readers, and when it appears on the screen.

Recorded trades are read from a file at a steady rate, as if from the network. Latency counts from the time at which a
trade is due, so it includes the engine's wait for its next turn.
store: until a process that does nothing else sees the trade in the chart's shared memory;
pixels: until the first frame that shows it is finished. Engine and view are the program's two processes.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.bench.machine import describe
from flow_gl.bench.watched import Run, parse_size, report, spread, watch
from flow_gl.core.schema import TRADE
from flow_gl.core.spec import EngineSpec, FilesSpec
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker

_START_NS: Final = 1_764_342_000_000_000_000
"""Friday, 28 November 2025, 10:00 New York."""
_PACKAGES: Final = ("flow_gl", "numpy", "numba", "PyOpenGL", "imgui-bundle")
_LEAD_S: Final = 2.5
"""Warm-up in seconds: trades during the view's first frames are not counted."""


def run(
    *,
    rate: float = 20_000.0,
    seconds: float = 10.0,
    size: str = "1280x720",
    fps: float = 60.0,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print, and return the figures. `lost` counts trades of the file that no chart received."""
    width, height = parse_size(size)
    trades, symbols = _steady(rate, seconds + _LEAD_S)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "steady.dbn"
        write_dbn(path, trades, symbols=symbols)
        spec = EngineSpec(feed=FilesSpec(paths=(str(path),), symbols=tuple(symbols.values()), speed=1.0))
        seen = watch(spec, size=(width, height), fps=fps, is_stored_watched=True)
    by_chart = [trades["ts_event"][trades["instrument_id"] == number] for number in symbols]
    stored, shown = _latencies(seen, by_chart)
    period = np.diff([frame.done_ns for frame in seen.frames]) / 1e6
    figures: dict[str, Any] = {
        "rate": rate,
        "seconds": seconds,
        "trades_measured": len(stored),
        "lost": len(trades) - sum(seen.charted),
        **spread(stored, "store"),
        **spread(shown, "pixels"),
        **spread(seen.costs_ms(), "frame"),
        "frame_period_ms": float(np.median(period)),
        "size": size,
        "graphics": seen.graphics,
        "machine": describe(_PACKAGES),
    }
    report(figures, json_path)
    return figures


def _steady(rate: float, seconds: float) -> tuple[NDArray[np.void], dict[int, str]]:
    """Make a synthetic market's trades, evenly spaced in time."""
    maker = TradeMaker(seed=1, rate=rate, symbols=("NQ", "ES"), start_ns=_START_NS)
    count = int(rate * seconds)
    parts, made = [], 0
    while made < count:
        parts.append(maker.next_block())
        made += len(parts[-1])
    trades = np.concatenate(parts)[:count].astype(TRADE)
    trades["ts_event"] = _START_NS + (np.arange(count) * (1e9 / rate)).astype(np.int64)
    trades["ts_recv"] = trades["ts_event"]
    return trades, maker.symbols()


def _latencies(seen: Run, by_chart: list[NDArray[np.int64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the latencies from due time to row and to pixels, in ms, for trades that both observers saw."""
    stored, shown = [], []
    for chart, ts_event in enumerate(by_chart):
        due = ts_event - seen.offset_ns
        rows = seen.stored[seen.stored[:, 0] == chart]
        frames = np.array([(frame.done_ns, frame.trades[chart]) for frame in seen.frames])
        first = int(max(rows[0, 2], frames[0, 1]))
        last = int(min(rows[-1, 2], frames[-1, 1]))
        number = np.arange(first, last)
        stored.append(rows[np.searchsorted(rows[:, 2], number, side="right"), 1] - due[number])
        shown.append(frames[np.searchsorted(frames[:, 1], number, side="right"), 0] - due[number])
    return np.concatenate(stored) / 1e6, np.concatenate(shown) / 1e6
