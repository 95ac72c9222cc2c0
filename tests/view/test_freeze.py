"""Steps that change the state prepare a frame; `build` then makes the scene without side effects."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields

import pytest

from flow_gl.core.schema import FeedState
from flow_gl.layers.base import Scene
from flow_gl.ui import scenes
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view import frame_loop
from tests.kit.pilot import HeadlessPilot

FRAME_S = 1 / 60


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", frame_s=FRAME_S)
    yield found
    found.close()


def everything(state: ViewState) -> list[object]:
    """Return everything in the state, without caches, and with versions in place of lines and drawings."""
    own = [getattr(state, field.name) for field in fields(state) if field.name not in {"charts", "drawings", "history"}]
    drawn = state.drawings
    own += [drawn.book.by_root(), drawn.book.version, drawn.rules.version, drawn.held, drawn.edited, drawn.last_edited]
    names = [field.name for field in fields(ChartState) if field.name not in {"style", "lines"}]
    charts = [[getattr(chart, name) for name in names] for chart in state.charts]
    lines = [(chart.lines.minutes.version, chart.lines.sizes.version) for chart in state.charts]
    return deepcopy([own, charts, lines])


def test_freezing_a_frame_changes_nothing(pilot: HeadlessPilot, monkeypatch: pytest.MonkeyPatch) -> None:
    pilot.point((300.0, 150.0))
    pilot.state.filters.percentile = 30.0
    pilot.frames(5)
    build = scenes.build
    seen: list[object] = []
    """Record the state before each scene, after each scene, and when the frame is assembled."""
    frozen: list[Scene] = []

    def look() -> None:
        seen.append((everything(pilot.state), pilot.loop.scheduler.recent()))

    def twice(*arguments: object, **options: object) -> Scene:
        look()
        first, second = (build(*arguments, **options) for _ in range(2))  # type: ignore[arg-type]
        assert first == second
        look()
        frozen.append(second)
        return first

    def put_together(**fields: object) -> Frame:
        look()
        return Frame(**fields)  # type: ignore[arg-type]

    monkeypatch.setattr(scenes, "build", twice)
    monkeypatch.setattr(frame_loop, "Frame", put_together)
    pilot.frames(1)
    assert len(seen) == 5
    assert all(later == seen[0] for later in seen)
    assert [chart.scene for chart in pilot.charts] == frozen


def test_asking_whether_the_picture_rests_changes_nothing(pilot: HeadlessPilot) -> None:
    loop = pilot.loop
    pilot.link.set_status(rate=0.0)
    pilot.frames(1)
    assert [loop.is_at_rest for _ in range(3)] == [False] * 3
    pilot.state.toggle_pause(pilot.time.wall_ns(), pilot.link.now_ns)
    loop.run_frame(FRAME_S)
    pilot.time.advance(5_000_000_000)
    assert [loop.is_at_rest for _ in range(3)] == [True] * 3
    assert not loop.poll_engine()
    pilot.link.bring("YMZ5")
    assert loop.poll_engine()
    loop.run_frame(FRAME_S)
    pilot.time.advance(5_000_000_000)
    assert not loop.poll_engine()
    pilot.link.set_status(state=FeedState.ENDED)
    assert [loop.poll_engine() for _ in range(3)] == [True] * 3
