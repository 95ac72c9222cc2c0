"""Panels are docked, floated, resized and brought to the front with the mouse and their keys."""

from collections.abc import Iterator
from typing import Any

import pytest
from imgui_bundle import imgui

from flow_gl.core.panels import HEIGHTS_PX
from flow_gl.ui.overlays.panels import window
from flow_gl.ui.overlays.panels.window import Tab, tabs_of
from flow_gl.ui.state.panel_layout import COLUMN_PX, Slot
from tests.kit.pilot import HeadlessPilot, TinyTarget

SIZE = (1280, 720)


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", size=SIZE)
    found.frames(10)
    yield found
    found.close()


def slot_of(pilot: HeadlessPilot, name: str) -> Slot:
    slot = pilot.frame.panels.slot_of(name)
    assert slot is not None
    return slot


def strip(pilot: HeadlessPilot, name: str) -> tuple[float, float]:
    rect = slot_of(pilot, name).rect
    return rect.x + 30, rect.y + 14


def test_an_open_panel_takes_width_from_the_chart_and_returns_it(pilot: HeadlessPilot) -> None:
    before = pilot.charts[0].layout.outer.width
    pilot.press("n")
    assert slot_of(pilot, "session").rect.right == SIZE[0]
    assert pilot.charts[0].layout.outer.right < slot_of(pilot, "session").rect.x
    scene = pilot.charts[0].scene
    assert scene is not None
    assert scene.live_x_px < slot_of(pilot, "session").rect.x
    pilot.press("n")
    assert pilot.frame.panels.slots == ()
    assert pilot.charts[0].layout.outer.width == before == SIZE[0]


def test_the_key_of_a_panel_behind_another_brings_it_to_the_front_and_then_closes_it(pilot: HeadlessPilot) -> None:
    pilot.press("n")
    pilot.press("g")
    assert slot_of(pilot, "feed").names == ("session", "feed")
    pilot.press("n")
    assert slot_of(pilot, "session").front == "session"
    pilot.press("n")
    assert slot_of(pilot, "feed").names == ("feed",)


def test_a_click_on_a_tab_brings_it_to_the_front(pilot: HeadlessPilot) -> None:
    pilot.press("g")
    pilot.press("n")
    assert slot_of(pilot, "session").names == ("session", "feed")
    rect = slot_of(pilot, "session").rect
    pilot.click((rect.x + 165, rect.y + 14))
    assert slot_of(pilot, "feed").front == "feed"


def test_a_panel_dragged_out_of_its_column_floats_and_docks_again_at_the_left_edge(pilot: HeadlessPilot) -> None:
    pilot.press("n")
    pilot.drag(strip(pilot, "session"), (700.0, 200.0), (600.0, 300.0))
    slot = slot_of(pilot, "session")
    assert slot.side == "float"
    assert slot.rect.contains(600.0, 300.0)
    assert pilot.charts[0].layout.outer.width == SIZE[0]
    pilot.drag(strip(pilot, "session"), (300.0, 250.0), (8.0, 250.0))
    assert slot_of(pilot, "session").side == "left"
    assert pilot.charts[0].layout.outer.x >= COLUMN_PX


def test_the_border_of_a_column_can_be_dragged(pilot: HeadlessPilot) -> None:
    pilot.press("n")
    (grip,) = pilot.frame.panels.grips
    pilot.drag((grip.rect.x + 2, 400.0), (grip.rect.x - 100, 400.0))
    assert slot_of(pilot, "session").rect.width == pytest.approx(COLUMN_PX + 100, abs=6)


def test_the_buttons_of_a_panel_float_it_and_close_it(pilot: HeadlessPilot) -> None:
    pilot.press("n")
    rect = slot_of(pilot, "session").rect
    pilot.click((rect.right - 5 - 33, rect.y + 15))
    assert slot_of(pilot, "session").side == "float"
    rect = slot_of(pilot, "session").rect
    pilot.click((rect.right - 5 - 11, rect.y + 15))
    assert "session" not in pilot.state.open_panels


def test_panels_are_laid_out_again_when_the_window_changes(pilot: HeadlessPilot) -> None:
    pilot.press("n")
    assert isinstance(pilot.surface, TinyTarget)
    pilot.surface.claim(800, 600)
    pilot.frames(3)
    rect = slot_of(pilot, "session").rect
    assert (rect.right, rect.bottom) == (800, 600)


def test_the_short_names_on_tabs_are_words(pilot: HeadlessPilot, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def recorded(slot: Slot, *room: Any) -> list[Tab]:
        tabs = tabs_of(slot, *room)
        shown[:] = [tab.text for tab in tabs]
        return tabs

    monkeypatch.setattr(window, "tabs_of", recorded)
    pilot.state.open_panels = {"tape", "alerts", "feed"}
    pilot.frames(3)
    assert shown == ["Feed", "Tape", "Alerts"]


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_tabs_keep_free_of_the_strips_buttons_and_every_panel_can_be_reached(
    pilot: HeadlessPilot, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    shown: list[float] = []

    def recorded(slot: Slot, room: float, *more: Any) -> list[Tab]:
        tabs = tabs_of(slot, room, *more)
        shown[:] = sum(tab.width for tab in tabs), room
        assert slot.front in [tab.name for tab in tabs]
        return tabs

    monkeypatch.setattr(window, "tabs_of", recorded)
    assert isinstance(pilot.surface, TinyTarget)
    pilot.surface.claim(*size)
    pilot.state.text_size = 1.5
    pilot.state.open_panels = set(HEIGHTS_PX)
    pilot.frames(3)
    fronts = set()
    for _ in HEIGHTS_PX:
        (slot,) = pilot.frame.panels.slots
        fronts.add(slot.front)
        width, room = shown
        assert width < room
        # Right of the last tab is the number of panels without one.
        pilot.click((slot.rect.x + width + 12, slot.rect.y + 14 * pilot.frame.scale))
    assert len(fronts) > 2


@pytest.mark.parametrize(("size", "expected"), [((400, 300), 1), ((520, 400), 2), ((1920, 1080), 3)])
def test_help_has_as_many_columns_as_are_wide_enough_for_words(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], expected: int
) -> None:
    columns: list[int] = []
    begin = imgui.begin_table

    def noted(name: str, count: int, *more: Any) -> bool:
        if name == "help columns":
            columns.append(count)
        return begin(name, count, *more)

    monkeypatch.setattr(imgui, "begin_table", noted)
    pilot = HeadlessPilot("NQZ5", size=size, bubbles=20)
    pilot.state.open_panels = {"help"}
    pilot.frames(4)
    pilot.close()
    assert set(columns) == {expected}
