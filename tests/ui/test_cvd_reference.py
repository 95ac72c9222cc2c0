"""R counts CVD from a moment on, beside the session's CVD; it destroys nothing and can be undone."""

from collections.abc import Iterator

import numpy as np
import pytest

from flow_gl.core.schema import SESSION
from flow_gl.ui.overlays.words import MINUS
from tests.kit.pilot import HeadlessPilot

CVD_NOW = -40


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", size=(1280, 720))
    found.frames(3)
    publish_session(found, cvd=CVD_NOW)
    yield found
    found.close()


def publish_session(pilot: HeadlessPilot, chart: int = 0, *, trades: int = 1, **fields: int) -> None:
    """Publish a session with some fields changed, `trades` trades later, and draw it."""
    session = np.zeros(1, SESSION)
    pilot.link.stores[chart].session.read(session)
    session["trade_count"] += trades
    session["last_ts"] += trades * 1_000_000
    for name, value in fields.items():
        session[name] = value
    pilot.link.stores[chart].session.write(session)
    pilot.frames(6)


def texts(pilot: HeadlessPilot, chart: int = 0) -> list[str]:
    header = pilot.charts[chart].header
    assert header is not None
    return [one.text for one in header.texts][1:]


def test_without_a_reference_the_header_shows_only_the_session(pilot: HeadlessPilot) -> None:
    assert texts(pilot) == [f"CVD {MINUS}40"]


def test_a_reference_is_shown_beside_the_session_and_sends_nothing_to_the_engine(pilot: HeadlessPilot) -> None:
    pilot.press("r")
    pilot.frames(6)
    assert texts(pilot) == ["CVD 0", f"session {MINUS}40"]
    publish_session(pilot, cvd=CVD_NOW + 9)
    assert texts(pilot) == ["CVD +9", f"session {MINUS}31"]
    assert not pilot.link.commands


def test_each_undo_restores_the_previous_reference(pilot: HeadlessPilot) -> None:
    pilot.press("r")
    publish_session(pilot, cvd=0)
    pilot.press("r")
    publish_session(pilot, cvd=5)
    assert texts(pilot) == ["CVD +5", "session +5"]
    pilot.press("ctrl+z")
    pilot.frames(6)
    assert texts(pilot) == ["CVD +45", "session +5"]
    pilot.press("ctrl+z")
    pilot.frames(6)
    assert texts(pilot) == ["CVD +5"]
    pilot.press("ctrl+z")
    pilot.frames(6)
    assert texts(pilot) == ["CVD +5"]


def test_a_reference_ends_where_cvd_restarts(pilot: HeadlessPilot) -> None:
    pilot.press("r")
    session_open = pilot.link.now_ns + 10_000_000
    publish_session(pilot, cvd=7, cvd_since=session_open, last_ts=session_open + 1)
    assert texts(pilot) == ["CVD +7"]
    assert not pilot.state.charts[0].cvd_references


def test_a_reference_ends_with_its_contract(pilot: HeadlessPilot) -> None:
    pilot.press("r")
    record = np.array([pilot.link.markets[0].instrument])
    record["instrument_id"] += 1
    pilot.link.stores[0].instrument.write(record)
    publish_session(pilot, cvd=7)
    assert texts(pilot) == ["CVD +7"]


def test_a_reference_survives_an_engine_restart_if_the_new_engine_has_the_same_trades(pilot: HeadlessPilot) -> None:
    point = pilot.link.markets[0].open_cvd(0)
    assert point is not None
    publish_session(pilot, trades=0, cvd=int(point["close"]), last_ts=int(point["ts_event"]) + 1)
    pilot.press("r")
    pilot.link.generation += 1
    publish_session(pilot, cvd=int(point["close"]) + 9)
    assert texts(pilot)[0] == "CVD +9"
    pilot.state.charts[0].cvd_references[:] = []


def test_a_reference_that_a_new_engine_does_not_confirm_is_dropped(pilot: HeadlessPilot) -> None:
    publish_session(pilot, trades=0, cvd=10**6)
    pilot.press("r")
    pilot.link.generation += 1
    publish_session(pilot, cvd=10**6 + 9)
    assert texts(pilot) == ["CVD +1,000,009"]


def test_a_reference_waits_until_its_time_is_reached_again(pilot: HeadlessPilot) -> None:
    pilot.press("r")
    publish_session(pilot, cvd=3, last_ts=pilot.link.now_ns - 10**12)
    assert texts(pilot) == ["CVD +3"]
    assert pilot.state.charts[0].cvd_references


def test_two_charts_have_their_own_references() -> None:
    pilot = HeadlessPilot("NQZ5", "ESZ5", size=(1280, 720))
    pilot.frames(3)
    for chart in (0, 1):
        publish_session(pilot, chart, cvd=100)
    pilot.move((1100.0, 300.0))
    pilot.press("r")
    for chart in (0, 1):
        publish_session(pilot, chart, cvd=130)
    assert texts(pilot, 0) == ["CVD +130"]
    assert texts(pilot, 1) in (["CVD +30", "session +130"], ["CVD +30", "(+130)"])
    pilot.close()
