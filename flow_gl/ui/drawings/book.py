"""The user's drawings by instrument root, and their edits.

A level's alert is an ordinary alert rule (`ui.alerts.rules`) that refers to the level by its id. Every edit also
updates the rule, as one step of the history, so undo restores a level together with its alert.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from flow_gl.core.alerts import MAX_RULES
from flow_gl.core.drawings import ANCHORED, MAX_ANCHORED, MAX_LEVELS, MAX_SHAPES, SHAPE_NAMES, CustomLevel, Shape
from flow_gl.core.schema import PRICE_SCALE
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.state.history import History, Step

Linked = dict[int, Rule]
"""Alert rules by their ids in the rule book."""
_State = tuple[tuple[CustomLevel, ...], tuple[Shape, ...], Linked]


class DrawingBook:
    """All drawings. Those of a root are in the order of their placement."""

    def __init__(
        self,
        levels: Mapping[str, Sequence[CustomLevel]] | None = None,
        shapes: Mapping[str, Sequence[Shape]] | None = None,
    ) -> None:
        self._levels: Final = {key: tuple(found) for key, found in (levels or {}).items() if found}
        self._shapes: Final = {key: tuple(found) for key, found in (shapes or {}).items() if found}
        self.version = 0
        """Version number, changed by every edit."""

    @property
    def has_shapes(self) -> bool:
        return bool(self._shapes)

    def levels(self, key: str) -> tuple[CustomLevel, ...]:
        """Return the levels of an instrument root (`core.drawings.drawing_key`)."""
        return self._levels.get(key, ())

    def shapes(self, key: str) -> tuple[Shape, ...]:
        """Return the shapes of an instrument root."""
        return self._shapes.get(key, ())

    def by_root(self) -> dict[str, tuple[CustomLevel, ...]]:
        """Return all levels by instrument root."""
        return dict(self._levels)

    def shapes_by_root(self) -> dict[str, tuple[Shape, ...]]:
        """Return all shapes by instrument root."""
        return dict(self._shapes)

    def put(self, key: str, levels: Sequence[CustomLevel]) -> None:
        """Replace the levels of a root."""
        if levels:
            self._levels[key] = tuple(levels)
        else:
            self._levels.pop(key, None)
        self.version += 1

    def put_shapes(self, key: str, shapes: Sequence[Shape]) -> None:
        """Replace the shapes of a root."""
        if shapes:
            self._shapes[key] = tuple(shapes)
        else:
            self._shapes.pop(key, None)
        self.version += 1


def new_id() -> str:
    """Return an unused id."""
    return secrets.token_hex(4)


def alert_of(rules: RuleBook, level_id: str) -> tuple[int, Rule] | None:
    """Return the alert rule of a level and the rule's id in the book; None if the level has no alert."""
    return next(((number, rule) for number, rule in rules.items() if rule.drawing == level_id), None)


def rule_for(key: str, level: CustomLevel) -> Rule:
    """Return the alert rule that a level gets when its alert is switched on."""
    return Rule(
        name=_rule_name(level),
        when="level",
        level="custom",
        price=_points(level.price),
        symbol=key,
        drawing=level.id,
    )


@dataclass(frozen=True, slots=True)
class DrawingEdits:
    """Edits drawings: the book, the alert rules of its levels, and the history."""

    book: DrawingBook
    rules: RuleBook
    history: History

    def place(self, key: str, level: CustomLevel) -> str:
        """Add a level. Returns "", or the reason why it cannot be added."""
        levels = self.book.levels(key)
        if len(levels) >= MAX_LEVELS:
            return f"{key} has {MAX_LEVELS} custom levels: delete one first"
        with self._step(key, "custom level"):
            self.book.put(key, (*levels, level))
        return ""

    def change(self, key: str, level: CustomLevel) -> None:
        """Replace the level with the same id: moved, renamed, recoloured. Its alert rule follows."""
        before = self.find(key, level.id)
        if before is None or before == level:
            return
        with self._step(key, "change of a custom level"):
            self.book.put(key, [level if one.id == level.id else one for one in self.book.levels(key)])
            if found := alert_of(self.rules, level.id):
                number, rule = found
                name = _rule_name(level) if rule.name == _rule_name(before) else rule.name
                self.rules.put(number, msgspec.structs.replace(rule, name=name, price=_points(level.price)))

    def delete(self, key: str, level_id: str) -> None:
        """Delete a level and its alert rule."""
        if self.find(key, level_id) is None:
            return
        with self._step(key, "deletion of a custom level"):
            self.book.put(key, [one for one in self.book.levels(key) if one.id != level_id])
            if found := alert_of(self.rules, level_id):
                self.rules.delete(found[0])

    def set_alert(self, key: str, level_id: str, *, is_on: bool) -> str:
        """Turn a level's alert on or off. Returns "", or the reason why that is not possible."""
        level, found = self.find(key, level_id), alert_of(self.rules, level_id)
        if level is None or (found is not None and found[1].on) == is_on:
            return ""
        if found is None and len(self.rules.rules()) >= MAX_RULES:
            return f"there are {MAX_RULES} alert rules: delete one first"
        with self._step(key, "alert of a custom level"):
            if found is None:
                self.rules.add(rule_for(key, level))
            elif is_on:
                self.rules.put(found[0], msgspec.structs.replace(found[1], on=True))
            else:
                self.rules.delete(found[0])
        return ""

    def find(self, key: str, level_id: str) -> CustomLevel | None:
        """Return a level by its id; None if it was deleted."""
        return next((one for one in self.book.levels(key) if one.id == level_id), None)

    def find_shape(self, key: str, shape_id: str) -> Shape | None:
        """Return a shape by its id; None if it was deleted."""
        return next((one for one in self.book.shapes(key) if one.id == shape_id), None)

    def place_shape(self, key: str, shape: Shape) -> str:
        """Add a shape. Returns "", or the reason why it cannot be added."""
        shapes, title = self.book.shapes(key), SHAPE_NAMES[shape.kind]
        if len(shapes) >= MAX_SHAPES:
            return f"{key} has {MAX_SHAPES} drawings: delete one first"
        if shape.kind in ANCHORED and sum(one.kind == shape.kind for one in shapes) >= MAX_ANCHORED:
            return f"{key} has {MAX_ANCHORED} drawings of the kind {title}: delete one first"
        with self._step(key, title):
            self.book.put_shapes(key, (*shapes, shape))
        return ""

    def change_shape(self, key: str, shape: Shape) -> None:
        """Replace the shape with the same id: moved, relabelled, recoloured."""
        before = self.find_shape(key, shape.id)
        if before is None or before == shape:
            return
        with self._step(key, f"change of {SHAPE_NAMES[shape.kind]}"):
            self.book.put_shapes(key, [shape if one.id == shape.id else one for one in self.book.shapes(key)])

    def delete_shape(self, key: str, shape_id: str) -> None:
        """Delete a shape."""
        found = self.find_shape(key, shape_id)
        if found is None:
            return
        with self._step(key, f"deletion of {SHAPE_NAMES[found.kind]}"):
            self.book.put_shapes(key, [one for one in self.book.shapes(key) if one.id != shape_id])

    @contextmanager
    def _step(self, key: str, what: str) -> Iterator[None]:
        """Record the changes made inside as one step of the history."""
        before = self._state(key)
        yield
        after = self._state(key)
        self.history.add(
            Step(
                lambda: self._restore(key, before, f"{what} undone"),
                lambda: self._restore(key, after, f"{what} redone"),
            )
        )

    def _state(self, key: str) -> _State:
        return self.book.levels(key), self.book.shapes(key), self._linked(key)

    def _linked(self, key: str) -> Linked:
        ids = {one.id for one in self.book.levels(key)}
        return {number: rule for number, rule in self.rules.items() if rule.drawing in ids}

    def _restore(self, key: str, state: _State, note: str) -> str:
        levels, shapes, linked = state
        for number in self._linked(key).keys() - linked.keys():
            self.rules.delete(number)
        for number, rule in linked.items():
            if self.rules.get(number) != rule:
                self.rules.put(number, rule)
        if levels != self.book.levels(key):
            self.book.put(key, levels)
        if shapes != self.book.shapes(key):
            self.book.put_shapes(key, shapes)
        return note


def _rule_name(level: CustomLevel) -> str:
    return level.name or f"Custom level {_points(level.price):,f}"


def _points(price: int) -> Decimal:
    return (Decimal(price) / PRICE_SCALE).normalize()
