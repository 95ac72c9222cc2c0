"""A reader of the bus: whatever is published twice, late or in another order, its rows are the published ones."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chapter, Chart
from flow_gl.protocol.bus_receiver import BusReceiver, Update
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Cause, Kind, Part
from flow_gl.protocol.messages import Status
from tests.kit.bus import EPOCH, block, description

WIDTHS_NS = (10**9, 5 * 10**9)


def payload(*blocks: Rows) -> bytes:
    return bus.pack(blocks, tick_size=1, widths_ns=WIDTHS_NS)


def bubbles(first: int, stop: int, **fields: int) -> bytes:
    return payload(block(Kind.BUBBLE, first, stop - first, **fields))


def joined(rows_last: int = 0, **fields: int) -> BusReceiver:
    receiver = BusReceiver(index=3)
    receiver.join(description(**fields), rows_last=rows_last)
    if rows_last:
        assert receiver.state("Levels", payload(block(Kind.LEVELS, 0, 1)), after=0) == []
    return receiver


def begun() -> BusReceiver:
    """A reader of an empty bus that has everything."""
    receiver = joined()
    assert len(receiver.state("Levels", payload(block(Kind.LEVELS, 0, 1)), after=0)) == 9
    return receiver


def rows_of(updates: Iterable[Update], kind: Kind = Kind.BUBBLE, level: int = 0) -> list[Rows]:
    return [one for one in updates if isinstance(one, Rows) and (one.kind, one.level) == (kind, level)]


def ids(blocks: Sequence[Rows]) -> list[int]:
    return [int(row) for one in blocks for row in one.rows["id"]]


def test_all_rows_of_the_past_come_as_one_block_of_each_stream() -> None:
    receiver = joined(rows_last=5)
    receiver.history(1, "Bubble.0", bubbles(0, 4))
    receiver.history(2, "Bubble.0", bubbles(4, 6))
    receiver.history(3, bus.CHAPTER, bus.encode(Chapter(EPOCH, 4)))
    assert (receiver.history_next, receiver.rows_next) == (4, 4)
    assert receiver.rows(4, "Bubble.0", bubbles(5, 8)) == []  # one row is in both
    found = receiver.rows(5, "Event", payload(block(Kind.EVENT, 0, 2)))
    (whole,) = rows_of(found)
    assert (whole.part, whole.symbol, whole.sequence, whole.oldest, ids([whole])) == (Part.NEWEST, 3, 0, 0, [*range(8)])
    streams = {(one.kind, one.level) for one in found if isinstance(one, Rows)}
    assert {(kind, level) for kind in (Kind.BUBBLE, Kind.FOOTPRINT) for level in (0, 1)} < streams
    assert {(kind, 0) for kind in (Kind.EVENT, Kind.MINUTE_LEVELS, Kind.ORDER_CVD, Kind.ORDER)} < streams
    assert len(streams) == len(found) == 9
    assert receiver.is_whole


def test_an_empty_bus_is_whole_at_once() -> None:
    receiver = joined()
    assert receiver.settle() == []  # its publisher has only begun
    assert len(receiver.state("Levels", payload(block(Kind.LEVELS, 0, 1)), after=0)) == 9
    assert receiver.settle() == []


def test_new_rows_follow_and_known_ones_are_dropped() -> None:
    receiver = begun()
    (first,) = rows_of(receiver.rows(1, "Bubble.0", bubbles(0, 3)))
    assert (first.part, first.sequence, ids([first])) == (Part.INCREMENT, 0, [0, 1, 2])
    assert receiver.rows(2, "Bubble.0", bubbles(1, 3)) == []  # another publisher, the same rows
    (after,) = rows_of(receiver.rows(3, "Bubble.0", bubbles(2, 5)))
    assert (after.sequence, ids([after])) == (3, [3, 4])
    assert receiver.rows(3, "Bubble.0", bubbles(5, 9)) == []  # a message that was read before


def test_missing_rows_are_an_error_and_never_passed_over() -> None:
    receiver = begun()
    receiver.rows(1, "Bubble.0", bubbles(0, 3))
    with pytest.raises(ProtocolError, match=r"Bubble of NQ.v.0: rows 4 to 5 do not follow row 3"):
        receiver.rows(2, "Bubble.0", bubbles(4, 5))
    with pytest.raises(ProtocolError, match=r"Event of NQ.v.0: rows 1 to 2 do not follow row 0"):
        receiver.rows(3, "Event", payload(block(Kind.EVENT, 1, 1)))


def test_a_session_whose_oldest_rows_are_gone_begins_later() -> None:
    receiver = joined(rows_last=1)
    (whole,) = rows_of(receiver.rows(1, "Bubble.1", bubbles(40, 42, level=1)), level=1)
    assert (whole.sequence, whole.oldest, ids([whole])) == (40, 40, [40, 41])


def test_recomputed_rows_replace_those_of_an_older_revision() -> None:
    receiver = joined(rows_last=1)
    receiver.rows(1, "Event", payload(block(Kind.EVENT, 0, 5)))
    (again,) = rows_of(receiver.rows(2, "Event", payload(block(Kind.EVENT, 0, 3, revision=1))), Kind.EVENT)
    assert (again.part, again.cause, again.revision, again.oldest) == (Part.NEWEST, Cause.REPLACED, 1, 0)
    (more,) = rows_of(receiver.rows(3, "Event", payload(block(Kind.EVENT, 3, 2, revision=1))), Kind.EVENT)
    assert (more.part, more.revision, more.sequence) == (Part.INCREMENT, 1, 3)
    assert receiver.rows(4, "Event", payload(block(Kind.EVENT, 5, 1, revision=0))) == []


def test_recomputed_rows_of_the_past_leave_nothing_of_the_older_ones() -> None:
    receiver = joined(rows_last=2)
    receiver.rows(1, "Event", payload(block(Kind.EVENT, 0, 5)))
    (whole,) = rows_of(receiver.rows(2, "Event", payload(block(Kind.EVENT, 0, 2, revision=1))), Kind.EVENT)
    assert (len(whole.rows), whole.revision) == (2, 1)


def test_state_waits_for_the_rows_before_it() -> None:
    receiver = begun()
    ahead = payload(block(Kind.SESSION, 8, 1))
    assert receiver.state("Session", payload(block(Kind.SESSION, 7, 1)), after=0)
    assert receiver.state("Session", payload(block(Kind.SESSION, 7, 1)), after=2) == []
    assert receiver.state("Session", ahead, after=2) == []  # takes its place
    assert receiver.is_behind
    assert receiver.rows(1, "Bubble.0", bubbles(0, 1))
    *_, state = receiver.rows(2, "Bubble.0", bubbles(1, 2))
    assert isinstance(state, Rows)
    assert (state.kind, state.sequence, state.part, state.symbol) == (Kind.SESSION, 8, Part.NEWEST, 3)
    assert not receiver.is_behind


def test_state_of_another_epoch_is_not_shown() -> None:
    receiver = begun()
    assert receiver.state("Gap", payload(block(Kind.GAP, 0, 1, epoch=EPOCH - 1)), after=0) == []


def test_orders_are_appended_once() -> None:
    receiver = begun()
    first = receiver.state("Order", payload(block(Kind.ORDER, 10, 4)), after=0)
    again = receiver.state("Order", payload(block(Kind.ORDER, 12, 4)), after=0)
    later = receiver.state("Order", payload(block(Kind.ORDER, 30, 2)), after=0)
    orders = rows_of([*first, *again, *later], Kind.ORDER)
    assert [(one.sequence, len(one.rows), one.part) for one in orders] == [
        (10, 4, Part.INCREMENT),
        (14, 2, Part.INCREMENT),
        (30, 2, Part.INCREMENT),
    ]


def test_a_status_is_passed_on_at_once() -> None:
    status = Status("live", "running", "", 1, {"lost": 0})
    assert joined(rows_last=9).state(bus.STATUS, bus.encode(status), after=100) == [status]


def test_another_epoch_begins_with_its_description() -> None:
    receiver = begun()
    receiver.rows(1, "Bubble.0", bubbles(0, 3))
    chart = description(epoch=EPOCH + 1, rows_begin=2)
    found = receiver.rows(2, bus.CHART, bus.encode(chart))
    assert found == [chart]
    assert receiver.rows(3, "Bubble.0", bubbles(0, 2, epoch=EPOCH + 1)) == []
    assert receiver.state("Session", payload(block(Kind.SESSION, 1, 1)), after=1) == []  # of the epoch before
    assert receiver.rows(4, "Bubble.0", bubbles(2, 4, epoch=EPOCH + 1)) == []
    found = receiver.state("Session", payload(block(Kind.SESSION, 2, 1, epoch=EPOCH + 1)), after=4)
    (whole,) = rows_of(found)
    assert (whole.epoch, whole.part, whole.sequence, ids([whole])) == (EPOCH + 1, Part.NEWEST, 0, [0, 1, 2, 3])
    assert len(rows_of(found, Kind.SESSION)) == 1


def test_rows_that_the_engine_itself_has_lost_are_begun_again_behind_them() -> None:
    receiver = begun()
    receiver.rows(1, "Event", payload(block(Kind.EVENT, 0, 3)))
    lapped = block(Kind.EVENT, 7, 2, part=Part.NEWEST, cause=Cause.LAPPED, missed=4)
    (after,) = rows_of(receiver.rows(2, "Event", payload(lapped)), Kind.EVENT)
    assert (after.part, after.cause, after.sequence, after.oldest) == (Part.NEWEST, Cause.LAPPED, 7, 7)


def test_a_changed_description_leaves_the_rows() -> None:
    receiver = begun()
    receiver.rows(1, "Bubble.0", bubbles(0, 3))
    instrument = msgspec.structs.replace(description().instrument, contract="NQH6")
    chart = description(instrument=instrument)
    assert receiver.rows(2, bus.CHART, bus.encode(chart)) == [chart]
    assert isinstance(receiver.chart, Chart)
    assert ids(rows_of(receiver.rows(3, "Bubble.0", bubbles(3, 4)))) == [3]


@given(st.data())
def test_any_cuts_and_repetitions_give_the_same_rows(data: st.DataObject) -> None:
    """A history of any length, rows cut and published again anywhere, a join at any moment."""
    count = data.draw(st.integers(1, 40))
    messages, at = [], 0
    while at < count:
        stop = data.draw(st.integers(at + 1, count))
        start = data.draw(st.integers(0, at))
        messages.append((start, stop))
        at = stop
    chapter = data.draw(st.integers(0, len(messages)))
    rows_last = data.draw(st.integers(0, len(messages)))
    receiver = joined(rows_last=rows_last)
    until = messages[chapter - 1][1] if chapter else 0
    if until:
        cut = data.draw(st.integers(0, until))
        receiver.history(1, "Bubble.0", bubbles(0, cut))
        receiver.history(2, "Bubble.0", bubbles(cut, until))
        receiver.history(3, bus.CHAPTER, bus.encode(Chapter(EPOCH, chapter + 1)))
    found = receiver.state("Levels", payload(block(Kind.LEVELS, 0, 1)), after=0)
    for number in range(receiver.rows_next, len(messages) + 1):
        found += receiver.rows(number, "Bubble.0", bubbles(*messages[number - 1]))
    blocks = rows_of(found)
    assert ids(blocks) == [*range(count)]
    assert [one.part for one in blocks] == [Part.NEWEST, *[Part.INCREMENT] * (len(blocks) - 1)]
    assert np.all(np.diff([one.sequence for one in blocks[1:]]) > 0)
