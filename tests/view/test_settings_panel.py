"""The panel sends changed settings to the engine, and an engine that takes over receives these changes too."""

from collections.abc import Iterator

import pytest
from imgui_bundle import imgui

from flow_gl.core.commands import Command, Configure
from flow_gl.core.settings import AGGREGATION, DEFAULTS, merge
from flow_gl.ui.overlays.panels import base
from tests.kit.pilot import HeadlessPilot, Place


class Desk(HeadlessPilot):
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
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    found = Desk(monkeypatch)
    yield found
    found.close()


def test_a_dragged_value_is_one_patch_with_the_change(desk: Desk) -> None:
    x, y = desk.place("value_area")
    desk.move((x + 20, y))
    desk.mouse_down()
    desk.frames(4)
    desk.move((x + 60, y))
    assert desk.sent() == [], "the engine is not asked while the user drags"
    assert desk.state.aggregation == DEFAULTS.aggregation
    assert set(desk.state.edited) == {"value_area"}
    desk.mouse_up()
    desk.frames(4)
    (patch,) = desk.sent()
    assert isinstance(patch, Configure)
    assert set(patch.changes) == {"value_area"}
    assert 0.5 <= patch.changes["value_area"] < 0.7
    assert desk.state.aggregation == merge(DEFAULTS.aggregation, patch.changes)
    assert desk.state.edited == {}


def test_a_typed_value_is_kept_within_the_range(desk: Desk) -> None:
    x, y = desk.place("arm")
    desk.click((x + 20, y))
    desk.type(imgui.Key.home, imgui.Key.delete, imgui.Key.delete, imgui.Key.delete)
    desk.type(imgui.Key.enter, text="-5")
    assert desk.sent() == [Configure({"arm": 1})]
    assert desk.state.aggregation.arm == 1


def test_an_engine_that_takes_over_receives_only_the_changes(desk: Desk) -> None:
    desk.link.generation += 1
    desk.frames(2)
    assert desk.sent() == [], "nothing was changed"
    x, y = desk.place("value_area_step")
    desk.click((x + 8, y))
    assert desk.sent() == [Configure({"value_area_step": 1})]
    x, y = desk.place("value_area")
    desk.drag((x + 20, y), (x + 60, y), (x + 80, y))
    (patch,) = desk.sent()
    assert isinstance(patch, Configure)
    desk.link.generation += 1
    desk.frames(2)
    assert desk.sent() == [Configure({**patch.changes, "value_area_step": 1})]
