"""Screenshots: of the window, of one chart, and on the clipboard."""

import struct
from pathlib import Path

import pytest

from flow_gl.gl.capture import read_picture
from flow_gl.ui.input.action import Request
from flow_gl.view.video.pictures import NO_CLIPBOARD, PictureSaver, chart_area, picture_name
from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def pilot():
    found = HeadlessPilot("NQZ5", "ESZ5", size=(800, 480), bubbles=60)
    found.until_idle()
    yield found
    found.close()


def size_of(path: Path):
    return struct.unpack(">II", path.read_bytes()[16:24])


def test_a_picture_of_one_chart_has_its_size_and_its_name_alone(pilot, tmp_path):
    pane = pilot.charts[1].layout.outer
    pilot.move((pane.x + 0.5 * pane.width, pane.y + 0.5 * pane.height))
    pilot.press("shift+s")
    assert pilot.loop.input.take_requests() == [Request.SCREENSHOT_CHART]
    saver, area = PictureSaver(tmp_path), chart_area(pilot.frame, pilot.state.pictured)
    assert area == pane
    name = picture_name(pilot.frame, 0, pilot.state.pictured)
    assert pilot.charts[1].name in name
    assert pilot.charts[0].name not in name
    saver.save(pilot.surface, f"{name}.png", area)
    saver.close()
    assert saver.news() == [f"saved {tmp_path / name}.png"]
    assert size_of(tmp_path / f"{name}.png") == (round(pane.width), round(pane.height))


def test_the_picture_is_given_to_the_program_that_has_the_clipboard(pilot, tmp_path, monkeypatch):
    program = tmp_path / "xclip"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n/bin/cat > {tmp_path}/picture.png\n')
    program.chmod(0o755)
    for name, value in (("PATH", str(tmp_path)), ("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "")):
        monkeypatch.setenv(name, value)
    saver = PictureSaver(tmp_path)
    saver.copy(pilot.surface)
    saver.close()
    assert saver.news() == ["copied the picture"]
    assert (tmp_path / "arguments").read_text().strip() == "-selection clipboard -t image/png"
    height, width, _ = read_picture(*pilot.surface.size).shape
    assert size_of(tmp_path / "picture.png") == (width, height)
    program.write_text("#!/bin/sh\nexit 3\n")
    saver.copy(pilot.surface)
    saver.close()
    assert "did not take the picture" in saver.news()[0]


def test_without_such_a_program_one_line_says_which_to_install(pilot, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    saver = PictureSaver(tmp_path)
    saver.copy(pilot.surface)
    assert saver.news() == [NO_CLIPBOARD]


def test_keys_change_the_text_size_in_steps_between_its_limits(pilot):
    pilot.press("ctrl+shift+up_arrow")
    assert pilot.state.text_size == 1.1
    pilot.press(*["ctrl+shift+down_arrow"] * 4)
    assert pilot.state.text_size == 0.75
    assert pilot.charts[0].scene.price_view.scale == 0.75
