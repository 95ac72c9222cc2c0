"""What a frame shows is decided by steps that change the state, and frozen by one that does not."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields

import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.palette import DARK
from flow_gl.core.schema import FeedState
from flow_gl.gl.context import HeadlessContext
from flow_gl.ui.gui import Gui
from flow_gl.ui.state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from tests.ui.local import LocalLink

FRAME_S = 1 / 60


@pytest.fixture
def loop() -> Iterator[FrameLoop]:
    context = HeadlessContext(640, 360)
    link = LocalLink("NQZ5", "ESZ5")
    gui = Gui(DARK, scale=1.0)
    found = FrameLoop(context, link, ViewState(), gui, ManualClock(link.now_ns))
    yield found
    found.release()
    gui.close()
    context.close()


def advance(loop: FrameLoop) -> None:
    """Let the clock go on, and draw a frame."""
    loop._clock.advance(int(FRAME_S * 1e9))
    loop.run_frame(FRAME_S)


def everything(state: ViewState) -> list[object]:
    """All that the state says; the cached styles are no part of it."""
    own = [getattr(state, field.name) for field in fields(state) if field.name != "charts"]
    charts = [getattr(chart, field.name) for chart in state.charts for field in fields(chart) if field.name != "style"]
    return deepcopy([own, charts])


def test_freezing_a_frame_changes_nothing(loop: FrameLoop) -> None:
    loop.state.cursor_px = (300.0, 150.0)
    loop.state.filters.percentile = 30.0
    for _ in range(5):
        advance(loop)
    moment, charts = loop._advance(FRAME_S, loop._now_s(), 1.0, loop.surface.size)
    before = everything(loop.state)
    jobs = loop.scheduler.recent()
    first, second = loop._freeze(moment, charts), loop._freeze(moment, charts)
    assert [chart.scene for chart in first.charts] == [chart.scene for chart in second.charts]
    assert everything(loop.state) == before
    assert loop.scheduler.recent() == jobs


def test_whether_the_picture_rests_can_be_asked_any_number_of_times(loop: FrameLoop) -> None:
    loop.link.say(rate=0.0)
    advance(loop)
    assert [loop.is_at_rest for _ in range(3)] == [False] * 3
    loop.state.toggle_pause(loop._clock.wall_ns(), loop.link.now_ns)
    loop.run_frame(FRAME_S)
    loop._clock.advance(5_000_000_000)
    assert [loop.is_at_rest for _ in range(3)] == [True] * 3
    assert not loop.poll_engine()
    loop.link.say(state=FeedState.ENDED)
    assert [loop.poll_engine() for _ in range(3)] == [True] * 3
