"""The one cache of the view: a value that is expensive to make and rarely changes.

A holder keeps one value and the key it was made for. Callers put into the key everything that the value depends on.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Nothing:
    """A key that equals no other."""


class Cached(Generic[T]):
    """Keeps the last value that was made, for as long as its key stays the same.

    Examples
    --------
    >>> labels: Cached[list[str]] = Cached()
    >>> labels.get((1, 3), lambda: [str(number) for number in range(1, 3)])
    ['1', '2']
    >>> labels.get((1, 3), lambda: ["not called"])
    ['1', '2']
    """

    __slots__ = ("_key", "_value")

    def __init__(self) -> None:
        self._key: object = _Nothing()
        self._value: T

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return the value for `key`; `make` is called only if the key differs from the last one.

        Exceptions of `make` propagate, and the next call computes the value again.
        """
        if key != self._key:
            self._key = _Nothing()
            self._value = make()
            self._key = key
        return self._value

    def forget(self) -> None:
        """Compute the value again at the next `get`, regardless of its key."""
        self._key = _Nothing()
