"""The interpreter's cost of a frame in two versions of the program, measured in turns.

    python -m benchmarks.frame_turns CHECKOUT [--rounds 5] [--span 120] [--charts 2] [--frames 300] [--rush]

CHECKOUT is a working tree of the other version (`git worktree add ../before COMMIT`). Both versions run in processes of
their own, with this interpreter and its packages, one after the other in each round. A run is that of `flow-gl bench
frame`: charts over 5,000 bubbles of history at a market's pace (60 frames per bubble; with --rush, a bubble in each
frame), drawn into 64x36 pixels. The clock is the benchmark's, so frame k does the same work in all runs of a version:
its cost is the least processor time of any round, from which other programs are nearly absent.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_HERE: Final = Path(__file__).resolve().parent.parent
_WARM_FRAMES: Final = 20


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the interpreter's cost of a frame with another version's.")
    parser.add_argument("checkout", type=Path, help="working tree of the other version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--span", type=float, default=120.0, help="seconds")
    parser.add_argument("--charts", type=int, default=2)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rush", action="store_true", help="a bubble in each frame")
    parser.add_argument("--run-to", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run_to is not None:
        costs = _run(chosen.span, chosen.charts, chosen.frames, 1 if chosen.rush else 60)
        np.save(chosen.run_to, costs)
        return
    versions = {"before": chosen.checkout.resolve(), "now": _HERE}
    runs: dict[str, list[NDArray[np.float64]]] = {name: [] for name in versions}
    for number in range(chosen.rounds):
        for name, tree in versions.items():
            runs[name].append(_run_apart(tree))
            print(f"round {number + 1}, {name}: p50 {np.median(runs[name][-1]):.3f} ms", flush=True)
    least = {name: np.min(found, axis=0) for name, found in runs.items()}
    for name, costs in least.items():
        p50, p99 = np.percentile(costs, (50, 99))
        print(f"{name:7} mean {costs.mean():.3f}  p50 {p50:.3f}  p99 {p99:.3f} ms")
    means = [costs.mean() for costs in least.values()]
    halves, tails = (np.divide(*(np.percentile(least[name], at) for name in ("now", "before"))) for at in (50, 99))
    print(f"now / before: mean {means[1] / means[0]:.2f}  p50 {halves:.2f}  p99 {tails:.2f}")


def _run_apart(tree: Path) -> NDArray[np.float64]:
    """Return the costs of one run of a version in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "costs.npy"
        command = [sys.executable, __file__, *sys.argv[1:], "--run-to", str(path)]
        environment = os.environ | {"PYTHONPATH": str(tree), "LIBGL_ALWAYS_SOFTWARE": "1"}
        subprocess.run(command, cwd=tree, env=environment, check=True)
        found: NDArray[np.float64] = np.load(path)
        return found


def _run(span_s: float, charts: int, frames: int, frames_a_bubble: int) -> NDArray[np.float64]:
    """Return the processor time of each frame, ms, with whichever version is imported."""
    from flow_gl.bench.frame import quiet_collector
    from flow_gl.bench.rig import Rig, opened
    from flow_gl.engine.warm import warm_up

    warm_up(lambda *_: None)
    with opened(1280, 720, is_headless=True) as (surface, gui):
        rig = Rig(surface, gui, history=5_000, charts=charts)
        rig.show(span_s=span_s, charts=charts, is_corner=True)
        with quiet_collector():
            for _ in range(_WARM_FRAMES):
                rig.frame(frames_a_bubble=frames_a_bubble)
            costs = [rig.frame(frames_a_bubble=frames_a_bubble).calls_cpu for _ in range(frames)]
        rig.release()
    return np.array(costs)


if __name__ == "__main__":
    main()
