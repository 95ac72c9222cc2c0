"""The file of alert rules: TOML, readable, in the user's folder of settings.

A rule that cannot be used is left out, and a file that is not TOML counts as absent; one line reports either. The
first change of the rules then keeps the old file beside the new one, as `alerts.toml.damaged`. Two programs may be open
at once: each merges its own changes into the current content of the file, while it holds a lock.
"""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from flow_gl.core.alerts import MAX_RULES
from flow_gl.core.system import folders
from flow_gl.core.system.files import write_whole
from flow_gl.core.system.locked import locked
from flow_gl.ui.alerts.rule_merge import Content, merged
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.alerts.templates import DEFAULT_RULES
from flow_gl.ui.renamed import renamed_rule

_HEAD: Final = """# Alert rules of flow_gl. docs/alerts.md lists what `when`, `event`, `level` and `do` may be.
# The program writes this file when rules are changed in its panel (A); comments are not kept.
"""
DAMAGED: Final = ".damaged"
LOCK_S: Final = 0.5
"""Longest wait for another program that is writing the file."""


def default_path() -> Path:
    """Return the path of `alerts.toml` in the user's folder of settings."""
    return folders.config_dir() / "alerts.toml"


class KeptRules:
    """Rules, and the file that keeps them.

    Attributes
    ----------
    warning : what cannot be used of the file, one line for the user; else ""
    """

    def __init__(self, book: RuleBook, path: Path | None = None, warning: str = "") -> None:
        """Take rules as the file has them; changes are not kept without a path."""
        self.book: Final = book
        self.path: Final = path
        self.warning: Final = warning
        self._saved = book.version
        self._known = self._seen = content_of(book)

    def save(self) -> str:
        """Write the file if the rules have changed.

        Returns
        -------
        problem : "", or one line: it could not be written, or another program has changed it too
        """
        if self.path is None or self.book.version == self._saved:
            return ""
        self._saved = self.book.version
        ours = content_of(self.book)
        try:
            with locked(self.path, wait_s=LOCK_S):
                theirs = self._theirs(self.path)
                content, both = merged(self._known, ours, theirs)
                write_whole(self.path, text_of(content).encode())
        except OSError as error:
            return f"cannot save the alert rules to {self.path}: {error.strerror or error}"
        is_other, self._known, self._seen = theirs != self._seen, ours, content
        if both:
            names = ", ".join(both[:3])
            return f"{self.path}: another program has changed {names} too; its version is kept, switched off"
        if is_other:
            return f"{self.path}: another program has changed the rules; its changes apply here after a restart"
        return ""

    def _theirs(self, path: Path) -> Content:
        """Return the file's content now; a file that cannot be used is put aside. Raises OSError."""
        if not path.exists():
            return self._known
        book, warning = _read(path)
        if not warning:
            return content_of(book)
        path.replace(path.with_name(path.name + DAMAGED))
        return self._seen


def load(path: Path | None) -> KeptRules:
    """Read the rules of a file; the default ones if there is none, or none that can be read. Raises nothing."""
    if path is None:
        return KeptRules(RuleBook(DEFAULT_RULES))
    book, warning = _read(path)
    return KeptRules(book, path, warning)


def content_of(book: RuleBook) -> Content:
    """Return rules and volume as the file has them."""
    return Content(tuple(book.rules()), round(book.volume, 2))


def _read(path: Path) -> tuple[RuleBook, str]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        return RuleBook(DEFAULT_RULES), ""
    except OSError as error:
        return RuleBook(
            DEFAULT_RULES
        ), f"cannot read {path}: {error.strerror or error}; the default alert rules are used"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        return RuleBook(DEFAULT_RULES), f"{path} is damaged ({reason}); the default alert rules are used"
    rules: list[Rule] = []
    problems: list[str] = []
    listed = data.pop("rule", [])
    if not isinstance(listed, list):
        listed, problems = [], ["`rule` must be written as [[rule]]"]
    for number, given in enumerate(listed, 1):
        try:
            if len(rules) == MAX_RULES:
                raise ValueError(f"at most {MAX_RULES} rules are possible")
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


def text_of(content: Content) -> str:
    """Return the rules as TOML; what is at its default is left out."""
    parts = [_HEAD, f"volume = {content.volume:.2f}\n"]
    for rule in content.rules:
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
            for name, value in renamed_rule(given).items()
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
