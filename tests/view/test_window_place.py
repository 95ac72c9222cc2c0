"""Where a window is put at a start: as it was left, unless this run asks for a size."""

from types import SimpleNamespace

import pytest

from flow_gl.gl.surface import placement
from flow_gl.ui.workspaces.tree import WindowPlace
from flow_gl.view.window_place import KeptWindow

LEFT = WindowPlace(monitor="DP-1", x=40, y=30, width=900, height=600, maximized=True, fullscreen=True)


@pytest.mark.parametrize("has_size", [True, False])
def test_a_size_that_was_asked_for_is_not_covered_by_a_remembered_full_screen(
    monkeypatch: pytest.MonkeyPatch, *, has_size: bool
) -> None:
    wanted: list[placement.Placement] = []
    monkeypatch.setattr(placement, "put", lambda _, place: wanted.append(place))
    monkeypatch.setattr("glfw.get_window_size", lambda _: (400, 300))
    window = SimpleNamespace(handle=None, size=(400, 300), content_scale=1.0)
    KeptWindow(window, LEFT).put(LEFT, has_size=has_size)  # type: ignore[arg-type]
    (place,) = wanted
    assert (place.is_maximized, place.is_fullscreen) == (has_size, has_size)
    assert (place.width, place.height) == ((900, 600) if has_size else (0, 0))
