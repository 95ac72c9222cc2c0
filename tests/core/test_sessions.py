"""Sessions of the exchange, compared with pandas_market_calendars and with well-known dates."""

import datetime as dt
import sys
from zoneinfo import ZoneInfo

import pytest

from flow_gl.core.errors import DataError
from flow_gl.core.sessions import SessionCalendar, next_time_of_day
from flow_gl.core.units import SECOND_NS

NEW_YORK = ZoneInfo("America/New_York")


def at(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND_NS


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("sessions")


@pytest.fixture(scope="module")
def calendar(cache):
    return SessionCalendar(cache=cache)


def test_a_session_runs_from_1800_to_1700_of_its_trade_date(calendar):
    session = calendar.session_at(at("2025-11-24T18:00"))
    assert session.trade_date == 20251125
    assert (session.open, session.close) == (at("2025-11-24T18:00"), at("2025-11-25T17:00"))
    assert (session.rth_open, session.rth_close) == (at("2025-11-25T09:30"), at("2025-11-25T16:00"))
    assert session.next_open == at("2025-11-25T18:00")
    assert calendar.session_at(at("2025-11-24T18:00") - 1).trade_date == 20251124


def test_the_offset_follows_summer_time(calendar):
    for day in ("2025-03-10", "2025-07-01", "2025-11-03"):
        assert calendar.session_at(at(f"{day}T12:00")).rth_open == at(f"{day}T09:30")
        assert calendar.session_at(at(f"{day}T12:00")).close == at(f"{day}T17:00")


def test_a_weekend_belongs_to_friday_until_sunday_evening(calendar):
    assert calendar.session_at(at("2025-11-22T12:00")).trade_date == 20251121
    assert not calendar.is_open(at("2025-11-22T12:00"))
    assert calendar.is_open(at("2025-11-23T18:00"))


def test_an_early_close_ends_regular_hours_too(calendar):
    session = calendar.session_at(at("2025-11-28T12:00"))
    assert (session.close, session.rth_close) == (at("2025-11-28T13:15"), at("2025-11-28T13:00"))
    assert calendar.session_of_trade(at("2025-11-28T13:10")) == session


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2025-11-28", "13:15"),  # half days of the stock exchange
        ("2025-12-24", "13:15"),
        ("2025-07-03", "13:15"),
        ("2025-11-27", "13:00"),  # holidays
        ("2025-07-04", "13:00"),
        ("2026-07-03", "13:00"),
        ("2025-06-19", "13:00"),
        ("2023-04-07", "09:15"),  # Good Fridays with an employment report
        ("2026-04-03", "09:15"),
        ("2021-04-02", "09:15"),
        ("2018-12-05", "09:30"),  # days of mourning
        ("2025-01-09", "09:30"),
        ("2025-01-10", "17:00"),
    ],
)
def test_early_closes_are_at_the_exchanges_time(calendar, day, close):
    session = calendar.session_at(at(f"{day}T03:00"))
    assert session.trade_date == int(day.replace("-", ""))
    assert session.close == at(f"{day}T{close}")
    assert session.is_scheduled
    assert not calendar.is_open(at(f"{day}T{close}"))


@pytest.mark.parametrize("day", ["2024-03-29", "2025-04-18", "2022-04-15", "2027-03-26", "2025-12-25"])
def test_days_without_trading_have_no_session(calendar, day):
    assert not calendar.is_open(at(f"{day}T03:00"))
    assert calendar.session_at(at(f"{day}T03:00")).trade_date < int(day.replace("-", ""))
    assert not calendar.session_of_trade(at(f"{day}T03:00")).is_scheduled


def test_christmas_has_no_session(calendar):
    assert calendar.session_at(at("2023-12-25T12:00")).trade_date == 20231222
    assert calendar.session_at(at("2023-12-25T18:00")).trade_date == 20231226


@pytest.mark.parametrize("close", ["2025-11-25T17:00", "2025-11-28T13:15", "2025-11-27T13:00"])
def test_a_trade_at_the_close_is_not_put_into_the_session_that_is_over(calendar, close):
    """Regular day, half day and holiday: the session is half-open, to the nanosecond."""
    session = calendar.session_at(at(close) - 1)
    assert calendar.session_of_trade(at(close) - 1) == session
    for ts in (at(close), at(close) + 1, at(close) + SECOND_NS - 1):
        after = calendar.session_of_trade(ts)
        assert not after.is_scheduled
        assert after.open <= ts < after.close


def test_every_moment_belongs_to_exactly_one_session(calendar):
    ts, end = at("2024-11-20T00:00"), at("2026-07-10T00:00")
    while ts < end:
        session = calendar.session_of_trade(ts)
        assert session.open <= ts < session.close
        assert calendar.session_of_trade(session.open) in (session, calendar.session_at(session.open))
        following = calendar.session_of_trade(session.close)
        assert following.open <= session.close < following.close
        assert following != session
        ts = session.close


def test_closed_intervals_are_clipped_to_the_query(calendar):
    assert calendar.closed_between(at("2025-11-25T10:00"), at("2025-11-25T17:00")) == []
    assert calendar.closed_between(at("2025-11-25T17:30"), at("2025-11-26T18:30")) == [
        (at("2025-11-25T17:30"), at("2025-11-25T18:00")),
        (at("2025-11-26T17:00"), at("2025-11-26T18:00")),
    ]


def test_the_kept_years_are_read_without_the_calendar_package(calendar, cache, monkeypatch):
    expected = calendar.session_at(at("2025-12-31T19:00"))
    monkeypatch.setitem(sys.modules, "pandas_market_calendars", None)  # an import of it fails
    assert SessionCalendar(cache=cache).session_at(at("2025-12-31T19:00")) == expected


def test_a_damaged_cache_is_computed_again(tmp_path):
    ours = SessionCalendar(cache=tmp_path)
    expected = ours.session_at(at("2025-06-02T12:00"))
    for path in tmp_path.iterdir():
        path.write_text("[[1, 2", encoding="ascii")
    assert SessionCalendar(cache=tmp_path).session_at(at("2025-06-02T12:00")) == expected


def test_an_unwritable_folder_only_costs_time(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert SessionCalendar(cache=blocked / "cache").session_at(at("2025-06-02T12:00")).trade_date == 20250602


def test_a_time_outside_the_calendar_is_refused_in_one_line(calendar):
    for ts in (0, 2**62, -(2**62)):
        with pytest.raises(DataError, match=r"session calendar: expected a time in 1991\.\.2099"):
            calendar.session_at(ts)


def test_the_next_time_of_day_holds_over_the_change_of_clocks():
    times = (dt.time(9, 30), dt.time(18, 0))
    assert next_time_of_day(at("2025-03-08T18:00"), times) == at("2025-03-09T09:30")
    assert next_time_of_day(at("2025-11-01T18:00"), times) == at("2025-11-02T09:30")
    assert next_time_of_day(at("2025-11-02T09:30"), times) == at("2025-11-02T18:00")
