"""Describes the machine that a benchmark runs on, and writes the figures."""

import json
import platform
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flow_gl.core.system.platform.processes import usable_cores

if TYPE_CHECKING:
    from rich.console import Console


def describe(packages: Sequence[str]) -> dict[str, Any]:
    """Return processor, usable cores, system, Python version and package versions."""
    return {
        "cpu": _cpu(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
    }


def pace_ms() -> float:
    """Measure the current speed of the machine: the time to count to 50,000 in Python, in ms.

    Virtual machines share their cores. If this time doubles between two runs, so do all other times.
    """
    start = time.perf_counter()
    for _ in range(50_000):
        pass
    return 1e3 * (time.perf_counter() - start)


def write_json(path: Path, figures: dict[str, Any]) -> None:
    """Write a benchmark's figures as JSON."""
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def print_figures(console: "Console", figures: dict[str, Any]) -> None:
    """Print figures by their names, one a line."""
    for label, value in figures.items():
        text = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)
        console.print(f"{label:28} {text}", highlight=False, markup=False)


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
