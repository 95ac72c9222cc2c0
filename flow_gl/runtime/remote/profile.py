"""The profile of a remote chart: a record of levels, and rows of which only changes are sent."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import PROFILE, PROFILE_ROWS
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.kinds import PROFILE_HEAD, PROFILE_ROW


class RemoteProfile:
    """A PROFILE record that received updates are applied to.

    Attributes
    ----------
    record : PROFILE, shape (1,)
    """

    def __init__(self) -> None:
        self.record: Final[NDArray[np.void]] = np.zeros(1, PROFILE)
        self._head: NDArray[np.void] = np.zeros(1, PROFILE_HEAD)
        self._rows: NDArray[np.void] = np.zeros(0, PROFILE_ROW)

    def take_head(self, head: NDArray[np.void]) -> None:
        """Store the levels (PROFILE_HEAD, shape (1,)). The record changes once the rows that follow arrive."""
        self._head = head

    def take_rows(self, rows: NDArray[np.void], *, is_whole: bool) -> None:
        """Apply rows: all of them, or only changed and new ones. Raises ProtocolError if there are too many."""
        self._rows = rows.copy() if is_whole else _merged(self._rows, rows)
        count = len(self._rows)
        if count > PROFILE_ROWS:
            raise ProtocolError(f"expected at most {PROFILE_ROWS} rows of a profile, got {count}")
        for name in PROFILE_HEAD.names or ():
            self.record[name] = self._head[name]
        for name in PROFILE_ROW.names or ():
            self.record[name][0, :count] = self._rows[name]
            self.record[name][0, count:] = 0


def _merged(known: NDArray[np.void], changed: NDArray[np.void]) -> NDArray[np.void]:
    """Merge changed and new rows into known ones, by ascending row number."""
    at = np.searchsorted(known["row"], changed["row"])
    is_known = np.zeros(len(changed), np.bool_)
    inside = at < len(known)
    is_known[inside] = known["row"][at[inside]] == changed["row"][inside]
    merged = known.copy()
    merged[at[is_known]] = changed[is_known]
    return np.insert(merged, at[~is_known], changed[~is_known])
