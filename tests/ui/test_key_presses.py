"""No key press is lost: each is handled once, with the modifiers held at the time of the press."""

from collections.abc import Iterator

import pytest
from imgui_bundle import imgui

from flow_gl.ui.input import keyboard
from flow_gl.ui.paint.key_presses import KeyPresses

KEY_Q, KEY_R, KEY_F10, KEY_KEYPAD_2 = 81, 82, 299, 322
PRESS, RELEASE, REPEAT = 1, 0, 2
CONTROL, ALT = 2, 4


class FakeGlfw:
    """Names of keys in a layout."""

    def __init__(self, **names: str) -> None:
        self.names = {ord(key.upper()): name for key, name in names.items()}

    def get_key_name(self, key: int, _scancode: int) -> str | None:
        return self.names.get(key, chr(key).lower() if key < 128 else None)


class Keys(KeyPresses):
    """Presses as a window's callback reports them; Dear ImGui gets the same events."""

    def __init__(self, **names: str) -> None:
        super().__init__()
        self._window, self._glfw = object(), FakeGlfw(**names)

    def event(self, key: int, action: int, modifiers: int = 0) -> None:
        self._note(None, key, 0, action, modifiers)

    def actions(self, *, is_drained: bool = True) -> list[str]:
        return [action.name for action in keyboard.pressed(self.take(is_drained=is_drained))]


@pytest.fixture(autouse=True)
def frame() -> Iterator[None]:
    context = imgui.create_context()
    io = imgui.get_io()
    io.set_ini_filename("")
    io.display_size, io.delta_time = imgui.ImVec2(640, 360), 1 / 60
    io.backend_flags |= imgui.BackendFlags_.renderer_has_textures.value
    imgui.new_frame()
    yield
    imgui.end_frame()
    imgui.destroy_context(context)


def next_frame() -> None:
    imgui.end_frame()
    imgui.new_frame()


def test_control_released_before_the_frame_still_applies_to_the_press() -> None:
    keys, io = Keys(), imgui.get_io()
    keys.event(KEY_Q, PRESS, CONTROL)
    io.add_key_event(imgui.Key.q, True)
    io.add_key_event(imgui.Key.mod_ctrl, False)
    next_frame()
    assert imgui.is_key_pressed(imgui.Key.q, False)
    assert not io.key_ctrl
    assert keys.actions() == ["quit"]
    assert keys.actions() == [], "each press once"


def test_one_or_two_presses_within_one_frame_are_all_seen() -> None:
    keys = Keys()
    for _ in range(2):
        keys.event(KEY_Q, PRESS, CONTROL)
        keys.event(KEY_Q, REPEAT, CONTROL)
        keys.event(KEY_Q, RELEASE, CONTROL)
    assert keys.actions() == ["quit", "quit"]


def test_a_press_survives_the_loss_of_keyboard_focus() -> None:
    keys, io = Keys(), imgui.get_io()
    keys.event(KEY_Q, PRESS, CONTROL)
    io.add_key_event(imgui.Key.q, True)
    io.add_focus_event(False)
    next_frame()
    assert not imgui.is_key_pressed(imgui.Key.q, False)
    assert keys.actions() == ["quit"]


def test_a_press_after_a_click_waits_for_the_click() -> None:
    keys, io = Keys(), imgui.get_io()
    io.add_mouse_button_event(0, True)
    keys.event(KEY_R, PRESS)
    io.add_key_event(imgui.Key.r, True)
    next_frame()
    assert keys.actions(is_drained=False) == []
    next_frame()
    assert keys.actions(is_drained=False) == ["cvd_reference"]


def test_keys_are_named_by_the_layout_or_by_position_if_it_is_not_latin() -> None:
    azerty = Keys(q="a", a="q")
    azerty.event(ord("A"), PRESS, CONTROL)
    cyrillic = Keys(q="й")
    cyrillic.event(KEY_Q, PRESS, CONTROL)
    assert (azerty.actions(), cyrillic.actions()) == (["quit"], ["quit"])


def test_keypad_and_function_keys_are_known_and_alt_is_not_ours() -> None:
    keys = Keys()
    keys.event(KEY_KEYPAD_2, PRESS)
    keys.event(KEY_F10, PRESS)
    keys.event(KEY_R, PRESS, ALT)
    keys.event(400, PRESS)
    assert len(keys.actions()) == 2
