"""Where a window is put at a start: as it was left, unless this run asks for something else."""

from typing import Any

import pytest

from flow_gl.core.settings import Settings
from flow_gl.gl.surface import monitors
from flow_gl.gl.surface.monitors import Monitor
from flow_gl.gl.view import Rect
from flow_gl.ui.workspaces.tree import WindowPlace
from flow_gl.view.window_place import wanted_place

LEFT = WindowPlace(monitor="DP-1", x=40, y=30, width=900, height=600, maximized=True, fullscreen=True)
AREA = Rect(0.0, 0.0, 1920.0, 1080.0)
PRESENT = [Monitor(name, 60, 1.0, AREA, AREA) for name in ("HDMI-1", "DP-1")]


@pytest.fixture(autouse=True)
def two_monitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "monitors", lambda: PRESENT)


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ({}, {}),
        ({"fullscreen": False}, {"fullscreen": False}),
        ({"size": "800x600"}, {"width": 0, "height": 0, "maximized": False, "fullscreen": False}),
        ({"size": "800x600", "fullscreen": True}, {"width": 0, "height": 0, "maximized": False}),
        ({"monitor": "dp-1"}, {}),
        ({"monitor": "1", "fullscreen": False}, {"fullscreen": False}),
        ({"monitor": "0"}, {"monitor": ""}),
    ],
)
def test_a_run_overrides_what_it_asks_for_and_nothing_else(asked: dict[str, Any], changed: dict[str, Any]) -> None:
    place, left = wanted_place(Settings(**asked), LEFT), {name: getattr(LEFT, name) for name in LEFT.__struct_fields__}
    assert {name: getattr(place, name) for name in LEFT.__struct_fields__} == {**left, **changed}
