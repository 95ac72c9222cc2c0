"""Frame times of the chart and of other libraries: discs of the same radii, one added and the view moved each frame.

1280x720, one process each, all in one run. At 5,000 bubbles in view, flow_gl draws the complete chart (grid, profile,
CVD, header, overlays) with the level of detail locked at 1 s, so 5,000 discs are really drawn; with more bubbles,
levels of detail are on. The peers draw discs and nothing else. Packages that are not installed are skipped: `make
bench-peers` installs them.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from flow_gl.bench.machine import describe, write_json

OURS: Final = "flow_gl"
_MODULES: Final = {
    "bare instanced discs": "OpenGL",
    "vispy Markers": "vispy",
    "ImPlot bubbles": "imgui_bundle",
    "matplotlib Agg": "matplotlib",
    "fastplotlib": "fastplotlib",
}
_FRAMES: Final = {5_000: 20, 100_000: 5, 1_000_000: 2}
_LEFT_OUT: Final = {
    100_000: ("matplotlib Agg",),
    1_000_000: ("ImPlot bubbles", "matplotlib Agg", "fastplotlib"),
}
"""Peers that take seconds to minutes for a frame with this many bubbles."""
_TIMEOUT_S: Final = 60
_PACKAGES: Final = ("numpy", "PyOpenGL", "vispy", "imgui-bundle", "matplotlib", "fastplotlib", "wgpu")


def run(*, least: int = 5_000, most: int = 1_000_000, json_path: Path | None = None) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    least, most : range of the numbers of bubbles to measure
    json_path : file for the figures
    """
    console = Console()
    runs: list[dict[str, Any]] = []
    left_out: list[str] = []
    for n, frames in _FRAMES.items():
        if not least <= n <= most:
            continue
        # flow_gl runs before and after the peers, so that a change in the machine's load favours neither.
        before = _times("ours_draw", [str(n), str(2 * frames)])
        measured: dict[str, dict[str, list[float]]] = {}
        for peer, module in _MODULES.items():
            if peer in _LEFT_OUT.get(n, ()):
                left_out.append(f"{peer} at {n:,}: a frame takes too long")
            elif find_spec(module) is None:
                left_out.append(f"{peer}: {module} is not installed")
            else:
                try:
                    measured[peer] = _times("peers_draw", [peer, str(n), str(frames)])
                except subprocess.TimeoutExpired:
                    left_out.append(f"{peer} at {n:,}: it did not finish within {_TIMEOUT_S} s")
                except RuntimeError as error:
                    left_out.append(f"{peer} at {n:,}: {error}")
        after = _times("ours_draw", [str(n), str(2 * frames)])
        ours = {name: before[name] + after[name] for name in before}
        for peer, times in measured.items():
            runs.append(_compared(peer, n, times, ours))
            console.print(_line(runs[-1]), highlight=False)
    for text in left_out:
        console.print(f"left out: {text}", style="dim")
    figures = {"size": "1280x720", "runs": runs, "left_out": left_out, "machine": describe(_PACKAGES)}
    if json_path:
        write_json(json_path, figures)
    return figures


def _times(module: str, arguments: list[str]) -> dict[str, list[float]]:
    """Run one process; return its frame times in ms: wall time and processor time."""
    environment = {**os.environ, "EGL_PLATFORM": "surfaceless"}
    if module == "peers_draw":
        environment.setdefault(
            "mesa_glthread", "false"
        )  # the default for programs that do not ask for Mesa's thread, as flow_gl does
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
        env=environment,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it ended without a message"])[-1]
        raise RuntimeError(reason)
    found: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _compared(peer: str, n: int, times: dict[str, list[float]], ours: dict[str, list[float]]) -> dict[str, Any]:
    p50, p99 = np.percentile(times["wall_ms"], (50, 99))
    ours_p50 = float(np.median(ours["wall_ms"]))
    cpu, ours_cpu = float(np.median(times["cpu_ms"])), float(np.median(ours["cpu_ms"]))
    return {
        "peer": peer,
        "n": n,
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "ours_p50_ms": ours_p50,
        "ratio": ours_p50 / float(p50),
        "cpu_p50_ms": cpu,
        "ours_cpu_p50_ms": ours_cpu,
        "cpu_ratio": ours_cpu / cpu,
        "frames": len(times["wall_ms"]),
    }


def _line(run: dict[str, Any]) -> str:
    return (
        f"{run['n']:>9,}  {run['peer']:22} {run['p50_ms']:9.1f} ms  {OURS} {run['ours_p50_ms']:7.1f} ms  "
        f"ratio {run['ratio']:.4f}  (processor time {run['cpu_ratio']:.4f})"
    )


if __name__ == "__main__":
    from benchmarks.command import main

    main()
