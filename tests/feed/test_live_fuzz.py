"""A live feed against a gateway that sends garbage: it reports it in one line and retries."""

import random
import socket
import struct
import threading
import time

import numpy as np
import pytest

from flow_gl.core.schema import FeedState
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.supervisor import LiveFeed
from tests.feed.hostile import HostileGateway, greet, stream
from tests.feed.live_rig import FakeCalendar, TestClock
from tests.gateway import records
from tests.gateway.tape import DATASET, ES, KEY, NQ, make_tape, of
from tests.kit.waiting import PATIENCE_S

TAPE = make_tape(2000)
WALL = int(TAPE["ts_recv"][-1]) + 1_000_000
CONNECTIONS = 60
FIELDS = ("ts_event", "ts_recv", "price", "size", "side", "action", "flags", "sequence", "instrument_id", "depth")
GREETINGS = (
    b"",
    b"\0" * 5000,
    b"lsg_version=\xff\n",
    b"cram=\n" * 50,
    b"lsg_version=0.6.1\nlsg_version=0.6.1\ncram=a|cram=b\n",
    b"success=1|session_id=3\n",
    b"lsg_version=0.6.1\ncram=abc\nsuccess=0|error=limit %s \x1b[2J\xe2\x80\xae" + b"y" * 100_000 + b"\n",
    b"=|=|=\n",
)


def some_records(rng: random.Random) -> bytes:
    kind = rng.randrange(6)
    if kind == 0:
        return records.mapping(rng.choice((NQ, ES)), rng.choice(("NQ.v.0", "ES.v.0")), WALL)
    if kind == 1:
        return records.definition(rng.choice((NQ, ES)))
    if kind == 2:
        ts = WALL + rng.choice((0, SECOND_NS, -SECOND_NS, 10_000 * SECOND_NS, -(10**18)))
        return records.system(rng.choice((0, 1, 2, 3, 4)), rng.choice(("Heartbeat", "\x1b[31m%s", "replay")), ts)
    if kind == 3 and rng.random() < 0.2:
        words = rng.choice(("bad", "no symbol NQ.v.0", "%s%n[b]\x1b\u202e", "x" * 200))
        return records.error(rng.choice((1, 3, 4, 5, 6, 7, 8)), words, WALL)
    first = rng.randrange(len(TAPE) - 50)
    rows = TAPE[first : first + rng.randrange(1, 50)].copy()
    if rng.random() < 0.3:
        field = rng.choice(FIELDS)
        bounds = np.iinfo(rows.dtype[field])
        rows[field][rng.randrange(len(rows))] = rng.choice((0, bounds.max, bounds.min, rng.randint(0, bounds.max)))
    return rows.tobytes()


def damaged(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at, how = rng.randrange(len(out)), rng.randrange(4)
        if how == 0:
            out[at] = rng.choice((0, 255, 12, 19, 21, 22, 23, rng.randrange(256)))
        elif how == 1 and len(out) > 80:
            del out[at : at + rng.randrange(1, 60)]
        elif how == 2:
            out[at:at] = rng.randbytes(rng.randrange(1, 60))
        else:
            out[at:at] = out[: rng.randrange(1, 200)]
    return bytes(out)


def serve(rng: random.Random, connection: socket.socket) -> None:
    connection.settimeout(2.0)
    opening = rng.random()
    if opening < 0.1:
        connection.sendall(rng.choice(GREETINGS))
        return
    if opening < 0.2:
        greet(connection)
        connection.sendall(damaged(rng, records.metadata()))
    else:
        stream(connection)
    if opening > 0.3:
        for contract in (NQ, ES):
            connection.sendall(records.mapping(contract, contract.requested, WALL) + records.definition(contract))
        connection.sendall(of(TAPE, NQ)[:300].tobytes() + records.system(3, "Finished trades replay", WALL))
    share = rng.choice((0.0, 0.01, 0.05, 0.35))
    for _ in range(rng.randrange(1, 40)):
        data = some_records(rng)
        connection.sendall(damaged(rng, data) if rng.random() < share else data)
    if rng.random() < 0.3:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_bytes_are_reported_in_one_line_and_never_stop_the_feed(monkeypatch, seed: int) -> None:
    faults: list[object] = []
    monkeypatch.setattr(threading, "excepthook", faults.append)
    seeds = random.Random(seed)
    gateway = HostileGateway(lambda connection: serve(random.Random(seeds.random()), connection))
    clock = TestClock(WALL)
    feed = LiveFeed(
        LiveSpec(gateway="127.0.0.1", port=gateway.port, dataset=DATASET),
        api_key=KEY,
        hours=Hours("session open", calendar=FakeCalendar()),  # type: ignore[arg-type]
        clock=clock,
        draw=seeds.random,
    )
    try:
        feed.start()
        deadline = time.monotonic() + PATIENCE_S
        while gateway.connections < CONNECTIONS:
            assert time.monotonic() < deadline, f"{gateway.connections} connections; {feed.status()}"
            feed.poll(clock.wall)
            status = feed.status()
            assert status.message.isprintable()
            assert len(status.message) < 1000
            assert status.known_until < WALL + 3600 * SECOND_NS
            if status.state is FeedState.FAILED:
                feed.retry()
            pause_ns = status.retry_at - clock.wall if status.state is FeedState.RECONNECTING else 0
            clock.advance(max(pause_ns / SECOND_NS, 0.02))
            clock.wall = WALL if clock.wall > WALL + 600 * SECOND_NS else clock.wall
            time.sleep(0.0005)
    finally:
        feed.close()
        gateway.close()
    assert not faults
