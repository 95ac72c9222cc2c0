"""What starts with a session, at 09:30 and at chosen times; and which intervals without trades are gaps."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import FeedGap
from flow_gl.core.schema import UNDEF_PRICE, GapKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.checkpoint import decode
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from tests.engine.twin import TICK
from tests.kit.trades import trades_of

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def calendar(tmp_path_factory):
    return SessionCalendar(cache=tmp_path_factory.mktemp("sessions"))


def at(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND_NS


def run(rows, calendar, *, now=None, gaps=(), **options):
    pipeline, sink = Pipeline(AggregationSettings(**options), sessions=calendar), Collector()
    pipeline.attach(1, sink)
    for gap in gaps:
        pipeline.gap(gap)
    pipeline.process(trades_of([(1, ts, price * TICK, size, side) for ts, price, size, side in rows]))
    if now:
        pipeline.advance(now)
    pipeline.publish()
    return pipeline, sink


def gaps_of(sink):
    record = sink.tables["gaps"][0]
    return [
        (int(gap["start"]), int(gap["end"]), GapKind(int(gap["kind"])), bool(gap["open"]))
        for gap in record["gap"][: record["count"]]
    ]


def test_a_new_session_starts_from_zero_and_keeps_the_finished_ones_levels(calendar):
    rows = [
        (at("2025-11-24T15:00"), 100, 400, "B"),
        (at("2025-11-24T16:59:58"), 104, 7, "A"),
        (at("2025-11-24T17:00") - 1, 102, 1, "B"),
        (at("2025-11-24T18:00"), 110, 5, "A"),
        (at("2025-11-24T18:00:01"), 111, 2, "B"),
    ]
    _, sink = run(rows, calendar)
    session = sink.tables["session"][0]
    assert (session["trade_date"], session["cvd"], session["trade_count"], session["buy"]) == (20251125, -3, 2, 2)
    assert (session["prior_high"], session["prior_low"], session["prior_close"]) == (104 * TICK, 100 * TICK, 102 * TICK)
    assert (session["prior_poc"], session["prior_vah"], session["prior_val"]) == (100 * TICK,) * 3
    assert (session["open_ts"], session["close_ts"]) == (at("2025-11-24T18:00"), at("2025-11-25T17:00"))
    assert (session["open"], session["first_ts"]) == (110 * TICK, at("2025-11-24T18:00"))
    assert sink.tables["profile"]["total"].tolist() == [7]
    (finished,) = sink.sessions
    assert (finished.trade_date, int(finished.session["cvd"][0])) == (20251124, 394)
    assert sink.cuts == [3]
    assert sink.cvd_rows()["close"].tolist() == [400, 393, 394, -5]
    assert set(sink.event_rows()["kind"]) == {EventKind.LARGE_TRADE}, "CVD that begins again at zero crosses nothing"


def test_a_trade_at_the_close_opens_an_unscheduled_session(calendar):
    rows = [
        (at("2025-11-24T16:59"), 100, 400, "B"),
        (at("2025-11-24T17:00"), 102, 1, "B"),
        (at("2025-11-24T18:00"), 110, 5, "A"),
    ]
    _, sink = run(rows, calendar)
    assert [int(one.session["trade_count"][0]) for one in sink.sessions] == [1, 1]
    assert [bool(one.session["unscheduled"][0]) for one in sink.sessions] == [False, True]
    assert sink.tables["session"]["trade_count"].tolist() == [1]
    assert sink.cvd_rows()["close"].tolist() == [400, 1]


def test_a_finished_session_has_all_of_its_nodes(calendar):
    """The table of the running session has room for 64 of a kind; a quiet instrument's finished session has more."""
    ticks = [100 + 10 * i + i % 2 for i in range(100)]
    rows = [(at("2025-11-24T15:00") + i, tick, 5, "B") for i, tick in enumerate(ticks)]
    _, sink = run([*rows, (at("2025-11-24T18:00"), 110, 5, "A")], calendar)
    (finished,) = sink.sessions
    assert finished.hvn.tolist() == [tick * TICK for tick in ticks[1:-1]]
    assert len(finished.lvn) == 99


def test_cvd_that_is_never_reset_continues_across_the_open(calendar):
    rows = [(at("2025-11-24T15:00"), 100, 4, "B"), (at("2025-11-24T18:00"), 110, 5, "A")]
    _, sink = run(rows, calendar, cvd_reset="never")
    assert sink.tables["session"]["cvd"].tolist() == [-1]
    assert sink.tables["session"]["sell"].tolist() == [5]


def test_cvd_restarts_at_chosen_times_in_new_york(calendar):
    rows = [
        (at("2025-11-25T09:29:59"), 100, 4, "B"),
        (at("2025-11-25T09:30"), 100, 5, "A"),
        (at("2025-11-25T11:00"), 100, 1, "A"),
        (at("2025-11-25T14:00:01"), 100, 2, "B"),
    ]
    _, sink = run(rows, calendar, cvd_reset_times=(dt.time(9, 30), dt.time(14, 0)))
    assert sink.cvd_rows()["close"].tolist() == [4, -5, -6]
    assert sink.tables["session"]["cvd"].tolist() == [2]
    assert sink.tables["session"]["trade_count"].tolist() == [4]


def test_overnight_high_and_low_follow_until_0930_and_freeze_then(calendar):
    night = [(at("2025-11-24T20:00"), 100, 1, "B"), (at("2025-11-25T09:29:59"), 90, 1, "B")]
    _, sink = run(night, calendar)
    session = sink.tables["session"][0]
    assert (session["overnight_high"], session["overnight_low"]) == (100 * TICK, 90 * TICK)
    _, sink = run([*night, (at("2025-11-25T09:30"), 200, 1, "B"), (at("2025-11-25T12:00"), 10, 1, "B")], calendar)
    session = sink.tables["session"][0]
    assert (session["overnight_high"], session["overnight_low"]) == (100 * TICK, 90 * TICK)
    assert (session["high"], session["low"]) == (200 * TICK, 10 * TICK)
    _, sink = run([(at("2025-11-25T10:00"), 200, 1, "B")], calendar)
    assert sink.tables["session"]["overnight_high"].tolist() == [UNDEF_PRICE]


def test_without_a_calendar_all_trades_are_one_session():
    rows = [(at("2025-11-24T15:00"), 100, 4, "B"), (at("2025-11-25T18:00"), 110, 5, "A")]
    _, sink = run(rows, None)
    session = sink.tables["session"][0]
    assert (session["trade_date"], session["cvd"], session["prior_high"]) == (0, -1, UNDEF_PRICE)
    assert gaps_of(sink) == [(rows[0][0], rows[1][0], GapKind.NO_TRADES, False)]


def test_a_silence_over_a_weekend_is_cut_at_the_close_and_the_open(calendar):
    rows = [(at("2025-11-21T16:58"), 100, 1, "B"), (at("2025-11-23T18:01:01"), 100, 1, "B")]
    _, sink = run(rows, calendar)
    friday, sunday = at("2025-11-21T17:00"), at("2025-11-23T18:00")
    assert gaps_of(sink) == [
        (rows[0][0], friday, GapKind.NO_TRADES, False),
        (friday, sunday, GapKind.CLOSED, False),
        (sunday, rows[1][0], GapKind.NO_TRADES, False),
    ]


def test_sixty_seconds_are_not_a_gap_but_a_nanosecond_more_is(calendar):
    start = at("2025-11-25T10:00")
    for silence, expected in ((60 * SECOND_NS, []), (60 * SECOND_NS + 1, [(start, GapKind.NO_TRADES)])):
        for bucket_ns in (SECOND_NS, 3600 * SECOND_NS):
            _, sink = run([(start, 1, 1, "B"), (start + silence, 1, 1, "B")], calendar, bucket_ns=bucket_ns)
            assert [(begin, kind) for begin, _, kind, _ in gaps_of(sink)] == expected


def test_a_continuing_silence_is_open_until_the_next_trade(calendar):
    start = at("2025-11-25T10:00")
    pipeline, sink = run([(start, 1, 1, "B")], calendar, now=start + 59 * SECOND_NS)
    assert gaps_of(sink) == []
    pipeline.advance(start + 90 * SECOND_NS)
    pipeline.publish()
    assert gaps_of(sink) == [(start, start + 90 * SECOND_NS, GapKind.NO_TRADES, True)]
    pipeline.process(trades_of([(1, start + 95 * SECOND_NS, TICK, 1, "B")]))
    pipeline.advance(start + 96 * SECOND_NS)
    pipeline.publish()
    assert gaps_of(sink) == [(start, start + 95 * SECOND_NS, GapKind.NO_TRADES, False)]


def test_after_the_close_an_open_gap_becomes_closed_hours(calendar):
    start, close = at("2025-11-25T16:59:50"), at("2025-11-25T17:00")
    _, sink = run([(start, 1, 1, "B")], calendar, now=close + 600 * SECOND_NS)
    assert gaps_of(sink) == [(close, close + 600 * SECOND_NS, GapKind.CLOSED, True)]


def test_missing_records_are_a_feed_gap_that_disappears_when_filled(calendar):
    start = at("2025-11-25T10:00")
    rows = [(start, 1, 1, "B"), (start + 300 * SECOND_NS, 1, 1, "B")]
    missing = FeedGap(start + 10 * SECOND_NS, start + 200 * SECOND_NS)
    pipeline, sink = run(rows, calendar, gaps=[missing])
    assert gaps_of(sink) == [
        (missing.start, missing.end, GapKind.FEED, False),
        (missing.end, rows[1][0], GapKind.NO_TRADES, False),
    ]
    pipeline.gap(FeedGap(missing.start, filled=True))
    pipeline.publish()
    assert [kind for _, _, kind, _ in gaps_of(sink)] == [GapKind.NO_TRADES]
    pipeline.gap(FeedGap(rows[1][0]))
    pipeline.advance(rows[1][0] + 500 * SECOND_NS)
    pipeline.publish()
    assert gaps_of(sink)[-1] == (rows[1][0], rows[1][0] + 500 * SECOND_NS, GapKind.FEED, True)


def test_a_trade_from_a_year_without_calendar_is_rejected(calendar):
    start = at("2025-11-25T10:00")
    rows = [(5, 1, 1, "B"), (start, 1, 2, "B"), (2**62, 1, 3, "B"), (start + SECOND_NS, 1, 4, "B")]
    pipeline, sink = run(rows, calendar)
    assert pipeline.instruments[1].rejected == 2
    assert sink.tables["session"]["buy"].tolist() == [6]


@pytest.mark.parametrize(
    ("options", "since"),
    [
        ({}, "2025-11-25T18:00"),
        ({"cvd_reset": "never"}, "2025-11-25T09:29:59"),
        ({"cvd_reset_times": (dt.time(9, 30), dt.time(16, 0))}, "2025-11-25T18:00"),
        ({"cvd_reset": "never", "cvd_reset_times": (dt.time(9, 30),)}, "2025-11-25T09:30"),
    ],
)
def test_the_start_of_cvd_is_published(calendar, options, since):
    rows = [
        (at("2025-11-25T09:29:59"), 100, 4, "B"),
        (at("2025-11-25T09:31"), 100, 5, "A"),
        (at("2025-11-25T18:00:01"), 100, 5, "A"),
    ]
    _, sink = run(rows, calendar, **options)
    assert sink.tables["session"]["cvd_since"].tolist() == [at(since)]


def trade_dates_of(sink):
    """Return trade date and number of trades of each session, the running one last."""
    dates = [(one.trade_date, int(one.session["trade_count"][0])) for one in sink.sessions]
    running = sink.tables["session"][0]
    return [*dates, (int(running["trade_date"]), int(running["trade_count"]))]


@pytest.mark.parametrize(
    ("times", "dates"),
    [
        (
            [
                *("2025-01-08T10:00", "2025-01-08T15:59", "2025-01-08T18:00:01", "2025-01-09T08:00"),
                *("2025-01-09T18:00:01", "2025-01-10T10:00"),
            ],
            [(20250108, 2), (20250109, 2), (20250110, 2)],
        ),
        (["2018-12-04T18:00", "2018-12-05T09:29", "2018-12-05T18:00"], [(20181205, 2), (20181206, 1)]),
        (["2025-04-17T16:59:58", "2025-04-20T18:00:01"], [(20250417, 1), (20250421, 1)]),
        (["2024-03-28T16:59:58", "2024-03-31T18:00:01"], [(20240328, 1), (20240401, 1)]),
        (["2025-04-17T16:59", "2025-04-18T08:00", "2025-04-20T18:00"], [(20250417, 1), (20250418, 1), (20250421, 1)]),
        (["2023-04-07T09:14", "2023-04-07T11:00", "2023-04-09T18:00"], [(20230407, 1), (20230407, 1), (20230410, 1)]),
        (
            ["2026-04-03T09:14:59", "2026-04-03T09:16", "2026-04-05T18:00"],
            [(20260403, 1), (20260403, 1), (20260406, 1)],
        ),
        (["2025-01-14T16:59", "2025-01-14T17:30", "2025-01-14T18:00"], [(20250114, 1), (20250115, 1), (20250115, 1)]),
        (["2025-01-10T16:59", "2025-01-11T12:00", "2025-01-12T18:00"], [(20250110, 1), (20250111, 1), (20250113, 1)]),
        (
            ["2025-01-10T16:59", "2025-01-10T17:30", "2025-01-11T16:59", "2025-01-11T17:01", "2025-01-12T16:00"],
            [(20250110, 1), (20250111, 2), (20250112, 2)],
        ),
        (["2025-12-25T12:00", "2025-12-25T17:30", "2025-12-25T18:00"], [(20251225, 1), (20251226, 1), (20251226, 1)]),
        (["2025-11-28T12:59", "2025-11-28T13:14:59", "2025-11-28T14:00"], [(20251128, 2), (20251128, 1)]),
        (["2025-01-09T09:29", "2025-01-09T10:00"], [(20250109, 1), (20250109, 1)]),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_trade_outside_the_calendars_sessions_opens_one_for_its_globex_day(calendar, times, dates, at_once):
    rows = [(at(time), 100 + n, 1, "B") for n, time in enumerate(times)]
    pipeline, sink = Pipeline(sessions=calendar), Collector()
    pipeline.attach(1, sink)
    batches = [rows] if at_once else [[row] for row in rows]
    for batch in batches:
        pipeline.process(trades_of([(1, ts, price * TICK, size, side) for ts, price, size, side in batch]))
    pipeline.publish()
    assert trade_dates_of(sink) == dates
    traded = [ts for ts, *_ in rows]
    for start, end, kind, _ in gaps_of(sink):
        if kind is GapKind.CLOSED:
            assert not [ts for ts in traded if start < ts < end]
            assert not [
                ts for ts in traded if calendar.session_of_trade(ts).open <= start < calendar.session_of_trade(ts).close
            ]


def test_an_unscheduled_session_is_marked_and_nothing_of_it_is_closed(calendar):
    rows = [(at(time), 100, 1, "B") for time in ("2025-01-10T16:59", "2025-01-11T12:00", "2025-01-11T12:30")]
    _, sink = run(rows, calendar, now=at("2025-01-11T20:00"))
    friday, noon = at("2025-01-10T17:00"), at("2025-01-11T12:00")
    assert gaps_of(sink) == [
        (friday, at("2025-01-10T18:00"), GapKind.CLOSED, False),
        (at("2025-01-10T18:00"), noon, GapKind.NO_TRADES, False),
        (noon, noon, GapKind.UNSCHEDULED, False),
        (noon, at("2025-01-11T12:30"), GapKind.NO_TRADES, False),
        (at("2025-01-11T12:30"), at("2025-01-11T17:00"), GapKind.NO_TRADES, False),
        (at("2025-01-11T17:00"), at("2025-01-11T20:00"), GapKind.CLOSED, True),
    ]
    session = sink.tables["session"][0]
    assert (session["unscheduled"], session["partial"], session["trade_count"]) == (1, 0, 2)
    assert (session["open_ts"], session["close_ts"]) == (at("2025-01-10T18:00"), at("2025-01-11T17:00"))


@pytest.mark.parametrize(
    ("first", "is_partial"),
    [("2025-01-14T18:00:01", 0), ("2025-01-14T18:01", 0), ("2025-01-14T18:01:01", 1), ("2025-01-14T19:00", 1)],
)
def test_a_session_with_a_late_first_trade_is_partial_and_so_are_its_later_levels(calendar, first, is_partial):
    rows = [(at(first), 100, 1, "B"), (at("2025-01-15T10:00"), 101, 1, "B")]
    pipeline, sink = run(rows, calendar)
    session = sink.tables["session"][0]
    assert (session["partial"], session["first_ts"], session["prior_partial"]) == (is_partial, at(first), 0)
    pipeline.process(trades_of([(1, at("2025-01-15T18:00"), TICK, 1, "B")]))
    pipeline.publish()
    session = sink.tables["session"][0]
    assert (session["partial"], session["prior_partial"]) == (0, is_partial)
    assert int(sink.sessions[0].session["partial"][0]) == is_partial


def test_a_session_with_a_late_first_trade_is_complete_if_the_feed_vouches_for_the_time_before(calendar):
    pipeline, sink = run([(at("2025-01-14T18:20"), 100, 1, "B")], calendar)
    pipeline.know_from(at("2025-01-14T18:00"))
    pipeline.publish()
    assert sink.tables["session"]["partial"].tolist() == [0]


def test_a_quiet_instrument_is_not_partial_if_another_traded_at_the_open(calendar):
    pipeline, quiet = Pipeline(sessions=calendar), Collector()
    pipeline.attach(2, quiet)
    rows = [(1, at("2025-01-14T18:00:02"), 100 * TICK, 1, "B"), (2, at("2025-01-14T18:20"), 50 * TICK, 1, "B")]
    pipeline.process(trades_of(rows))
    pipeline.publish()
    assert quiet.tables["session"]["partial"].tolist() == [0]
    # The next session's data start midway for both: the previous day's being complete proves nothing.
    rows = [(1, at("2025-01-15T20:00"), 100 * TICK, 1, "B"), (2, at("2025-01-15T20:20"), 50 * TICK, 1, "B")]
    pipeline.process(trades_of(rows))
    pipeline.publish()
    assert quiet.tables["session"][["partial", "prior_partial"]].tolist() == [(1, 0)]


def test_trades_at_the_open_are_remembered_across_a_checkpoint(calendar):
    before = Pipeline(sessions=calendar)
    before.process(trades_of([(1, at("2025-01-14T18:00:02"), 100 * TICK, 1, "B")]))
    pipeline, quiet = Pipeline(sessions=calendar), Collector()
    pipeline.attach(2, quiet)
    pipeline.resume(decode(before.keep()))
    pipeline.process(trades_of([(2, at("2025-01-14T18:20"), 50 * TICK, 1, "B")]))
    pipeline.publish()
    assert quiet.tables["session"]["partial"].tolist() == [0]


def test_the_silences_of_a_quiet_instrument_do_not_displace_closed_hours(calendar):
    days = ("2025-11-24", "2025-11-25", "2025-11-26")
    rows = [(at(f"{day}T06:00") + n * 90 * SECOND_NS, 100, 1, "B") for day in days for n in range(300)]
    pipeline, sink = run(rows, calendar)
    found = gaps_of(sink)
    assert len(found) == 512
    closed = [(start, end) for start, end, kind, _ in found if kind is GapKind.CLOSED]
    assert closed == [(at(f"{day}T17:00"), at(f"{day}T18:00")) for day in days[:2]]
    assert found == sorted(found)
    after, kept = Pipeline(sessions=calendar), Collector()
    after.attach(1, kept)
    after.resume(decode(pipeline.keep()))
    after.publish()
    assert gaps_of(kept) == found


def test_a_feed_gap_across_closed_hours_covers_only_the_open_hours(calendar):
    pipeline, sink = Pipeline(sessions=calendar), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of([(1, at("2025-11-24T16:30"), 100 * TICK, 1, "B")]))
    pipeline.gap(FeedGap(at("2025-11-24T16:40"), at("2025-11-24T18:20")))
    pipeline.process(trades_of([(1, at("2025-11-24T18:20:30"), 100 * TICK, 1, "B")]))
    pipeline.publish()
    assert [(start, end, kind) for start, end, kind, _ in gaps_of(sink)] == [
        (at("2025-11-24T16:30"), at("2025-11-24T16:40"), GapKind.NO_TRADES),
        (at("2025-11-24T16:40"), at("2025-11-24T17:00"), GapKind.FEED),
        (at("2025-11-24T17:00"), at("2025-11-24T18:00"), GapKind.CLOSED),
        (at("2025-11-24T18:00"), at("2025-11-24T18:20"), GapKind.FEED),
    ]


@pytest.mark.parametrize("end", ["2025-11-24T18:00", "2025-11-24T17:40"])
def test_a_feed_gap_within_closed_hours_is_not_shown(calendar, end):
    pipeline, sink = Pipeline(sessions=calendar), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of([(1, at("2025-11-24T16:59:30"), 100 * TICK, 1, "B")]))
    pipeline.gap(FeedGap(at("2025-11-24T17:00"), at(end)))
    pipeline.process(trades_of([(1, at("2025-11-24T18:00:30"), 100 * TICK, 1, "B")]))
    pipeline.publish()
    assert [(start, stop, kind) for start, stop, kind, _ in gaps_of(sink)] == [
        (at("2025-11-24T17:00"), at("2025-11-24T18:00"), GapKind.CLOSED),
    ]
