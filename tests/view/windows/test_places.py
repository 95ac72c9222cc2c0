"""Where a new window opens."""

import pytest

from flow_gl.gl.surface import monitors
from flow_gl.gl.surface.monitors import Monitor
from flow_gl.gl.view import Rect
from flow_gl.ui.workspaces.tree import WindowPlace
from flow_gl.view.windows import places

TWO = [
    Monitor("DP-1", 144, 1.0, Rect(0, 0, 2560, 1440), Rect(0, 0, 2560, 1440)),
    Monitor("DP-2", 60, 1.0, Rect(2560, 0, 1920, 1080), Rect(2560, 40, 1920, 1040)),
]
FIRST = WindowPlace(monitor="DP-1", x=100, y=50, width=2000, height=900, maximized=True)


@pytest.fixture(autouse=True)
def two_monitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "monitors", lambda: TWO)


def test_a_new_window_opens_in_the_middle_of_the_first_monitor_without_one() -> None:
    found = places.next_place(FIRST, [FIRST])
    assert found == WindowPlace(monitor="DP-2", x=0, y=110, width=1920, height=900)


def test_without_a_free_monitor_it_opens_beside_the_current_window() -> None:
    second = WindowPlace(monitor="DP-2", x=10, y=20, width=800, height=600, fullscreen=True)
    found = places.next_place(second, [FIRST, second])
    assert found == WindowPlace(monitor="DP-2", x=10 + places.STEP, y=20 + places.STEP, width=800, height=600)
