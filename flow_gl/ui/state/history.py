"""Undo and redo: one history for everything that the user sets on the charts."""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

MAX_STEPS: Final = 200


class Step(NamedTuple):
    """A change.

    Attributes
    ----------
    undo, redo : apply it and return a message for the user; "" if there was nothing to change
    """

    undo: Callable[[], str]
    redo: Callable[[], str]


class History:
    """The changes so far, newest last."""

    def __init__(self) -> None:
        self._done: Final[deque[Step]] = deque(maxlen=MAX_STEPS)
        self._undone: Final[list[Step]] = []

    def add(self, step: Step) -> None:
        """Add a change that has been applied. Undone changes can then no longer be redone."""
        self._done.append(step)
        self._undone.clear()

    def undo(self) -> str:
        """Undo the newest change that still has an effect; return its message, or "" if there is none."""
        while self._done:
            step = self._done.pop()
            if note := step.undo():
                self._undone.append(step)
                return note
        return ""

    def redo(self) -> str:
        """Redo the change undone last; return its message, or "" if there is none."""
        while self._undone:
            step = self._undone.pop()
            if note := step.redo():
                self._done.append(step)
                return note
        return ""
