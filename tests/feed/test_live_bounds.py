"""What a gateway can make the program keep is bounded: before the first record, after it, and for every kind."""

import gc
import time
from pathlib import Path

import databento  # noqa: F401  - what it takes itself is not counted
import pytest

from flow_gl.core.items import Mapping, Trades
from flow_gl.core.schema import FeedState
from flow_gl.core.units import MINUTE_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.files.replay import read_items
from flow_gl.feed.live.bounds import GREETING_BYTES, HEADER_BYTES, MAX_WAITING
from flow_gl.feed.live.connection import Connection, Phase
from flow_gl.feed.live.intake import MAX_NAMES, MAX_NOT_FOUND, Intake
from flow_gl.feed.live.request import Request, Subscription
from tests.feed.hostile import HostileGateway, Script, for_ever, greet, stream
from tests.feed.live_rig import Rig
from tests.gateway import records
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import DATASET, KEY, NQ, OPEN_NS, Contract, make_tape, of
from tests.kit.waiting import PATIENCE_S, until

WALL = OPEN_NS + MINUTE_NS
TRADE = of(make_tape(100), NQ)[:1].tobytes()


@pytest.fixture
def hostile():
    made: list[HostileGateway] = []

    def make(script: Script) -> HostileGateway:
        made.append(HostileGateway(script))
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()


def connect(port: int) -> Connection:
    subscription = Subscription("trades", ("NQ.v.0",), "continuous", 0)
    connection = Connection(
        Request(dataset=DATASET, subscriptions=(subscription,), gateway="127.0.0.1", port=port), key=KEY
    )
    connection.open()
    return connection


def wait_for_end(connection: Connection, seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while connection.phase is not Phase.ENDED:
        assert time.monotonic() < deadline, "the connection goes on"
        time.sleep(0.005)


def private_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1e3


def flood(data: bytes, after: Script | None = None) -> Script:
    def script(connection) -> None:
        if after:
            after(connection)
        for piece in for_ever(data):
            connection.sendall(piece)

    return script


HEADER_WITHOUT_END = b"DBN\x03" + (0xFFFFFFF0).to_bytes(4, "little")
FLOODS = {
    "no line end": (flood(b"maintenance "), "greeting does not end"),
    "lines that say nothing": (flood(b"lsg_version=0.6.1\n"), "greeting does not end"),
    "no header": (lambda connection: (greet(connection), flood(HEADER_WITHOUT_END)(connection)), "header"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_before_the_first_record_ends_the_connection(hostile, name: str) -> None:
    script, words = FLOODS[name]
    before = private_mb()
    connection = connect(hostile(script).port)
    wait_for_end(connection)
    assert words in (connection.failure or "")
    assert private_mb() - before < 4 * max(GREETING_BYTES, HEADER_BYTES) / 1e6
    connection.close(wait=True)


def test_a_reason_of_a_megabyte_is_shortened(hostile) -> None:
    def script(connection) -> None:
        connection.sendall(b"lsg_version=0.6.1\ncram=0123456789abcdef\n")
        connection.recv(65536)
        connection.sendall(b"success=0|error=maintenance-until-18:00\x1b[31m%s[b]" + b"x" * 800_000 + b"\n")
        time.sleep(0.5)

    gateway = hostile(script)
    rig = Rig(gateway, wall_ns=WALL)  # type: ignore[arg-type]
    try:
        rig.start()
        rig.until(lambda: "maintenance-until-18:00" in rig.feed.status().message, what="the reason")
        message = rig.feed.status().message
        assert message.isprintable()
        assert len(message) <= 240
    finally:
        rig.close()


def test_an_endless_reason_is_shortened(hostile) -> None:
    connection = connect(hostile(lambda connection: connection.sendall(b"closed for maintenance " + b"x" * 9999)).port)
    wait_for_end(connection)
    assert "closed for maintenance" in (connection.failure or "")
    connection.close(wait=True)


def test_a_flood_of_records_makes_the_gateway_wait(hostile) -> None:
    connection = connect(hostile(flood(TRADE, after=stream)).port)
    until(lambda: connection.is_held_up, "a pause")
    most = connection.waiting
    time.sleep(0.2)
    assert connection.waiting == most, "it is not read any more"
    assert most < MAX_WAITING + (1 << 16)
    taken = 0
    deadline = time.monotonic() + PATIENCE_S
    while connection.is_held_up or taken < most + 1000:
        assert time.monotonic() < deadline
        taken += len(connection.drain(8192))
    connection.close(wait=True)


def make_intake(*, is_parent: bool) -> Intake:
    intake = Intake(("NQ.FUT",), is_parent=is_parent, masked_key="****")
    intake.begin(start=OPEN_NS, origin=OPEN_NS, earliest_ns=0, replays=1)
    return intake


def storm_of_ids(n: int) -> bytes:
    return records.mapping(Contract(n + 1, f"NQ{n}", "NQ.FUT", 1, 1), "NQ.FUT", WALL)


def storm_of_symbols(n: int) -> bytes:
    return records.mapping(Contract(7, f"NQ{n % 2}", "NQ.FUT", 1, 1), "NQ.FUT", WALL)


def storm_of_definitions(n: int) -> bytes:
    return records.definition(Contract(n + 1, f"NQ{n}", "NQ.FUT", 1, 1))


@pytest.mark.parametrize("storm", [storm_of_ids, storm_of_symbols, storm_of_definitions])
def test_a_flood_of_names_ends_the_connection(storm) -> None:
    intake = make_intake(is_parent=True)
    out: list = []
    with pytest.raises(DamageError, match="names and definitions"):
        intake.take([storm(n) for n in range(MAX_NAMES + 100)], WALL, out)
    assert len(out) == MAX_NAMES
    intake.begin(start=OPEN_NS, origin=OPEN_NS, earliest_ns=0, replays=1)
    with pytest.raises(DamageError):
        intake.take([storm(n) for n in range(MAX_NAMES, MAX_NAMES + 100)], WALL, out)
    assert len(out) == MAX_NAMES, "a new connection does not begin to count from nothing"


def test_a_flood_of_unknown_symbols_ends_the_connection() -> None:
    intake = make_intake(is_parent=False)
    errors = [records.error(4, f"no such symbol X{n}", WALL) for n in range(2 * MAX_NOT_FOUND)]
    with pytest.raises(DamageError):
        intake.take(errors, WALL, [])
    assert len(intake.not_found) <= MAX_NOT_FOUND + 1


def test_a_closed_connection_leaves_no_reference_cycles() -> None:
    gateway = GatewayProcess(count=500, published=200)
    try:

        def use() -> None:
            connection = connect(gateway.port)
            until(lambda: connection.waiting >= 50 or connection.phase is Phase.ENDED, "no trades")
            gateway("reset")
            wait_for_end(connection)
            connection.close(wait=True)
            until(lambda: connection.is_gone, "its threads go on")

        use()
        gc.collect()
        gc.disable()
        for _ in range(3):
            use()
        assert gc.collect() < 3 * 25, "a client's buffers hang in cycles"
    finally:
        gc.enable()
        gateway.close()


def test_unprintable_names_are_made_readable() -> None:
    intake = make_intake(is_parent=True)
    out: list = []
    hostile = Contract(7, "NQ\x1b[31m%s\u202e[b]\n", "NQ.FUT", 1, 1)
    assert intake.take([records.mapping(hostile, "NQ.FUT", WALL)], WALL, out) is None
    (mapping,) = out
    assert mapping.symbol.isascii()
    assert mapping.symbol.isprintable()
    assert mapping.symbol.startswith("NQ?[31m%s?[b]")


@pytest.mark.parametrize("symbol", ["", "NQ\x1b[31m", "x" * 70, "caf\u00e9", "\u202eNQ", "=1+1", 'a,b"c'])
def test_a_recording_under_any_name_can_be_read(tmp_path, symbol: str) -> None:
    intake = make_intake(is_parent=True)
    out: list = []
    assert intake.take([records.mapping(Contract(7, symbol, "NQ.FUT", 1, 1), "NQ.FUT", WALL)], WALL, out) is None
    (mapping,) = out
    rows = of(make_tape(100), NQ).copy()
    rows["instrument_id"] = 7
    path = tmp_path / "recorded.dbn.zst"
    write_dbn(path, rows, symbols={7: mapping.symbol})
    read = [item for item in read_items([path]) if isinstance(item, Mapping)]
    assert {item.symbol for item in read} == {mapping.symbol}
    assert sum(len(item.rows) for item in read_items([path]) if isinstance(item, Trades)) == len(rows)


def test_names_and_reasons_that_are_not_utf8_end_no_connection() -> None:
    intake = make_intake(is_parent=True)
    out: list = []
    for record, at in ((records.mapping(NQ, "NQ.FUT", WALL), 89), (records.definition(NQ), 238)):
        broken = bytearray(record)
        broken[at] = 0xFF
        assert intake.take([bytes(broken)], WALL, out) is None
    assert [item.symbol for item in out] == ["?QZ5", "?QZ5"]
    reason = bytearray(records.error(6, "internal", WALL))
    reason[16] = 0xFF
    trouble = intake.take([bytes(reason)], WALL, out)
    assert trouble is not None
    assert "?nternal" in trouble.message


def test_the_feed_keeps_retrying_after_a_flood(hostile) -> None:
    gateway = hostile(flood(b"x"))
    rig = Rig(gateway, wall_ns=WALL)  # type: ignore[arg-type]
    try:
        rig.start()
        rig.until(lambda: gateway.connections >= 3, what="further tries")
        assert rig.feed.status().state is FeedState.RECONNECTING
        assert "greeting does not end" in " ".join(rig.messages)
    finally:
        rig.close()
