"""The client's half: it follows the rows of a stream, refuses holes, and resumes from what it has."""

import numpy as np
import pytest

from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows, encode
from flow_gl.protocol.kinds import FORMS, Kind, Part
from flow_gl.protocol.messages import VERSION, Connected, Error, Instrument, Position, Subscribe
from flow_gl.protocol.messages import encode as to_json
from flow_gl.protocol.receiver import Receiver

NQ = Instrument("NQ.v.0", "NQZ5", 1, 5, 250_000_000, 1, 20.0, 10**9, (10**9, 5 * 10**9), (0.15, 0.1))


def connected(version: int = VERSION) -> bytes:
    return to_json(Connected(version, "flow_gl", "GLBX.MDP3", "test", 40, ("read",), (NQ,), {}))


@pytest.fixture
def receiver() -> Receiver:
    found = Receiver()
    found.text(connected())
    return found


def frame(first: int, stop: int, part: Part, *, epoch: int = 5, kind: Kind = Kind.BUBBLE, revision: int = 0) -> bytes:
    rows = np.zeros(stop - first, FORMS[kind].dtype)
    return encode(
        Rows(kind=kind, symbol=0, level=0, epoch=epoch, sequence=first, rows=rows, part=part, revision=revision)
    )


def positions(receiver: Receiver, level: int = 0) -> tuple[Position, ...]:
    return receiver.resume(Subscribe("NQ.v.0", level=level, span_s=60.0)).positions


def test_it_has_nothing_at_first(receiver: Receiver) -> None:
    assert receiver.resume(Subscribe("NQ.v.0", span_s=60.0)) == Subscribe("NQ.v.0", span_s=60.0)


def test_newest_then_history_then_increments_are_one_range(receiver: Receiver) -> None:
    receiver.binary(frame(100, 120, Part.NEWEST))
    receiver.binary(frame(60, 100, Part.HISTORY))
    receiver.binary(frame(120, 121, Part.INCREMENT))
    receiver.binary(frame(50, 60, Part.HISTORY))
    assert positions(receiver) == (Position("Bubble", 5, 50, 121),)
    assert positions(receiver, level=1) == ()


def test_what_was_missed_joins(receiver: Receiver) -> None:
    receiver.binary(frame(100, 120, Part.NEWEST))
    receiver.binary(frame(120, 140, Part.RESUMED))
    assert positions(receiver) == (Position("Bubble", 5, 100, 140),)


def test_a_new_snapshot_forgets_the_old_rows(receiver: Receiver) -> None:
    receiver.binary(frame(100, 120, Part.NEWEST))
    receiver.binary(frame(0, 3, Part.NEWEST, epoch=6))
    assert positions(receiver) == (Position("Bubble", 6, 0, 3),)


@pytest.mark.parametrize(
    "data",
    [
        frame(121, 122, Part.INCREMENT),
        frame(119, 121, Part.INCREMENT),
        frame(121, 122, Part.RESUMED),
        frame(90, 99, Part.HISTORY),
        frame(120, 121, Part.INCREMENT, epoch=6),
        frame(120, 121, Part.INCREMENT, kind=Kind.EVENT),
    ],
)
def test_a_hole_is_an_error(receiver: Receiver, data: bytes) -> None:
    receiver.binary(frame(100, 120, Part.NEWEST))
    with pytest.raises(ProtocolError, match="do not join"):
        receiver.binary(data)
    assert positions(receiver) == (Position("Bubble", 5, 100, 120),)


def test_a_log_that_was_replaced_has_another_revision(receiver: Receiver) -> None:
    receiver.binary(frame(0, 4, Part.NEWEST, kind=Kind.EVENT))
    with pytest.raises(ProtocolError, match="do not join"):
        receiver.binary(frame(4, 5, Part.INCREMENT, kind=Kind.EVENT, revision=1))
    receiver.binary(frame(4, 9, Part.NEWEST, kind=Kind.EVENT, revision=1))
    assert positions(receiver) == (Position("Event", 5, 4, 9, 1),)


def test_rows_that_change_have_no_position(receiver: Receiver) -> None:
    receiver.binary(frame(8, 9, Part.INCREMENT, kind=Kind.SESSION))
    receiver.binary(frame(3, 4, Part.INCREMENT, kind=Kind.GAP))
    assert positions(receiver) == ()


def test_forgotten_rows_are_asked_for_again(receiver: Receiver) -> None:
    receiver.binary(frame(100, 120, Part.NEWEST))
    receiver.forget("NQ.v.0", 0)
    assert positions(receiver) == ()


@pytest.mark.parametrize(("version", "older"), [(VERSION + 1, "this program"), (VERSION - 1, "the server")])
def test_another_version_is_refused_and_the_error_names_what_to_update(version: int, older: str) -> None:
    with pytest.raises(ProtocolError, match=f"update {older}"):
        Receiver().text(connected(version))


def test_errors_are_messages(receiver: Receiver) -> None:
    error = Error("unknown_symbol", "there is no CL", "symbols: NQ.v.0")
    assert receiver.text(to_json(error)) == error


def test_rows_before_the_instruments_are_refused() -> None:
    with pytest.raises(ProtocolError, match="instrument 0, of 0"):
        Receiver().binary(frame(0, 1, Part.NEWEST))
