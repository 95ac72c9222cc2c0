"""Ten thousand malformed and hostile messages against the real application, with a fixed seed.

They are sent over real sockets, by clients without a token and by one that may read one of two charts' data. Meanwhile
a well-behaved client reads the other chart. Nothing may end the server or print a traceback, no client may get what it
did not request, and the well-behaved client gets every row.
"""

import asyncio
import base64
import json
import logging
import random
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from flow_gl.protocol.messages import JSON_FORM, PACKED_FORM
from flow_gl.server.app import App, make_app
from flow_gl.server.http_log import http_logger
from flow_gl.server.hub import TICK_S
from flow_gl.server.metrics.exposition import Exposition
from flow_gl.server.metrics.http import Operations
from flow_gl.server.security import token_file
from flow_gl.server.security.admission import Admission
from flow_gl.server.security.http import rules
from flow_gl.server.security.limits import parse_limits
from flow_gl.server.security.origins import Origins
from flow_gl.server.security.tokens import Tokens
from flow_gl.server.spec import CommandLine
from tests.kit.local_link import name
from tests.kit.markets import make_market
from tests.kit.served import HubRig
from tests.kit.waiting import PATIENCE_S

MESSAGES = 10_000
SEED = 20_251_128
OURS, THEIRS = "NQ.v.0", "ES.v.0"
"""The chart that hostile clients may read, and the one that they may not hear of."""
MANY = "new-connections=100000/minute", "messages=100000/minute", "address-messages=1000000/minute"
MORE = (
    "failures=100000/minute",
    "snapshots=100000/minute",
    "address-snapshots=100000/minute",
    "connections=4000",
    "requests=100000/minute",
)


class Rig:
    """A server on loopback with two charts, a token for reading, and what it commands."""

    def __init__(self, folder: Path, *limits: str) -> None:
        path = folder / "tokens.json"
        self.token = token_file.create(path, name="reader", scopes=("read",), wall_ns=0)
        self.markets = [make_market(20_000, seed=5 + number, is_published=False) for number in range(2)]
        for market, symbol in zip(self.markets, ("NQZ5", "ESZ5"), strict=True):
            market.advance(100)
            name(market.store, symbol)
        self.hub = HubRig(*(market.store for market in self.markets))
        self.admission = Admission(
            tokens=Tokens(path), limits=parse_limits([*limits]), origins=Origins(is_local_only=True)
        )
        self.commands: list[CommandLine] = []
        self.app = App(self.hub.hub, self.admission, feed="demo", on_command=self.commands.append)
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        operations = Operations(self.hub.charts, Exposition(self.hub.charts, self.hub.board), self.admission)
        runner = web.AppRunner(
            make_app([self.app.add_routes, operations.add_routes], [rules(self.admission)]),
            access_log=None,
            logger=http_logger(),
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            await runner.cleanup()

    async def _tick(self) -> None:
        for at in range(100, 10_000):
            for market in self.markets:
                market.store.bubbles[0].append(market.rows[at : at + 1])
                market.store.cvd[0].append(market.points[at : at + 1])
            self.hub.tick()
            await asyncio.sleep(TICK_S / 4)


class Sender:
    """Makes hostile messages."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def payload(self) -> str | bytes:
        """Return one WebSocket message: text, or bytes for a binary frame."""
        return self.random.choice(
            [self._noise, self._binary, self._cut, self._twisted, self._twisted, self._twisted, self._deep, self._long]
        )()

    def _noise(self) -> str:
        return self.random.randbytes(120).decode("utf-16-le", "replace")

    def _binary(self) -> bytes:
        return self.random.randbytes(self.random.randrange(200))

    def _cut(self) -> str:
        text = json.dumps(self._message())
        return text[: self.random.randrange(len(text))]

    def _deep(self) -> str:
        return self.random.choice(["[", '{"type":', '{"a":[']) * self.random.randrange(1, 2_000)

    def _long(self) -> str:
        return json.dumps({"type": "Subscribe", "symbol": "A" * self.random.choice([5_000, 16_300, 17_000, 70_000])})

    def _twisted(self) -> str:
        message = self._message()
        for _ in range(self.random.randrange(3)):
            message[self.random.choice([*message, "type", "symbol", "level", "positions"])] = self._value()
        return json.dumps(message)

    def _message(self) -> dict[str, Any]:
        pick = self.random.choice
        return pick(
            [
                {"type": "Subscribe", "symbol": pick([OURS, "NQZ5", "", "../../etc/passwd", "NQ\0", "Ω"])},
                {
                    "type": "Subscribe",
                    "symbol": OURS,
                    "level": pick([0, 1, -1, 99, 2**63]),
                    "span_s": pick([1, -5, 1e308]),
                },
                {
                    "type": "Subscribe",
                    "symbol": OURS,
                    "kinds": pick([["Bubble"], ["Open", "Nothing"], [], ["x"] * 500]),
                },
                {"type": "Subscribe", "symbol": OURS, "version": pick([0, 2, "1", -1])},
                {"type": "Subscribe", "symbol": OURS, "positions": [self._position() for _ in range(pick([1, 2, 40]))]},
                {"type": "Unsubscribe", "symbol": OURS, "level": pick([0, 5, -3])},
                {
                    "type": "Command",
                    "name": pick(["set_speed", "stop", "__import__"]),
                    "value": pick([1, None, 1e400, -1]),
                },
                {"type": "Authenticate", "token": pick(["", "x" * 900, "flowgltoken_" + "A" * 43])},
                {"type": pick(["Connected", "Bubble", "Error", "", None, 3, []])},
            ]
        )

    def _position(self) -> dict[str, Any]:
        pick = self.random.choice
        numbers = [0, 1, 1000, 1001, -1, 2**31, 2**63 - 1, 2**63, -(2**63), 1.5, None, "7"]
        return {
            "of": pick(["Bubble", "Event", "Open", "Nothing"]),
            **{key: pick(numbers) for key in ("epoch", "first", "next", "revision")},
        }

    def _value(self) -> Any:
        return self.random.choice(
            [None, True, -1, 2**70, 1e308, "", "x" * 300, [], {}, [[[]]], {"a": {"b": 1}}, "\ud800"]
        )

    def raw(self) -> bytes:
        """Return bytes for a socket: no HTTP, or a WebSocket that breaks its rules."""
        noise = self.random.randbytes(self.random.randrange(300))
        if self.random.random() < 0.5:
            return self.random.choice(
                [
                    noise,
                    b"GET /ws HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * self.random.randrange(3_000) + b"\r\n",
                    b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    b"GET /ws HTTP/9.9\r\n\r\n",
                    b"POST /ws HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
                    b"GET /" + b"a" * self.random.randrange(20_000) + b" HTTP/1.1\r\n\r\n",
                    b"GET /ws?token=flowgltoken_secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    b"GET /ws HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                    b"GET http://[::1/ws HTTP/1.1\r\nHost: [::1\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise,
                ]
            )
        key = base64.b64encode(self.random.randbytes(16))
        head = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
        frame = self.random.choice(
            [
                b"\x81\x05hello",  # not masked
                b"\xf1\x80" + noise[:4],  # reserved bits
                b"\x8f\x80abcd",  # an unknown opcode
                b"\x09\xff" + struct.pack(">Q", 2**63 - 1) + noise,  # an enormous ping in pieces
                b"\x81\xff" + struct.pack(">Q", 2**40) + noise,  # an enormous text
                b"\x80\x84abcdxxxx",  # a continuation of nothing
                b"\x88\x81abcdx",  # a close code of one byte
                b"\x81\x84\0\0\0\0\xff\xfe\xfd\xfc",  # a text that is no UTF-8
                noise,
            ]
        )
        return head + frame


class Witness(logging.Handler):
    """Keeps everything that was logged as an error or with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.seen.append(self.format(record))


@pytest.fixture
def witness() -> Iterator[Witness]:
    found = Witness()
    logging.getLogger().addHandler(found)
    logging.getLogger("flow_gl").propagate = True
    yield found
    logging.getLogger().removeHandler(found)


def belongs(message: dict[str, Any], *, is_known: bool) -> bool:
    """Whether a hostile client may get a message: errors, and if it is known also what it can subscribe to."""
    if message["type"] == "Error":
        return THEIRS not in message["text"]
    return is_known and message.get("symbol", OURS) == OURS


async def attack(rig: Rig, sender: Sender, count: int, *, is_known: bool) -> int:
    """Send messages over as many connections as it takes; return how many were sent."""
    sent = 0
    headers = {"Authorization": f"Bearer {rig.token}"} if is_known else {}
    async with aiohttp.ClientSession() as session:
        while sent < count:
            async with session.ws_connect(
                f"http://127.0.0.1:{rig.port}/ws", headers=headers, protocols=[JSON_FORM], max_msg_size=0
            ) as socket:
                reading = asyncio.create_task(read_all(socket, is_known=is_known))
                try:
                    while sent < count and not socket.closed and not reading.done():
                        payload = sender.payload()
                        sent += 1
                        await (socket.send_bytes(payload) if isinstance(payload, bytes) else socket.send_str(payload))
                        await asyncio.sleep(0)
                except (ConnectionError, aiohttp.ClientError, UnicodeEncodeError):
                    pass
                await socket.close()
                await reading
    return sent


async def read_all(socket: aiohttp.ClientWebSocketResponse, *, is_known: bool) -> None:
    async for message in socket:
        assert message.type is aiohttp.WSMsgType.TEXT
        found = json.loads(message.data)
        assert belongs(found, is_known=is_known), found


async def attack_raw(rig: Rig, sender: Sender, count: int) -> int:
    """Send bytes over sockets of their own; return how many messages."""
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        try:
            writer.write(sender.raw())
            if sender.random.random() < 0.3:
                writer.write_eof()
            answer = await asyncio.wait_for(reader.read(2_000), 0.005)
            assert b"Traceback" not in answer
            assert b"500 Internal" not in answer, answer
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
    return count


async def read_well(rig: Rig, until_done: asyncio.Event) -> set[str]:
    """Read over twenty of the other chart's bubbles, without a hole; return the symbols of all that came."""
    headers = {"Authorization": f"Bearer {rig.token}"}
    following, symbols = 0, set()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{rig.port}/ws", headers=headers) as socket,
    ):
        await socket.send_json({"type": "Subscribe", "symbol": THEIRS, "kinds": ["Bubble"]})
        last = None
        while not until_done.is_set() or following <= 20:
            message = json.loads((await socket.receive(PATIENCE_S)).data)
            symbols |= {message["symbol"]} if "symbol" in message else set()
            if message["type"] == "Bubble":
                assert last is None or message["sequence"] == last + 1
                last = message["sequence"]
                following += 1
    return symbols


def test_ten_thousand_hostile_messages_change_nothing(
    tmp_path: Path, witness: Witness, capfd: pytest.CaptureFixture[str]
) -> None:
    rig = Rig(tmp_path, *MANY, *MORE)

    async def run() -> None:
        faults: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
        async with rig.running():
            done = asyncio.Event()
            well = asyncio.create_task(read_well(rig, done))
            counts = await asyncio.gather(
                *(attack(rig, Sender(SEED + n), MESSAGES // 5, is_known=n % 2 == 0) for n in range(4)),
                *(attack_raw(rig, Sender(SEED + 100 + n), MESSAGES // 20) for n in range(4)),
            )
            assert sum(counts) == MESSAGES
            done.set()
            symbols = await well
            assert symbols == {THEIRS}
            async with aiohttp.ClientSession() as session:
                answer = await session.get(f"http://127.0.0.1:{rig.port}/healthz")
                assert answer.status == 200
        assert faults == []

    asyncio.run(asyncio.wait_for(run(), 2 * PATIENCE_S))
    assert rig.commands == [], "none of them may command"
    assert rig.admission.connections == 0, "every place is given back"
    assert witness.seen == []
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err


def test_with_the_usual_limits_a_flood_is_cut_off_with_a_reason(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "messages=50/minute")

    async def run() -> list[dict[str, Any]]:
        async with (
            rig.running(),
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"http://127.0.0.1:{rig.port}/ws",
                headers={"Authorization": f"Bearer {rig.token}"},
                protocols=[PACKED_FORM],
            ) as socket,
        ):
            with_limit = 50 + 40
            for _ in range(with_limit):
                if not socket.closed:
                    await socket.send_str('{"type": "Unsubscribe", "symbol": "NQ.v.0"}')
            return [json.loads(message.data) async for message in socket if message.type is aiohttp.WSMsgType.TEXT]

    errors = [one for one in asyncio.run(asyncio.wait_for(run(), PATIENCE_S)) if one["type"] == "Error"]
    assert [one["code"] for one in errors[:51]] == ["not_subscribed"] * 50 + ["rate_limited"]
    assert "too many messages (50 per 1 minute)" in errors[-1]["text"]
    assert len(errors) < 50 + 40, "and the connection ends"
