"""Long pieces of work of several charts do not meet in one frame, and none waits for long."""

import numpy as np

from flow_gl.gl.kit import Kit
from flow_gl.layers import chart as chart_module
from flow_gl.layers.chart import Chart


class _Kit:
    """The kit's turns, without its programs and fonts."""

    _turn_s = -1.0
    take_turn = Kit.take_turn


class _Scene:
    wall_s = 0.0


def _charts(count: int, kit: _Kit) -> list[Chart]:
    charts = [Chart.__new__(Chart) for _ in range(count)]
    for chart in charts:
        object.__setattr__(chart, "kit", kit)
        chart._profile_s = 0.0
    return charts


def test_charts_take_their_profiles_in_different_frames_and_none_waits_long() -> None:
    kit, scene = _Kit(), _Scene()
    charts = _charts(3, kit)
    taken: list[list[float]] = [[], [], []]
    met = 0
    for frame in range(1, 600):
        scene.wall_s = frame / 60.0
        turns = 0
        for own, chart in zip(taken, charts, strict=True):
            chart._take_profile_turn(scene)  # type: ignore[arg-type]
            if chart.is_profile_turn:
                own.append(scene.wall_s)
                turns += 1
        met += turns > 1
    assert met <= 1  # all three are due in the first frame
    for own in taken:
        assert np.diff(own).min() >= chart_module._PROFILE_S - 1e-9
        assert np.diff(own).max() <= 3 * chart_module._PROFILE_S + 1 / 60


def test_a_clock_that_stands_makes_every_frame_a_turn() -> None:
    kit, scene = _Kit(), _Scene()
    scene.wall_s = 5.0
    for chart in _charts(2, kit):
        for _ in range(3):
            chart._take_profile_turn(scene)  # type: ignore[arg-type]
            assert chart.is_profile_turn
