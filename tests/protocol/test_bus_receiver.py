"""A reader of the bus: whatever is published twice, late or in another order, its rows are the published ones.

The streams come from the table of kinds, so a new kind is tested as soon as it has a row there.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chapter, Chart, Log
from flow_gl.protocol.bus_receiver import BusReceiver, Update
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import FORMS, Cause, Kind, Part
from flow_gl.protocol.messages import Status
from tests.kit.bus import EPOCH, TOPIC, WIDTHS_NS, block, description

Stream = tuple[Kind, int]
"""Kind and level of detail."""
APPENDED: list[Stream] = [
    (kind, level)
    for kind, form in FORMS.items()
    if form.is_appended and form.is_mirrored
    for level in range(len(WIDTHS_NS) if form.is_per_level else 1)
]
"""What a reader gives out first, as one block each."""
IN_ROWS = [stream for stream in APPENDED if stream[0] is not Kind.ORDER]
"""Orders are in *state*."""
RECORDS = [kind for kind, form in FORMS.items() if form.is_mirrored and not form.is_appended and not form.is_of_record]


def in_every_stream(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test for each stream of *rows*."""
    return pytest.mark.parametrize(("kind", "level"), IN_ROWS, ids=[subject(*stream) for stream in IN_ROWS])(test)


def subject(kind: Kind, level: int = 0) -> str:
    """The end of the subject under which rows are published."""
    log = Log.ROWS if (kind, level) in IN_ROWS else Log.STATE
    return TOPIC.subject_of(log, kind, level).removeprefix(TOPIC.subjects(log).rstrip(">"))


def payload(*blocks: Rows) -> bytes:
    return bus.pack(blocks, tick_size=1, widths_ns=WIDTHS_NS)


def numbered(stream: Stream, first: int, stop: int, **fields: Any) -> tuple[str, bytes]:
    """A message with the rows [first, stop) of a stream: the end of its subject, and its payload."""
    kind, level = stream
    return subject(kind, level), payload(block(kind, first, stop - first, level=level, **fields))


def bubbles(first: int, stop: int, **fields: Any) -> tuple[str, bytes]:
    return numbered((Kind.BUBBLE, 0), first, stop, **fields)


def state(receiver: BusReceiver, kind: Kind, sequence: int, *, after: int, **fields: Any) -> list[Update]:
    """Publish a record."""
    return receiver.state(subject(kind), payload(block(kind, sequence, 1, **fields)), after=after)


def joined(rows_last: int = 0, **fields: int) -> BusReceiver:
    receiver = BusReceiver(index=3)
    receiver.join(description(**fields), rows_last=rows_last)
    if rows_last:
        assert state(receiver, Kind.LEVELS, 0, after=0) == []
    return receiver


def begun() -> BusReceiver:
    """A reader of an empty bus that has everything."""
    receiver = joined()
    assert streams_of(state(receiver, Kind.LEVELS, 0, after=0)) == sorted([*APPENDED, (Kind.LEVELS, 0)])
    return receiver


def streams_of(updates: Iterable[Update]) -> list[Stream]:
    return sorted((one.kind, one.level) for one in updates if isinstance(one, Rows))


def rows_of(updates: Iterable[Update], kind: Kind = Kind.BUBBLE, level: int = 0) -> list[Rows]:
    return [one for one in updates if isinstance(one, Rows) and (one.kind, one.level) == (kind, level)]


def ids(blocks: Sequence[Rows]) -> list[int]:
    """Return the numbers that `tests.kit.bus.block` gave the rows."""
    return [int(row[number_of(row)]) for one in blocks for row in one.rows]


def number_of(rows: Any) -> str:
    names = rows.dtype.names
    return "id" if "id" in names else str(names[0])


@in_every_stream
def test_all_rows_of_the_past_come_as_one_block_of_each_stream(kind: Kind, level: int) -> None:
    stream, other = (kind, level), next(one for one in IN_ROWS if one != (kind, level))
    receiver = joined(rows_last=5)
    receiver.history(1, *numbered(stream, 0, 4))
    receiver.history(2, *numbered(stream, 4, 6))
    receiver.history(3, bus.CHAPTER, bus.encode(Chapter(EPOCH, 4)))
    assert (receiver.history_next, receiver.rows_next) == (4, 4)
    assert receiver.rows(4, *numbered(stream, 5, 8)) == []  # one row is in both
    found = receiver.rows(5, *numbered(other, 0, 2))
    (whole,) = rows_of(found, kind, level)
    assert (whole.part, whole.symbol, whole.sequence, whole.oldest, ids([whole])) == (Part.NEWEST, 3, 0, 0, [*range(8)])
    assert streams_of(found) == sorted([*APPENDED, (Kind.LEVELS, 0)])
    assert receiver.is_whole


def test_an_empty_bus_is_whole_at_once() -> None:
    receiver = joined()
    assert receiver.settle() == []  # its publisher has only begun
    assert streams_of(state(receiver, Kind.LEVELS, 0, after=0)) == sorted([*APPENDED, (Kind.LEVELS, 0)])
    assert receiver.settle() == []


@in_every_stream
def test_new_rows_follow_and_known_ones_are_dropped(kind: Kind, level: int) -> None:
    stream, receiver = (kind, level), begun()
    (first,) = rows_of(receiver.rows(1, *numbered(stream, 0, 3)), kind, level)
    assert (first.part, first.sequence, ids([first])) == (Part.INCREMENT, 0, [0, 1, 2])
    assert receiver.rows(2, *numbered(stream, 1, 3)) == []  # another publisher, the same rows
    (after,) = rows_of(receiver.rows(3, *numbered(stream, 2, 5)), kind, level)
    assert (after.sequence, ids([after])) == (3, [3, 4])
    assert receiver.rows(3, *numbered(stream, 5, 9)) == []  # a message that was read before


@in_every_stream
def test_missing_rows_are_an_error_and_never_passed_over(kind: Kind, level: int) -> None:
    stream, receiver, name = (kind, level), begun(), FORMS[kind].name
    with pytest.raises(ProtocolError, match=rf"^{name} of NQ.v.0: rows 1 to 2 do not follow row 0$"):
        receiver.rows(1, *numbered(stream, 1, 2))
    receiver.rows(2, *numbered(stream, 0, 3))
    with pytest.raises(ProtocolError, match=rf"^{name} of NQ.v.0: rows 4 to 5 do not follow row 3$"):
        receiver.rows(3, *numbered(stream, 4, 5))


@in_every_stream
def test_a_session_whose_oldest_rows_are_gone_begins_later(kind: Kind, level: int) -> None:
    receiver = joined(rows_last=1)
    (whole,) = rows_of(receiver.rows(1, *numbered((kind, level), 40, 42)), kind, level)
    assert (whole.sequence, whole.oldest, ids([whole])) == (40, 40, [40, 41])


@in_every_stream
def test_recomputed_rows_replace_those_of_an_older_revision(kind: Kind, level: int) -> None:
    stream, receiver = (kind, level), joined(rows_last=1)
    receiver.rows(1, *numbered(stream, 0, 5))
    (again,) = rows_of(receiver.rows(2, *numbered(stream, 0, 3, revision=1)), kind, level)
    assert (again.part, again.cause, again.revision, again.oldest) == (Part.NEWEST, Cause.REPLACED, 1, 0)
    (more,) = rows_of(receiver.rows(3, *numbered(stream, 3, 5, revision=1)), kind, level)
    assert (more.part, more.revision, more.sequence) == (Part.INCREMENT, 1, 3)
    assert receiver.rows(4, *numbered(stream, 5, 6, revision=0)) == []


@in_every_stream
def test_recomputed_rows_of_the_past_leave_nothing_of_the_older_ones(kind: Kind, level: int) -> None:
    stream, receiver = (kind, level), joined(rows_last=2)
    receiver.rows(1, *numbered(stream, 0, 5))
    (whole,) = rows_of(receiver.rows(2, *numbered(stream, 0, 2, revision=1)), kind, level)
    assert (len(whole.rows), whole.revision) == (2, 1)


@pytest.mark.parametrize("kind", RECORDS, ids=[FORMS[kind].name for kind in RECORDS])
def test_state_waits_for_the_rows_before_it(kind: Kind) -> None:
    receiver = begun()
    assert state(receiver, kind, 7, after=0)
    assert state(receiver, kind, 7, after=2) == []
    assert state(receiver, kind, 8, after=2) == []  # takes its place
    assert receiver.is_behind
    assert receiver.rows(1, *bubbles(0, 1))
    *_, shown = receiver.rows(2, *bubbles(1, 2))
    assert isinstance(shown, Rows)
    assert (shown.kind, shown.sequence, shown.part, shown.symbol) == (kind, 8, Part.NEWEST, 3)
    assert not receiver.is_behind


@pytest.mark.parametrize("kind", RECORDS, ids=[FORMS[kind].name for kind in RECORDS])
def test_state_of_another_epoch_is_not_shown(kind: Kind) -> None:
    receiver = begun()
    assert state(receiver, kind, 0, after=0, epoch=EPOCH - 1) == []


def test_orders_are_appended_once() -> None:
    receiver = begun()
    name = subject(Kind.ORDER)
    first = receiver.state(name, payload(block(Kind.ORDER, 10, 4)), after=0)
    again = receiver.state(name, payload(block(Kind.ORDER, 12, 4)), after=0)
    later = receiver.state(name, payload(block(Kind.ORDER, 30, 2)), after=0)
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
    receiver.rows(1, *bubbles(0, 3))
    chart = description(epoch=EPOCH + 1, rows_begin=2)
    found = receiver.rows(2, bus.CHART, bus.encode(chart))
    assert found == [chart]
    assert receiver.rows(3, *bubbles(0, 2, epoch=EPOCH + 1)) == []
    assert state(receiver, Kind.SESSION, 1, after=1) == []  # of the epoch before
    assert receiver.rows(4, *bubbles(2, 4, epoch=EPOCH + 1)) == []
    found = state(receiver, Kind.SESSION, 2, after=4, epoch=EPOCH + 1)
    (whole,) = rows_of(found)
    assert (whole.epoch, whole.part, whole.sequence, ids([whole])) == (EPOCH + 1, Part.NEWEST, 0, [0, 1, 2, 3])
    assert len(rows_of(found, Kind.SESSION)) == 1


@in_every_stream
def test_rows_that_the_engine_itself_has_lost_are_begun_again_behind_them(kind: Kind, level: int) -> None:
    stream, receiver = (kind, level), begun()
    receiver.rows(1, *numbered(stream, 0, 3))
    lapped = numbered(stream, 7, 9, part=Part.NEWEST, cause=Cause.LAPPED, missed=4)
    (after,) = rows_of(receiver.rows(2, *lapped), kind, level)
    assert (after.part, after.cause, after.sequence, after.oldest) == (Part.NEWEST, Cause.LAPPED, 7, 7)


def test_a_changed_description_leaves_the_rows() -> None:
    receiver = begun()
    receiver.rows(1, *bubbles(0, 3))
    instrument = msgspec.structs.replace(description().instrument, contract="NQH6")
    chart = description(instrument=instrument)
    assert receiver.rows(2, bus.CHART, bus.encode(chart)) == [chart]
    assert isinstance(receiver.chart, Chart)
    assert ids(rows_of(receiver.rows(3, *bubbles(3, 4)))) == [3]


@given(st.data())
def test_any_cuts_and_repetitions_give_the_same_rows(data: st.DataObject) -> None:
    """A history of any length, rows cut and published again anywhere, a join at any moment."""
    stream = data.draw(st.sampled_from(IN_ROWS))
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
        receiver.history(1, *numbered(stream, 0, cut))
        receiver.history(2, *numbered(stream, cut, until))
        receiver.history(3, bus.CHAPTER, bus.encode(Chapter(EPOCH, chapter + 1)))
    found = state(receiver, Kind.LEVELS, 0, after=0)
    for number in range(receiver.rows_next, len(messages) + 1):
        found += receiver.rows(number, *numbered(stream, *messages[number - 1]))
    blocks = rows_of(found, *stream)
    assert ids(blocks) == [*range(count)]
    assert [one.part for one in blocks] == [Part.NEWEST, *[Part.INCREMENT] * (len(blocks) - 1)]
    assert np.all(np.diff([one.sequence for one in blocks[1:]]) > 0)
