"""An event loop whose clock is the test's: it jumps to the next timer whenever nothing else is to be done.

Limits of fractions of a second then mean the same on every machine, however busy it is, and no wait takes real time.
For tests without sockets and threads: the loop does not wait for either.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Selector(selectors.DefaultSelector):
    """Takes what is there and never waits: the time that it was to wait is added to the loop's clock."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0.0)
        if not found:
            assert timeout is not None, "nothing is left that could wake this loop"
            self.now_s += max(timeout, 0.0)
        return found


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop: `asyncio.Runner(loop_factory=VirtualTimeLoop)`."""

    def __init__(self) -> None:
        self._waits = _Selector()
        super().__init__(self._waits)

    def time(self) -> float:
        """Return the loop's own time, seconds from 0."""
        return self._waits.now_s


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine as `asyncio.run` does, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
