"""The server on loopback: the time from a row to many clients, and the cost of the clients.

A market in shared memory publishes bubbles at irregular moments, 25 a second. Real workers serve them to clients in
another process; a row's time counts from its publication until a client has read it, so it includes any wait for the
tick. In the same run a bare aiohttp broadcast sends as many bytes at the same pace to as many clients, with as many
processes. Then all clients drop their connections and come back at once. The last part runs the engine alone, beside a
bare broadcast to as many clients, with a server that feeds them, and with a bus on which it publishes.
"""

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from flow_gl.bench.machine import describe, pace_ms, write_json
from flow_gl.bench.served.crowd import run_crowd
from flow_gl.bench.served.local_bus import find_bus, local_bus
from flow_gl.bench.served.market import ServedMarket
from flow_gl.core.errors import FlowError
from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import BusServers, DemoSpec, EngineSpec, PublishSpec
from flow_gl.core.system import children
from flow_gl.server.address import check_port
from flow_gl.server.security.limits import Limits
from flow_gl.server.spec import EngineLine, WorkerSpec
from flow_gl.server.workers import Workers
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.supervisor import EngineLink

HISTORY: Final = 3_600
"""Bubbles that each client gets when it connects: an hour of trading."""
ENGINE_RATE: Final = 5_000.0
"""Trades a second of the engine that is served."""
_RATE: Final = 25.0
"""Rows a second for the fewer clients; a server sends at most as many ticks."""
_TICK_BYTES: Final = 500
"""Bytes per tick that the broadcast sends if no round has measured the server's."""
_SETTLED_S: Final = 8.0
"""The engine is measured this long after its start: by then all clients have joined."""
_PACKAGES: Final = ("flow_gl", "numpy", "aiohttp")
_WIDE: Final = Limits(
    connections=20_000,
    address_connections=20_000,
    requests="100000/minute",
    new_connections="100000/minute",
    address_messages="1000000/minute",
    address_snapshots="1000000/minute",
)


def run(
    *,
    clients: int = 1_000,
    many: int = 5_000,
    seconds: float = 10.0,
    workers: int = 2,
    engine: bool = True,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print and return the figures. Raises FlowError if a part of it cannot run."""
    figures: dict[str, Any] = {
        "machine": describe(_PACKAGES),
        "pace_ms": pace_ms(),
        "workers": workers,
        "rounds": [_round(count, rate, seconds, workers) for count, rate in ((clients, _RATE), (many, 5.0)) if count],
    }
    for one in figures["rounds"]:
        _print(one)
    if engine:
        size = round(figures["rounds"][0]["bytes_per_tick"]) if figures["rounds"] else _TICK_BYTES
        figures["engine"] = _engine(clients, seconds, workers, size)
    if json_path is not None:
        write_json(json_path, figures)
    return figures


def _round(clients: int, rate: float, seconds: float, workers: int) -> dict[str, Any]:
    """Serve a number of clients, then do the same with a bare broadcast."""
    market = ServedMarket(history=HISTORY)
    try:
        found = {"clients": clients, "rate": rate}
        spec = WorkerSpec(host="127.0.0.1", port=0, workers=workers, threshold=THRESHOLD, limits=_WIDE)
        server = Workers(spec)
        try:
            server.send(market.line)
            _wait_ready(server)
            found |= _measure(market, server.port, server.pids, clients, rate=rate, seconds=seconds, comes_back=True)
        finally:
            server.close()
        size = round(found["bytes_per_tick"])
        with _broadcast(market, workers, size) as (port, pids):
            bare = _measure(market, port, pids, clients, rate=rate, seconds=seconds, comes_back=False)
        return found | {f"bare_{name}": value for name, value in bare.items()}
    finally:
        market.close()


def _measure(
    market: ServedMarket, port: int, pids: list[int], clients: int, *, rate: float, seconds: float, comes_back: bool
) -> dict[str, Any]:
    with _crowd(port) as ask:
        before = sum(map(_memory, pids))
        joined_s = ask("join", clients)
        memory = (sum(map(_memory, pids)) - before) / clients
        market.start(rate)
        time.sleep(1.0)
        ask("clear")
        cpu, start_s = sum(map(_cpu_s, pids)), time.monotonic()
        time.sleep(seconds)
        report = ask("report")
        cpu = (sum(map(_cpu_s, pids)) - cpu) / (time.monotonic() - start_s)
        samples = report["samples"]
        if not len(samples):
            raise FlowError("no row reached a client")
        delays_ms = (samples[:, 1] - market.published_ns[samples[:, 0]]) / 1e6
        found = {
            "rows": len(samples),
            **{f"p{p}_ms": float(np.percentile(delays_ms, p)) for p in (50, 99)},
            "max_ms": float(delays_ms.max()),
            "memory_kb": memory / 1024,
            "cpu": cpu,
            "joined_s": joined_s,
            "bytes_per_tick": report["received"] / len(samples),
            "wire_ratio": report["received"] / max(1, report["packed"]),
        }
        if comes_back:
            missed = round(rate * 2)
            time.sleep(missed / rate)
            found["whole_again_s"] = ask("come_back", market.head)
        market.stop()
        report = ask("report")
        return found | {name: report[name] for name in ("holes", "refused", "lost")}


def _engine(clients: int, seconds: float, workers: int, size: int) -> dict[str, Any]:
    """Run a demo alone, beside a bare broadcast, with a server, with a bus, and alone again: the same seconds each.

    The broadcast does not read the engine's rows; it sends `size` bytes a tick to as many clients, and so shows what
    the clients alone cost an engine on the same machine.
    """
    figures: dict[str, Any] = {}
    bus = find_bus()
    if bus is None:
        sys.stdout.write("nats-server is not installed: no engine with a bus is measured\n")
    for name in ("alone", "beside", "served", "published", "alone_again"):
        if name == "published" and bus is None:
            continue
        with ExitStack() as parts:
            url = parts.enter_context(local_bus(bus)) if bus and name == "published" else None
            publish = PublishSpec(BusServers((url,)), 0.15) if url else None
            spec = EngineSpec(feed=DemoSpec(rate=ENGINE_RATE, symbols=("NQ",)), publish=publish)
            link = parts.enter_context(closing(EngineLink.start(spec)))
            _until(partial(_is_demo, link), "the engine", 180.0)
            started_s = time.monotonic()
            if name == "beside":
                market = parts.enter_context(closing(ServedMarket(history=HISTORY)))
                port, _ = parts.enter_context(_broadcast(market, workers, size))
                parts.enter_context(_crowd(port))("join", clients)
                market.start(_RATE)
                parts.callback(market.stop)  # before the clients leave
            if name == "served":
                port = parts.enter_context(_served(link, workers))
                parts.enter_context(_crowd(port))("join", clients)
            _sleep_until(started_s + _SETTLED_S)
            figures[name] = _lags(link, seconds)
    for name, one in figures.items():
        text = "  ".join(f"{key} {value:.2f}" for key, value in one.items())
        sys.stdout.write(f"engine {name:12} {text}\n")
    return figures


@contextmanager
def _served(link: EngineLink, workers: int) -> Iterator[int]:
    """Serve an engine; yield the port."""
    assert link.engine is not None
    server = Workers(WorkerSpec(host="127.0.0.1", port=0, workers=workers, threshold=THRESHOLD, limits=_WIDE))
    try:
        charts = tuple((market.store.name, 1) for market in link.markets)
        server.send(EngineLine("running", engine=link.engine.name, charts=charts))
        _wait_ready(server)
        yield server.port
    finally:
        server.close()


def _sleep_until(when_s: float) -> None:
    time.sleep(max(0.0, when_s - time.monotonic()))


def _is_demo(link: EngineLink) -> bool:
    if link.poll() is not LinkState.RUNNING or link.engine is None or not link.markets:
        return False
    link.engine.refresh()
    return int(link.engine.status["state"]) == FeedState.DEMO and not link.engine.status["behind"]


def _lags(link: EngineLink, seconds: float) -> dict[str, float]:
    """Return the engine's lag from a trade's arrival in the feed to its row, its trades, and its processor time.

    The processor time of its children, in cores, is that of the publisher.
    """
    assert link.engine is not None
    pid = int(link.engine.status["pid"])
    children_of = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    costs = _cpu_s(pid), sum(map(_cpu_s, children_of))
    lags, trades, start_s = [], int(link.engine.status["trades"]), time.monotonic()
    while time.monotonic() - start_s < seconds:
        link.poll()
        link.engine.refresh()
        lags.append(int(link.engine.status["lag_ns"]) / 1e6)
        time.sleep(0.005)
    passed_s = time.monotonic() - start_s
    rate = (int(link.engine.status["trades"]) - trades) / passed_s
    return {
        "cpu": (_cpu_s(pid) - costs[0]) / passed_s,
        "children_cpu": (sum(map(_cpu_s, children_of)) - costs[1]) / passed_s,
        "trades_per_second": rate,
        "lag_p50_ms": float(np.percentile(lags, 50)),
        "lag_p99_ms": float(np.percentile(lags, 99)),
    }


@contextmanager
def _crowd(port: int) -> Iterator[Any]:
    """Run the clients' process; yield a function that sends it a command and returns its answer."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run_crowd, args=(theirs, port), daemon=True)
    process.start()
    theirs.close()

    def ask(*command: Any) -> Any:
        return _ask(ours, command)

    try:
        yield ask
    finally:
        with suppress(OSError):
            ours.send(None)
        process.join(5)
        process.kill()
        process.join()
        ours.close()


def _ask(pipe: Any, command: tuple[Any, ...]) -> Any:
    pipe.send(command)
    try:
        return pipe.recv()
    except EOFError:
        raise FlowError(f"the clients' process ended in {command[0]}") from None


@contextmanager
def _broadcast(market: ServedMarket, workers: int, size: int) -> Iterator[tuple[int, list[int]]]:
    """Run the bare broadcast; yield its port and processes."""
    port = check_port("127.0.0.1", 0)
    command = children.command("flow_gl.bench.served.broadcast", market.store.name, str(port), str(size))
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(workers)]
    try:
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise FlowError("the broadcast to compare with did not start")
        yield port, [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _wait_ready(server: Workers) -> None:
    def is_ready() -> bool:
        server.poll()
        return server.is_ready

    _until(is_ready, "the server", 30.0)


def _until(holds: Callable[[], bool], what: str, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end_s:
            raise FlowError(f"{what} did not start within {seconds:.0f} s")
        time.sleep(0.02)


def _memory(pid: int) -> int:
    """Return a process's own memory, bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def _cpu_s(pid: int) -> float:
    """Return a process's processor time, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _print(one: dict[str, Any]) -> None:
    lines = [f"{one['clients']:,} clients, {one['rate']:g} rows a second", f"{'':16}{'server':>10}{'bare':>10}"]
    names = ("p50_ms", "p99_ms", "max_ms", "memory_kb", "cpu", "joined_s", "bytes_per_tick", "wire_ratio")
    lines += [f"{name:16}{one[name]:10.2f}{one[f'bare_{name}']:10.2f}" for name in names]
    lines.append(f"{'whole_again_s':16}{one['whole_again_s']:10.2f}")
    lines.append(f"{'holes':16}{one['holes']:10}{'':10}refused {one['refused']}, lost {one['lost']}")
    sys.stdout.write("\n".join(lines) + "\n\n")
