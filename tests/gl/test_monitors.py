"""Which monitor is meant, which one shows a window, and where a window is put on it."""

from types import SimpleNamespace

import pytest

from flow_gl.core.errors import UsageError
from flow_gl.gl.surface import monitors
from flow_gl.gl.surface.monitors import Monitor
from flow_gl.gl.view import Rect

LEFT = Monitor("DP-1", 144, 1.0, Rect(0.0, 0.0, 1920.0, 1080.0), Rect(0.0, 30.0, 1920.0, 1050.0))
RIGHT = Monitor("HDMI-1", 60, 1.0, Rect(1920.0, 0.0, 1280.0, 720.0), Rect(1920.0, 0.0, 1280.0, 720.0))


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> list[Monitor]:
    found = [LEFT, RIGHT]
    monkeypatch.setattr(monitors, "monitors", lambda: found)
    return found


@pytest.mark.parametrize(("asked", "found"), [("0", LEFT), ("1", RIGHT), ("HDMI-1", RIGHT), ("dp-1", LEFT)])
def test_a_monitor_is_found_by_number_and_by_name(asked: str, found: Monitor) -> None:
    assert monitors.find(asked) is found


@pytest.mark.parametrize("asked", ["2", "DP-2"])
def test_a_missing_one_is_an_error_that_lists_the_others(asked: str) -> None:
    with pytest.raises(UsageError, match=rf"^monitor was '{asked}': expected one of 0 \(DP-1\), 1 \(HDMI-1\)$"):
        monitors.find(asked)


def test_without_any_monitor_none_is_found(present: list[Monitor]) -> None:
    present.clear()
    assert monitors.find("DP-1") is None


@pytest.mark.parametrize(
    ("window", "is_seen"),
    [
        (Rect(100.0, 100.0, 800.0, 600.0), True),
        (Rect(1850.0, 100.0, 800.0, 600.0), True),
        (Rect(1900.0, 100.0, 800.0, 600.0), False),
        (Rect(100.0, 1050.0, 800.0, 600.0), False),
        (Rect(100.0, -40.0, 800.0, 600.0), False),
    ],
)
def test_a_window_is_visible_if_its_top_can_be_dragged(window: Rect, is_seen: bool) -> None:
    assert LEFT.sees(window) is is_seen


def test_a_window_is_moved_until_its_monitor_shows_it() -> None:
    assert monitors.centred(RIGHT, 800, 600) == (1920 + 240, 60, 800, 600)
    assert monitors.centred(LEFT, 3000, 2000) == (0, 30, 3000, 2000)
    assert monitors.within(RIGHT, 5000, -300, 800, 600) == (1920 + 1220, 0, 800, 600)
    assert monitors.within(LEFT, -2000, 5, 800, 600) == (-740, 30, 800, 600)


def test_a_monitor_that_is_being_unplugged_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def mode(handle: str) -> SimpleNamespace:
        if handle == "gone":
            raise ValueError("NULL pointer access")
        return SimpleNamespace(size=SimpleNamespace(width=1280, height=720), refresh_rate=60)

    library = SimpleNamespace(
        get_monitors=lambda: ["gone", "stays"],
        get_video_mode=mode,
        get_monitor_pos=lambda _: (0, 0),
        get_monitor_name=lambda name: name.encode(),
        get_monitor_content_scale=lambda _: (1.5, 1.5),
        get_monitor_workarea=lambda _: (0, 0, 1280, 720),
    )
    monkeypatch.undo()
    monkeypatch.setattr(monitors, "import_glfw", lambda: library)
    assert [(one.name, one.content_scale) for one in monitors.monitors()] == [("stays", 1.5)]
