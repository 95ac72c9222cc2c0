"""The editing state of the user's drawings, and the levels that a frame shows."""

from dataclasses import dataclass, field, replace

from flow_gl.core.cached import Cached
from flow_gl.core.drawings import CustomLevel, Point, Shape, ShapeKind, ShownLevel
from flow_gl.layers.drawings.geometry import Grip, moved
from flow_gl.ui.alerts.rules import RuleBook
from flow_gl.ui.drawings.book import DrawingBook
from flow_gl.ui.drawings.drawing_file import KeptDrawings


@dataclass(frozen=True, slots=True)
class HeldLevel:
    """A level that is being placed (not in the book yet) or dragged (with its new price).

    Attributes
    ----------
    key : instrument root
    chart : index of the chart on which it is held
    """

    key: str
    chart: int
    level: CustomLevel
    is_new: bool

    def at(self, price: int) -> "HeldLevel":
        """Return a copy at another price, 1e-9."""
        return replace(self, level=replace(self.level, price=price))


@dataclass(frozen=True, slots=True)
class HeldShape:
    """A shape that is being placed (not in the book yet) or moved.

    Attributes
    ----------
    key : instrument root
    chart : index of the chart on which it is held
    shape : as it was when it was picked up
    grip : the part that follows the mouse
    origin, now : point under the mouse when it was picked up, and now
    """

    key: str
    chart: int
    shape: Shape
    grip: Grip
    origin: Point
    now: Point
    is_new: bool = False

    @property
    def shown(self) -> Shape:
        """The shape as it would be placed now."""
        by = self.now.t_ns - self.origin.t_ns, self.now.price - self.origin.price
        return moved(self.shape, self.grip, *by)


@dataclass(slots=True)
class DrawingState:
    """The user's drawings and their editing state.

    Attributes
    ----------
    kept : the drawings and their file
    rules : all alert rules, including those of levels
    held : the level that is being placed or dragged
    edited : chart, instrument root and id of the level whose editor is open
    last_edited : id of the level or shape edited last
    tool : kind of the shape that the next click begins or places; None for none
    held_shape : the shape that is being placed or moved
    selected, edited_shape : chart, instrument root and id of the shape with handles, and of the one that is edited
    """

    kept: KeptDrawings = field(default_factory=lambda: KeptDrawings(DrawingBook()))
    rules: RuleBook = field(default_factory=RuleBook)
    held: HeldLevel | None = None
    edited: tuple[int, str, str] | None = None
    last_edited: str = ""
    tool: ShapeKind | None = None
    held_shape: HeldShape | None = None
    selected: tuple[int, str, str] | None = None
    edited_shape: tuple[int, str, str] | None = None
    _shown: dict[str, Cached[tuple[ShownLevel, ...]]] = field(default_factory=dict)

    @property
    def book(self) -> DrawingBook:
        return self.kept.book

    @property
    def has_shapes(self) -> bool:
        """Whether any shape exists or is being placed."""
        return self.kept.book.has_shapes or self.held_shape is not None

    @property
    def is_edited(self) -> bool:
        """Whether an editor is open."""
        return self.edited is not None or self.edited_shape is not None

    @property
    def is_placing(self) -> bool:
        """Whether the mouse places or moves a drawing."""
        return self.held is not None or self.held_shape is not None or self.tool is not None

    def cancel(self) -> bool:
        """Cancel placing or moving, or clear the selection; return whether there was anything to cancel."""
        if self.is_placing:
            self.held = self.held_shape = self.tool = None
        elif self.selected is not None:
            self.selected = None
        else:
            return False
        return True

    def leave_charts(self) -> None:
        """Cancel everything that refers to a chart, because its number may now be that of another chart."""
        self.held = self.held_shape = self.selected = self.edited = self.edited_shape = None

    def shapes(self, key: str) -> tuple[Shape, ...]:
        """Return the shapes of an instrument root, with the held one at its present place."""
        found, held = self.book.shapes(key), self.held_shape
        if held is None or held.key != key:
            return found
        shown = held.shown
        return (*(shown if one.id == shown.id else one for one in found), *((shown,) if held.is_new else ()))

    def follow(self, rules: RuleBook) -> list[str]:
        """Update the alert rules and save changed drawings. Returns messages for the user, one line each."""
        self.rules = rules
        problem = self.kept.save()
        return [problem] if problem else []

    def shown(self, key: str) -> tuple[ShownLevel, ...]:
        """Return the levels of an instrument root for a frame; the same object while nothing changes."""
        rules, book = self.rules, self.book
        now = book, book.version, rules, rules.version, self.held
        return self._shown.setdefault(key, Cached()).get(now, lambda: self._levels_of(key))

    def _levels_of(self, key: str) -> tuple[ShownLevel, ...]:
        alerts = {rule.drawing for rule in self.rules.rules() if rule.drawing and rule.on}
        held = self.held if self.held is not None and self.held.key == key else None
        levels = [
            ShownLevel(held.level, one.id in alerts, is_held=True)
            if held is not None and held.level.id == one.id
            else ShownLevel(one, one.id in alerts)
            for one in self.book.levels(key)
        ]
        if held is not None and held.is_new:
            levels.append(ShownLevel(held.level, is_held=True))
        return tuple(levels)
