"""The program `flow-gl serve` and a chart with `--serve`, as a user runs them."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from flow_gl.protocol.kinds import Kind, Part
from flow_gl.protocol.messages import PACKED_FORM, Connected, Status, Subscribe
from flow_gl.protocol.receiver import Receiver
from tests.kit.served_process import ServedMarket, SocketClient, serve_market
from tests.kit.waiting import PATIENCE_S


@contextmanager
def program(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run flow-gl; yield it with the address that it serves at."""
    command = [sys.executable, "-m", "flow_gl", *arguments, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    try:
        found = None
        while found is None:
            line = process.stderr.readline()
            assert line, "it ended"
            found = re.search(r"serving at (http://127\.0\.0\.1:\d+)", line)
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


async def follow(url: str, receiver: Receiver) -> tuple[aiohttp.ClientSession, SocketClient]:
    session = aiohttp.ClientSession()
    client = SocketClient(await session.ws_connect(f"{url}/ws", protocols=(PACKED_FORM,)), receiver)
    await client.read(lambda: client.last(Connected) is not None and bool(client.last(Connected).instruments))
    await client.subscribe(Subscribe("NQ.v.0"))
    return session, client


def is_moving(client: SocketClient) -> bool:
    return any(block.kind is Kind.BUBBLE and block.part is Part.INCREMENT for block in client.blocks)


def engine_of(pid: int) -> int:
    """Return the process id of the engine that a program has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next(int(one) for one in children if b"flow_gl.runtime" in Path(f"/proc/{one}/cmdline").read_bytes())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the engine in /proc")
def test_a_served_demo_survives_its_engine_and_ends_cleanly() -> None:
    async def run(process: "subprocess.Popen[str]", url: str) -> None:
        session, client = await follow(url, Receiver())
        async with session:
            await client.read(lambda: is_moving(client))
            epoch = client.last(Connected).instruments[0].epoch
            os.kill(engine_of(process.pid), signal.SIGKILL)
            await client.read(lambda: client.last(Status).engine == "restarting")
            assert "SIGKILL" in client.last(Status).message
            await client.read(lambda: client.last(Connected).instruments[0].epoch != epoch)
            client.blocks.clear()
            await client.read(lambda: is_moving(client))
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionError, match="1001"):
                await client.read(lambda: False)

    with program("serve", "demo", "--workers", "2") as (process, url):
        asyncio.run(run(process, url))
        assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert list(Path("/dev/shm").glob(f"flowgl_{process.pid}_*")) == []


@pytest.mark.slow
def test_a_chart_also_serves_its_numbers() -> None:
    async def run(url: str) -> None:
        session, client = await follow(url, Receiver())
        async with session:
            await client.read(lambda: is_moving(client))

    with program("demo", "--serve", "--headless", "--duration", "600", "--size", "400x300", "--fps", "20") as (
        process,
        url,
    ):
        asyncio.run(run(url))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 128 + signal.SIGINT


def test_a_server_without_a_feed_ends_with_the_feeds_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.dbn"
    path.write_bytes(b"not a DBN file")
    command = [sys.executable, "-m", "flow_gl", "serve", "replay", str(path), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 3
    assert "broken.dbn" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("flow-gl: error: ")


@pytest.mark.slow
def test_a_server_over_a_server_has_every_row_and_outlives_its_restart() -> None:
    async def run(upstream: ServedMarket, url: str) -> None:
        session, client = await follow(url, Receiver())
        async with session:
            assert "control" not in client.last(Connected).scopes, "commands are the first server's"
            await client.read(lambda: has_all(client, upstream))
            upstream.market.advance(50)
            await client.read(lambda: has_all(client, upstream))
            (pid,) = upstream.workers.pids
            os.kill(pid, signal.SIGKILL)  # its connections end; the parent starts another one
            upstream.wait(lambda: upstream.workers.pids != [pid] and upstream.workers.is_ready)
            upstream.market.advance(50)
            await client.read(lambda: has_all(client, upstream))

    def has_all(client: SocketClient, upstream: ServedMarket) -> bool:
        rows = client.rows.get(0)
        return rows is not None and rows.tobytes() == upstream.stored().tobytes()

    with serve_market(published=300, seconds=600) as upstream:
        address = upstream.url.replace("http", "ws", 1)
        with program("serve", "--from", address) as (process, url):
            asyncio.run(run(upstream, url))
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
