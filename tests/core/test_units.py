"""Prices, durations and times against Decimal, datetime and zoneinfo."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.errors import UsageError
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.units import (
    format_duration,
    format_price,
    format_time,
    parse_duration_ns,
    parse_time_ns,
    price_decimals,
    price_from_text,
)

PRICES = st.integers(-(2**63) + 2, 2**63 - 2)
FRIDAY_1900_ET = 1_764_288_000_000_000_000
"""2025-11-28 00:00 UTC, the previous evening in New York."""


@given(PRICES, st.integers(0, 9))
def test_a_price_is_rounded_as_decimal_rounds_it(price: int, decimals: int) -> None:
    exact = Decimal(price).scaleb(-9, None).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    assert format_price(price, decimals) == f"{exact + 0:,.{decimals}f}"


@given(PRICES)
def test_a_price_with_all_decimals_is_read_back(price: int) -> None:
    assert price_from_text(format_price(price, 9)) == price


def test_prices_look_as_traders_write_them() -> None:
    assert format_price(25_415_250_000_000) == "25,415.25"
    assert format_price(-250_000_000) == "-0.25"
    assert format_price(46_123_000_000_000, 0) == "46,123"
    assert format_price(-1, 2) == "0.00"
    assert format_price(UNDEF_PRICE) == "-"


@pytest.mark.parametrize("text", ["", "abc", "1.0000000001", "1e30", "nan", "inf"])
def test_an_invalid_price_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        price_from_text(text)


@pytest.mark.parametrize(
    ("tick", "decimals"), [("0.25", 2), ("0.05", 2), ("0.1", 1), ("1", 0), ("0.03125", 5), ("0.0000005", 7), ("5", 0)]
)
def test_decimals_are_those_that_a_tick_needs(tick: str, decimals: int) -> None:
    assert price_decimals(price_from_text(tick)) == decimals


def test_an_unknown_tick_is_written_with_two_decimals() -> None:
    assert price_decimals(0) == 2


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1s", 10**9),
        ("500ms", 5 * 10**8),
        ("1.5s", 15 * 10**8),
        ("10m", 600 * 10**9),
        ("10min", 600 * 10**9),
        ("1h", 3_600 * 10**9),
        ("2d", 172_800 * 10**9),
        ("7us", 7_000),
        ("3 ns", 3),
    ],
)
def test_durations_are_read(text: str, ns: int) -> None:
    assert parse_duration_ns(text) == ns


@given(st.integers(1, 366 * 86_400 * 10**9))
def test_a_written_duration_is_read_back(ns: int) -> None:
    assert parse_duration_ns(format_duration(ns)) == ns


@pytest.mark.parametrize("text", ["", "5", "1x", "s", "-1s", "1e3s", "0.1ns", "٣s"])
def test_an_invalid_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--bucket: "):
        parse_duration_ns(text, name="--bucket")


@pytest.mark.parametrize("text", ["99ms", "61m", "2h"])
def test_a_duration_out_of_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(UsageError, match=f"bucket: expected 100ms to 1h, got '{text}'"):
        parse_duration_ns(text, low_ns=10**8, high_ns=3_600 * 10**9, name="bucket")


def utc_ns(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds) * 1_000


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)), st.sampled_from(["UTC", "America/New_York"]))
def test_a_written_time_is_read_back(moment: datetime, zone: str) -> None:
    ns = utc_ns(moment.replace(tzinfo=ZoneInfo(zone)))
    text = format_time(ns, zone="UTC", decimals=6)
    assert parse_time_ns(text.removesuffix(" UTC"), zone="UTC") == ns


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-11-28T14:30", "2025-11-28T19:30"),
        ("2025-11-28 14:30:15", "2025-11-28T19:30:15"),
        ("2025-07-01T09:30", "2025-07-01T13:30"),
        ("2025-11-28T14:30Z", "2025-11-28T14:30"),
        ("2025-11-28T14:30+01:00", "2025-11-28T13:30"),
        ("2025-11-28T14:30-0500", "2025-11-28T19:30"),
        ("2025-11-28", "2025-11-28T05:00"),
    ],
)
def test_times_are_new_york_times_unless_they_carry_a_zone(text: str, utc: str) -> None:
    assert parse_time_ns(text) == utc_ns(datetime.fromisoformat(utc).replace(tzinfo=UTC))


def test_a_typed_time_is_exact_to_the_nanosecond() -> None:
    assert parse_time_ns("2025-11-28T00:00:00.000000001Z") == FRIDAY_1900_ET + 1
    assert parse_time_ns("2025-11-28T00:00:00.5Z") == FRIDAY_1900_ET + 5 * 10**8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:30", "2025-11-28T09:30"),
        ("9:30", "2025-11-28T09:30"),
        ("19:00", "2025-11-27T19:00"),
        ("18:59", "2025-11-28T18:59"),
    ],
)
def test_a_time_of_day_is_the_first_from_the_files_first_trade_on(text: str, expected: str) -> None:
    assert parse_time_ns(text, after_ns=FRIDAY_1900_ET) == parse_time_ns(expected)


@pytest.mark.parametrize(
    "text",
    ["", "noon", "25:00", "09:60", "2025-13-01", "2025-11-28T", "2025-11-28Z", "9", "09:30:00.1234567891", "-05:00"],
)
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        parse_time_ns(text, after_ns=FRIDAY_1900_ET)


def test_a_time_without_a_day_is_refused_if_no_day_is_known() -> None:
    with pytest.raises(UsageError, match="expected a time with its date, like 2025-11-28T09:30, got '09:30'"):
        parse_time_ns("09:30")


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(UsageError, match="skip this time"):
        parse_time_ns("2025-03-09T02:30")


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a time zone like America/New_York, got 'Mars'"):
        parse_time_ns("2025-03-09T02:30", zone="Mars")


def test_times_are_written_with_their_zone() -> None:
    assert format_time(1_764_340_200_123_456_789) == "2025-11-28 09:30:00 EST"
    assert format_time(1_764_340_200_123_456_789, decimals=3) == "2025-11-28 09:30:00.123 EST"
    assert format_time(1_764_340_200_999_999_999, zone="UTC", decimals=6) == "2025-11-28 14:30:00.999999 UTC"
