"""Frame times, trade counts and latencies during a storm of the synthetic market, compared with an idle chart.

Idle and storm runs alternate, so that other load on the machine affects both equally; each run is the whole program in
its two processes. A frame's cost is the time from its start until its pixels are finished. Every trade of the storm is
generated again independently and counted.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from flow_gl.bench.machine import describe
from flow_gl.bench.watched import Run, parse_size, report, spread, watch
from flow_gl.core.spec import DemoSpec, EngineSpec
from flow_gl.feed.synthetic.demo import TradeMaker

_IDLE_RATE: Final = 2.0
_PACKAGES: Final = ("flow_gl", "numpy", "numba", "PyOpenGL", "imgui-bundle")
_SEED: Final = 1


def run(
    *,
    rate: float = 200_000.0,
    seconds: float = 6.0,
    rounds: int = 3,
    size: str = "1280x720",
    fps: float = 60.0,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print, and return the figures.

    `in_step` is the share of frames in which the feed kept up with its clock, `most_behind` the largest backlog that
    the status showed, in trades, and `said` the engine's last message.
    """
    calm: list[Run] = []
    storms: list[Run] = []
    for _ in range(rounds):
        for runs, pace in ((calm, _IDLE_RATE), (storms, rate)):
            runs.append(watch(_spec(pace, seconds), size=parse_size(size), fps=fps))
    made = _count(rate, seconds)
    idle, storm = (np.concatenate([one.costs_ms() for one in runs]) for runs in (calm, storms))
    ages = np.concatenate([one.ages_ms() for one in storms])
    figures: dict[str, Any] = {
        "rate": rate,
        "seconds": seconds,
        "rounds": rounds,
        "trades": made,
        "lost": made * rounds - sum(sum(one.charted) for one in storms),
        **spread(idle, "idle_frame"),
        **spread(storm, "storm_frame"),
        "ratio_p99": float(np.percentile(storm, 99) / np.percentile(idle, 99)),
        "ratios_p99": [
            round(float(np.percentile(b.costs_ms(), 99) / np.percentile(a.costs_ms(), 99)), 2)
            for a, b in zip(calm, storms, strict=True)
        ],
        **spread(ages, "age"),
        "in_step": float(np.mean([frame.is_in_step for one in storms for frame in one.frames])),
        "most_behind": max(one.most_behind for one in storms),
        "said": storms[-1].message,
        "size": size,
        "graphics": storms[-1].graphics,
        "machine": describe(_PACKAGES),
    }
    report(figures, json_path)
    return figures


def _spec(rate: float, seconds: float) -> EngineSpec:
    return EngineSpec(feed=DemoSpec(seed=_SEED, rate=rate, history_s=3600.0, length_s=seconds))


def _count(rate: float, seconds: float) -> int:
    """Count the trades of the same seed, generated independently of the run."""
    maker = TradeMaker(seed=_SEED, rate=rate, history_s=3600.0)
    end_ns = maker.live_ns + int(seconds * 1e9)
    count = 0
    while maker.next_ns < end_ns:
        count += int(np.searchsorted(maker.next_block()["ts_event"], end_ns))
    return count
