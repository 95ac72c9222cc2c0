"""The live feed's parts without a connection: wire, errors, pauses, hours, gaps."""

import random

import databento_dbn as dbn
import numpy as np
import pytest

from flow_gl.core.errors import FeedError, UsageError
from flow_gl.core.items import FeedGap
from flow_gl.core.schema import TRADE, UNDEF_PRICE
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.feed.live.backoff import Backoff
from flow_gl.feed.live.errors import Fault, from_code, from_connecting
from flow_gl.feed.live.gap import Gap, ReplayExtent
from flow_gl.feed.live.hours import Hours, replayable_from
from flow_gl.feed.live.intake import Intake
from flow_gl.feed.live.request import Request, checked_symbols
from flow_gl.feed.live.wire import decode, definition_of, first_implausible, runs
from tests.feed.live_rig import FakeCalendar
from tests.gateway import records
from tests.gateway.tape import ES, NQ, OPEN_NS, make_tape, of

TAPE = make_tape(400)
WALL = int(TAPE["ts_event"][-1])


def chunks_of(rows: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in rows]


# Wire


def test_trades_alone_come_as_one_array_and_mixed_records_in_order() -> None:
    chunks = chunks_of(TAPE[:50])
    (rows,) = runs(chunks)
    np.testing.assert_array_equal(rows, TAPE[:50])
    heartbeat = records.system(0, "Heartbeat", WALL)
    mixed = [records.metadata(), *chunks[:20], heartbeat, *chunks[20:]]
    first, other, last = runs(mixed)
    assert other == heartbeat
    np.testing.assert_array_equal(np.concatenate([first, last]), TAPE[:50])


def test_trades_equal_those_of_the_official_decoder_byte_for_byte() -> None:
    decoder = dbn.DBNDecoder()
    decoded = decoder.write_and_decode(records.metadata() + TAPE.tobytes())[1:]
    (rows,) = runs([bytes(record) for record in decoded])
    np.testing.assert_array_equal(rows, TAPE)
    assert [record.sequence for record in decoded] == rows["sequence"].tolist()
    assert [record.side for record in decoded[:40]] == [chr(side) for side in rows["side"][:40]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("side", ord("X")),
        ("side", 0),
        ("action", 0),
        ("ts_event", 17),
        ("ts_event", WALL + 3 * 86_400 * SECOND_NS),
    ],
)
def test_the_first_impossible_trade_is_found(field: str, value: int) -> None:
    rows = TAPE[:100].copy()
    rows[field][[60, 80]] = value
    assert first_implausible(rows, WALL) == 60


def test_trades_that_the_engine_rejects_are_not_damage() -> None:
    rows = TAPE[:7].copy()
    rows["ts_recv"][4:7] = [17, -1, WALL + 3 * 86_400 * SECOND_NS]
    rows["depth"][4], rows["flags"][5] = 3, 255
    rows["price"][0] = UNDEF_PRICE
    rows["size"][1] = 0
    rows["action"][2] = ord("M")
    rows["ts_event"][3] = -1
    assert first_implausible(rows, WALL) == 7


def test_damaged_frames_raise_damage_and_nothing_else() -> None:
    rng = random.Random(3)
    good = [
        records.mapping(NQ, "NQ.v.0", WALL),
        records.definition(NQ),
        records.system(3, "done", WALL),
        records.error(7, "skipped", WALL),
    ]
    intake = make_intake()
    understood, damages = 0, []
    for _ in range(4000):
        chunk = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 6)):
            chunk[rng.randrange(len(chunk))] = rng.randrange(256)
        try:
            intake.take([bytes(chunk[: rng.choice([len(chunk), rng.randrange(16, len(chunk))])])], WALL, [])
            understood += 1
        except DamageError as damage:
            damages.append(str(damage))
    assert understood > 100
    assert not [damage for damage in damages if "\n" in damage or len(damage) > 120]


def test_a_definition_gives_tick_and_point_value_and_reports_a_missing_one() -> None:
    definition = definition_of(decode(records.definition(ES)))
    assert (definition.symbol, definition.tick_size, definition.point_value) == ("ESZ5", 250_000_000, 50.0)
    assert definition.is_outright
    bare = dbn.InstrumentDefMsg(
        publisher_id=1,
        instrument_id=9,
        ts_event=1,
        ts_recv=1,
        min_price_increment=UNDEF_PRICE,
        display_factor=1,
        raw_symbol="NQZ5-NQH6",
        asset="NQ",
        security_type="FUT",
        instrument_class=dbn.InstrumentClass.FUTURE_SPREAD,
        security_update_action=dbn.SecurityUpdateAction.ADD,
    )
    definition = definition_of(decode(bytes(bare)))
    assert (definition.tick_size, definition.point_value, definition.is_outright) == (0, None, False)


# Intake


def make_intake(symbols=("NQ.v.0", "ES.v.0"), *, is_parent: bool = False) -> Intake:
    intake = Intake(symbols, is_parent=is_parent, masked_key="****")
    intake.begin(start=OPEN_NS, origin=OPEN_NS, earliest_ns=0, replays=1)
    return intake


def test_a_parents_instruments_are_all_named_and_none_counts_as_a_change() -> None:
    intake = make_intake(("NQ.FUT",), is_parent=True)
    out: list = []
    for contract in (NQ, ES):
        assert intake.take([records.mapping(contract, "NQ.FUT", WALL)], WALL, out) is None
        assert intake.take(chunks_of(of(TAPE, contract)), WALL, out) is None
    assert [item.symbol for item in out if hasattr(item, "symbol")] == ["NQZ5", "ESZ5"]
    assert sum(len(item.rows) for item in out if hasattr(item, "rows")) == len(of(TAPE, NQ, ES))


def test_a_repeated_name_is_passed_on_once() -> None:
    intake = make_intake()
    out: list = []
    for _ in range(3):
        intake.take([records.mapping(NQ, "NQ.v.0", WALL)], WALL, out)
    assert len(out) == 1


def test_contradicting_names_do_not_cause_endless_renewals() -> None:
    intake = make_intake()
    renewals = 0
    for _ in range(10):
        chunks = [records.mapping(NQ, "NQ.v.0", WALL), *chunks_of(of(TAPE, NQ)), records.mapping(ES, "NQ.v.0", WALL)]
        trouble = intake.take(chunks, WALL, [])
        renewals += trouble is not None
        intake.begin(start=OPEN_NS, origin=OPEN_NS, earliest_ns=0, replays=1)
    assert renewals == 1


def test_a_replay_is_over_when_the_gateway_reports_it_for_trades() -> None:
    for text, is_over in [("Finished definition replay", False), ("Finished trades replay", True)]:
        intake = make_intake()
        intake.begin(start=OPEN_NS, origin=OPEN_NS, earliest_ns=0, replays=2)
        intake.take([records.system(3, text, WALL)], WALL, [])
        assert intake.is_replayed == is_over
    intake = make_intake()
    intake.begin(start=OPEN_NS, origin=OPEN_NS, earliest_ns=0, replays=2)
    for is_over in (False, True):  # a text that names neither: when both are done
        intake.take([records.system(3, "replay completed", WALL)], WALL, [])
        assert intake.is_replayed == is_over


def test_two_heartbeats_with_nothing_between_them_end_a_replay() -> None:
    intake = make_intake()
    heartbeat = records.system(0, "Heartbeat", WALL)
    intake.take([records.mapping(NQ, "NQ.v.0", WALL), heartbeat, *chunks_of(of(TAPE, NQ)[:1]), heartbeat], WALL, [])
    assert not intake.is_replayed
    assert intake.known_until == of(TAPE, NQ)["ts_event"][0], "a heartbeat proves nothing while it is replayed"
    intake.take([heartbeat], WALL, [])
    assert intake.is_replayed
    assert intake.known_until == WALL


def test_trades_that_are_never_named_finally_count_as_damage(monkeypatch) -> None:
    monkeypatch.setattr("flow_gl.feed.live.held_trades.HELD_ROWS", 300)
    intake = make_intake()
    intake.take(chunks_of(TAPE[:200]), WALL, [])
    assert intake.held == 200
    with pytest.raises(DamageError, match="without a name"):
        intake.take(chunks_of(TAPE[200:]), WALL, [])


def test_trades_from_the_future_reveal_a_clock_that_is_behind() -> None:
    intake = make_intake()
    intake.begin(start=None, origin=OPEN_NS, earliest_ns=0, replays=0)
    intake.take([records.mapping(NQ, "NQ.v.0", WALL), *chunks_of(of(TAPE, NQ))], WALL - 5 * SECOND_NS, [])
    assert 4 * SECOND_NS < intake.time.ahead_ns <= 5 * SECOND_NS + 150_000


# Errors


@pytest.mark.parametrize(
    ("code", "text", "fault"),
    [
        (1, "Authentication failed", Fault.FATAL),
        (2, "API key deactivated", Fault.FATAL),
        (3, "limit", Fault.REFUSED),
        (4, "Could not resolve XX", Fault.SYMBOL),
        (5, "Invalid schema", Fault.FATAL),
        (5, "start is before the available replay", Fault.AGED_OUT),
        (5, "Not entitled to schema definition", Fault.NO_DEFINITIONS),
        (6, "Internal error", Fault.RETRY),
        (7, "Skipped 10 records", Fault.SKIPPED),
        (8, "aged out", Fault.AGED_OUT),
        (8, "Replay data for definition is no longer retained", Fault.NO_DEFINITIONS),
        (255, "something", Fault.RETRY),
        (77, "", Fault.RETRY),
    ],
)
def test_error_codes_are_understood(code: int, text: str, fault: Fault) -> None:
    trouble = from_code(code, text, masked_key="****abcde")
    assert trouble.fault is fault
    assert trouble.message
    assert "\n" not in trouble.message


@pytest.mark.parametrize(
    ("text", "fault", "words"),
    [
        ("Connection to h:1 failed: [Errno 111] Connect call failed", Fault.RETRY, "refused"),
        ("Connection to h:1 timed out after 10.0 second(s).", Fault.RETRY, "timed out"),
        ("Connection to h:1 failed: [Errno -2] Name or service not known", Fault.RETRY, "online"),
        ("Authentication with h:1 timed out after 30.0 second(s).", Fault.RETRY, "in time"),
        ("User has reached their open connection limit", Fault.REFUSED, "too many connections"),
        ("Internal error, try again", Fault.RETRY, "error at the gateway"),
        ("Authentication failed.", Fault.REFUSED, "****abcde"),
        ("None", Fault.REFUSED, "****abcde"),
    ],
)
def test_reasons_for_no_connection_are_understood(text: str, fault: Fault, words: str) -> None:
    trouble = from_connecting(text, gateway="h:1", masked_key="****abcde")
    assert trouble.fault is fault
    assert words in trouble.message


# Pauses


def test_pauses_double_up_to_thirty_seconds_with_a_fifth_of_jitter() -> None:
    for draw, factor in [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)]:
        backoff = Backoff(lambda draw=draw: draw)
        pauses = []
        for _ in range(7):
            backoff.fail(0)
            pauses.append(backoff.due_ns / SECOND_NS)
        assert pauses == pytest.approx([pause * factor for pause in (1, 2, 4, 8, 16, 30, 30)])


def test_only_the_first_failure_may_be_retried_immediately() -> None:
    backoff = Backoff(lambda: 0.5)
    backoff.fail(5, at_once=True)
    assert backoff.due_ns == 5
    backoff.fail(5, at_once=True)
    assert backoff.due_ns == 5 + 2 * SECOND_NS
    backoff.all_is_well()
    backoff.fail(5, at_once=True)
    assert backoff.due_ns == 5


# Hours and gaps


def make_hours(start: int | str | None = "session open") -> Hours:
    return Hours(start, calendar=FakeCalendar(OPEN_NS, OPEN_NS + 86_400 * SECOND_NS))  # type: ignore[arg-type]


def test_open_hours_exclude_closed_ones() -> None:
    hours = make_hours()
    close = OPEN_NS + 82_800 * SECOND_NS
    assert hours.open_between(OPEN_NS, close) == [(OPEN_NS, close)]
    assert hours.open_between(close, close + 100) == []
    assert hours.open_between(close - 5, close + 100) == [(close - 5, close)]
    assert hours.open_between(7, 7) == []


def test_a_wrong_start_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="session open"):
        Hours("noon")


def test_no_more_than_a_day_is_replayable() -> None:
    assert replayable_from(500, 1000) == 500
    day = 86_400 * SECOND_NS
    assert replayable_from(0, 10 * day) == 9 * day + 60 * SECOND_NS


def lose(gap: Gap, known_until: int, *, asked_from: int | None = OPEN_NS, first_ts: int = 0) -> FeedGap | None:
    return gap.open(asked_from=asked_from, first_ts=first_ts, known_until=known_until, wanted_from=OPEN_NS)


def test_a_gap_is_opened_once_and_filled() -> None:
    gap = Gap(make_hours())
    assert lose(gap, 0) is None
    assert lose(gap, OPEN_NS + 7) == FeedGap(OPEN_NS + 7)
    assert lose(gap, OPEN_NS + 9) is None
    closed = gap.close(asked_from=OPEN_NS, first_ts=OPEN_NS, known_until=OPEN_NS + 50, wanted_from=OPEN_NS)
    assert closed == [FeedGap(OPEN_NS + 7, OPEN_NS + 50, filled=True)]
    assert not gap.is_lost


def test_what_cannot_be_replayed_remains_as_a_gap_in_open_hours_only() -> None:
    gap = Gap(make_hours())
    close, reopen = OPEN_NS + 82_800 * SECOND_NS, OPEN_NS + 86_400 * SECOND_NS
    gap.close(asked_from=OPEN_NS, first_ts=OPEN_NS, known_until=OPEN_NS, wanted_from=OPEN_NS)
    lose(gap, close - 10 * SECOND_NS)
    gap.reach_further()
    assert gap.extent is ReplayExtent.EVERYTHING
    remains = gap.close(
        asked_from=0, first_ts=reopen + SECOND_NS, known_until=reopen + 2 * SECOND_NS, wanted_from=reopen
    )
    assert remains == [FeedGap(close - 10 * SECOND_NS, close)]
    assert gap.is_lost
    assert gap.extent is ReplayExtent.WANTED


def test_a_replay_interrupted_and_continued_later_leaves_nothing_missing() -> None:
    gap = Gap(make_hours())
    at = [OPEN_NS + n * 100 * SECOND_NS for n in range(8)]
    gap.close(asked_from=OPEN_NS, first_ts=OPEN_NS, known_until=at[1], wanted_from=OPEN_NS)
    lose(gap, at[1], first_ts=OPEN_NS)
    lose(gap, at[3], asked_from=at[1], first_ts=at[1])
    lose(gap, at[3], asked_from=at[3])
    closed = gap.close(asked_from=at[3], first_ts=at[3], known_until=at[5], wanted_from=OPEN_NS)
    assert closed == [FeedGap(at[1], at[5], filled=True)]
    assert not gap.is_lost


def test_after_an_interrupted_replay_only_unavailable_data_stay_missing() -> None:
    gap = Gap(make_hours())
    at = [OPEN_NS + n * 100 * SECOND_NS for n in range(8)]
    lose(gap, at[2], asked_from=at[1], first_ts=at[1])
    lose(gap, at[4], asked_from=at[3], first_ts=at[3])
    closed = gap.close(asked_from=at[4], first_ts=at[4], known_until=at[5], wanted_from=OPEN_NS)
    assert closed == [FeedGap(OPEN_NS, at[1]), FeedGap(at[2], at[3])]
    assert gap.is_lost


def test_a_gap_within_closed_hours_counts_as_filled() -> None:
    gap = Gap(make_hours())
    close = OPEN_NS + 82_800 * SECOND_NS
    gap.close(asked_from=OPEN_NS, first_ts=OPEN_NS, known_until=OPEN_NS, wanted_from=OPEN_NS)
    lose(gap, close + SECOND_NS)
    gap.reach_further()
    gap.reach_further()
    assert gap.extent is ReplayExtent.NOTHING
    closed = gap.close(asked_from=None, first_ts=0, known_until=close + 9 * SECOND_NS, wanted_from=OPEN_NS)
    assert closed == [FeedGap(close + SECOND_NS, close + 9 * SECOND_NS, filled=True)]


# Requests


def test_the_gateways_address_follows_from_the_dataset() -> None:
    assert Request("GLBX.MDP3", ()).where == "glbx-mdp3.lsg.databento.com:13000"
    assert Request("GLBX.MDP3", (), gateway="localhost", port=7).where == "localhost:7"


def test_each_symbol_is_requested_once() -> None:
    assert checked_symbols(("NQ.v.0", " ES.v.0", "NQ.v.0")) == ("NQ.v.0", "ES.v.0")
    for wrong in ((), ("NQ.v.0", " ")):
        with pytest.raises(FeedError, match="symbols"):
            checked_symbols(wrong)


def test_rows_keep_the_tapes_dtype() -> None:
    (rows,) = runs(chunks_of(TAPE[:3]))
    assert rows.dtype == TRADE
