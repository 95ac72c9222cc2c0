"""Keys step to the previous and the next session."""

import pytest

from flow_gl.core.units import HOUR_NS
from flow_gl.ui.input.session_steps import START_SHARE, StepContext, step
from flow_gl.ui.state.axes import TimeAxis
from flow_gl.ui.state.timeline import TimelineReader
from tests.kit.markets import WEEK, Market, make_market, make_week

WIDTH_PX = 1800.0


@pytest.fixture(params=["none", "closed"])
def where(request: pytest.FixtureRequest) -> tuple[Market, TimeAxis, StepContext]:
    market, time = make_week(), TimeAxis()
    timeline = TimelineReader().read(market.reader, request.param, now_ns=market.now_ns, scale=1.0)
    time.span_ns = 6.0 * HOUR_NS
    time.fit(WIDTH_PX)
    return market, time, StepContext(market.now_ns, WIDTH_PX, timeline)


def start_of_view(time: TimeAxis, at: StepContext) -> int:
    return time.time_at(START_SHARE * WIDTH_PX, at.event_ns, WIDTH_PX, at.timeline)


def test_steps_go_from_session_to_session_and_back_to_the_newest(where: tuple[Market, TimeAxis, StepContext]) -> None:
    market, time, at = where
    for day in reversed(WEEK):
        step(market.reader, time, -1, at)
        assert abs(start_of_view(time, at) - day.open_ns) <= 2 * time.ns_per_px
        assert not time.is_live
    assert step(market.reader, time, -1, at) == "this is the oldest known session"
    for day in WEEK[1:]:
        step(market.reader, time, 1, at)
        assert abs(start_of_view(time, at) - day.open_ns) <= 2 * time.ns_per_px
    assert step(market.reader, time, 1, at) == "this is the newest session"
    assert time.is_live


def test_a_step_from_the_middle_of_a_session_goes_to_its_open_first(
    where: tuple[Market, TimeAxis, StepContext],
) -> None:
    market, time, at = where
    for _ in range(3):
        step(market.reader, time, -1, at)
    time.pan(-200.0, at.event_ns, at.timeline)
    assert step(market.reader, time, -1, at) == "Wed 26 Nov"
    assert abs(start_of_view(time, at) - WEEK[2].open_ns) <= 2 * time.ns_per_px


def test_without_trades_there_is_no_step() -> None:
    market, time = make_market(10, is_published=False), TimeAxis()
    time.fit(WIDTH_PX)
    assert (
        step(
            market.reader,
            time,
            -1,
            StepContext(0, WIDTH_PX, TimelineReader().read(market.reader, "none", now_ns=0, scale=1.0)),
        )
        == "no session yet"
    )
    assert time.is_live
