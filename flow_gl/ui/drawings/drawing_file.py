"""The file of drawings: TOML, in the user's settings folder.

Invalid drawings are skipped, and a file that is not TOML is ignored; one line says what is wrong. The first change then
keeps the old file as `drawings.toml.damaged`. Two programs may be open at once: each merges its own changes into the
current content of the file.
"""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from flow_gl.core.drawings import COLOR_NAMES, LONGEST_NAME, MOST_LEVELS, ColorName, OwnLevel
from flow_gl.core.market.limits import MAX_PRICE
from flow_gl.core.schema import PRICE_SCALE
from flow_gl.core.system import folders
from flow_gl.core.system.files import write_whole
from flow_gl.core.units import SECOND_NS
from flow_gl.ui.drawings.book import DrawingBook, new_id

_HEAD: Final = f"""# Own levels of flow_gl, by instrument root: a level of NQ is on the charts of NQZ5 and of NQ.v.0.
# color is one of {", ".join(COLOR_NAMES)}; since is when the level was placed.
# The program writes this file when a level changes; comments are not kept. A level's alert is in alerts.toml.
"""
DAMAGED: Final = ".damaged"
_LATEST_NS: Final = 1 << 63

Levels = dict[str, tuple[OwnLevel, ...]]


class _Row(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A level, with the field names of the file."""

    symbol: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    price: Decimal
    """Points."""
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    color: ColorName = COLOR_NAMES[0]
    since: datetime | None = None
    id: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """"" in a level that was written by hand."""


def default_path() -> Path:
    """Return the path of `drawings.toml` in the user's settings folder."""
    return folders.config_dir() / "drawings.toml"


@dataclass(slots=True)
class KeptDrawings:
    """Drawings and the file that stores them.

    Attributes
    ----------
    path : None if changes are not saved
    warning : what is wrong with the file, one line for the user; "" if nothing is
    """

    book: DrawingBook
    path: Path | None = None
    warning: str = ""
    _saved: int = 0
    """Version of the book in the file."""
    _known: Levels = field(default_factory=dict)
    """The levels as this program last read or wrote them."""

    def save(self) -> str:
        """Write the file if the book has changed. Returns "", or the error in one line."""
        if self.path is None or self.book.version == self._saved:
            return ""
        self._saved = self.book.version
        ours = self.book.by_root()
        try:
            theirs, warning = _read(self.path)
            is_there = self.path.exists()
            if warning and is_there:
                self.path.replace(_free_name(self.path))
            levels = _merged(self._known, ours, theirs if is_there and not warning else self._known)
            write_whole(self.path, text_of(levels).encode())
        except OSError as error:
            return f"cannot save the drawings to {self.path}: {error.strerror or error}"
        self._known = ours
        return ""


def load(path: Path | None) -> KeptDrawings:
    """Read the drawings of a file; empty if the file is missing or unreadable. Never raises."""
    if path is None:
        return KeptDrawings(DrawingBook())
    levels, warning = _read(path)
    return KeptDrawings(DrawingBook(levels), path, warning, _known=levels)


def text_of(levels: Levels) -> str:
    """Return levels as TOML, without fields at their default."""
    parts = [_HEAD]
    for key, found in levels.items():
        for one in found:
            parts.append(f"\n[[level]]\nsymbol = {_text(key)}\nprice = {_points(one.price)}\n")
            if one.name:
                parts.append(f"name = {_text(one.name)}\n")
            parts.append(f'color = "{one.color}"\n')
            if one.since_ns:
                parts.append(f"since = {datetime.fromtimestamp(one.since_ns // SECOND_NS, UTC):%Y-%m-%dT%H:%M:%SZ}\n")
            parts.append(f"id = {_text(one.id)}\n")
    return "".join(parts)


def _read(path: Path) -> tuple[Levels, str]:
    """Return the levels of a file, and one line on what is wrong with it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"cannot read {path}: {error.strerror or error}; no own levels are shown"
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        reason = " ".join(str(error).split())[:200]
        return (
            {},
            f"{path} is damaged ({reason}); no own levels are shown; it will be kept as {_free_name(path).name}",
        )
    problems: list[str] = []
    levels: dict[str, list[OwnLevel]] = {}
    ids: set[str] = set()
    listed = data.pop("level", [])
    if not isinstance(listed, list):
        listed, problems = [], ["`level` must be written as [[level]]"]
    for number, given in enumerate(listed, 1):
        try:
            key, level = _level(given)
            if len(levels.get(key, ())) == MOST_LEVELS:
                raise ValueError(f"at most {MOST_LEVELS} levels of {key} are possible")
        except (msgspec.ValidationError, ValueError, ArithmeticError, TypeError) as error:
            problems.append(f"level {number}: {error}")
            continue
        if level.id in ids:
            level = OwnLevel(new_id(), level.price, level.name, level.color, level.since_ns)
        ids.add(level.id)
        levels.setdefault(key, []).append(level)
    problems += [f"{name} is not known" for name in data]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    warning = f"{path}: {problems[0]}{more}; left out" if problems else ""
    return {key: tuple(found) for key, found in levels.items()}, warning


def _level(given: Any) -> tuple[str, OwnLevel]:
    """Return root and level of a table in the file. Raises ValueError or msgspec.ValidationError."""
    if isinstance(given, dict) and isinstance(given.get("price"), int) and not isinstance(given["price"], bool):
        given = {**given, "price": Decimal(given["price"])}
    row = msgspec.convert(given, _Row)
    price = row.price * PRICE_SCALE
    if not row.price.is_finite() or abs(price) >= MAX_PRICE or price != int(price):
        raise ValueError(f"`price` must be a price with at most 9 decimals, was {row.price}")
    since = row.since if row.since is None or row.since.tzinfo else row.since.replace(tzinfo=UTC)
    since_ns = 0 if since is None else int(since.timestamp()) * SECOND_NS
    if since_ns >= _LATEST_NS:
        raise ValueError(f"`since` must be before the year 2262, was {row.since}")
    return row.symbol, OwnLevel(row.id or new_id(), int(price), row.name, row.color, max(0, since_ns))


def _merged(known: Levels, ours: Levels, theirs: Levels) -> Levels:
    """Return the file's current content with the changes made here since it was last read or written."""
    before, after = dict(_flat(known)), dict(_flat(ours))
    levels = dict(_flat(theirs))
    levels |= {at: one for at, one in after.items() if before.get(at) != one}
    found: dict[str, list[OwnLevel]] = {}
    for at, one in levels.items():
        if at in after or at not in before:
            found.setdefault(at[0], []).append(one)
    return {key: tuple(found[key]) for key in sorted(found)}


def _flat(levels: Levels) -> Iterator[tuple[tuple[str, str], OwnLevel]]:
    for key, found in levels.items():
        for one in found:
            yield (key, one.id), one


def _free_name(path: Path) -> Path:
    """Return an unused path beside a file for keeping a damaged one."""
    names = (f"{path.name}{DAMAGED}", *(f"{path.name}{DAMAGED}-{number}" for number in range(2, 100)))
    return next((one for one in map(path.with_name, names) if not one.exists()), path.with_name(names[0]))


def _points(price: int) -> str:
    return f"{(Decimal(price) / PRICE_SCALE).normalize():f}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
