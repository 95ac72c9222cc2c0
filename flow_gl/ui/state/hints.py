"""Hints for a user's first minutes. Each disappears once its action has been used, or on a click."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple


class Hint(NamedTuple):
    """A hint.

    Attributes
    ----------
    text : with the names of actions in braces, in whose place their keys are shown
    used_by : actions that make the hint disappear
    """

    name: str
    text: str
    used_by: tuple[str, ...]


HINTS: Final = (
    Hint(
        "commands",
        "{commands} finds every command  \u00b7  a right click opens the menu of what you click",
        ("commands", "menu", "context_menu"),
    ),
    Hint(
        "zoom", "The wheel zooms time, with Shift it zooms prices  \u00b7  a drag pans", ("zoom", "closer", "farther")
    ),
    Hint(
        "panels",
        "{overlays} shows the panels  \u00b7  {controls} the settings of bubbles and layers",
        ("overlays", "controls"),
    ),
    Hint("help", "{help} explains bubbles, levels and keys", ("help",)),
)
"""Shown one at a time, in this order."""


@dataclass(slots=True)
class Hints:
    """The hints that have not been used.

    Attributes
    ----------
    is_on : whether hints are shown at all; off in pictures without a window
    """

    _used: set[str] = field(default_factory=set)
    is_on: bool = False

    @property
    def used(self) -> list[str]:
        """Names of the hints that have been used."""
        return [hint.name for hint in HINTS if hint.name in self._used]

    @property
    def current(self) -> Hint | None:
        """The hint to show now; None if there is none."""
        return next((hint for hint in HINTS if hint.name not in self._used), None) if self.is_on else None

    def note_use(self, action: str) -> None:
        """Note that an action was used: the hints about it go away."""
        self._used.update(hint.name for hint in HINTS if action in hint.used_by)

    def close(self, name: str) -> None:
        """Take a hint away."""
        self._used.add(name)
