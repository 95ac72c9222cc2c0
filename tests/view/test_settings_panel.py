"""The panel sends changed settings to the engine, and an engine that takes over receives these changes too."""

from collections.abc import Iterator

import pytest
from imgui_bundle import imgui

from flow_gl.core.commands import Command, Configure
from flow_gl.core.settings import AGGREGATION, DEFAULTS, merge
from flow_gl.ui.overlays.panels import base
from tests.kit.pilot import HeadlessPilot, Place


class ControlsPilot(HeadlessPilot):
    """The program's frame with the controls open.

    Attributes
    ----------
    places : positions of the items with a tooltip, by its text, from left to right
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places: dict[str, list[Place]] = {}

        def hint(text: str) -> None:
            low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
            place = (low.x, (low.y + high.y) / 2)
            self.places[text] = sorted({*self.places.get(text, []), place})

        monkeypatch.setattr(base, "hint", hint)
        super().__init__("NQZ5", size=(1000, 1400))
        self.state.open_panels = {"controls"}
        self.frames(30)

    def sent(self) -> list[Command]:
        found = list(self.link.commands)
        self.link.commands.clear()
        return found

    def place(self, name: str) -> Place:
        """Return the left border of a setting's first item."""
        return self.places[AGGREGATION[name].setting.help][0]

    def type(self, *keys: imgui.Key, text: str = "") -> None:
        """Press keys that are not in the program's table, or type text."""
        io = imgui.get_io()
        io.add_input_characters_utf8(text)
        self.frames(4)
        for key in keys:
            for is_down in (True, False):
                io.add_key_event(key, is_down)
                self.frames(4)


@pytest.fixture
def pilot(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlsPilot]:
    found = ControlsPilot(monkeypatch)
    yield found
    found.close()


def test_a_dragged_value_is_one_patch_with_the_change(pilot: ControlsPilot) -> None:
    x, y = pilot.place("value_area")
    pilot.move((x + 20, y))
    pilot.mouse_down()
    pilot.frames(4)
    pilot.move((x + 60, y))
    assert pilot.sent() == [], "the engine is not asked while the user drags"
    assert pilot.state.aggregation == DEFAULTS.aggregation
    assert set(pilot.state.edited) == {"value_area"}
    pilot.mouse_up()
    pilot.frames(4)
    (patch,) = pilot.sent()
    assert isinstance(patch, Configure)
    assert set(patch.changes) == {"value_area"}
    assert 0.5 <= patch.changes["value_area"] < 0.7
    assert pilot.state.aggregation == merge(DEFAULTS.aggregation, patch.changes)
    assert pilot.state.edited == {}


def test_a_typed_value_is_kept_within_the_range(pilot: ControlsPilot) -> None:
    x, y = pilot.place("arm")
    pilot.click((x + 20, y))
    pilot.type(imgui.Key.home, imgui.Key.delete, imgui.Key.delete, imgui.Key.delete)
    pilot.type(imgui.Key.enter, text="-5")
    assert pilot.sent() == [Configure({"arm": 1})]
    assert pilot.state.aggregation.arm == 1


def test_an_engine_that_takes_over_receives_only_the_changes(pilot: ControlsPilot) -> None:
    pilot.link.generation += 1
    pilot.frames(2)
    assert pilot.sent() == [], "nothing was changed"
    x, y = pilot.place("value_area_step")
    pilot.click((x + 8, y))
    assert pilot.sent() == [Configure({"value_area_step": 1})]
    x, y = pilot.place("value_area")
    pilot.drag((x + 20, y), (x + 60, y), (x + 80, y))
    (patch,) = pilot.sent()
    assert isinstance(patch, Configure)
    pilot.link.generation += 1
    pilot.frames(2)
    assert pilot.sent() == [Configure({**patch.changes, "value_area_step": 1})]
