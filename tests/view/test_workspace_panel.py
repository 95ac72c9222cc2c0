"""A user saves, switches and deletes workspaces by key and in their panel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from imgui_bundle import imgui

from flow_gl.ui.workspaces.saved import SavedWorkspaces
from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def pilot(tmp_path: Path) -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", size=(1200, 800), bubbles=40)
    found.state.workspaces = SavedWorkspaces(tmp_path)
    found.frames(3)
    yield found
    found.close()


def notes(pilot: HeadlessPilot) -> str:
    return " ".join(text for text, _ in pilot.loop.overlays.notes.lines(pilot.frame.steady_s))


def place_of(pilot: HeadlessPilot, label: str) -> tuple[float, float]:
    """Return the middle of a button of the panel."""
    found: list[tuple[float, float]] = []
    button = imgui.button

    def noted(text: str, *more: object) -> bool:
        is_pressed = button(text, *more)
        if text.partition("##")[0] == label:
            low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
            found.append((0.5 * (low.x + high.x), 0.5 * (low.y + high.y)))
        return is_pressed

    imgui.button = noted
    try:
        pilot.frames(2)
        pilot.until(lambda: found, f"the panel has no button {label!r}")
    finally:
        imgui.button = button
    return found[-1]


def save_as(pilot: HeadlessPilot, name: str) -> None:
    x, y = place_of(pilot, "Save")
    pilot.click((x - 80.0, y))
    pilot.until(lambda: imgui.get_io().want_text_input, "a click did not begin to type")
    pilot.type_text(name)
    pilot.press("enter")
    pilot.until(lambda: pilot.state.workspaces.current == name, "Enter did not save the workspace")


def test_workspaces_are_saved_in_the_panel_and_switched_by_key(pilot: HeadlessPilot, tmp_path: Path) -> None:
    pilot.press("ctrl+shift+w")
    assert pilot.state.is_panel_open("workspaces"), "a view without a name is given one in the panel"
    save_as(pilot, "flow")
    pilot.press("ctrl+w", "n", "ctrl+l", "2")
    pilot.press("ctrl+w")
    save_as(pilot, "levels")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flow.toml", "levels.toml"]
    pilot.click((300.0, 400.0))
    pilot.press("ctrl+1")
    pilot.until(lambda: pilot.state.workspaces.current == "flow", "Ctrl+1 did not switch")
    assert (pilot.state.arrangement.kind, pilot.state.selected) == ("auto", 0)
    assert pilot.state.open_panels == {"workspaces"}
    pilot.press("ctrl+2")
    assert (pilot.state.arrangement.kind, pilot.state.selected) == ("grid", 2)
    assert pilot.state.open_panels == {"session", "workspaces"}
    pilot.press("ctrl+3")
    assert "no workspace 3: there are 2" in notes(pilot)
    pilot.press("ctrl+shift+w")
    assert "workspace levels saved" in notes(pilot)


def test_a_click_switches_and_two_delete(pilot: HeadlessPilot) -> None:
    pilot.press("ctrl+w")
    save_as(pilot, "a")
    save_as(pilot, "b")
    x, y = place_of(pilot, "Delete")
    pilot.click((x, y))
    assert pilot.state.workspaces.names() == ["a", "b"], "the first click asks"
    pilot.click((x, y))
    pilot.until(lambda: pilot.state.workspaces.names() == ["a"], "the second click did not delete it")
    x, y = place_of(pilot, "Rename")
    pilot.click((x - 100.0, y))
    pilot.until(lambda: pilot.state.workspaces.current == "a", "a click on its name did not switch")
