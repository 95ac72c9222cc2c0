"""One status for the charts of several engines."""

from typing import Any

from flow_gl.protocol.messages import Status
from flow_gl.runtime.remote.bus_status import ChartStatus, merged


def chart(
    symbol: str, holder: str, state: str = "live", *, is_live: bool = True, engine: str = "running", **more: Any
) -> ChartStatus:
    numbers = {"trades": 100, "lag_ns": 5, "is_recording": 1} | more
    status = Status(state, engine, f"{symbol} says", int(numbers.pop("sent_ns", 1)), numbers)
    return ChartStatus(symbol=symbol, holder=holder, status=status, is_live=is_live)


def test_charts_of_one_engine_count_once() -> None:
    found = merged([chart("NQ.v.0", "one"), chart("ES.v.0", "one")])
    assert (found.state, found.numbers["trades"]) == ("live", 100)


def test_numbers_of_several_engines_are_combined_and_the_clock_is_the_newest() -> None:
    found = merged(
        [
            chart("NQ.v.0", "one", trades=100, lag_ns=5, anchor_event=1, sent_ns=7),
            chart("ES.v.0", "two", trades=50, lag_ns=9, anchor_event=2, sent_ns=6, is_recording=0),
        ]
    )
    assert (found.numbers["trades"], found.numbers["lag_ns"], found.numbers["is_recording"]) == (150, 9, 0)
    assert (found.numbers["anchor_event"], found.sent_ns) == (1, 7)


def test_the_worst_state_is_that_of_all() -> None:
    found = merged([chart("NQ.v.0", "one", sent_ns=9), chart("ES.v.0", "two", "catching_up")])
    assert (found.state, found.message) == ("catching_up", "ES.v.0 says")


def test_a_chart_without_an_engine_is_named() -> None:
    found = merged([chart("NQ.v.0", "one"), chart("ES.v.0", "two", is_live=False)])
    assert (found.state, found.message) == ("reconnecting", "no engine publishes ES.v.0 now")
    assert found.numbers["trades"] == 100  # what an engine that is gone had is not added for ever
    found = merged([chart("NQ.v.0", "one", is_live=False), chart("ES.v.0", "two", is_live=False)])
    assert found.message == "no engine publishes any chart now"


def test_an_engine_that_has_ended_is_not_missed() -> None:
    found = merged([chart("NQ.v.0", "one", "ended", is_live=False), chart("ES.v.0", "two")])
    assert found.state == "live"
    found = merged([chart("NQ.v.0", "one", is_live=False, engine="ended")])
    assert (found.state, found.engine) == ("live", "ended")
