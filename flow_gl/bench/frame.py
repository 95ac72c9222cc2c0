"""Frame cost as the history grows: the program's own frames, each of which adds one bubble and moves the view.

Histories of 1,000 to 1,000,000 one-second bubbles, filled through the pipeline; spans from two minutes to the whole
history. `p50_ms` is one complete chart (grid, profile, CVD, header, all panels) until glFinish returns.
`interpreter_p50_ms` is two such charts until the last call returns, drawn into 64x36 pixels at a market's pace (60
frames per bubble): the cost of Python and the driver's calls without the rasteriser. `interpreter_rush_*` is the same
with a bubble in each frame: a market at 60 times its pace, in which everything moves in each frame.
`interpreter_alone_*` makes all calls, but the draw calls do nothing: a software rasteriser spends half of the frame in
them, on vertices, however small the target is; a GPU's driver does not.
With `--charts 4 --panels 6` only the interpreter's cost of such a workspace is measured.
`..._pace_ms` shows how fast the machine was: the time of a fixed piece of Python that runs between the frames.
"""

import gc
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from flow_gl.bench.machine import describe, pace_ms, write_json
from flow_gl.bench.rig import SYMBOLS, Cost, Rig, no_vertices, opened
from flow_gl.core.errors import UsageError
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.panels import PANEL_NAMES
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.warm import warm_up
from flow_gl.gl.surface.context import describe as describe_gl
from flow_gl.gl.timing import LayerTimer

HISTORIES: Final = (1_000, 5_000, 100_000, 1_000_000)
SPANS_S: Final = {"2 min": 120.0, "30 min": 1800.0}
WHOLE: Final = "whole history"
_ROUNDS: Final = 6
"""Number of blocks in which the histories are measured alternately."""
LOCKED_SPAN_S: Final = 100_000.0
_PACKAGES: Final = ("flow-gl", "numpy", "PyOpenGL", "imgui-bundle")
_FRAMES_A_BUBBLE: Final = {"interpreter_": 60, "interpreter_rush_": 1}


def run(
    *,
    headless: bool = False,
    size: str = "1280x720",
    frames: int = 60,
    most_history: int = 1_000_000,
    charts: int = 0,
    panels: int = 0,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    headless : draw off-screen (EGL) instead of into a window
    size : picture size, WxH pixels
    frames : frames per measurement until glFinish; interpreter measurements use five times as many
    most_history : longest history to measure, in bubbles
    charts, panels : measure only the interpreter, with a workspace of this many charts and panels
    json_path : file for the figures
    """
    console = Console()
    width, height = parse_size(size)
    if not 0 <= charts <= len(SYMBOLS):
        raise UsageError(f"--charts must be 1 to {len(SYMBOLS)}, was {charts}")
    if not 0 <= panels <= len(PANEL_NAMES):
        raise UsageError(f"--panels must be 0 to {len(PANEL_NAMES)}, was {panels}")
    warm_up(lambda name, done, of: console.print(f"compiling {done}/{of} {name}", style="dim"))
    runs: list[dict[str, Any]] = []
    with opened(width, height, is_headless=headless) as (surface, gui):
        figures: dict[str, Any] = {
            "size": f"{width}x{height}",
            "headless": headless,
            "gl": describe_gl(),
            "machine": describe(_PACKAGES),
            "runs": runs,
        }
        if charts:
            figures["workspace"] = _workspace(console, Rig(surface, gui, history=5_000, charts=charts), panels, frames)
            if json_path:
                write_json(json_path, figures)
            return figures
        histories = [count for count in HISTORIES if count <= most_history]
        console.print(f"finished frames over {', '.join(f'{count:,}' for count in histories)} bubbles", style="dim")
        rigs = [Rig(surface, gui, history=history) for history in histories]
        finished = {zoom: _finished(rigs, zoom, frames) for zoom in (*SPANS_S, WHOLE)}
        for rig in rigs:
            if rig.history == 100_000:
                figures["locked_100000"] = _locked(rig, frames)
        figures["layers_us"] = _layers(rigs[-1])
        figures["pacing"] = _pacing(rigs[-1])
        while rigs:
            rigs.pop().release()
        for number, history in enumerate(histories):
            console.print(f"interpreter, {history:,} bubbles of history", style="dim")
            rig = Rig(surface, gui, history=history)  # one rig at a time, as in the program: fewer cache misses
            runs += [found[number] | _interpreter(rig, zoom, frames) for zoom, found in finished.items()]
            rig.release()
    figures["ratios_to_5000"] = _ratios(runs)
    _show(console, figures)
    if json_path:
        write_json(json_path, figures)
    return figures


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height of `WxH` in pixels. Raises UsageError."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise UsageError(f"--size must be WxH in pixels, as 1280x720, was {text}") from None
    if not (320 <= width <= 16_384 and 200 <= height <= 16_384):
        raise UsageError(f"--size must be 320x200 to 16384x16384, was {text}")
    return width, height


def _span_s(rig: Rig, zoom: str) -> float:
    return SPANS_S.get(zoom, rig.history / 0.92)


def _finished(rigs: list[Rig], zoom: str, frames: int) -> list[dict[str, Any]]:
    """Measure a complete chart until its pixels are finished, histories alternating: the machine's speed varies."""
    for rig in rigs:
        rig.show(span_s=_span_s(rig, zoom), charts=1, is_corner=False)
    costs: list[list[Cost]] = [[] for _ in rigs]
    uploaded: list[list[int]] = [[] for _ in rigs]
    with quiet_collector():
        for _ in range(_ROUNDS):
            for number, rig in enumerate(rigs):
                for _ in range(3):
                    rig.frame()
                for _ in range(max(1, frames // _ROUNDS)):
                    costs[number].append(rig.frame())
                    uploaded[number].append(rig.loop.figures.counters.uploaded_bytes)
    found = []
    for rig, own, sent in zip(rigs, costs, uploaded, strict=True):
        counters = rig.loop.figures.counters
        found.append(
            {
                "history": rig.history,
                "zoom": zoom,
                "span_s": _span_s(rig, zoom),
                "frames": len(own),
                "bucket_s": widths_ns(SECOND_NS)[rig.state.charts[0].lod] // SECOND_NS,
                **percentiles("", [cost.finished for cost in own]),
                **percentiles("cpu_", [cost.finished_cpu for cost in own]),
                "instances": counters.instances,
                "draw_calls": counters.draw_calls,
                "rows_copied": counters.rows_copied,
                "uploaded_bytes_per_frame": float(np.median(sent)),
                "overlay_bytes_per_frame": counters.overlay_bytes,
            }
        )
    return found


def _workspace(console: Console, rig: Rig, panels: int, frames: int) -> dict[str, Any]:
    """Measure all charts of a rig with the first panels of the list, per span, until the last call returns."""
    rig.state.open_panels = set(PANEL_NAMES[:panels])
    charts = len(rig.link.markets)
    console.print(f"interpreter, {charts} charts, {panels} panels; ms", highlight=False)
    found = {}
    for zoom in SPANS_S:
        found[zoom] = figures = _interpreter(rig, zoom, frames, charts=charts)
        for name, text in (("", "market's pace"), ("rush_", "a bubble a frame"), ("alone_", "without draw calls")):
            p50, p99 = (figures[f"interpreter_{name}{part}_ms"] for part in ("p50", "p99"))
            console.print(f"{zoom}, {text}: p50 {p50:.2f}, p99 {p99:.2f}", highlight=False)
        console.print(f"{zoom}: pace {figures['interpreter_pace_ms']:.2f}", highlight=False)
    rig.release()
    return found


def _interpreter(rig: Rig, zoom: str, frames: int, *, charts: int = 2) -> dict[str, float]:
    """Measure charts until the last call returns: at market pace, at 60 times it, and without draw calls."""
    rig.show(span_s=_span_s(rig, zoom), charts=charts, is_corner=True)
    found: dict[str, float] = {}
    with quiet_collector():
        for name, frames_a_bubble in _FRAMES_A_BUBBLE.items():
            for _ in range(20):
                rig.frame(frames_a_bubble=frames_a_bubble)
            costs, paces = [], []
            for number in range(5 * frames):
                costs.append(rig.frame(frames_a_bubble=frames_a_bubble))
                if number % frames == 0:
                    paces.append(pace_ms())
            found |= percentiles(name, [cost.calls for cost in costs])
            found |= percentiles(f"{name}cpu_", [cost.calls_cpu for cost in costs])
            found[f"{name}pace_ms"] = float(np.median(paces))
        with no_vertices():
            costs = [rig.frame(frames_a_bubble=_FRAMES_A_BUBBLE["interpreter_"]) for _ in range(5 * frames)]
        found |= percentiles("interpreter_alone_", [cost.calls for cost in costs])
    return found


def _locked(rig: Rig, frames: int) -> dict[str, Any]:
    """Measure 100,000 visible one-second discs without levels of detail, to show what these save."""
    rig.show(span_s=LOCKED_SPAN_S / 0.92, charts=1, is_corner=False, locked_lod=0)
    with quiet_collector():
        costs = [rig.frame() for _ in range(max(3, frames // 10))]
    found = {
        **percentiles("", [cost.finished for cost in costs]),
        **percentiles("cpu_", [cost.finished_cpu for cost in costs]),
        "instances": rig.loop.figures.counters.instances,
    }
    rig.show(span_s=120.0, charts=1, is_corner=False)
    return found


def _layers(rig: Rig) -> dict[str, float]:
    """Return the GPU time of each layer of one chart over the whole history, in us; empty without a GPU."""
    is_software = any(name in describe_gl()["renderer"] for name in ("llvmpipe", "softpipe", "SwiftShader"))
    if is_software or not LayerTimer.is_available():
        return {}
    rig.show(span_s=rig.history / 0.92, charts=1, is_corner=False)
    timer = rig.loop.layer_timer = LayerTimer()
    seen: dict[str, list[float]] = {}
    for _ in range(24):
        rig.frame()
        for name, time_us in timer.times_us.items():
            seen.setdefault(name, []).append(time_us)
    rig.loop.layer_timer = None
    timer.release()
    return {name: float(np.median(times)) for name, times in seen.items()}


def _pacing(rig: Rig) -> dict[str, float]:
    """Measure the steps of the shown event time between frames under the program's pacer, in ms."""
    rig.show(span_s=120.0, charts=1, is_corner=False)
    steps, periods, rate_hz = rig.paced(seconds=5.0)
    nominal = 1e3 / rate_hz
    return {
        "rate_hz": rate_hz,
        "frames": float(len(steps)),
        "step_p50_ms": float(np.median(steps)),
        "step_spread_ms": float(np.std(steps)),
        "step_p99_off_ms": float(np.percentile(np.abs(steps - nominal), 99)),
        "period_spread_ms": float(np.std(periods)),
    }


class quiet_collector:  # noqa: N801  # used as a statement: with quiet_collector()
    """Configure the garbage collector as during the program's frames: all objects frozen, collection off."""

    def __enter__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()
        gc.unfreeze()


def percentiles(name: str, times_ms: list[float]) -> dict[str, float]:
    """Return median and 99th percentile of times, under keys that begin with a name."""
    p50, p99 = np.percentile(times_ms, (50, 99))
    return {f"{name}p50_ms": float(p50), f"{name}p99_ms": float(p99)}


def _ratios(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return the cost ratio of 1,000,000 to 5,000 bubbles of history per zoom, by processor time and by wall time."""
    base = {run["zoom"]: run for run in runs if run["history"] == 5_000}
    ratios = {}
    for run in (run for run in runs if run["history"] == 1_000_000):
        ratios[run["zoom"]] = run["cpu_p50_ms"] / base[run["zoom"]]["cpu_p50_ms"]
        ratios[f"{run['zoom']}_wall"] = run["p50_ms"] / base[run["zoom"]]["p50_ms"]
    return ratios


_COLUMNS: Final = {
    "history": "history",
    "zoom": "zoom",
    "bucket_s": "bucket",
    "p50_ms": "p50",
    "p99_ms": "p99",
    "cpu_p50_ms": "cpu",
    "interpreter_p50_ms": "interp.",
    "interpreter_p99_ms": "p99",
    "interpreter_cpu_p50_ms": "cpu",
    "interpreter_pace_ms": "pace",
    "interpreter_alone_p50_ms": "alone",
    "interpreter_alone_p99_ms": "p99",
    "interpreter_rush_p50_ms": "rush",
    "interpreter_rush_p99_ms": "p99",
    "interpreter_rush_cpu_p50_ms": "cpu",
    "instances": "drawn",
    "draw_calls": "calls",
    "uploaded_bytes_per_frame": "upload",
}


def _show(console: Console, figures: dict[str, Any]) -> None:
    console.print(f"{figures['size']}, {figures['gl']['renderer']}; ms; a bubble a frame", highlight=False)
    rows = [tuple(_COLUMNS.values())]
    for run in figures["runs"]:
        cells = (run[name] for name in _COLUMNS)
        rows.append(tuple(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))  # noqa: T201
    for name in ("ratios_to_5000", "locked_100000", "pacing", "layers_us"):
        parts = ", ".join(f"{key} {value:.2f}" for key, value in figures.get(name, {}).items())
        console.print(f"{name}: {parts or 'not measured'}", highlight=False)
