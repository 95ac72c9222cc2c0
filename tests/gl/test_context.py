import os
import subprocess
import sys

import pytest

from flow_gl.core.errors import DisplayError
from flow_gl.gl.surface import context as context_module
from flow_gl.gl.surface import loading
from flow_gl.gl.surface.context import HeadlessContext, Window, WindowOptions, describe
from flow_gl.gl.surface.monitors import monitors
from flow_gl.gl.surface.offscreen import Offscreen
from flow_gl.gl.timing import FrameTimes, LayerTimer


@pytest.mark.usefixtures("context")
def test_the_headless_context_is_core_3_3_or_newer() -> None:
    major, minor = describe()["version"].split(" ")[0].split(".")[:2]
    assert (int(major), int(minor)) >= (3, 3)
    assert "Core" in describe()["version"]


@pytest.mark.usefixtures("context")
def test_an_unsupported_size_is_a_clear_error() -> None:
    with pytest.raises(DisplayError, match="picture size must be"):
        Offscreen(0, 100)


def test_a_driver_whose_buffer_textures_are_too_short_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "most_texels", lambda: 65_536)
    with pytest.raises(DisplayError, match="reads only 65,536 texels from a buffer"):
        HeadlessContext(64, 64)


def test_a_second_context_leaves_the_first_usable(context: HeadlessContext) -> None:
    second = HeadlessContext(32, 32)
    second.begin()
    second.close()
    context.make_current()
    context.begin()


def test_a_window_has_core_3_3_and_the_requested_size(x_display: str) -> None:
    code = (
        "from flow_gl.gl.surface.context import *\n"
        "from flow_gl.gl.surface.monitors import monitors\n"
        "w = Window(WindowOptions(width=320, height=200)); w.begin(); w.swap(); w.poll()\n"
        "print(w.size, w.content_scale, describe()['version'], len(monitors()), w.is_closing, w.refresh_hz > 0)\n"
        "w.set_fullscreen(True); print(w.is_fullscreen)\n"
        "import glfw; print(glfw.get_window_attrib(w.handle, glfw.AUTO_ICONIFY))\n"
        "w.set_fullscreen(False); w.close()\n"
    )
    result = _run(code, DISPLAY=x_display)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("(320, 200) 1.0 ")
    assert "(Core Profile)" in result.stdout
    # Last: a full-screen window is not hidden while the user works on another monitor.
    assert result.stdout.split()[-4:] == ["False", "True", "True", "0"]


def test_without_egl_headless_pictures_come_from_a_hidden_window(x_display: str) -> None:
    code = (
        "import sys\n"
        "import flow_gl.gl.surface.context as c\n"
        "from flow_gl.gl.api import clear\n"
        "from flow_gl.gl.capture import read_picture\n"
        "c.has_egl = lambda: False\n"
        "for size in ((200, 100), (320, 50)):\n"
        "    surface = c.HeadlessContext(*size, content_scale=2.0)\n"
        "    surface.begin(); clear((1.0, 0.0, 0.5)); surface.swap(); surface.make_current()\n"
        "    picture = read_picture(*surface.size)\n"
        "    print(surface.size, surface.content_scale, picture.shape, picture.reshape(-1, 3)[[0, -1]].tolist())\n"
        "    surface.close()\n"
        "print('vispy' in sys.modules)\n"
    )
    result = _run(code, DISPLAY=x_display)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "(200, 100) 2.0 (100, 200, 3) [[255, 0, 128], [255, 0, 128]]",
        "(320, 50) 2.0 (50, 320, 3) [[255, 0, 128], [255, 0, 128]]",
        "False",
    ]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_on_other_systems_no_loader_is_chosen_and_egl_is_not_searched(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    environment: dict[str, str] = {}
    loading.prepare(environment, is_each_call_checked=False)
    assert environment == {}
    assert not loading.has_egl()


def test_on_linux_egl_loads_opengl_and_mesa_uses_a_thread_unless_the_user_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    environment = {"mesa_glthread": "false"}
    loading.prepare(environment, is_each_call_checked=False)
    assert environment == {"PYOPENGL_PLATFORM": "egl", "mesa_glthread": "false", "MESA_DEBUG": "silent"}
    checked: dict[str, str] = {}
    loading.prepare(checked, is_each_call_checked=True)
    assert checked == {"PYOPENGL_PLATFORM": "egl"}
    assert loading.has_egl()


def test_without_a_display_a_window_is_one_clear_error() -> None:
    code = (
        "from flow_gl.gl.surface.context import *\n"
        "from flow_gl.core.errors import DisplayError\n"
        "try: Window(WindowOptions())\n"
        "except DisplayError as error: print(error)\n"
    )
    result = _run(code, DISPLAY="", WAYLAND_DISPLAY="")
    assert result.returncode == 0, result.stderr
    assert "no display" in result.stdout
    assert "--headless" in result.stdout


def test_all_gl_functions_of_a_frame_loop_are_loaded() -> None:
    for name in ("size", "content_scale", "is_closing", "begin", "swap", "close"):
        assert hasattr(Window, name)
        assert hasattr(HeadlessContext, name)
    assert callable(monitors)
    assert WindowOptions().is_vsync


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
        check=False,
    )


def test_frame_times_keep_the_newest_and_give_percentiles() -> None:
    times = FrameTimes(4)
    assert times.percentiles() == (0.0, 0.0, 0.0)
    for value in (9.0, 1.0, 2.0, 3.0, 4.0):
        times.add(value)
    assert times.count == 4
    assert times.window().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert times.percentiles()[0] == 2.5
    assert times.percentiles()[2] == 4.0


@pytest.mark.usefixtures("context")
def test_layer_times_arrive_a_few_frames_later() -> None:
    if not LayerTimer.is_available():
        pytest.skip("the driver counts no GPU time")
    from flow_gl.gl.api import clear

    timer = LayerTimer()
    for _ in range(6):
        timer.begin_frame()
        timer.begin("ground")
        clear((0.1, 0.2, 0.3))
        timer.end()
    assert set(timer.times_us) == {"ground"}
    assert timer.times_us["ground"] >= 0.0
    timer.release()
