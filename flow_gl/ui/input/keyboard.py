"""Maps the key presses of a frame to actions, using the table in `keymap`."""

from collections.abc import Sequence
from typing import Final

from imgui_bundle import imgui

from flow_gl.ui.input.action import Action
from flow_gl.ui.input.keymap import KEY_NAMES, Table, table
from flow_gl.ui.keys import names
from flow_gl.ui.keys.choices import KeyChoices
from flow_gl.ui.paint.key_presses import Press

_USUAL: Final = KeyChoices()


def pressed(presses: Sequence[Press], choices: KeyChoices = _USUAL) -> list[Action]:
    """Return the actions of key presses and of held keys that repeat; empty while a text field has the keyboard.

    Parameters
    ----------
    presses : key presses, in order
    choices : the user's keys
    """
    io = imgui.get_io()
    if io.want_text_input:
        return []
    known = table(choices)
    has_control = io.key_ctrl or io.key_super
    found = [_of(known, press.key, press.has_control, press.has_alt, press.has_shift) for press in presses]
    for (key, *held), action in known.keys.items():
        if action.repeats and held == [has_control, io.key_alt, io.key_shift] and _is_repeated(key):
            found.append(action)
    if not has_control:
        found += [known.characters.get(character) for character in io.input_queue_characters]
    return [action for action in found if action is not None]


def name_of(presses: Sequence[Press]) -> str:
    """Return the name of the first key that was pressed or typed; "" if there was none."""
    for press in presses:
        if press.key in KEY_NAMES:
            held = (("ctrl", press.has_control), ("alt", press.has_alt), ("shift", press.has_shift))
            return names.join(frozenset(name for name, is_held in held if is_held), KEY_NAMES[press.key])
    for character in imgui.get_io().input_queue_characters:
        if names.is_character(chr(character)) and chr(character).isprintable() and chr(character) != " ":
            return chr(character)
    return ""


def _of(known: Table, key: imgui.Key, control: bool, alt: bool, shift: bool) -> Action | None:
    """Return the action of a key; with Shift, that of the key alone where none has it with Shift."""
    return known.keys.get((key, control, alt, shift)) or known.keys.get((key, control, alt, False))


def _is_repeated(key: imgui.Key) -> bool:
    return imgui.is_key_pressed(key, True) and not imgui.is_key_pressed(key, False)
