"""Regular hours within a session: when they begin and end, and the contracts by price that traded in them.

They begin with the first trade at or after 09:30 ET and end with the first one at or after 16:00 ET (or an earlier
close). A late trade counts in the hours that are open when it arrives, because hours that have ended never change.
Their profile is the difference of two profiles of the session, so it costs nothing per trade.
"""

import numpy as np

from flow_gl.core.sessions import Session
from flow_gl.engine.grid import Grid, Traded
from flow_gl.engine.kernels.layout import FAR_AHEAD

_WORDS = 4
"""Numbers per price in a checkpoint: the price, and its contracts bought, sold and without a side."""


class RegularHours:
    """The regular hours of one market's session."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._before: Traded | None = None
        self._until: Traded | None = None

    @property
    def are_known(self) -> bool:
        """Whether there is a calendar."""
        return self._session is not None

    @property
    def have_begun(self) -> bool:
        return self._before is not None

    def begin(self, session: Session | None) -> None:
        """Begin a session; None without a calendar."""
        self._session, self._before, self._until = session, None, None

    def next_stop(self) -> int:
        """Return the time (ns) from which a trade begins or ends regular hours; FAR_AHEAD if none will."""
        session = self._session
        if session is None or self._until is not None:
            return FAR_AHEAD
        return session.rth_open if self._before is None else session.rth_close

    def cross(self, ts: int, grid: Grid) -> bool:
        """Prepare for the next trade, at `ts` (ns). Returns whether regular hours begin with it."""
        session, begins = self._session, False
        if session is not None and self._before is None and ts >= session.rth_open:
            self._before, begins = grid.contracts(), True
        if session is not None and self._before is not None and self._until is None and ts >= session.rth_close:
            self._until = grid.contracts()
        return begins

    def of(self, session: Traded) -> Traded:
        """Return what traded in regular hours so far, given what traded in the session."""
        if self._before is None:
            return session[0][:0], session[1][:0]
        price, contracts = self._until or session
        earlier, held = self._before
        contracts = contracts.copy()
        # A price that has traded stays in the profile, so every earlier one is found.
        contracts[np.searchsorted(price, earlier)] -= held
        is_traded = contracts.any(axis=1)
        return price[is_traded], contracts[is_traded]

    def keep(self) -> list[bytes]:
        """Return the state for a checkpoint."""
        return [np.column_stack(part).tobytes() for part in (self._before, self._until) if part is not None]

    def resume(self, kept: list[bytes], session: Session | None) -> None:
        """Restore what `keep` returned."""
        self.begin(session)
        parts = [np.frombuffer(part, np.int64).reshape(-1, _WORDS) for part in kept]
        held = [(part[:, 0].copy(), part[:, 1:].copy()) for part in parts]
        self._before = held[0] if held else None
        self._until = held[1] if len(held) > 1 else None
