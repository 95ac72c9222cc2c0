"""What a benchmark ran on, and how its figures are written down."""

import json
import os
import platform
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def describe(packages: Sequence[str]) -> dict[str, Any]:
    """The machine: processor, cores that may be used, system, Python and package versions."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
    }


def pace_ms() -> float:
    """How fast the machine is just now: milliseconds to count to 50,000 in Python.

    Virtual machines share their cores. Where this doubles from one run to the next, so does every other time.
    """
    start = time.perf_counter()
    for _ in range(50_000):
        pass
    return 1e3 * (time.perf_counter() - start)


def write_json(path: Path, figures: dict[str, Any]) -> None:
    """Write a benchmark's figures."""
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


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
