"""The file of alert rules: TOML, readable, in the user's folder of settings.

A rule that cannot be used is left out, and a file that is no TOML counts as absent; both are said in one line. The
first change of the rules then keeps the old file beside the new one, as `alerts.toml.damaged`.
"""

import json
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from flow_gl.core.alerts import MOST_RULES
from flow_gl.core.system import folders
from flow_gl.core.system.files import write_whole
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.alerts.templates import USUAL

_HEAD: Final = """# Alert rules of flow_gl. docs/alerts.md lists what `when`, `event`, `level` and `do` may be.
# The program writes this file when rules are changed in its panel (A); comments are not kept.
"""
DAMAGED: Final = ".damaged"


def default_path() -> Path:
    """Return the path of `alerts.toml` in the user's folder of settings."""
    return folders.config_dir() / "alerts.toml"


@dataclass(frozen=True, slots=True)
class KeptRules:
    """Rules, and the file that keeps them."""

    book: RuleBook
    path: Path | None = None
    """None: changes are not kept."""
    warning: str = ""
    """What cannot be used of the file, one line for the user; else ""."""


def load(path: Path | None) -> KeptRules:
    """Read the rules of a file; the usual ones if there is none, or none that can be read. Raises nothing."""
    if path is None:
        return KeptRules(RuleBook(USUAL))
    book, warning = _read(path)
    return KeptRules(book, path, warning)


def _read(path: Path) -> tuple[RuleBook, str]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        return RuleBook(USUAL), ""
    except OSError as error:
        return RuleBook(USUAL), f"cannot read {path}: {error.strerror or error}; the usual alert rules are in force"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        return RuleBook(USUAL), f"{path} is damaged ({reason}); the usual alert rules are in force"
    rules: list[Rule] = []
    problems: list[str] = []
    listed = data.pop("rule", [])
    if not isinstance(listed, list):
        listed, problems = [], ["`rule` must be written as [[rule]]"]
    for number, given in enumerate(listed, 1):
        try:
            if len(rules) == MOST_RULES:
                raise ValueError(f"at most {MOST_RULES} rules are possible")
            rules.append(_rule(given))
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            name = given.get("name", "") if isinstance(given, dict) else ""
            problems.append(f"rule {number} {name!r}: {error}" if name else f"rule {number}: {error}")
    volume = data.pop("volume", 0.6)
    if isinstance(volume, bool) or not isinstance(volume, int | float | Decimal) or not 0 <= volume <= 1:
        problems.append(f"volume must be 0 to 1, was {volume!r}")
        volume = 0.6
    problems += [f"{name} is not known" for name in data]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    warning = f"{path}: {problems[0]}{more}; left out" if problems else ""
    return RuleBook(rules, volume=float(volume)), warning


def save(path: Path, book: RuleBook, *, keeps_old: bool = False) -> str:
    """Write the file atomically.

    Parameters
    ----------
    keeps_old : keep the file that is there, under another name, because not all of it could be used

    Returns
    -------
    problem : "", or one line if it could not be written
    """
    try:
        if keeps_old and path.exists():
            path.replace(path.with_name(path.name + DAMAGED))
        write_whole(path, text_of(book).encode())
    except OSError as error:
        return f"cannot save the alert rules to {path}: {error.strerror or error}"
    return ""


def text_of(book: RuleBook) -> str:
    """Return the rules as TOML; what is at its default is left out."""
    parts = [_HEAD, f"volume = {book.volume:.2f}\n"]
    for rule in book.rules():
        parts.append("\n[[rule]]\n")
        for field in msgspec.structs.fields(Rule):
            value = getattr(rule, field.name)
            if value != field.default or field.name in ("on", "do"):
                parts.append(f"{field.name} = {_value(value)}\n")
    return "".join(parts)


def _rule(given: Any) -> Rule:
    if isinstance(given, dict):
        # TOML's fractions were read as decimals, so that a price is exact; all other numbers are floats.
        given = {
            name: float(value) if isinstance(value, Decimal) and name != "price" else value
            for name, value in given.items()
        }
        if isinstance(given.get("price"), int | str) and not isinstance(given["price"], bool):
            given["price"] = Decimal(given["price"])
    return msgspec.convert(given, Rule)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
