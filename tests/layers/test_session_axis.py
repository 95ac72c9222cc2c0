"""The time axis marks regular hours, opens and closes, and names holidays."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from flow_gl.core.schema import SESSION
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import HOUR_NS, SECOND_NS
from flow_gl.layers.base import Style
from flow_gl.layers.session_hours import holidays_between, regular_hours
from flow_gl.layers.sessions import sessions_of
from flow_gl.layers.stack import ChartStack
from tests.kit.gl_context import draw
from tests.kit.markets import make_scene, make_week


def test_regular_hours_are_those_of_the_exchanges_calendar() -> None:
    calendar, numbers, lengths = SessionCalendar(), np.zeros(1, SESSION)[0], set()
    at_ns = int(datetime(2024, 12, 2, 12, tzinfo=ZoneInfo("America/New_York")).timestamp()) * SECOND_NS
    for day in range(60):
        session = calendar.session_at(at_ns + day * 24 * HOUR_NS)
        lengths.add(session.rth_close - session.rth_open)
        numbers["trade_date"], numbers["close_ts"] = session.trade_date, session.close
        assert regular_hours(numbers) == (
            (session.rth_open, session.rth_close) if session.rth_open < session.close else None
        )
    assert len(lengths) > 1, "a short day is among them"


def test_without_a_calendar_and_in_an_unscheduled_session_there_are_no_regular_hours() -> None:
    numbers = np.zeros(1, SESSION)[0]
    assert regular_hours(numbers) is None
    numbers["trade_date"], numbers["close_ts"], numbers["unscheduled"] = 20251128, 2**62, 1
    assert regular_hours(numbers) is None


def test_holidays_are_weekdays_without_a_session() -> None:
    assert holidays_between(date(2024, 12, 24), date(2024, 12, 26)) == [date(2024, 12, 25)]
    assert holidays_between(date(2025, 11, 28), date(2025, 12, 1)) == []
    assert holidays_between(date(2025, 11, 27), date(2025, 11, 28)) == []


def test_regular_hours_opens_and_closes_are_marked_on_the_time_axis(stack: ChartStack) -> None:
    market, shown = make_week(), Style().is_visible
    styles = (Style(is_visible=one) for one in (shown, shown - {"sessions"}))
    scenes = [make_scene(market, span_s=5 * 24 * 3600, lod=6, style=style) for style in styles]
    marked, without = (draw(stack, one).astype(int) for one in scenes)
    view = scenes[0].cvd_view
    row = np.abs(marked - without).max(axis=2)[round(view.rect.bottom) + 1]
    for session in sessions_of(market.reader)[1:]:
        hours = regular_hours(session.numbers)
        assert hours is not None
        left, right = (round(view.pixel_x(at)) for at in hours)
        assert (row[left + 1 : min(right, int(view.rect.right)) - 1] > 24).all()
        assert row[round(view.pixel_x(session.start_ns))] > 24
        assert row[left - 4] <= 24
