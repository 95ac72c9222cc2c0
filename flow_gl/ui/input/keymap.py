"""The keys of actions: the defaults of the action table, overridden by the user's choices.

A key belongs to one action. What the user has chosen overrides the defaults, so a default key that the user has given
to another action is no longer its own.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.ui.input.action import Action
from flow_gl.ui.input.actions import ACTIONS, BY_NAME, FIXED
from flow_gl.ui.keys import names
from flow_gl.ui.keys.choices import KeyChoices

Chord = tuple[imgui.Key, bool, bool, bool]
"""A key, and whether Ctrl, Alt and Shift are held."""


class Table(NamedTuple):
    """Actions by the key pressed or the character typed."""

    keys: dict[Chord, Action]
    characters: dict[int, Action]
    by_action: dict[str, tuple[str, ...]]
    """The keys of each action that are its own."""


_kept: dict[int, tuple[KeyChoices, int, Table]] = {}


def table(choices: KeyChoices) -> Table:
    """Return the table for the user's choices; the same object while they do not change."""
    found = _kept.get(id(choices))
    if found is None or found[0] is not choices or found[1] != choices.version:
        _kept.clear()
        found = _kept[id(choices)] = choices, choices.version, _table(choices)
    return found[2]


def keys_of(choices: KeyChoices, action: str) -> tuple[str, ...]:
    """Return the names of an action's keys."""
    return table(choices).by_action[action]


def key_label(choices: KeyChoices, action: str) -> str:
    """Return an action's first key as shown to the user; "" without one."""
    found = keys_of(choices, action)
    return names.label(found[0]) if found else ""


def owner(choices: KeyChoices, key: str) -> Action | None:
    """Return the action that a key runs."""
    return next((BY_NAME[name] for name, keys in table(choices).by_action.items() if key in keys), None)


def bind(choices: KeyChoices, action: str, key: str, *, instead_of: str | None = None) -> str:
    """Give an action a key, which another action loses.

    Parameters
    ----------
    key : name of the key
    instead_of : a key of the action that this one replaces

    Returns
    -------
    problem : one line if the choice could not be saved, else ""
    """
    changes: dict[str, tuple[str, ...] | None] = {}
    before = owner(choices, key)
    if before is not None and before.name != action:
        changes[before.name] = _as_choice(before, (one for one in keys_of(choices, before.name) if one != key))
    kept = [one for one in keys_of(choices, action) if one != key]
    if instead_of in kept:
        kept[kept.index(instead_of)] = key
    else:
        kept.append(key)
    changes[action] = _as_choice(BY_NAME[action], kept)
    return choices.put(changes)


def unbind(choices: KeyChoices, action: str, key: str) -> str:
    """Take a key from an action. Returns a problem as `bind` does."""
    kept = (one for one in keys_of(choices, action) if one != key)
    return choices.put({action: _as_choice(BY_NAME[action], kept)})


def reset(choices: KeyChoices, action: str) -> str:
    """Give an action its default keys again, as far as no other action has been given one. Returns a problem."""
    return choices.put({action: None})


def _as_choice(action: Action, keys: Iterable[str]) -> tuple[str, ...] | None:
    chosen = tuple(keys)
    return None if chosen == action.keys else chosen


def _table(choices: KeyChoices) -> Table:
    chosen: dict[str, str] = {}
    for action in ACTIONS:
        if choices.is_changed(action.name) and action.name not in FIXED:
            for key in choices.of(action.name, ()):
                chosen.setdefault(key, action.name)
    found = Table({}, {}, {})
    for action in ACTIONS:
        fixed = action.name in FIXED
        mine = action.keys if fixed else choices.of(action.name, action.keys)
        own = tuple(key for key in mine if chosen.get(key, action.name) == action.name)
        found.by_action[action.name] = own
        for key in own:
            _add(found, key, action)
    return found


def _add(found: Table, name: str, action: Action) -> None:
    if names.is_character(name):
        found.characters[ord(name)] = action
        return
    modifiers, key = names.split(name)
    held = ("ctrl" in modifiers, "alt" in modifiers, "shift" in modifiers)
    found.keys[(imgui_key(key), *held)] = action
    if key.isdigit():
        found.keys[(imgui_key(f"keypad{key}"), *held)] = action


def imgui_key(name: str) -> imgui.Key:
    """Return Dear ImGui's key of a name without modifiers."""
    found: imgui.Key = getattr(imgui.Key, f"_{name}" if name.isdigit() else name)
    return found


KEY_NAMES: Final = {imgui_key(name): name for name in (*names.NAMED, *"abcdefghijklmnopqrstuvwxyz0123456789")}
"""Names of Dear ImGui's keys."""
