"""Which actions the keyboard asked for in this frame, by the one table in `actions`."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.ui.input.actions import ACTIONS, Action

_REPEATING: Final = frozenset({"closer", "farther", "back", "forward", "slower", "faster"})


def _key(name: str) -> imgui.Key:
    found: imgui.Key = getattr(imgui.Key, f"_{name}" if name.isdigit() else name)
    return found


def _tables() -> tuple[list[tuple[imgui.Key, bool, Action]], dict[int, Action]]:
    keys: list[tuple[imgui.Key, bool, Action]] = []
    characters: dict[int, Action] = {}
    for action in ACTIONS:
        for name in action.keys:
            if name.startswith("ctrl+"):
                keys.append((_key(name.removeprefix("ctrl+")), True, action))
            elif len(name) == 1 and not name.isalnum():
                # Where these stand depends on the keyboard's layout: take them as typed.
                characters[ord(name)] = action
            else:
                keys.append((_key(name), False, action))
                if name.isdigit():
                    keys.append((_key(f"keypad{name}"), False, action))
    return keys, characters


_KEYS, _CHARACTERS = _tables()


def pressed() -> list[Action]:
    """Actions whose key went down in this frame. None while a text field has the keyboard."""
    io = imgui.get_io()
    if io.want_text_input:
        return []
    has_control = io.key_ctrl or io.key_super
    found = []
    if not io.key_alt:
        for key, needs_control, action in _KEYS:
            if needs_control == has_control and imgui.is_key_pressed(key, action.name in _REPEATING):
                found.append(action)
    if not has_control:
        found += [_CHARACTERS[c] for c in io.input_queue_characters if c in _CHARACTERS]
    return found
