"""Start-up time: from the command to the first frame, and to the first frame with bubbles.

The commands run repeatedly as a user runs them, without a window; their own logs give the times. The very first run
fills the caches and is reported separately. One of the caches is Python's byte code, which an installation has from the
beginning. Where the environment forbids writing it (PYTHONDONTWRITEBYTECODE), a checkout would be compiled again at
each start, so the commands run without that variable.
"""

import os
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from flow_gl.bench.machine import describe
from flow_gl.bench.watched import report
from flow_gl.core.errors import FlowError
from flow_gl.core.system import children
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker

_STAGES: Final = ("first frame", "first bubbles")
_PACKAGES: Final = ("flow_gl", "numpy", "numba", "PyOpenGL", "imgui-bundle", "typer", "pydantic")


def run(*, file: Path | None = None, rounds: int = 7, json_path: Path | None = None) -> dict[str, Any]:
    """Measure, print, and return the figures in seconds. Without `file`, a synthetic session is made and replayed."""
    with tempfile.TemporaryDirectory() as folder:
        path = file or _session(Path(folder) / "session.dbn.zst")
        commands = {"replay": ["replay", str(path.absolute())], "demo": ["demo"]}
        figures: dict[str, Any] = {"first_start_s": _start(commands["replay"])[1]}
        taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, arguments in commands.items():
                taken[name].append(_start(arguments))
    for name, times in taken.items():
        for stage, values in zip(_STAGES, np.array(times).T, strict=True):
            key = f"{name}_{stage.replace(' ', '_')}"
            figures[f"{key}_s"], figures[f"{key}_best_s"] = float(np.median(values)), float(values.min())
    figures |= {"file": path.name, "rounds": rounds, "machine": describe(_PACKAGES)}
    report(figures, json_path)
    return figures


def _start(arguments: list[str]) -> tuple[float, ...]:
    """Run a command; return the seconds until each stage."""
    command = children.command("flow_gl", *arguments, "--headless", "--duration", "0.1", "--debug")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    lines = done.stderr.splitlines()
    found = {}
    for stage in _STAGES:
        line = next((line for line in lines if line.endswith(f"flow_gl.view {stage}")), None)
        if line is None:
            raise FlowError(f"flow-gl {arguments[0]} did not reach its {stage}: {lines[-1:]}")
        logged = datetime.strptime(line.split()[0], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        found[stage] = logged.timestamp() - began
    return tuple(found[stage] for stage in _STAGES)


def _session(path: Path) -> Path:
    maker = TradeMaker(seed=1, symbols=("NQ", "ES"))
    write_dbn(path, maker.take(60.0), symbols=maker.symbols())
    return path
