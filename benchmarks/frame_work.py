"""Python's work in a frame, as counts that do not depend on the machine: bytecodes and calls.

    python -m benchmarks.frame_work [--frames 300] [--functions 20] [--charts 2] [--panels 6]

Charts over 5,000 bubbles of history at a market's pace (60 frames per bubble), drawn by the program's own loop as
in `flow-gl bench frame`. A tracer counts bytecodes, calls of Python functions and calls of C functions in each frame;
it lists the functions with the most bytecodes per frame, and those that make the heaviest frames heavier than the
others. Two versions can be compared even on a busy machine.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.bench.frame import quiet_collector
from flow_gl.bench.rig import SYMBOLS, Rig, opened
from flow_gl.core.panels import PANEL_NAMES

_NAMES: Final = ("bytecodes", "Python calls", "C calls")
_PACKAGE: Final = Path(sys.modules["flow_gl"].__path__[0])
_FRAMES_A_BUBBLE: Final = 60
_HEAVIEST: Final = 30
"""One frame of this many is one of the heaviest."""


class WorkCounter:
    """Counts the work of what runs between `__enter__` and `__exit__`.

    Attributes
    ----------
    counts : per measured block, in the order of `_NAMES`
    by_code : per measured block, bytecodes by function
    """

    def __init__(self) -> None:
        self.counts: list[tuple[int, int, int]] = []
        self.by_code: list[Counter[CodeType]] = []
        self._now = [0, 0, 0]
        self._now_by_code: Counter[CodeType] = Counter()

    def __enter__(self) -> None:
        self._now = [0, 0, 0]
        self._now_by_code = Counter()
        sys.setprofile(self._count_call)
        sys.settrace(self._enter_function)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        sys.setprofile(None)
        self.counts.append((self._now[0], self._now[1], self._now[2]))
        self.by_code.append(self._now_by_code)

    def _enter_function(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._count_bytecode

    def _count_bytecode(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "opcode":
            self._now[0] += 1
            self._now_by_code[frame.f_code] += 1
        return self._count_bytecode

    def _count_call(self, _frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            self._now[1] += 1
        elif event == "c_call":
            self._now[2] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description="Count Python's work in a frame.")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--functions", type=int, default=20, help="number of functions to list")
    parser.add_argument("--charts", type=int, default=2, choices=range(1, len(SYMBOLS) + 1))
    parser.add_argument("--panels", type=int, help="open so many, the first of the list; default: as Tab opens them")
    options = parser.parse_args()
    counter = WorkCounter()
    with opened(1280, 720, is_headless=True) as (surface, gui):
        rig = Rig(surface, gui, history=5_000, charts=max(2, options.charts))
        if options.panels is not None:
            rig.state.open_panels = set(PANEL_NAMES[: options.panels])
        rig.show(span_s=120.0, charts=options.charts, is_corner=True)
        with quiet_collector():
            for _ in range(20):
                rig.frame(frames_a_bubble=_FRAMES_A_BUBBLE)
            for _ in range(options.frames):
                rig.frame(frames_a_bubble=_FRAMES_A_BUBBLE, around=counter)
        rig.release()
    counts = np.array(counter.counts)
    for name, column in zip(_NAMES, counts.T, strict=True):
        p50, p99 = np.percentile(column, (50, 99))
        print(f"{name:13} p50 {p50:8,.0f}  mean {column.mean():8,.0f}  p99 {p99:8,.0f}")
    order = np.argsort(counts[:, 0])
    heaviest = max(1, len(order) // _HEAVIEST)
    usual = _mean(counter.by_code, order[:-heaviest])
    heavy = _mean(counter.by_code, order[-heaviest:])
    print("\nBytecodes per frame")
    _list(_mean(counter.by_code, order), options.functions)
    print(f"\nMore in the heaviest {heaviest} frames than in the others")
    _list(Counter({code: count - usual[code] for code, count in heavy.items()}), options.functions)


def _mean(by_code: list[Counter[CodeType]], frames: NDArray[np.intp]) -> Counter[CodeType]:
    """Return bytecodes per function, averaged over the given frames and rounded."""
    total: Counter[CodeType] = Counter()
    for frame in frames:
        total.update(by_code[frame])
    return Counter({code: round(count / len(frames)) for code, count in total.items()})


def _list(by_code: Counter[CodeType], functions: int) -> None:
    for code, count in by_code.most_common(functions):
        path = Path(code.co_filename)
        place = path.relative_to(_PACKAGE) if path.is_relative_to(_PACKAGE) else path.name
        print(f"{count:9,}  {place}: {code.co_qualname}")


if __name__ == "__main__":
    main()
