"""Maps the key presses of a frame to actions, using the table in `actions`."""

from collections.abc import Sequence
from typing import Final

from imgui_bundle import imgui

from flow_gl.ui.input.actions import ACTIONS, Action
from flow_gl.ui.paint.key_presses import Press

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
                # The position of these keys depends on the keyboard layout: match the typed character.
                characters[ord(name)] = action
            else:
                keys.append((_key(name), False, action))
                if name.isdigit():
                    keys.append((_key(f"keypad{name}"), False, action))
    return keys, characters


_KEYS, _CHARACTERS = _tables()


def pressed(presses: Sequence[Press]) -> list[Action]:
    """Return the actions of key presses and of held keys that repeat; empty while a text field has the keyboard.

    Parameters
    ----------
    presses : key presses, in order
    """
    io = imgui.get_io()
    if io.want_text_input:
        return []
    has_control = io.key_ctrl or io.key_super
    found = [
        action
        for press in presses
        for key, needs_control, action in _KEYS
        if key == press.key and needs_control == press.has_control and not press.has_alt
    ]
    for key, needs_control, action in _KEYS:
        is_held = action.name in _REPEATING and imgui.is_key_pressed(key, True) and not imgui.is_key_pressed(key, False)
        if is_held and needs_control == has_control and not io.key_alt:
            found.append(action)
    if not has_control:
        found += [_CHARACTERS[c] for c in io.input_queue_characters if c in _CHARACTERS]
    return found
