"""Numbers and times are formatted as traders expect."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.units import PRICE_SCALE
from flow_gl.ui.overlays import words


def test_prices_have_the_instruments_decimals_and_thousands_separators():
    assert words.price(25_380_250_000_000, 250_000_000) == "25,380.25"
    assert words.price(42_015 * PRICE_SCALE, PRICE_SCALE) == "42,015"
    assert words.price(-1_250_000_000, 50_000_000) == words.MINUS + "1.25"
    assert words.price(UNDEF_PRICE, 250_000_000) == words.NONE


def test_plus_and_minus_are_equally_wide_and_zero_has_no_sign():
    assert [words.signed(v) for v in (55, -55, 0, -3635)] == ["+55", "\u221255", "0", "\u22123,635"]


@given(st.integers(0, 4_000_000_000))
def test_clock_times_are_the_exchanges_across_changes_to_and_from_summer_time(seconds):
    local = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo("America/New_York"))
    assert words.clock(seconds * PRICE_SCALE) == f"{local:%H:%M:%S}"


def test_dates_are_those_of_the_exchange_not_utc():
    assert words.day(int(datetime(2025, 11, 24, 1, tzinfo=UTC).timestamp()) * PRICE_SCALE) == "Sun 23 Nov 2025"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0.0 s"), (0.24, "0.2 s"), (9.9, "9.9 s"), (9.96, "10 s"), (75, "75 s"), (185, "3:05 min"), (7800, "2:10 h")],
)
def test_ages_are_one_short_word(seconds, text):
    assert words.age(seconds) == text


def test_speeds_and_spans_are_written_as_people_read_them():
    assert [words.speed(v) for v in (1.0, 0.25, 10_000.0, float("inf"))] == ["x1", "x0.25", "x10,000", "max"]
    assert [words.span(v) for v in (30, 180, 5400, 86400, 604800)] == ["30 s", "3 min", "90 min", "1 day", "7 days"]
