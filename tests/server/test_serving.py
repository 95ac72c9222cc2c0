"""Real workers and real sockets on loopback: what clients get, what is refused, and what survives a fault."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from flow_gl.cli.served import command_of
from flow_gl.core.commands import Step
from flow_gl.core.errors import FlowError
from flow_gl.protocol.messages import PACKED_FORM, Connected, Error, Status, Subscribe
from flow_gl.protocol.receiver import Receiver
from flow_gl.server.spec import WorkerSpec
from flow_gl.server.workers import Workers
from tests.kit.served_process import ServedMarket, connect, serve_market
from tests.kit.waiting import PATIENCE_S

NQ = Subscribe("NQ.v.0")


@pytest.fixture(scope="module")
def two_workers() -> Iterator[ServedMarket]:
    with serve_market(workers=2) as found:
        yield found


def test_every_level_arrives_complete_and_continues(two_workers: ServedMarket) -> None:
    async def run() -> None:
        async with connect(two_workers) as one:
            levels = range(len(one.receiver.instruments[0].widths_ns))
            for level in levels:
                await one.subscribe(Subscribe("NQ.v.0", level=level))
            for _ in range(5):
                two_workers.market.advance(7)
                await asyncio.sleep(0.05)
            for level in levels:
                rows = two_workers.stored(level)
                await one.read(lambda level=level, rows=rows: len(one.rows.get(level, ())) == len(rows))
                assert np.array_equal(one.rows[level], rows)

    asyncio.run(run())


def test_both_workers_take_clients_and_give_the_same(two_workers: ServedMarket) -> None:
    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(24):
                group.create_task(whole(two_workers))

    async def whole(served: ServedMarket) -> None:
        async with connect(served) as one:
            await one.subscribe(NQ)
            await one.read(lambda: len(one.rows.get(0, ())) == len(served.stored()))
            assert np.array_equal(one.rows[0], served.stored())

    asyncio.run(run())


async def exchange(served: ServedMarket, *sent: str | bytes, protocol: str = "") -> list[dict[str, Any]]:
    """Send messages, and return what came until all were answered with an Error or the connection ended."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{served.url}/ws", protocols=(protocol,) if protocol else ()) as link,
    ):
        for message in sent:
            await (link.send_bytes(message) if isinstance(message, bytes) else link.send_str(message))
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE_S):
            while sum(one["type"] == "Error" for one in found) < len(sent):
                message_in = await link.receive()
                if message_in.type is not aiohttp.WSMsgType.TEXT:
                    found.append({"type": "closed", "code": link.close_code})
                    break
                found.append(json.loads(message_in.data))
        return found


@pytest.mark.parametrize(
    ("sent", "code", "says"),
    [
        ("nonsense", "bad_message", "malformed"),
        (b"\x00\x01", "bad_message", "binary"),
        ('{"type": "Subscribe"}', "bad_message", "symbol"),
        ('{"type": "Subscribe", "symbol": "CL.v.0"}', "unknown_symbol", "CL.v.0"),
        ('{"type": "Subscribe", "symbol": "NQZ5", "level": 11}', "unknown_level", "no level 11"),
        ('{"type": "Subscribe", "symbol": "NQZ5", "kinds": ["Bubbles"]}', "unknown_kind", "Bubbles"),
        ('{"type": "Subscribe", "symbol": "NQZ5", "version": 2}', "unsupported_version", "version 2"),
        ('{"type": "Unsubscribe", "symbol": "NQZ5"}', "not_subscribed", "NQZ5"),
        ('{"type": "Command", "name": "reset_cvd"}', "not_available", "reset_cvd"),
        ('{"type": "Command", "name": "set_speed", "value": 0}', "bad_message", "speed"),
        ('{"type": "Command", "name": "seek", "value": -5}', "bad_message", "instant"),
        ('{"type": "Command", "name": "step", "value": 2, "to": "bubble", "symbol": "NQZ5"}', "bad_message", "1 or -1"),
        ('{"type": "Command", "name": "step", "value": 1, "to": "noon", "symbol": "NQZ5"}', "bad_message", "noon"),
        ('{"type": "Command", "name": "step", "value": 1, "to": "bubble"}', "unknown_symbol", "symbol"),
        (
            '{"type": "Command", "name": "step", "value": 1, "to": "bubble", "symbol": "NQZ5", "level": 11}',
            "unknown_level",
            "no level 11",
        ),
        ('{"type": "Authenticate", "token": "x"}', "bad_message", "already authenticated"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(
    two_workers: ServedMarket, sent: str | bytes, code: str, says: str
) -> None:
    found = asyncio.run(exchange(two_workers, sent))
    (error,) = [one for one in found if one["type"] == "Error"]
    assert error["code"] == code
    assert says in error["text"]
    assert error["advice"]
    assert "\n" not in error["text"] + error["advice"]


def test_a_demo_has_a_speed_and_no_instants() -> None:
    with serve_market(feed="demo") as served:
        found = asyncio.run(exchange(served, '{"type": "Command", "name": "seek", "value": 5}'))
        (error,) = [one for one in found if one["type"] == "Error"]
        assert (error["code"], error["text"]) == ("not_available", "a demo has no seek")


def test_an_unknown_form_of_the_protocol_is_refused_before_the_connection(two_workers: ServedMarket) -> None:
    async def run() -> None:
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Protocol": "flow_gl.packed.9",
        }
        async with aiohttp.ClientSession() as session, session.get(f"{two_workers.url}/ws", headers=headers) as answer:
            assert answer.status == 400
            error = json.loads(await answer.text())
        assert error["code"] == "unsupported_version"
        assert PACKED_FORM in error["advice"]

    asyncio.run(run())


def test_a_command_reaches_the_parent_with_the_name_of_its_sender(two_workers: ServedMarket) -> None:
    async def run() -> None:
        async with connect(two_workers) as one:
            await one.socket.send_json({"type": "Command", "name": "set_speed", "value": 60})
            step = {"name": "step", "value": -1, "to": "event", "symbol": "NQZ5", "level": 2}
            await one.socket.send_json({"type": "Command"} | step)
            await one.read(lambda: one.last(Status) is not None)

    asyncio.run(run())
    two_workers.wait(lambda: len(two_workers.commands) == 2)
    speed, step = two_workers.commands
    assert (speed.name, speed.value, speed.who, speed.address) == ("set_speed", 60.0, "local", "127.0.0.1")
    assert command_of(step) == Step("event", -1, chart=0, lod=2)


def test_where_nothing_obeys_a_command_no_client_has_the_scope_for_it() -> None:
    async def scopes(served: ServedMarket) -> tuple[str, ...]:
        async with connect(served) as one:
            found: Connected = one.last(Connected)
            return found.scopes

    with serve_market(feed="connect") as served:
        assert "control" not in asyncio.run(scopes(served))


def test_the_page_and_the_health_check_are_there(two_workers: ServedMarket) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{two_workers.url}/") as answer:
                assert answer.status == 200
                assert "<canvas" in await answer.text()
            async with session.get(f"{two_workers.url}/healthz") as answer:
                assert answer.status == 200

    asyncio.run(run())


def test_a_client_that_does_not_read_delays_no_other(two_workers: ServedMarket) -> None:
    async def run() -> None:
        async with connect(two_workers) as slow, connect(two_workers) as quick:
            await slow.subscribe(NQ)
            await quick.subscribe(NQ)
            for _ in range(10):
                two_workers.market.advance(1)
                head = two_workers.store.bubbles[0].head
                await quick.read(lambda head=head: len(quick.rows.get(0, ())) == head)
            await slow.read(lambda: len(slow.rows.get(0, ())) == two_workers.store.bubbles[0].head)
            assert np.array_equal(slow.rows[0], quick.rows[0])

    asyncio.run(run())


def test_a_port_in_use_is_reported_in_one_line(two_workers: ServedMarket) -> None:
    port = two_workers.workers.port
    with pytest.raises(FlowError, match=f"port {port} of 127.0.0.1 is in use: choose another with --port"):
        Workers(WorkerSpec(host="127.0.0.1", port=port, threshold=0.15))
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(FlowError, match="in use"):
        Workers(WorkerSpec(host="127.0.0.1", port=other.getsockname()[1], threshold=0.15, workers=2))


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_there_is_reported_in_one_line(host: str) -> None:
    with pytest.raises(FlowError, match=f"--host {host}"):
        Workers(WorkerSpec(host=host, port=0, threshold=0.15))


def test_a_worker_that_is_killed_is_replaced_and_its_client_resumes(capfd: pytest.CaptureFixture[str]) -> None:
    async def run(served: ServedMarket) -> None:
        receiver = Receiver()
        async with connect(served, receiver) as one:
            await one.subscribe(NQ)
            await one.read(lambda: len(one.rows.get(0, ())) == len(served.stored()))
            held = one.rows[0]
            (pid,) = served.workers.pids
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(ConnectionError):
                await one.read(lambda: False)
        served.market.advance(100)
        await asyncio.to_thread(served.wait, lambda: served.workers.pids != [pid] and served.workers.is_ready)
        async with connect(served, receiver) as again:
            again.rows[0] = held
            await again.subscribe(NQ)
            await again.read(lambda: len(again.rows[0]) == len(served.stored()))
            assert np.array_equal(again.rows[0], served.stored())
            assert min(block.sequence for block in again.blocks if block.kind == 1) == len(held)

    with serve_market() as served:
        asyncio.run(run(served))
    said = capfd.readouterr().err
    assert "worker 0 of the server was killed (SIGKILL); restarted" in said


def test_the_engine_and_the_end_of_the_server_are_reported() -> None:
    async def run(served: ServedMarket) -> None:
        async with connect(served) as one:
            await one.subscribe(NQ)
            await one.read(lambda: len(one.rows.get(0, ())) == len(served.stored()))
            served.send_line("restarting", "the engine was killed (SIGKILL)")
            await one.read(lambda: one.last(Status).engine == "restarting")
            assert one.last(Status).message == "the engine was killed (SIGKILL)"
            served.send_line("running", epoch=2000)
            await one.read(lambda: one.last(Connected).instruments[0].epoch == 2000)
            await one.read(lambda: any(block.epoch == 2000 and block.kind == 1 for block in one.blocks))
            await one.read(lambda: len(one.rows[0]) == len(served.stored()))
            ending = asyncio.create_task(asyncio.to_thread(served.workers.close))
            with pytest.raises(ConnectionError, match="1001"):
                await one.read(lambda: False)
            assert one.last(Error).code == "going_away"
            await ending

    with serve_market() as served:
        asyncio.run(run(served))


def test_a_worker_that_cannot_begin_ends_the_server(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match="no_tokens"), serve_market(tokens=str(tmp_path / "no_tokens")):
        pass
