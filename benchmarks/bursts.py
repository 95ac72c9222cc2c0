"""Bursts on the live feed: 20,000 trades in 100 ms, then 5,000 a second. Reports trades' ages, and how many are lost.

The local gateway sends them, the official client receives them, the engine runs in the program's own process, and this
process watches the charts' shared memory. A trade's age counts from the command to the gateway to send it.
"""

import time
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.local_gateway import Gateway, LocalGateway
from flow_gl.bench.machine import describe, write_json
from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FlowError
from flow_gl.core.spec import KEY_VARIABLE, EngineSpec, LiveSpec
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.supervisor import EngineLink

BURST: Final = 20_000
BURST_S: Final = 0.1
RATE: Final = 5_000
_EVERY_S: Final = 0.01
_LEAD: Final = 1000
_STEP_NS: Final = 1_000_000
_LOOK_S: Final = 0.0005
_PATIENCE_S: Final = 180.0
"""Kernels may have to be compiled first."""
_PACKAGES: Final = ("numpy", "numba", "databento", "databento-dbn")


def run(
    *,
    seconds: Annotated[float, typer.Option(help="Length of the steady part.", min=1.0)] = 60.0,
    rounds: Annotated[int, typer.Option(help="Number of bursts, three seconds apart.", min=1)] = 5,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print, and return the figures. Raises FlowError if a trade is lost."""
    gateways = LocalGateway()
    count = _LEAD + rounds * BURST + int(seconds * RATE)
    options = {"count": count, "step_ns": _STEP_NS, "open_ns": SYSTEM.wall_ns() - 600_000_000_000}
    tape = gateways.tape(**options)
    ids = [contract.instrument_id for contract in gateways.contracts]
    expected = np.concatenate([[0], np.cumsum(np.isin(tape["instrument_id"], ids))])
    gateway = gateways.start(published=_LEAD, **options)
    spec = LiveSpec(
        symbols=tuple(contract.requested for contract in gateways.contracts),
        gateway="127.0.0.1",
        port=gateway.port,
        recording=False,
        archive="off",
    )
    try:
        with closing(EngineLink.start(EngineSpec(feed=spec), environment={KEY_VARIABLE: gateways.key})) as link:
            watch = _Watch(link, gateway, expected)
            watch.until_all()
            bursts = [watch.send(BURST, BURST_S, rest_s=3.0) for _ in range(rounds)]
            steady = watch.send(int(seconds * RATE), seconds, rest_s=1.0)
            lost = watch.missing
    finally:
        gateway.kill()
    figures = {
        "lost": lost,
        "trades": int(expected[-1]),
        "burst_trades": BURST,
        "burst_sent_ms": [1e3 * burst.sent_s for burst in bursts],
        "burst_age_most_ms": [1e3 * float(burst.ages_s.max()) for burst in bursts],
        "burst_age_back_under_100_ms_after_ms": [1e3 * burst.recovered_s for burst in bursts],
        "steady_rate": int(seconds * RATE) / steady.sent_s,
        "steady_age_p50_ms": 1e3 * float(np.percentile(steady.ages_s, 50)),
        "steady_age_p99_ms": 1e3 * float(np.percentile(steady.ages_s, 99)),
        "machine": describe(_PACKAGES),
    }
    console = Console()
    for name, value in figures.items():
        console.print(f"{name:40} {value:,.2f}" if isinstance(value, float) else f"{name:40} {value}", highlight=False)
    if json_path:
        write_json(json_path, figures)
    if lost:
        raise FlowError(f"bursts: {lost:,} trades were lost")
    return figures


class _Sent:
    """Results for trades that were sent in parts."""

    def __init__(self, sent_s: float, ages_s: NDArray[np.float64], recovered_s: float) -> None:
        self.sent_s = sent_s
        self.ages_s = ages_s
        """Ages, seconds: of the oldest trades not on the chart yet, at each poll, and of each part when it was seen."""
        self.recovered_s = recovered_s
        """Seconds from the last part's sending until that age stayed under 100 ms."""


class _Watch:
    """Sends, and watches the charts."""

    def __init__(self, link: EngineLink, gateway: Gateway, expected: NDArray[np.int64]) -> None:
        self._link, self._gateway, self._expected = link, gateway, expected
        self._published = _LEAD
        self._version = (0, 0)
        self._seen = 0

    @property
    def missing(self) -> int:
        """Number of trades that were sent and are on no chart."""
        return int(self._expected[self._published]) - self._look()

    def until_all(self) -> None:
        """Wait until everything that has been sent is on the charts."""
        end = time.monotonic() + _PATIENCE_S
        while self.missing:
            if self._link.poll() is LinkState.FAILED:
                raise FlowError(self._link.message)
            if time.monotonic() > end:
                said = self._link.engine.text("message") if self._link.engine else self._link.message
                raise FlowError(f"bursts: {self.missing:,} trades did not arrive within {_PATIENCE_S:.0f} s; {said}")
            time.sleep(_LOOK_S)

    def send(self, count: int, seconds: float, *, rest_s: float) -> _Sent:
        """Send trades evenly over `seconds`, wait until all are seen, then pause for `rest_s` seconds."""
        parts = max(round(seconds / _EVERY_S), 1)
        waiting: deque[tuple[int, float]] = deque()
        ages: list[float] = []
        start = time.monotonic()
        old_at, sent = start, 0
        for part in range(parts):
            due = start + part * _EVERY_S
            while (now := time.monotonic()) < due:
                old_at = self._age(waiting, ages, old_at)
                time.sleep(min(_LOOK_S, due - now))
            more = count * (part + 1) // parts - sent
            asked = time.monotonic()
            self._gateway("publish", count=more)
            sent += more
            self._published += more
            waiting.append((int(self._expected[self._published]), asked))
            old_at = self._age(waiting, ages, old_at)
        ended = time.monotonic()
        while waiting:
            old_at = self._age(waiting, ages, old_at)
            if time.monotonic() - ended > _PATIENCE_S:
                raise FlowError(f"bursts: {self.missing:,} trades did not arrive within {_PATIENCE_S:.0f} s")
            time.sleep(_LOOK_S)
        time.sleep(rest_s)
        return _Sent(ended - start, np.array(ages), max(old_at - ended, 0.0))

    def _age(self, waiting: deque[tuple[int, float]], ages: list[float], old_at: float) -> float:
        """Record the ages of the parts that are on the charts by now, and of the first one that is not.

        Returns
        -------
        Time at which a recorded age was last 100 ms or more
        """
        seen, now = self._look(), time.monotonic()
        while waiting and waiting[0][0] <= seen:
            ages.append(now - waiting.popleft()[1])
        age = now - waiting[0][1] if waiting else 0.0
        if waiting:
            ages.append(age)
        return now if age >= 0.1 else old_at

    def _look(self) -> int:
        """Return the number of trades on all charts together."""
        link = self._link
        link.poll()
        total = 0
        for market in link.markets:
            market.refresh()
            total += int(market.session["total_trades"])
        return total


if __name__ == "__main__":
    from benchmarks.command import main

    main()
