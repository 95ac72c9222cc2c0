"""Frames are due at the right times and advance the shown time by the right steps."""

import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.view.pacing import Pacer


@pytest.mark.parametrize(
    ("measured_ms", "shown_ms"), [(16.2, 16.667), (18.1, 16.667), (12.9, 16.667), (33.0, 33.333), (51.9, 50.0)]
)
def test_a_frame_time_near_a_whole_number_of_periods_is_rounded(measured_ms: float, shown_ms: float) -> None:
    pacer = Pacer(ManualClock(), refresh_hz=60.0, cap_fps=None, is_synced=True)
    assert pacer.steady(measured_ms / 1e3) == pytest.approx(shown_ms / 1e3, abs=1e-6)


@pytest.mark.parametrize("measured_ms", [0.0, 1.0, 8.3, 24.9, 41.0])
def test_a_frame_time_between_two_periods_is_kept(measured_ms: float) -> None:
    pacer = Pacer(ManualClock(), refresh_hz=60.0, cap_fps=None, is_synced=False)
    assert pacer.steady(measured_ms / 1e3) == measured_ms / 1e3


def test_a_cap_sets_the_period() -> None:
    pacer = Pacer(ManualClock(), refresh_hz=144.0, cap_fps=30.0, is_synced=True)
    assert pacer.period_ns == int(1e9 / 30)
    assert pacer.steady(0.0341) == pytest.approx(1 / 30, abs=1e-6)
