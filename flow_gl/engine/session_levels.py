"""Levels of one market's session that form and are then fixed: initial balance, opening range, naked POCs.

Initial balance and opening range are the high and low of the first minutes of regular hours. They grow until a trade
comes at or after their end, and then never change. A POC of an earlier session is naked as long as nothing has traded
at its price since that session's close.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import LEVELS, NAKED_POCS, UNDEF_PRICE
from flow_gl.core.sessions import Session
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.sinks import Finished

_RANGES: Final = ("initial", "opening")
_TRADE: Final = ord("T")


class SessionLevels:
    """The levels of one market.

    Attributes
    ----------
    record : LEVELS, shape (1,)
    """

    def __init__(self, settings: AggregationSettings) -> None:
        self.record: Final[NDArray[np.void]] = np.zeros(1, LEVELS)
        self._settings = settings
        self._session: Session | None = None
        self._is_early = False
        """No trade has arrived at or after the open of regular hours."""
        self.begin(None)

    def begin(self, session: Session | None) -> None:
        """Begin a session; None without a calendar. The naked POCs stay."""
        self._session, self._is_early = session, True
        row = self.record[0]
        row["rth_open"] = session.rth_open if session is not None else 0
        minutes = self._settings.initial_balance_minutes, self._settings.opening_range_minutes
        for name, count in zip(_RANGES, minutes, strict=True):
            row[f"{name}_high"] = row[f"{name}_low"] = UNDEF_PRICE
            row[f"{name}_end"] = session.rth_open + count * MINUTE_NS if session is not None else 0
            row[f"{name}_frozen"] = 0

    def open_regular_hours(self) -> None:
        """The next trade is the first one at or after the open of regular hours."""
        self._is_early = False

    def configure(self, settings: AggregationSettings) -> bool:
        """Apply changed settings. Returns whether the ranges must be found again from the session's trades."""
        names = "initial_balance_minutes", "opening_range_minutes"
        is_changed = any(getattr(settings, name) != getattr(self._settings, name) for name in names)
        self._settings = settings
        self._keep_newest(settings.naked_poc_most)
        if is_changed:
            is_early = self._is_early
            self.begin(self._session)
            self._is_early = is_early
        return is_changed

    def take(self, words: NDArray[np.int64]) -> None:
        """Process trades: int64 words of TRADE rows that were aggregated."""
        row = self.record[0]
        if self._session is None or self._is_early or (row["initial_frozen"] and row["opening_frozen"]):
            return
        if not len(words):
            return
        tail = words[3::6]
        is_trade = ((tail >> 32) & 0xFF == _TRADE) & (tail & 0xFFFFFFFF != 0) & (words[2::6] != UNDEF_PRICE)
        self.take_columns(words[1::6][is_trade], words[2::6][is_trade])

    def take_columns(self, ts: NDArray[np.int64], price: NDArray[np.int64]) -> None:
        """Process trades in order of arrival: times (ns) and prices (1e-9)."""
        row, session = self.record[0], self._session
        if session is None or not len(ts):
            return
        for name in _RANGES:
            if row[f"{name}_frozen"]:
                continue
            is_over = ts >= row[f"{name}_end"]
            stop = int(is_over.argmax()) if is_over.any() else len(ts)
            inside = price[:stop][ts[:stop] >= session.rth_open]
            if len(inside):
                high, low = int(inside.max()), int(inside.min())
                is_first = row[f"{name}_high"] == UNDEF_PRICE
                row[f"{name}_high"] = high if is_first else max(high, int(row[f"{name}_high"]))
                row[f"{name}_low"] = min(low, int(row[f"{name}_low"]))
            row[f"{name}_frozen"] = stop < len(ts)

    def pass_time(self, now_ns: int) -> None:
        """Advance the clock to `now_ns` (event time), up to which all trades are known."""
        row = self.record[0]
        if self._session is not None:
            for name in _RANGES:
                row[f"{name}_frozen"] |= now_ns >= row[f"{name}_end"]

    def end(self, finished: Finished) -> None:
        """End a session: its POC, if it has one, is naked from now on."""
        row = self.record[0]
        if finished.poc == UNDEF_PRICE:
            return
        self._keep_newest(max(0, self._settings.naked_poc_most - 1))
        if self._settings.naked_poc_most:
            naked = row["naked"][row["naked_count"]]
            naked["price"], naked["trade_date"] = finished.poc, finished.trade_date
            row["naked_count"] += 1

    def trade_at(self, prices: NDArray[np.int64]) -> None:
        """Remove the naked POCs at these traded prices, int64, 1e-9."""
        row = self.record[0]
        count = int(row["naked_count"])
        if count:
            naked = row["naked"][:count]
            self._keep(naked[~np.isin(naked["price"], prices)].copy())

    def keep(self) -> bytes:
        """Return the state, for a checkpoint."""
        return self.record.tobytes()

    def resume(self, kept: bytes, session: Session | None) -> None:
        """Restore what `keep` returned."""
        self.record[:] = np.frombuffer(kept, LEVELS)
        self._session, self._is_early = session, False

    def _keep_newest(self, most: int) -> None:
        row = self.record[0]
        count = int(row["naked_count"])
        if count > most:
            self._keep(row["naked"][count - most : count].copy())

    def _keep(self, naked: NDArray[np.void]) -> None:
        row = self.record[0]
        row["naked_count"] = len(naked)
        row["naked"][: len(naked)] = naked
        row["naked"][len(naked) :] = np.zeros(NAKED_POCS - len(naked), naked.dtype)
