"""Alerts: the time from the trade that fires a rule until the sound device takes the first samples of its sound.

A synthetic market runs in the engine's own process, at natural speed; the rule fires with the first trade of each
second. The view draws frames without a window, as in the program, and plays into miniaudio's null device, which asks
for samples like a real one. The time counts from the moment at which the trade is due, so it includes the engine's
turn, the polling interval of the thread that plays alerts, and the device's period. A sound that the device has not
taken counts as missed.
"""

import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np

from flow_gl.bench.machine import describe
from flow_gl.bench.watched import parse_size
from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FlowError
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import DemoSpec, EngineSpec
from flow_gl.ui.alerts.center import AlertCenter
from flow_gl.ui.alerts.entries import Entry
from flow_gl.ui.alerts.rule_file import KeptRules
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.alerts.sound import Sounder

_PACKAGES: Final = ("flow_gl", "numpy", "numba", "miniaudio")
_LEAD_S: Final = 3.0
"""Warm-up: alerts during the view's first frames are not counted."""
_START_S: Final = 120.0
LIMIT_MS: Final = 50.0
"""From trigger to sound, p99."""


def run(
    *,
    seconds: float = 60.0,
    rate: float = 500.0,
    size: str = "1280x720",
    fps: float = 60.0,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print and return the figures, in ms. Raises FlowError without miniaudio or an engine."""
    from flow_gl.gl.surface.context import HeadlessContext
    from flow_gl.ui.paint.gui import Gui
    from flow_gl.ui.state.view_state import ViewState
    from flow_gl.view.engine_link.supervisor import EngineLink
    from flow_gl.view.frame_loop import FrameLoop

    book = RuleBook([Rule(name="each second", when="second_volume", least=1, symbol="NQ", cool_down_s=0)])
    sounder = Sounder(is_null=True)
    if not sounder.wait_until_ready(10.0):
        raise FlowError(sounder.problem or "the null device did not start")
    spec = EngineSpec(feed=DemoSpec(rate=rate, symbols=("NQ",)), alerts=book.for_engine())
    surface = HeadlessContext(*parse_size(size))
    with closing(EngineLink.start(spec)) as link:
        state = ViewState()
        loop = FrameLoop(surface, link, state, Gui(state.palette, scale=1.0, window=None), SYSTEM)
        loop.alerts = AlertCenter(KeptRules(book), sounder=sounder)
        entries, frames_ms = _watch(loop, seconds, fps)
        offset_ns = _offset_ns(loop)
        loop.alerts.close()
        loop.release()
    delays = [(e.voice.began_ns - (e.ts_event + offset_ns)) / 1e6 for e in entries if e.voice and e.voice.is_played]
    figures: dict[str, Any] = {
        "alerts": len(entries),
        "missed": len(entries) - len(delays),
        **{f"sound_p{p}_ms": float(np.percentile(delays, p)) for p in (50, 99) if delays},
        "sound_max_ms": max(delays, default=float("nan")),
        "frame_p50_ms": float(np.median(frames_ms)),
        "frame_p99_ms": float(np.percentile(frames_ms, 99)),
        "limit_ms": LIMIT_MS,
        "machine": describe(_PACKAGES),
    }
    for name, value in figures.items():
        sys.stdout.write(f"{name:16} {value:.1f}\n" if isinstance(value, float) else f"{name:16} {value}\n")
    if json_path is not None:
        json_path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


def _watch(loop: Any, seconds: float, fps: float) -> tuple[list[Entry], list[float]]:
    """Draw frames; return the alerts after the warm-up and how long each frame took, ms."""
    period_ns = int(1e9 / fps)
    frames_ms: list[float] = []
    give_up_ns = time.monotonic_ns() + int(_START_S * 1e9)
    end_ns = begin_ns = 0
    while not end_ns or time.monotonic_ns() < end_ns:
        start_ns = time.monotonic_ns()
        loop.run_frame(1 / fps)
        loop.surface.swap()
        done_ns = time.monotonic_ns()
        engine = loop.link.engine
        if end_ns:
            frames_ms.append((done_ns - start_ns) / 1e6)
        elif engine is not None and int(engine.status["state"]) == FeedState.DEMO and loop.alerts.entries:
            begin_ns = SYSTEM.wall_ns() + int(_LEAD_S * 1e9)
            end_ns = done_ns + int((seconds + _LEAD_S) * 1e9)
        elif done_ns > give_up_ns:
            raise FlowError(f"the engine has not started within {_START_S:.0f} s: {loop.link.message}")
        time.sleep(max(0.0, (start_ns + period_ns - time.monotonic_ns()) / 1e9))
    since = loop.link.engine.event_now(begin_ns)
    return [entry for entry in loop.alerts.entries if entry.ts_event >= since], frames_ms


def _offset_ns(loop: Any) -> int:
    """Return monotonic time less event time, ns, by the feed's clock."""
    status = loop.link.engine.status
    wall_less_event = int(status["anchor_wall"]) - int(status["anchor_event"])
    return SYSTEM.monotonic_ns() - SYSTEM.wall_ns() + wall_less_event
