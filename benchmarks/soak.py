"""Soak test: hours of a live session at high speed, with random faults from a seed; then every number is compared.

The program's live feed, engine and recorder run against the local gateway through the official client. A second
pipeline receives the same trades without faults. Bubbles, CVD points and events at all levels of detail, the session
and the profile of each contract must be equal, and the recording must hold every trade once. Memory is the private
memory of this process: its peak after the first minute is compared with its size at the end of that minute.
"""

import logging
import queue
import random
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.local_gateway import LocalGateway
from benchmarks.soak_drive import Drive, SoakClock
from benchmarks.soak_faults import FAULTS, Market
from benchmarks.soak_numbers import Comparison, Unbroken, touched_store
from flow_gl.bench.machine import describe, write_json
from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FlowError
from flow_gl.core.items import Trades
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.warm import warm_up
from flow_gl.feed.files.replay import read_items
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.supervisor import LiveFeed
from flow_gl.runtime.charts import Charts
from flow_gl.runtime.engine_loop import Engine
from flow_gl.runtime.meters import StatusBoard
from flow_gl.runtime.persistence import Persistence
from flow_gl.store.market import EngineStore

OPEN_NS: Final = 1_764_111_600_000_000_000
"""The session that opens on Tuesday, 2025-11-25, 18:00 New York: a holiday and two early closes follow."""
STEP_NS: Final = 500_000_000
ARM: Final = 100
LOOK_S: Final = 2.0
"""Real seconds between two comparisons during the run."""
FIRST_MINUTE_S: Final = 60.0
FLAT: Final = 0.05
_PACKAGES: Final = ("numpy", "numba", "databento", "databento-dbn")


def run(
    *,
    seed: int = 1,
    minutes: Annotated[float, typer.Option(help="Approximate length of the run.", min=0.05)] = 2.0,
    speed: Annotated[float, typer.Option(help="Maximum number of event seconds per second.", min=1.0)] = 1000.0,
    every: Annotated[float, typer.Option(help="Average number of event seconds between two faults.", min=1.0)] = 600.0,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Run, print, and return the figures. Raises FlowError if a number differs or memory grows."""
    console = Console()
    logging.getLogger("flow_gl").addHandler(logging.NullHandler())  # hundreds of faults are expected here
    gateways = LocalGateway()
    warm_up(lambda name, done, of: console.print(f"compiling {done}/{of} {name}", style="dim"))
    with ExitStack() as owned:
        soak = Soak(gateways, owned, seed=seed, minutes=minutes, speed=speed, every=every)
        figures = soak.run(console)
    figures["machine"] = describe(_PACKAGES)
    for name, value in figures.items():
        console.print(f"{name:28} {value:,.2f}" if isinstance(value, float) else f"{name:28} {value}", highlight=False)
    if json_path:
        write_json(json_path, figures)
    if not figures["numbers_equal"]:
        raise FlowError(f"soak: the numbers differ from the unbroken run's: {figures['differences'][0]}")
    if figures["memory_growth"] is not None and figures["memory_growth"] > FLAT:
        raise FlowError(f"soak: memory grew by {100 * figures['memory_growth']:.1f} % after the first minute")
    return figures


class Soak:
    """One soak test. `owned` closes everything that it opens."""

    def __init__(
        self, gateways: LocalGateway, owned: ExitStack, *, seed: int, minutes: float, speed: float, every: float
    ) -> None:
        self._rng: Final = random.Random(seed)
        self._seed, self._every, self._minutes = seed, every, minutes
        contracts = gateways.contracts
        options = {
            "count": max(
                int(1.5 * minutes * 60 * speed * 1e9 / STEP_NS / 0.7), 1000
            ),  # the machine's sleeps take no real time
            "seed": seed,
            "step_ns": STEP_NS,
            "open_ns": OPEN_NS,
            "by_calendar": True,
        }
        self._tape = gateways.tape(**options)
        self._is_charted = np.isin(self._tape["instrument_id"], [contract.instrument_id for contract in contracts])
        published = min(600, len(self._tape) // 4)
        self._gateway = gateways.start(published=published, **options)
        owned.callback(self._gateway.kill)
        self._clock = SoakClock(int(self._tape["ts_recv"][published - 1]) + 1_000_000)
        symbols = tuple(contract.requested for contract in contracts)
        spec = LiveSpec(symbols, dataset=gateways.dataset, gateway="127.0.0.1", port=self._gateway.port)
        self._feed = LiveFeed(
            spec,
            api_key=gateways.key,
            hours=Hours("session open", calendar=SessionCalendar()),
            clock=self._clock,
            draw=self._rng.random,
        )
        self._pipeline = Pipeline(AggregationSettings(arm=ARM), sessions=SessionCalendar())
        charts = Charts(symbols, attach=self._pipeline.chart, make_store=lambda _: touched_store(), bucket_ns=SECOND_NS)
        self._folder = Path(owned.enter_context(tempfile.TemporaryDirectory(prefix="flow_gl_soak_")))
        self._persistence = Persistence(LiveSpec(symbols, record_dir=str(self._folder), archive="off"), SYSTEM)
        self._engine = Engine(
            feed=self._feed,
            pipeline=self._pipeline,
            charts=charts,
            board=StatusBoard(EngineStore.local()),
            clock=self._clock,
            commands=queue.SimpleQueue(),
            persistence=self._persistence,
        )
        owned.callback(self._persistence.close)
        owned.callback(self._feed.close)
        self._engine.tape.rows[:] = np.zeros(
            1, self._engine.tape.dtype
        )  # so that all of its memory is in use from the start
        self._unbroken = Unbroken(contracts, tick=gateways.tick, arm=ARM)
        self._comparisons = [
            Comparison(contract.symbol, broken, unbroken)
            for contract, broken, unbroken in zip(contracts, charts.stores(), self._unbroken.stores, strict=True)
        ]
        self._aggregated = 0
        self._faults: Counter[str] = Counter()
        self._memory: list[tuple[float, int]] = []
        self._drive = Drive(
            gateway=self._gateway,
            tape=self._tape,
            is_charted=self._is_charted,
            published=published,
            engine=self._engine,
            feed=self._feed,
            clock=self._clock,
            speed=speed,
        )
        self._market = Market(publish=self._drive.publish, away=self._drive.away, sleep=self._drive.sleep)

    def run(self, console: Console) -> dict[str, Any]:
        """Run until the tape or the time is over; return the figures."""
        drive, clock = self._drive, self._clock
        self._persistence.start(self._engine.tape)
        self._feed.start()
        drive.settle()
        start_s, start_ns = time.monotonic(), clock.wall_ns()
        differences: list[str] = []
        next_fault, next_look = self._next_fault(), start_s + LOOK_S
        while not drive.is_over and not differences and time.monotonic() - start_s < 60 * self._minutes:
            drive.step()
            if clock.wall_ns() >= next_fault and drive.is_settled:
                name = self._rng.choice(list(FAULTS))
                self._faults[name] += 1
                FAULTS[name](self._rng, self._gateway, self._market)
                next_fault = self._next_fault()
            if time.monotonic() >= next_look:
                drive.settle()
                differences = self._compare()
                self._memory.append((time.monotonic() - start_s, _private_bytes()))
                next_look = time.monotonic() + LOOK_S
                console.print(self._line(start_s, start_ns), highlight=False, style="dim")
        drive.settle()
        took_s, event_s = time.monotonic() - start_s, (clock.wall_ns() - start_ns) / 1e9
        differences = differences or self._finish()
        recorded = self._recorded()
        if recorded:
            differences.append(recorded)
        return {
            "numbers_equal": not differences,
            "differences": differences[:20],
            "rows_compared": sum(comparison.rows for comparison in self._comparisons),
            "seed": self._seed,
            "seconds": took_s,
            "event_hours": event_s / 3600,
            "speed": event_s / took_s,
            "trades": drive.expected,
            "faults": dict(sorted(self._faults.items())),
            "faults_in_all": sum(self._faults.values()),
            "trades_repeated_by_replays": self._feed.repeated,
            **_flatness(self._memory),
        }

    def _next_fault(self) -> int:
        return self._clock.wall_ns() + int(self._rng.expovariate(1 / self._every) * 1e9)

    def _compare(self) -> list[str]:
        """Advance the run without faults to the same trade, and compare both runs."""
        rows = self._tape[self._aggregated : self._drive.published]
        self._unbroken.pipeline.process(rows[self._is_charted[self._aggregated : self._drive.published]])
        self._aggregated = self._drive.published
        self._unbroken.pipeline.publish()
        self._pipeline.publish()
        return [line for comparison in self._comparisons for line in comparison.look()]

    def _finish(self) -> list[str]:
        """Close every bucket of both runs, and compare everything."""
        found = self._compare()
        for pipeline in (self._pipeline, self._unbroken.pipeline):
            pipeline.finish()
        return found + [line for comparison in self._comparisons for line in comparison.look(is_final=True)]

    def _recorded(self) -> str:
        """Return how the recording differs from the tape; "" if it holds every trade once."""
        self._feed.close()
        self._persistence.close()
        items = read_items(sorted(self._folder.rglob("*.dbn.zst")))
        parts = [item.rows for item in items if isinstance(item, Trades)]
        got = _in_order(np.concatenate(parts) if parts else self._tape[:0])
        want = _in_order(self._tape[: self._drive.published][self._is_charted[: self._drive.published]])
        if got.tobytes() == want.tobytes():
            return ""
        return f"the recording holds {len(got):,} trades, expected {len(want):,}"

    def _line(self, start_s: float, start_ns: int) -> str:
        took_s, event_s = time.monotonic() - start_s, (self._clock.wall_ns() - start_ns) / 1e9
        return (
            f"{took_s:5.0f} s  {event_s / 3600:6.2f} h of the market  {self._drive.expected:9,} trades  "
            f"{sum(self._faults.values()):4} faults  {_private_bytes() / 1e6:6.1f} MB"
        )


def _in_order(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return the trades sorted by all of their bytes, for comparison as multisets."""
    raw = np.ascontiguousarray(rows).view(f"S{rows.dtype.itemsize}")
    return rows[np.argsort(raw, kind="stable")]


def _private_bytes() -> int:
    """Return this process's private memory in bytes; 0 if the system does not report it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines.get("RssAnon", "0 kB").split()[0]) * 1024


def _flatness(samples: list[tuple[float, int]]) -> dict[str, Any]:
    """Compare memory after the first minute with its later peak; values are None if the run was too short."""
    late = [size for after_s, size in samples if after_s >= FIRST_MINUTE_S]
    if len(late) < 2 or not late[0]:
        return {"memory_mb_after_a_minute": None, "memory_mb_most_after": None, "memory_growth": None}
    return {
        "memory_mb_after_a_minute": late[0] / 1e6,
        "memory_mb_most_after": max(late) / 1e6,
        "memory_growth": max(late) / late[0] - 1.0,
    }


if __name__ == "__main__":
    from benchmarks.command import main

    main()
