"""A real window through Wayland, on a desktop without a screen."""

import json
import subprocess
import sys
from typing import Any

import pytest

from flow_gl.gl.surface import window_system
from tests.kit.screens import wayland_desktop
from tests.kit.waiting import PATIENCE_S

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Wayland is Linux's")


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What the window saw (`tests.kit.wayland_window`)."""
    with wayland_desktop() as desktop:
        environment = {**desktop.environment, "DESKTOP_PID": str(desktop.process.pid)}
        command = [sys.executable, "-m", "tests.kit.wayland_window"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.window
def test_without_an_x_server_a_window_is_native_and_drawn(seen: dict[str, Any]) -> None:
    assert seen["is_wayland"]
    assert seen["pixel"] == [0, 255, 0, 255]
    assert seen["has_app_id"], "the desktop finds the program's icon by it"
    assert seen["monitors"] == ["HEADLESS-1", "HEADLESS-2"]


@pytest.mark.window
def test_a_window_is_sharp_at_another_scale(seen: dict[str, Any]) -> None:
    assert seen["size_at_scale_2"] == [800, 600]


@pytest.mark.window
def test_a_window_covers_the_named_monitor_and_claims_no_other_place(seen: dict[str, Any]) -> None:
    assert seen["covering"] == [[1024, 600], "HEADLESS-2"]
    assert seen["place"] == ["", 0, 0], "Wayland does not tell"
    assert "full screen" in seen["refused_move"]


@pytest.mark.window
def test_a_hidden_window_does_not_stop_the_program(seen: dict[str, Any]) -> None:
    assert seen["hidden_frame_s"] < 1.0


@pytest.mark.window
def test_a_desktop_that_ends_is_noticed(seen: dict[str, Any]) -> None:
    assert (seen["is_lost"], seen["is_lost_after"]) == (False, True)


@pytest.mark.parametrize(
    ("asked", "environment", "expected"),
    [
        (None, {}, "x11"),
        (None, {"WAYLAND_DISPLAY": "wayland-1"}, "wayland"),
        (None, {"WAYLAND_DISPLAY": "wayland-1", "DISPLAY": ":54321"}, "wayland"),  # no such server
        (None, {"DISPLAY": ":54321"}, "x11"),
        ("x11", {"WAYLAND_DISPLAY": "wayland-1"}, "x11"),
        ("wayland", {"DISPLAY": ":0"}, "wayland"),
    ],
)
def test_x11_is_chosen_unless_only_wayland_can_be_reached(
    asked: str | None, environment: dict[str, str], expected: str
) -> None:
    assert window_system.chosen(asked, environment) == expected
