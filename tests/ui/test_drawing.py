"""The overlay renderer draws Dear ImGui's output exactly as ImGui's own renderer does."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from imgui_bundle import imgui
from numpy.typing import NDArray

from flow_gl.core.palette import DARK
from flow_gl.gl.api import clear
from flow_gl.gl.capture import read_picture
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.ui.paint.gui import Gui

SIZE = (640, 360)


@pytest.fixture
def gui() -> Iterator[Gui]:
    context = HeadlessContext(*SIZE)
    found = Gui(DARK, scale=1.0)
    imgui.backends.opengl3_create_device_objects()  # the library's renderer, to compare with
    context.begin()
    yield found
    found.close()
    context.close()


def window(name: str, *, lines: int, x: float = 20.0, height: float = 200.0, scroll: float = 0.0) -> None:
    imgui.set_next_window_pos(imgui.ImVec2(x, 20.0))
    imgui.set_next_window_size(imgui.ImVec2(260.0, height))
    imgui.begin(name)
    for number in range(lines):
        imgui.text(f"line {number} of {name}, longer than the window is wide")
    imgui.set_scroll_y(scroll)
    imgui.end()


def two() -> None:
    window("one", lines=4)
    window("two", lines=6, x=300.0)


def scrolled() -> None:
    window("scrolled", lines=60, scroll=77.0)


def overlapping() -> None:
    window("below", lines=12)
    window("above", lines=12, x=140.0)


def outside() -> None:
    window("outside", lines=8, x=-120.0, height=700.0)


def background() -> None:
    draw = imgui.get_background_draw_list()
    draw.push_clip_rect(imgui.ImVec2(30, 30), imgui.ImVec2(200, 90))
    draw.add_rect_filled(imgui.ImVec2(0, 0), imgui.ImVec2(640, 80), 0x8040C0FF)
    draw.pop_clip_rect()
    draw.push_clip_rect(imgui.ImVec2(300, 30), imgui.ImVec2(300, 90))
    draw.add_rect_filled(imgui.ImVec2(0, 0), imgui.ImVec2(640, 80), 0xFFFFFFFF)
    draw.pop_clip_rect()
    draw.add_circle_filled(imgui.ImVec2(400, 200), 60, 0x60FF8040)


def many() -> None:
    for number in range(12):
        window(f"number {number}", lines=40, x=20.0 + 30 * number, height=330.0)


def nothing() -> None:
    pass


def build(gui: Gui, content: Callable[[], None]) -> None:
    for _ in range(2):  # a window has its place from the second frame on
        gui.begin(*SIZE, 0.016)
        content()
        gui.build()


def drawn(draw: Callable[[], None]) -> NDArray[np.uint8]:
    clear((0.2, 0.3, 0.1))
    draw()
    return read_picture(*SIZE)


@pytest.mark.parametrize("content", [two, scrolled, overlapping, outside, background, nothing])
def test_the_pixels_are_those_of_the_librarys_renderer(gui: Gui, content: Callable[[], None]) -> None:
    build(gui, content)
    ours = drawn(gui.draw)
    theirs = drawn(lambda: imgui.backends.opengl3_render_draw_data(imgui.get_draw_data()))
    np.testing.assert_array_equal(ours, theirs)
    assert (np.ptp(ours.reshape(-1, 3), axis=0) > 20).any() == (content is not nothing)


def test_the_last_build_is_drawn_until_the_next_one(gui: Gui) -> None:
    build(gui, two)
    first = drawn(gui.draw)
    np.testing.assert_array_equal(drawn(gui.draw), first)
    build(gui, nothing)
    assert not np.array_equal(drawn(gui.draw), first)
    build(gui, two)
    np.testing.assert_array_equal(drawn(gui.draw), first)


def test_a_build_larger_than_the_buffers_is_drawn(gui: Gui) -> None:
    build(gui, two)
    build(gui, many)
    ours = drawn(gui.draw)
    theirs = drawn(lambda: imgui.backends.opengl3_render_draw_data(imgui.get_draw_data()))
    np.testing.assert_array_equal(ours, theirs)
