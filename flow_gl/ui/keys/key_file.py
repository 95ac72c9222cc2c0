"""The file of the user's keys: TOML, in the user's settings folder.

It lists every action with its usual keys as a comment; a line without `#` gives the action other keys. Lines that
cannot be used are left out and reported in one line. A file that is not TOML is ignored; the first change then keeps it
as `keys.toml.damaged`.
"""

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flow_gl.core.system import folders
from flow_gl.core.system.files import write_whole
from flow_gl.ui.input.actions import ACTIONS, BY_NAME, FIXED
from flow_gl.ui.keys import names
from flow_gl.ui.keys.choices import Changed, KeyChoices
from flow_gl.ui.renamed import ACTIONS as RENAMED_ACTIONS
from flow_gl.ui.renamed import renamed_keys

_HEAD: Final = """# Keys of flow_gl. Remove the # before an action to give it other keys; [] takes all of them away.
# A key is a letter, a digit, f1 to f12, space, enter, tab, backspace, insert, delete, home, end, page_up, page_down,
# up, down, left, right or menu, with ctrl+, alt+ or shift+ before it; or a sign like "[".
# The program writes this file when keys are changed in its panel; other comments are not kept.

[keys]
"""
DAMAGED: Final = ".damaged"


def default_path() -> Path:
    """Return the path of `keys.toml` in the user's settings folder."""
    return folders.config_dir() / "keys.toml"


def load(path: Path | None) -> KeyChoices:
    """Read the user's keys; the usual ones if the file is missing or unreadable. Never raises.

    Parameters
    ----------
    path : None for the usual keys, whose changes are not saved
    """
    if path is None:
        return KeyChoices()
    changed, warning, is_damaged = _read(path)
    choices = KeyChoices(changed, _Writer(path, is_damaged=is_damaged).write)
    choices.warning = warning
    return choices


def text_of(changed: Mapping[str, Sequence[str]]) -> str:
    """Return the file's text: all actions, those with changed keys without a comment sign."""
    lines = [_HEAD]
    group = ""
    for action in ACTIONS:
        if action.name in FIXED:
            continue
        if action.group != group:
            group = action.group
            lines.append(f"\n# {group}\n")
        keys = json.dumps(list(changed.get(action.name, action.keys)))
        sign = "" if action.name in changed else "# "
        lines.append(f"{sign}{action.name} = {keys}  # {action.title}\n")
    return "".join(lines)


class _Writer:
    """Writes the file; a damaged one is kept beside it."""

    def __init__(self, path: Path, *, is_damaged: bool) -> None:
        self._path: Final = path
        self._is_damaged = is_damaged

    def write(self, changed: Changed) -> str:
        path = self._path
        try:
            if self._is_damaged and path.exists():
                path.replace(path.with_name(path.name + DAMAGED))
            self._is_damaged = False
            write_whole(path, text_of(changed).encode())
        except OSError as error:
            return f"cannot save the keys to {path}: {error.strerror or error}"
        return ""


def _read(path: Path) -> tuple[Changed, str, bool]:
    """Return the changed keys, one line on what is wrong with the file, and whether it is not TOML."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, "", False
    except OSError as error:
        return {}, f"cannot read {path}: {error.strerror or error}; the default keys are used", False
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        reason = " ".join(str(error).split())[:200]
        return {}, f"{path} is damaged ({reason}); the default keys are used", True
    problems = [f'"{name}" is not known, expected [keys]' for name in data if name != "keys"]
    listed = data.get("keys", {})
    if not isinstance(listed, dict):
        listed, problems = {}, [*problems, "`keys` must be a table: [keys]"]
    changed: Changed = {}
    for name, given in renamed_keys(listed, RENAMED_ACTIONS).items():
        keys, problem = _keys(name, given)
        if problem:
            problems.append(problem)
        else:
            changed[name] = keys
    problems += _conflicts(changed)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return changed, f"{path}: {problems[0]}{more}" if problems else "", False


def _keys(name: str, given: Any) -> tuple[tuple[str, ...], str]:
    """Return the keys of one line of the file, and what is wrong with it."""
    if name not in BY_NAME:
        near = difflib.get_close_matches(name, BY_NAME, 1)
        return (), f'"{name}" is not an action' + (f', did you mean "{near[0]}"?' if near else "")
    if name in FIXED:
        return (), f'the key of "{name}" cannot be changed'
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return (), f'{name}: expected keys like ["f2", "ctrl+k"], was {given!r}'
    keys = []
    for text in texts:
        key = names.normal(text)
        if key is None:
            return (), f'{name}: "{text}" is not a key'
        if key == "escape":
            return (), f"{name}: Esc always goes back and cannot be given to another action"
        keys.append(key)
    return tuple(dict.fromkeys(keys)), ""


def _conflicts(changed: Changed) -> list[str]:
    """Return one line for each key that two actions would have; leaves it to the action that keeps it."""
    problems = []
    first: dict[str, str] = {}
    for name, keys in list(changed.items()):
        for key in keys:
            if key in first:
                problems.append(f"{names.label(key)} is given to {first[key]} and to {name}: {first[key]} keeps it")
                changed[name] = tuple(one for one in changed[name] if one != key)
            else:
                first[key] = name
    for action in ACTIONS:
        if action.name in changed:
            continue
        lost = [key for key in action.keys if key in first]
        if lost and len(lost) == len(action.keys):
            key = lost[0]
            problems.append(f"{names.label(key)} is given to {first[key]}, so {action.name} has no key")
    return problems
