"""Connections that do not get on are ended; those that have made a request are not."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from flow_gl.server.security.admission import Counts
from flow_gl.server.security.handshakes import HandshakeWatch, Site
from flow_gl.server.security.limits import Limits
from flow_gl.server.security.tls import Certificate
from tests.kit.certificates import make_certificate
from tests.kit.waiting import PATIENCE_S, until_async

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Open = Callable[[], Awaitable[Opened]]
Talk = Callable[[Open, web.AppRunner, HandshakeWatch], Awaitable[None]]


def served(
    talk: Talk, *, limits: Limits, counts: Counts, context: ssl.SSLContext | None = None, handshake_s: float = 10
) -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def run() -> None:
        watch = HandshakeWatch(limits, counts)
        app = web.Application(middlewares=[watch.middleware])
        app.router.add_get("/", hello)
        runner = web.AppRunner(app)
        await runner.setup()
        options = {"ssl_context": context, "backlog": 64, "is_shared": False, "handshake_s": handshake_s}
        await Site(runner, "127.0.0.1", 0, **options).start()  # type: ignore[arg-type]
        writers = []

        async def connect() -> Opened:
            opened = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
            writers.append(opened[1])
            return opened

        try:
            await talk(connect, runner, watch)
        finally:
            for writer in writers:
                writer.close()
            await runner.cleanup()

    asyncio.run(asyncio.wait_for(run(), PATIENCE_S))


async def connected(runner: web.AppRunner, count: int) -> None:
    """Wait until the server has accepted so many connections."""
    server = runner.server
    assert server is not None
    await until_async(lambda: len(server.connections) == count, f"{count} connections")


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Return what comes before the connection ends. It is reset if the server has not read what it was sent."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


def test_a_request_that_does_not_arrive_whole_is_ended_and_the_others_continue() -> None:
    counts = Counts()

    async def talk(connect: Open, runner: web.AppRunner, watch: HandshakeWatch) -> None:
        good = await connect()
        good[1].write(REQUEST)
        assert (await good[0].readuntil(b"hello")).endswith(b"hello")
        slow = [await connect() for _ in range(3)]
        for _, writer in slow:
            writer.write(REQUEST[:20])
        await connected(runner, 4)
        assert runner.server is not None
        watch.sweep(runner.server, 100.0)
        watch.sweep(runner.server, 104.9)
        assert counts.refused == 0
        watch.sweep(runner.server, 105.0)
        assert [await rest(reader) for reader, _ in slow] == [b""] * 3
        assert counts.refused == 3
        watch.sweep(runner.server, 200.0)
        good[1].write(REQUEST)
        assert (await good[0].readuntil(b"hello")).endswith(b"hello")
        assert counts.refused == 3

    served(talk, limits=Limits(handshake_seconds=5), counts=counts)


def test_more_connections_without_a_request_than_allowed_lose_the_oldest() -> None:
    counts = Counts()

    async def talk(connect: Open, runner: web.AppRunner, watch: HandshakeWatch) -> None:
        assert runner.server is not None
        first = await connect()
        await connected(runner, 1)
        watch.sweep(runner.server, 1.0)
        more = [await connect() for _ in range(2)]
        await connected(runner, 3)
        watch.sweep(runner.server, 2.0)
        assert await rest(first[0]) == b""
        more[0][1].write(REQUEST)
        assert await more[0][0].readuntil(b"hello")
        assert counts.refused == 1

    served(talk, limits=Limits(connections=2), counts=counts)


def test_a_tls_handshake_that_hangs_is_ended(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, days=30)

    async def talk(connect: Open, _runner: web.AppRunner, _watch: HandshakeWatch) -> None:
        reader, _ = await connect()
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""

    context = Certificate(made.cert, made.key).context
    served(talk, limits=Limits(), counts=Counts(), context=context, handshake_s=0.2)
