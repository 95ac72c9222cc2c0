"""The connection to a server that misbehaves: silent, of another version, refusing, with holes in its rows."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import web

from flow_gl.core.schema import EVENT
from flow_gl.core.spec import RemoteSpec
from flow_gl.protocol import frames
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Kind, Part
from flow_gl.protocol.messages import PACKED_FORM, VERSION, Connected, Error, Status, encode
from flow_gl.runtime.remote import backoff, connection
from flow_gl.runtime.remote.connection import Connection
from tests.kit.waiting import until_async
from tests.remote.test_charts import INSTRUMENT

CONNECTED = Connected(
    version=VERSION,
    server="flow_gl test",
    dataset="",
    source="",
    tick_ms=40,
    scopes=("read",),
    instruments=(msgspec.structs.replace(INSTRUMENT, widths_ns=(10**9,)),),
    settings={},
)
Handler = Callable[[web.WebSocketResponse, int, list[Any]], Awaitable[None]]
"""Serves one connection; the others are its number, and what all connections have received."""


class Notes:
    """A listener that notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def connected(self, message: Connected) -> None:
        self.calls.append(("connected", message))

    def offered(self, symbols: tuple[str, ...]) -> None:
        self.calls.append(("offered", symbols))

    def status(self, message: Status) -> None:
        self.calls.append(("status", message))

    def rows(self, block: Rows) -> None:
        self.calls.append(("rows", block.sequence))

    def refused(self, message: Error) -> None:
        self.calls.append(("refused", message.text))

    def silent(self, charts: frozenset[int]) -> None:
        self.calls.append(("silent", charts))

    def lost(self, reason: str, attempt: int, delay_s: float) -> None:
        self.calls.append(("lost", reason))
        assert delay_s <= backoff.LONGEST_DELAY_S
        assert attempt >= 1

    def stopped(self, reason: str) -> None:
        self.calls.append(("stopped", reason))

    def named(self, *names: str) -> list[Any]:
        return [what for name, what in self.calls if name in names]


def run(
    handler: Handler, until: Callable[[Notes], bool], *, token: str = "", monkeypatch: pytest.MonkeyPatch
) -> tuple[Notes, list[dict[str, Any]]]:
    """Connect to a server of one handler until something was noted. Returns the notes and what the client sent."""
    monkeypatch.setattr(backoff, "FIRST_DELAY_S", 0.001)
    sent: list[dict[str, Any]] = []
    notes = Notes()

    async def serve() -> None:
        count = 0

        async def accept(request: web.Request) -> web.WebSocketResponse:
            nonlocal count
            socket = web.WebSocketResponse(protocols=(PACKED_FORM,))
            await socket.prepare(request)
            count += 1
            reading = asyncio.create_task(read(socket))
            try:
                await handler(socket, count, sent)
            finally:
                await socket.close()
                await reading
            return socket

        async def read(socket: web.WebSocketResponse) -> None:
            async for message in socket:
                sent.append(msgspec.json.decode(message.data))  # noqa: PERF401  - handlers wait for them

        app = web.Application()
        app.router.add_get("/ws", accept)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        task = asyncio.create_task(Connection(RemoteSpec(url=f"ws://127.0.0.1:{port}/ws"), token, notes).run())
        try:

            def holds() -> bool:
                assert not task.done(), task.result()
                return until(notes)

            await until_async(holds)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await runner.cleanup()

    asyncio.run(serve())
    return notes, sent


async def forever() -> None:
    await asyncio.Event().wait()


def events(first: int, count: int, part: Part = Part.INCREMENT) -> bytes:
    rows = np.zeros(count, EVENT)
    return frames.encode(
        Rows(kind=Kind.EVENT, symbol=0, level=0, epoch=INSTRUMENT.epoch, sequence=first, rows=rows, part=part)
    )


def test_the_token_comes_first_and_then_a_subscription_of_each_level(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = tuple(10**9 * n for n in (1, 5, 15))
    message = msgspec.structs.replace(CONNECTED, instruments=(msgspec.structs.replace(INSTRUMENT, widths_ns=widths),))

    async def handler(socket: web.WebSocketResponse, _: int, sent: list[Any]) -> None:
        await socket.send_str(encode(message).decode())
        await until_async(lambda: len(sent) >= 4, "token and subscriptions")

    _, sent = run(handler, lambda notes: bool(notes.named("lost")), token="abc", monkeypatch=monkeypatch)
    assert sent[0] == {"type": "Authenticate", "token": "abc"}
    assert [(one["type"], one["level"]) for one in sent[1:4]] == [("Subscribe", level) for level in range(3)]


def test_a_silent_server_is_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENT_S", 0.05)

    async def handler(socket: web.WebSocketResponse, _: int, _sent: list[Any]) -> None:
        await socket.send_str(encode(CONNECTED).decode())
        await forever()

    def holds(notes: Notes) -> bool:
        return min(len(notes.named("lost")), len(notes.named("connected"))) >= 2

    notes, _ = run(handler, holds, token="abc", monkeypatch=monkeypatch)
    assert set(notes.named("lost")) == {"the server does not respond"}


def test_a_client_that_reconnects_sends_the_positions_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(socket: web.WebSocketResponse, number: int, sent: list[Any]) -> None:
        await socket.send_str(encode(CONNECTED).decode())
        await socket.send_bytes(events(4, 3, Part.NEWEST) if number == 1 else events(7, 2, Part.RESUMED))
        await (forever() if number == 2 else until_async(lambda: len(sent) == 1, "a subscription"))

    notes, sent = run(handler, lambda notes: notes.named("rows") == [4, 7], monkeypatch=monkeypatch)
    assert len(notes.named("lost")) == 1
    assert [one["positions"] for one in sent] == [
        [],
        [{"of": "Event", "epoch": INSTRUMENT.epoch, "first": 4, "next": 7, "revision": 0}],
    ]


def test_rows_that_do_not_join_are_never_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(socket: web.WebSocketResponse, _: int, _sent: list[Any]) -> None:
        await socket.send_str(encode(CONNECTED).decode())
        await socket.send_bytes(events(4, 3, Part.NEWEST))
        await socket.send_bytes(events(8, 1))
        await forever()

    notes, sent = run(handler, lambda notes: len(notes.named("lost")) >= 2, monkeypatch=monkeypatch)
    assert notes.named("rows")[:2] == [4, 4]
    assert "do not join" in notes.named("lost")[0]
    assert all(one["positions"] == [] for one in sent)  # nothing of what arrived is trusted


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            Error("unauthenticated", "the token is unknown, revoked or expired", "use a valid token"),
            "use a valid token",
        ),
        (msgspec.structs.replace(CONNECTED, version=VERSION + 1), "update this program"),
        (msgspec.structs.replace(CONNECTED, version=VERSION - 1), "update the server"),
    ],
)
def test_what_no_repetition_cures_is_not_repeated(message: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def handler(socket: web.WebSocketResponse, number: int, _sent: list[Any]) -> None:
        seen.append(number)
        await socket.send_str(encode(message).decode())
        await socket.close()

    notes, _ = run(handler, lambda notes: bool(notes.named("stopped")), monkeypatch=monkeypatch)
    assert said in notes.named("stopped")[0]
    assert notes.named("lost") == []
    assert seen == [1]


def test_a_server_that_goes_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(socket: web.WebSocketResponse, _: int, _sent: list[Any]) -> None:
        await socket.send_str(encode(CONNECTED).decode())
        await socket.send_str(encode(Error("going_away", "the server ends", "connect again")).decode())
        await socket.close()

    notes, _ = run(handler, lambda notes: len(notes.named("lost")) >= 3, monkeypatch=monkeypatch)
    assert notes.named("lost")[0] == "the server ends; connect again"
    assert notes.named("stopped") == []


def test_a_refused_command_is_reported_and_the_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(socket: web.WebSocketResponse, _: int, _sent: list[Any]) -> None:
        await socket.send_str(encode(CONNECTED).decode())
        await socket.send_str(encode(Error("forbidden", "read only", "")).decode())
        await forever()

    notes, _ = run(handler, lambda notes: bool(notes.named("refused")), monkeypatch=monkeypatch)
    assert notes.named("refused") == ["read only"]
    assert notes.named("lost", "stopped") == []


def test_an_address_without_a_server_is_tried_again_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_DELAY_S", 0.001)
    notes = Notes()

    async def attempt() -> None:
        task = asyncio.create_task(Connection(RemoteSpec(url="ws://127.0.0.1:9/ws"), "", notes).run())
        await until_async(lambda: len(notes.named("lost")) >= 3, "three attempts")
        task.cancel()

    asyncio.run(attempt())
    assert notes.named("lost")[0] == "no connection: Connection refused"


def test_a_client_that_was_too_slow_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(socket: web.WebSocketResponse, number: int, sent: list[Any]) -> None:
        await socket.send_str(encode(CONNECTED).decode())
        if number == 1:
            await socket.send_bytes(events(4, 3, Part.NEWEST))
            await until_async(lambda: len(sent) == 1, "a subscription")
            await socket.send_str(encode(Error("too_slow", "the client reads too slowly", "")).decode())
            await socket.close()
        elif number == 2:
            await until_async(lambda: len(sent) == 2, "another subscription")
        else:
            await forever()

    notes, sent = run(handler, lambda notes: len(notes.named("connected")) >= 3, monkeypatch=monkeypatch)
    assert "too slowly" in notes.named("lost")[0]
    assert [one["positions"] != [] for one in sent][:2] == [False, True]
