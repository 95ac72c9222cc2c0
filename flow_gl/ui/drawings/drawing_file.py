"""The file of drawings: TOML, in the user's settings folder.

Invalid drawings are skipped, and a file that is not TOML is ignored; one line says what is wrong. The first change then
keeps the old file as `drawings.toml.damaged`. Two programs may be open at once: each merges its own changes into the
current content of the file.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from flow_gl.core.drawings import MAX_LEVELS, MAX_SHAPES, SHAPE_KINDS, CustomLevel, Shape
from flow_gl.core.system import folders
from flow_gl.core.system.files import write_whole
from flow_gl.ui.drawings import drawing_text
from flow_gl.ui.drawings.book import DrawingBook, new_id

DAMAGED: Final = ".damaged"
text_of: Final = drawing_text.text_of
Drawing = TypeVar("Drawing", CustomLevel, Shape)


class _Drawings(NamedTuple):
    """All drawings by instrument root."""

    levels: Mapping[str, tuple[CustomLevel, ...]] = {}
    shapes: Mapping[str, tuple[Shape, ...]] = {}


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
    _known: _Drawings = field(default_factory=_Drawings)
    """The drawings as this program last read or wrote them."""

    def save(self) -> str:
        """Write the file if the book has changed. Returns "", or the error in one line."""
        if self.path is None or self.book.version == self._saved:
            return ""
        self._saved = self.book.version
        ours = _Drawings(self.book.by_root(), self.book.shapes_by_root())
        try:
            theirs, warning = _read(self.path)
            is_there = self.path.exists()
            if warning and is_there:
                self.path.replace(_free_name(self.path))
            theirs = theirs if is_there and not warning else self._known
            levels = _merged(self._known.levels, ours.levels, theirs.levels)
            shapes = _merged(self._known.shapes, ours.shapes, theirs.shapes)
            write_whole(self.path, text_of(levels, shapes).encode())
        except OSError as error:
            return f"cannot save the drawings to {self.path}: {error.strerror or error}"
        self._known = ours
        return ""


def load(path: Path | None) -> KeptDrawings:
    """Read the drawings of a file; empty if the file is missing or unreadable. Never raises."""
    if path is None:
        return KeptDrawings(DrawingBook())
    found, warning = _read(path)
    return KeptDrawings(DrawingBook(*found), path, warning, _known=found)


def _read(path: Path) -> tuple[_Drawings, str]:
    """Return the drawings of a file, and one line on what is wrong with it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        return _Drawings(), ""
    except OSError as error:
        return _Drawings(), f"cannot read {path}: {error.strerror or error}; no drawings are shown"
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        reason = " ".join(str(error).split())[:200]
        return (
            _Drawings(),
            f"{path} is damaged ({reason}); no drawings are shown; it will be kept as {_free_name(path).name}",
        )
    tables, problems = _Tables(data), []
    levels: dict[str, list[CustomLevel]] = {}
    for number, given in enumerate(tables.take("level"), 1):
        try:
            key, level = drawing_text.level_of(given)
            if len(levels.get(key, ())) == MAX_LEVELS:
                raise ValueError(f"at most {MAX_LEVELS} levels of {key} are possible")
        except drawing_text.ERRORS as error:
            problems.append(f"level {number}: {error}")
            continue
        levels.setdefault(key, []).append(tables.with_own_id(level))
    shapes: dict[str, list[Shape]] = {}
    for kind in SHAPE_KINDS:
        for number, given in enumerate(tables.take(kind), 1):
            try:
                key, shape = drawing_text.shape_of(kind, given)
                if len(shapes.get(key, ())) == MAX_SHAPES:
                    raise ValueError(f"at most {MAX_SHAPES} drawings of {key} are possible")
            except drawing_text.ERRORS as error:
                problems.append(f"{kind} {number}: {error}")
                continue
            shapes.setdefault(key, []).append(tables.with_own_id(shape))
    problems += [*tables.problems, *(f"{name} is not known" for name in data)]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    warning = f"{path}: {problems[0]}{more}; left out" if problems else ""
    return _Drawings(_frozen(levels), _frozen(shapes)), warning


class _Tables:
    """The tables of a file by name, and the ids that are taken."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data: Final = data
        self._ids: Final[set[str]] = set()
        self.problems: Final[list[str]] = []

    def take(self, name: str) -> list[Any]:
        """Return and remove the tables of a name."""
        listed = self._data.pop(name, [])
        if isinstance(listed, list):
            return listed
        self.problems.append(f"`{name}` must be written as [[{name}]]")
        return []

    def with_own_id(self, drawing: Drawing) -> Drawing:
        """Return a drawing, with another id if an earlier one has the same."""
        if drawing.id in self._ids:
            drawing = replace(drawing, id=new_id())
        self._ids.add(drawing.id)
        return drawing


def _frozen(found: Mapping[str, list[Drawing]]) -> dict[str, tuple[Drawing, ...]]:
    return {key: tuple(drawings) for key, drawings in found.items()}


def _merged(
    known: Mapping[str, tuple[Drawing, ...]],
    ours: Mapping[str, tuple[Drawing, ...]],
    theirs: Mapping[str, tuple[Drawing, ...]],
) -> dict[str, tuple[Drawing, ...]]:
    """Return the file's current content with the changes made here since it was last read or written."""
    before, after = dict(_flat(known)), dict(_flat(ours))
    merged = dict(_flat(theirs))
    merged |= {at: one for at, one in after.items() if before.get(at) != one}
    found: dict[str, list[Drawing]] = {}
    for at, one in merged.items():
        if at in after or at not in before:
            found.setdefault(at[0], []).append(one)
    return {key: tuple(found[key]) for key in sorted(found)}


def _flat(
    drawings: Mapping[str, tuple[Drawing, ...]],
) -> Iterator[tuple[tuple[str, str], Drawing]]:
    for key, found in drawings.items():
        for one in found:
            yield (key, one.id), one


def _free_name(path: Path) -> Path:
    """Return an unused path beside a file for keeping a damaged one."""
    names = (f"{path.name}{DAMAGED}", *(f"{path.name}{DAMAGED}-{number}" for number in range(2, 100)))
    return next((one for one in map(path.with_name, names) if not one.exists()), path.with_name(names[0]))
