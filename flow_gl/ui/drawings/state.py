"""The editing state of the user's drawings, and the levels that a frame shows."""

from dataclasses import dataclass, field, replace

from flow_gl.core.cached import Cached
from flow_gl.core.drawings import OwnLevel, ShownLevel
from flow_gl.ui.alerts.rules import RuleBook
from flow_gl.ui.drawings.book import DrawingBook
from flow_gl.ui.drawings.drawing_file import KeptDrawings


@dataclass(frozen=True, slots=True)
class Held:
    """A level that is being placed or dragged: not in the book yet, or with its new price.

    Attributes
    ----------
    key : instrument root
    chart : index of the chart on which it is held
    """

    key: str
    chart: int
    level: OwnLevel
    is_new: bool

    def at(self, price: int) -> "Held":
        """Return a copy at another price, 1e-9."""
        return replace(self, level=replace(self.level, price=price))


@dataclass(slots=True)
class DrawingState:
    """The user's drawings and their editing state.

    Attributes
    ----------
    kept : the drawings and their file
    rules : all alert rules, including those of levels
    held : the level that is being placed or dragged
    edited : chart, instrument root and id of the level whose editor is open
    last_edited : id of the level edited last
    """

    kept: KeptDrawings = field(default_factory=lambda: KeptDrawings(DrawingBook()))
    rules: RuleBook = field(default_factory=RuleBook)
    held: Held | None = None
    edited: tuple[int, str, str] | None = None
    last_edited: str = ""
    _shown: dict[str, Cached[tuple[ShownLevel, ...]]] = field(default_factory=dict)

    @property
    def book(self) -> DrawingBook:
        return self.kept.book

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
