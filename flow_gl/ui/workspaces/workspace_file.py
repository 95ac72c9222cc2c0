"""Workspaces as TOML: reading with one line on what is wrong, and writing.

A file that cannot be used is renamed to `NAME.toml.damaged`, so that it is never overwritten; the caller continues
without it.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from flow_gl.core.system.files import write_whole
from flow_gl.ui.renamed import renamed_workspace
from flow_gl.ui.workspaces.tree import Workspace

DAMAGED: Final = ".damaged"
_HEAD: Final = """# A workspace of flow_gl: the main window with its layout, look, layers, panels and charts,
# alerts, and each other window as a [[secondary_window]]. Left out: the default.
# The program writes this file when the workspace is left; comments are not kept.
"""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def read(path: Path, *, is_ours: bool = True) -> tuple[Workspace | None, str]:
    """Read a file. Never raises.

    Parameters
    ----------
    is_ours : whether the program writes this file: a damaged one is renamed

    Returns
    -------
    workspace : None if the file is missing or cannot be used
    problem : one line for the user; "" if there is none or the file is missing
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(renamed_workspace(data), Workspace), ""
    except FileNotFoundError:
        return None, "" if is_ours else f"there is no file {path}"
    except OSError as error:
        return None, f"cannot read {path}: {error.strerror or error}"
    except (ValueError, RecursionError, msgspec.ValidationError) as error:  # not TOML, not UTF-8, or out of range
        reason = " ".join(str(error).split())[:200]
    if not is_ours:
        return None, f"{path} is not a workspace ({reason})"
    aside = _free_name(path)
    with suppress(OSError):
        path.replace(aside)
        return None, f"{path} is damaged ({reason}); it is kept as {aside.name}"
    return None, f"{path} is damaged ({reason})"


def write(path: Path, workspace: Workspace) -> str:
    """Write a file atomically. Returns "", or one line if it could not be written."""
    try:
        write_whole(path, text_of(workspace).encode())
    except OSError as error:
        return f"cannot save the workspace to {path}: {error.strerror or error}"
    return ""


def text_of(workspace: Workspace) -> str:
    """Return a workspace as TOML."""
    return _HEAD + "".join(_lines(msgspec.to_builtins(workspace), ()))


def _lines(table: Mapping[str, Any], path: tuple[str, ...], *, is_listed: bool = False) -> Iterator[str]:
    """Yield the lines of a table: its own values, then the tables in it.

    Parameters
    ----------
    is_listed : it is one of a list of tables
    """
    inside = {name: value for name, value in table.items() if isinstance(value, dict) or _is_tables(value)}
    heading = ".".join(map(_key, path))
    if is_listed:
        yield f"\n[[{heading}]]\n"
    elif path and len(inside) < len(table):
        yield f"\n[{heading}]\n"
    for name, value in table.items():
        if name not in inside and value is not None:
            yield f"{_key(name)} = {_value(value)}\n"
    for name, value in inside.items():
        is_one = isinstance(value, dict)
        for one in [value] if is_one else value:
            yield from _lines(one, (*path, name), is_listed=not is_one)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _free_name(path: Path) -> Path:
    """Return an unused path beside a file for keeping a damaged one."""
    names = (f"{path.name}{DAMAGED}", *(f"{path.name}{DAMAGED}-{number}" for number in range(2, 100)))
    return next((one for one in map(path.with_name, names) if not one.exists()), path.with_name(names[0]))
