"""Keys and the mouse before there are data: the chart begins live and running all the same."""

from collections.abc import Iterator

import pytest

from flow_gl.ui.link import LinkState
from tests.kit.pilot import HeadlessPilot


class StartingPilot(HeadlessPilot):
    """A program whose engine is not there yet."""

    def __init__(self) -> None:
        super().__init__("NQZ5")
        self._there = self.link.markets, self.link.engine
        self.link.markets, self.link.engine, self.link.state = [], None, LinkState.STARTING
        self.frames(6)

    def start_engine(self) -> None:
        self.link.markets, self.link.engine = self._there
        self.link.state, self.link.generation = LinkState.RUNNING, self.link.generation + 1
        self.frames(6)


@pytest.fixture
def pilot() -> Iterator[StartingPilot]:
    found = StartingPilot()
    yield found
    found.close()


def test_a_drag_before_the_data_does_not_stop_the_chart_in_the_past(pilot: StartingPilot) -> None:
    pilot.drag((200.0, 150.0), (300.0, 160.0))
    pilot.press("left_arrow", "up_arrow")
    pilot.start_engine()
    assert pilot.state.time.is_live


def test_there_is_nothing_to_pause_before_the_first_trade(pilot: StartingPilot) -> None:
    pilot.press("space")
    notes = [text for text, _ in pilot.loop.overlays.notes.lines(pilot.frame.steady_s)]
    assert notes == ["there is nothing to pause yet"]
    pilot.drag((200.0, 150.0), (300.0, 160.0))
    pilot.start_engine()
    assert pilot.state.pause is None
    assert pilot.charts[0].scene is not None
    pilot.press("space")
    assert pilot.state.pause is not None
