"""Names, payloads and messages of the bus."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.schema import EVENT
from flow_gl.protocol import bus
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import CHART_ROW, FORMS, PROFILE_HEAD, PROFILE_ROW, Kind, Part
from flow_gl.protocol.messages import Instrument, Status

TOPIC = bus.Topic("GLBX.MDP3", "NQ.v.0")
TOKEN = re.compile(r"[-=A-Za-z0-9]+")
"""What subjects, names of streams and keys of a bucket may all hold."""


def test_names_of_a_chart_are_readable() -> None:
    assert TOPIC.key == "GLBX-MDP3.NQ-v-0"
    assert TOPIC.stream(bus.Log.ROWS) == "flow_gl_rows_GLBX-MDP3_NQ-v-0"
    assert TOPIC.subjects(bus.Log.HISTORY) == "flow_gl.history.GLBX-MDP3.NQ-v-0.>"
    assert TOPIC.subject(bus.Log.STATE, bus.STATUS) == "flow_gl.state.GLBX-MDP3.NQ-v-0.Status"
    assert TOPIC.subject_of(bus.Log.ROWS, Kind.BUBBLE, 3) == "flow_gl.rows.GLBX-MDP3.NQ-v-0.Bubble.3"
    assert TOPIC.subject_of(bus.Log.ROWS, Kind.EVENT) == "flow_gl.rows.GLBX-MDP3.NQ-v-0.Event"
    assert TOPIC.subject_of(bus.Log.STATE, Kind.OPEN) == "flow_gl.state.GLBX-MDP3.NQ-v-0.Open"


@given(st.text(min_size=1, max_size=32))
def test_every_name_is_one_token_and_comes_back(name: str) -> None:
    token = bus.escape(name.encode("utf-8", "replace").decode())
    assert TOKEN.fullmatch(token)
    assert bus.unescape(token) == name.encode("utf-8", "replace").decode()


@given(st.tuples(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8)))
def test_a_key_gives_its_chart(names: tuple[str, str]) -> None:
    assert bus.topic_of(bus.Topic(*names).key) == names


@pytest.mark.parametrize("token", ["=4", "=zz", "=41", "=FF", "a.b", "a b", "=2e", "*", "=2E"])
def test_a_token_that_no_name_gives_is_refused(token: str) -> None:
    with pytest.raises(ProtocolError, match="not a name on the bus"):
        bus.unescape(token)


@pytest.mark.parametrize("key", ["", "GLBX-MDP3", ".NQ", "GLBX.", "a.b.c"])
def test_a_key_of_no_chart_is_refused(key: str) -> None:
    with pytest.raises(ProtocolError, match="on the bus"):
        bus.topic_of(key)


def _rows(kind: Kind, count: int, **more: int) -> Rows:
    rows = np.zeros(count, FORMS[kind].dtype)
    return Rows(kind=kind, symbol=0, level=more.get("level", 0), epoch=7, sequence=more.get("sequence", 0), rows=rows)


def test_a_payload_gives_back_its_blocks() -> None:
    bubbles = _rows(Kind.BUBBLE, 3, level=2, sequence=41)
    bubbles.rows["ts_event"] = [0, 5_000_000_000, 10_000_000_000]
    blocks = [bubbles, _rows(Kind.PROFILE, 1), _rows(Kind.PROFILE_ROWS, 0), _rows(Kind.EVENT, 1)]
    found = bus.unpack(bus.pack(blocks, tick_size=250_000_000, widths_ns=(10**9, 10**9, 5 * 10**9)))
    assert [(one.kind, one.level, one.sequence, one.next, one.part) for one in found] == [
        (Kind.BUBBLE, 2, 41, 44, Part.INCREMENT),
        (Kind.PROFILE, 0, 0, 1, Part.INCREMENT),
        (Kind.PROFILE_ROWS, 0, 0, 0, Part.INCREMENT),
        (Kind.EVENT, 0, 0, 1, Part.INCREMENT),
    ]
    assert [one.rows.dtype for one in found] == [CHART_ROW, PROFILE_HEAD, PROFILE_ROW, EVENT]
    assert found[0].rows.tobytes() == bubbles.rows.tobytes()
    assert bus.unpack(b"") == []


def test_a_damaged_payload_is_an_error() -> None:
    whole = bus.pack([_rows(Kind.EVENT, 2)], tick_size=1, widths_ns=(1,))
    for size in range(1, len(whole)):
        with pytest.raises(ProtocolError, match=r"damaged|expected"):
            bus.unpack(whole[:size])


def _chart(version: int = bus.VERSION) -> bus.Chart:
    instrument = Instrument("NQ.v.0", "NQZ5", 42, 7, 250_000_000, 1, None, 10**9, (10**9,), (0.15,))
    return bus.Chart(
        version=version,
        server="flow_gl 0.1.0",
        dataset="GLBX.MDP3",
        source="demo seed 1",
        feed="demo",
        instrument=instrument,
        settings={"bucket_ns": 10**9},
        rows_begin=1,
        history_begin=1,
    )


@pytest.mark.parametrize(
    "message",
    [
        _chart(),
        bus.Chapter(7, 4_711),
        bus.Lease(holder="desk:1:ab", dataset="D", symbol="S", renewed=3, every_ms=500),
        Status("live", "running", "", 1, {"lost": 0}),
    ],
)
def test_messages_come_back(message: bus.Message) -> None:
    assert bus.decode(bus.encode(message), type(message)) == message


def test_each_example_of_the_document_is_a_message() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text().split("\n## Bus\n")[1]
    examples = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    kinds = {one.__struct_config__.tag: one for one in (bus.Chart, bus.Chapter, bus.Lease)}
    assert [json.loads(one)["type"] for one in examples] == list(kinds)
    for one in examples:
        given = json.loads(one)
        assert json.loads(bus.encode(bus.decode(one.encode(), kinds[given["type"]]))) == given


def test_another_message_and_another_version_are_one_line() -> None:
    with pytest.raises(ProtocolError, match="expected Chart on the bus, got Chapter"):
        bus.decode(bus.encode(bus.Chapter(7, 1)), bus.Chart)
    with pytest.raises(ProtocolError, match="not a message of the bus"):
        bus.decode(b"\xff{", bus.Chart)
    with pytest.raises(ProtocolError, match="the bus has version 2, this program 1: update this program"):
        bus.decode(bus.encode(_chart(2)), bus.Chart)
    with pytest.raises(ProtocolError, match="update the engine"):
        bus.decode(bus.encode(_chart(0)), bus.Chart)


def test_the_same_rows_have_the_same_id_and_others_another() -> None:
    def block(**changed: int) -> Rows:
        values = {"level": 0, "epoch": 7, "sequence": 10, "revision": 0} | changed
        return Rows(kind=Kind.BUBBLE, symbol=0, rows=np.zeros(5, CHART_ROW), **values)

    same = bus.row_id(block())
    assert same == bus.row_id(block()) == "7.Bubble.0.0.10.15"
    others = [{"level": 1}, {"epoch": 8}, {"sequence": 11}, {"revision": 1}]
    assert len({same, *(bus.row_id(block(**one)) for one in others)}) == 5
