"""JSON messages: the document's examples are valid, rows become messages, and nothing else is accepted as one."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.schema import EVENT, GAP, GapKind
from flow_gl.protocol import json_rows, messages
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import FORMS, PROFILE_HEAD, PROFILE_ROW, Cause, Kind, Part, join
from flow_gl.protocol.messages import Bubble, CVDPoint, Event, Gap, Snapshot
from tests.kit.markets import TICK, make_market, make_seconds

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
SERVERS, BUS = DOCUMENT.read_text().split("\n## Bus\n")
EXAMPLES = re.findall(r"```json\n(.*?)```", SERVERS, re.DOTALL)
SERVER = {one.__struct_config__.tag for one in messages.ServerMessage.__args__}
CLIENT = {one.__struct_config__.tag for one in messages.ClientMessage.__args__}


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: json.loads(text)["type"])
def test_each_example_of_the_document_is_a_message(text: str) -> None:
    given = json.loads(text)
    decode = messages.decode_client if given["type"] in CLIENT else messages.decode_server
    again = json.loads(messages.encode(decode(text)))
    assert {name: again[name] for name in given if name != "positions"} == {
        name: value for name, value in given.items() if name != "positions"
    }


def test_the_document_has_an_example_of_every_message() -> None:
    assert {json.loads(text)["type"] for text in EXAMPLES} == SERVER | CLIENT


def block(kind: Kind, rows: np.ndarray, **fields: object) -> Rows:
    return Rows(kind=kind, symbol=0, level=2, epoch=9, sequence=100, rows=rows, **fields)  # type: ignore[arg-type]


def test_closed_bubbles_become_a_bubble_and_a_cvd_point_each() -> None:
    bubbles, points = make_seconds(20)
    found = json_rows.messages(block(Kind.BUBBLE, join(bubbles, points)), "NQ.v.0", 0.15)
    assert [type(one) for one in found] == [Bubble, CVDPoint] * len(bubbles)
    for at, row in enumerate(bubbles):
        one, point = found[2 * at], found[2 * at + 1]
        assert isinstance(one, Bubble)
        assert isinstance(point, CVDPoint)
        assert (one.sequence, point.sequence, one.level, one.epoch) == (100 + at, 100 + at, 2, 9)
        assert all(getattr(one, name) == row[name] for name in row.dtype.names or ())
        assert all(getattr(point, name) == points[at][name] for name in points.dtype.names or ())
        assert one.delta == row["buy"] - row["sell"]
        assert one.significant == (abs(one.delta) > 0.15 * (row["buy"] + row["sell"]))


def test_many_closed_bubbles_become_one_snapshot() -> None:
    rows = join(*make_seconds(200))
    (found,) = json_rows.messages(block(Kind.BUBBLE, rows), "NQ.v.0")
    assert isinstance(found, Snapshot)
    assert (found.part, found.cause, found.sequence) == ("increment", "none", 100)
    assert found.columns == list(rows.dtype.names or ())
    assert found.rows == [list(row) for row in rows.tolist()]


def test_snapshots_carry_their_part_cause_and_missed_rows() -> None:
    rows = join(*make_seconds(10))
    (found,) = json_rows.messages(
        block(Kind.BUBBLE, rows, part=Part.RESUMED, cause=Cause.SLOW, missed=8, oldest=4), "NQ.v.0"
    )
    assert isinstance(found, Snapshot)
    assert (found.part, found.cause, found.missed, found.oldest) == ("resumed", "slow", 8, 4)


def test_events_and_gaps_have_names_alone_and_in_a_snapshot() -> None:
    event, gap = np.zeros(1, EVENT), np.zeros(1, GAP)
    event["kind"], event["value"], event["strength"] = 2, [1, 2, np.nan, 4], 1.5
    gap["kind"], gap["open"], gap["end"] = GapKind.NO_TRADES, 1, 5
    (one,) = json_rows.messages(block(Kind.EVENT, event), "NQ")
    (other,) = json_rows.messages(block(Kind.GAP, gap), "NQ")
    assert isinstance(one, Event)
    assert (one.kind, one.value, one.strength) == ("absorption", [1, 2, None, 4], 1.5)
    assert isinstance(other, Gap)
    assert (other.kind, other.open, other.end) == ("no_trades", True, 5)
    (whole,) = json_rows.messages(block(Kind.GAP, gap, part=Part.NEWEST), "NQ")
    assert isinstance(whole, Snapshot)
    assert dict(zip(whole.columns, whole.rows[0], strict=True)) == {
        "start": 0,
        "end": 5,
        "kind": "no_trades",
        "open": True,
    }


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.PROFILE, Kind.PROFILE_ROWS}))
def test_every_kind_has_json(kind: Kind) -> None:
    rows = np.zeros(1, FORMS[kind].dtype)
    if kind in (Kind.EVENT, Kind.GAP):
        rows["kind"] = 1
    for part in (Part.INCREMENT, Part.NEWEST):
        for message in json_rows.messages(block(kind, rows, part=part), "NQ.v.0"):
            assert messages.decode_server(messages.encode(message)) == message


def test_a_profile_has_prices_for_rows() -> None:
    profile = make_market(60).reader.profile
    head, rows = np.zeros(1, PROFILE_HEAD), np.zeros(int(profile["count"]), PROFILE_ROW)
    for name in PROFILE_HEAD.names or ():
        head[name] = profile[name]
    for name in PROFILE_ROW.names or ():
        rows[name] = profile[name][: len(rows)]
    found = json_rows.profile(block(Kind.PROFILE, head), block(Kind.PROFILE_ROWS, rows, part=Part.NEWEST), "NQ.v.0")
    assert found.is_whole
    assert found.poc == profile["poc"]
    assert found.lvn == profile["lvn"][: profile["lvn_count"]].tolist()
    assert [row[0] for row in found.rows] == [int(profile["base"]) + int(row) * TICK for row in rows["row"]]
    assert sum(sum(row[1:]) for row in found.rows) == found.total


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "not a message"),
        ("[]", "object"),
        ('{"type": "Nonsense"}', "Nonsense"),
        ('{"symbol": "NQ"}', "type"),
        ('{"type": "Subscribe"}', "symbol"),
        ('{"type": "Subscribe", "symbol": "NQ", "level": -1}', "level"),
        ('{"type": "Subscribe", "symbol": "NQ", "span_s": 0}', "span_s"),
        ('{"type": "Subscribe", "symbol": "' + "N" * 33 + '"}', "symbol"),
        ('{"type": "Command", "name": "set_speed", "value": "fast"}', "value"),
    ],
)
def test_a_wrong_message_is_refused_and_the_field_named(text: str, names: str) -> None:
    with pytest.raises(ProtocolError, match=names):
        messages.decode_client(text)


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
def test_noise_is_refused(text: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        messages.decode_client(text)


def test_a_token_is_never_shown() -> None:
    assert "secret" not in repr(messages.Authenticate("secret"))
