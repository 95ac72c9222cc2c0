"""The keys that the user has chosen in place of the default ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Changed = dict[str, tuple[str, ...]]
"""Names of keys (`keys.names`) by action; an action that is not listed has its default keys."""


@dataclass(slots=True)
class KeyChoices:
    """The user's keys.

    Attributes
    ----------
    version : changed by every edit
    warning : what is wrong with the file of keys, one line; "" if nothing is
    """

    _changed: Changed = field(default_factory=dict)
    """Actions whose keys differ from the default ones."""
    _keep: Callable[[Changed], str] | None = field(default=None, compare=False)
    """Saves them after each change; returns "", or one line for the user."""
    version: int = 0
    warning: str = ""

    def changed(self) -> Changed:
        """Return the changed actions with their keys."""
        return dict(self._changed)

    def of(self, action: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return an action's keys."""
        return self._changed.get(action, default)

    def is_changed(self, action: str) -> bool:
        return action in self._changed

    def put(self, changes: Mapping[str, tuple[str, ...] | None]) -> str:
        """Give actions other keys, None for the default ones, and save them. Returns "", or why they were not saved."""
        for action, keys in changes.items():
            if keys is None:
                self._changed.pop(action, None)
            else:
                self._changed[action] = keys
        self.version += 1
        return self._keep(dict(self._changed)) if self._keep is not None else ""
