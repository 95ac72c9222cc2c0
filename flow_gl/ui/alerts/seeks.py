"""A replay's seeks as alerts need them: the target of the last one, and whether one is under way."""

from typing import Final

import numpy as np

PASSED: Final = "in the part that a seek skipped"
_PATIENCE_NS: Final = 2_000_000_000


class Seeks:
    """The seeks of a replay.

    Attributes
    ----------
    to_ns : where the last one led (event time): nothing before that sounds; 0 before the first
    """

    def __init__(self) -> None:
        self.to_ns = 0
        self._count = 0
        self._expected_ns: int | None = None

    def expect(self, wall_ns: int) -> None:
        """Note that a seek has been requested: until it is done, nothing sounds."""
        self._expected_ns = wall_ns

    def follow(self, status: np.void) -> bool:
        """Return whether there was another seek since the last call."""
        count = int(status["seeks"])
        if count == self._count:
            return False
        self._count, self.to_ns, self._expected_ns = count, int(status["seek_to"]), None
        return True

    def is_awaited(self, wall_ns: int) -> bool:
        """Whether a requested seek is not done yet."""
        expected = self._expected_ns
        return expected is not None and wall_ns - expected < _PATIENCE_NS
