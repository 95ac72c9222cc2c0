"""Detectors over many sessions: trades per second over all cores, from files to events and what price did afterwards.

Each session of a synthetic tape is a file, plain and compressed. Worker processes are started and warm before the clock
runs; `command_seconds` is a whole run of the plain files with their start. `..._sets` runs a grid of eight sets of
parameters: trades times sets per second, because the files are read and decompressed once for all of them. Compressed
files are bound by zstd: `zstd_only` is what decompressing alone reaches on one core.
"""

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import zstandard
from rich.console import Console

from flow_gl.bench.machine import describe, write_json
from flow_gl.bench.tape import START_NS, make_tape
from flow_gl.core.schema import TRADE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import DEFAULTS
from flow_gl.core.system.platform.processes import usable_cores
from flow_gl.core.units import DAY_NS, SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.engine.warm import warm_up
from flow_gl.runtime.detect import work
from flow_gl.runtime.detect.plan import SessionRange, plan
from flow_gl.runtime.detect.study import Options, StudyRun

_SUNDAY_NS: Final = 1_792_360_800 * SECOND_NS
"""2026-10-18 18:00 New York: a week's first open."""
_SETS: Final = tuple(replace(DEFAULTS.aggregation, absorption_sd=1.5 + number / 4) for number in range(8))


def run(
    *, sessions: int = 10, trades: int = 800_000, rounds: int = 5, workers: int = 0, json_path: Path | None = None
) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    sessions : number of session files
    trades : trades of each session
    rounds : repetitions of each measurement; the median is reported
    workers : processes; 0 for one per core
    json_path : file for the figures
    """
    console = Console(soft_wrap=True)
    warm_up(lambda name, done, of: console.print(f"compiling {done}/{of} {name}", style="dim"))
    count = workers or usable_cores()
    total = sessions * trades
    with tempfile.TemporaryDirectory() as name:
        plain, packed = _write(Path(name), sessions, trades)
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            for ready in [pool.submit(work.detect, _ranges(packed)[0], _SETS[:1]) for _ in range(4 * count)]:
                ready.result()
            single = _seconds(pool, plain, 1, rounds)
            compressed = _seconds(pool, packed, 1, rounds)
            grid = _seconds(pool, packed, len(_SETS), rounds)
        start = time.perf_counter()
        StudyRun(plain, _SETS[:1], Options(workers=count, is_cached=False)).run()
        command = time.perf_counter() - start
        unpacked = _unpacked_per_second(packed[0], trades)
    figures: dict[str, Any] = {
        "trades_per_second": total / single,
        "trades_per_second_compressed": total / compressed,
        "trades_per_second_compressed_sets": total * len(_SETS) / grid,
        "zstd_only": unpacked,
        "command_seconds": command,
        "workers": count,
        "trades": total,
        "machine": describe(("numpy", "numba", "zstandard")),
    }
    for label, value in figures.items():
        console.print(
            f"{label:34} {value:,.2f}" if isinstance(value, float) else f"{label:34} {value}", highlight=False
        )
    if json_path:
        write_json(json_path, figures)
    return figures


def _write(folder: Path, sessions: int, trades: int) -> tuple[list[Path], list[Path]]:
    """Write each session as a file, plain and compressed."""
    tape = make_tape(trades)
    plain: list[Path] = []
    packed: list[Path] = []
    for number in range(sessions):
        rows = tape.copy()
        moved = _SUNDAY_NS - START_NS + (number % 5 + 7 * (number // 5)) * DAY_NS
        rows["ts_event"] += moved
        rows["ts_recv"] += moved
        for paths, suffix in ((plain, ".dbn"), (packed, ".dbn.zst")):
            paths.append(folder / f"session{number:03d}{suffix}")
            write_dbn(paths[-1], rows, symbols={1: "NQZ6"})
    return plain, packed


def _ranges(paths: list[Path]) -> list[SessionRange]:
    return plan(paths, calendar=SessionCalendar())


def _seconds(pool: ProcessPoolExecutor, paths: list[Path], sets: int, rounds: int) -> float:
    """Return the median of the times that all sessions take."""
    ranges, taken = _ranges(paths), []
    for _ in range(rounds):
        start = time.perf_counter()
        for done in [pool.submit(work.detect, one, _SETS[:sets]) for one in ranges]:
            done.result()
        taken.append(time.perf_counter() - start)
    return median(taken)


def _unpacked_per_second(path: Path, trades: int) -> float:
    """Return the trades per second of one core that only decompresses."""
    data, taken = path.read_bytes(), []
    for _ in range(5):
        start = time.thread_time()
        content = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        taken.append(time.thread_time() - start)
        assert len(content) > trades * np.dtype(TRADE).itemsize
    return trades / median(taken)
