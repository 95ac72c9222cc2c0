"""All that detectors remember of a session, apart from its trades: fixed arrays, and the open minute's footprint."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.engine.detectors import absorption, divergence, footprint, large_trade, lines, zero_cross
from flow_gl.engine.detectors.base import NONE, READ

_IN_TICKS: Final = (
    *("high", "low", "first_price", "last_price", "base", "minute_low", "minute_high", "order_first", "order_last"),
)


class DetectorState:
    """The state of all detectors of one instrument.

    Attributes
    ----------
    read, large_trade, absorption, divergence, zero_cross, line : READ and each module's STATE, shape (1,)
    rows, profile : the open minute's footprint, and the profile of the session's ended minutes
    """

    def __init__(self) -> None:
        self.read: Final[NDArray[np.void]] = np.zeros(1, READ)
        self.large_trade: Final[NDArray[np.void]] = np.zeros(1, large_trade.STATE)
        self.absorption: Final[NDArray[np.void]] = np.zeros(1, absorption.STATE)
        self.divergence: Final[NDArray[np.void]] = np.zeros(1, divergence.STATE)
        self.zero_cross: Final[NDArray[np.void]] = np.zeros(1, zero_cross.STATE)
        self.line: Final[NDArray[np.void]] = np.zeros(1, lines.STATE)
        self.rows = footprint.empty_rows()
        self.profile = lines.empty_profile()
        self.line["regular_from"] = self.line["regular_until"] = NONE
        self.read["row_ticks"] = 1
        self.begin()

    @property
    def fixed(self) -> tuple[NDArray[np.void], ...]:
        """The arrays of fixed size, in the order of the kernels' parameters."""
        return self.read, self.large_trade, self.absorption, self.divergence, self.zero_cross, self.line

    def begin(self) -> None:
        """Reset everything at a session's open, except the zero cross, which follows the chart's CVD."""
        row_ticks = self.row_ticks
        self.read[:] = self.absorption[:] = 0
        self.read["row_ticks"] = row_ticks
        self.read["second"] = self.read["minute"] = self.read["odd"] = NONE
        large_trade.begin(self.large_trade)
        divergence.begin(self.divergence)
        lines.begin(self.line)
        self.profile = lines.empty_profile()
        self.rows = footprint.empty_rows()

    @property
    def row_ticks(self) -> int:
        """Ticks in a row of footprint and profile: more than 1 if a price was off the instrument's known tick."""
        return int(self.read["row_ticks"][0])

    @property
    def regular_minutes(self) -> tuple[int, int]:
        """The first minute of regular hours and the one after the last; NONE without a calendar."""
        return int(self.line["regular_from"][0]), int(self.line["regular_until"][0])

    @regular_minutes.setter
    def regular_minutes(self, ends: tuple[int, int]) -> None:
        self.line["regular_from"], self.line["regular_until"] = ends

    @property
    def cvd(self) -> NDArray[np.int64]:
        """State that follows the chart's CVD, int64 (6,): the zero cross's, CVD, and CVD of medium and large orders."""
        cross, line = self.zero_cross[0], self.line[0]
        parts = [*cross.tolist(), line["cvd"], line["medium"], line["large"]]
        return np.array(parts, np.int64)

    @cvd.setter
    def cvd(self, parts: NDArray[np.int64]) -> None:
        self.zero_cross[0] = tuple(parts[:3].tolist())
        self.line["cvd"], self.line["medium"], self.line["large"] = parts[3:].tolist()

    def set_cvd(self, cvd: int) -> None:
        """Set the zero cross's CVD; it must arm again."""
        self.zero_cross["armed"] = self.zero_cross["extreme"] = 0
        self.zero_cross["cvd"] = cvd
        self.line["cvd"], self.line["medium"], self.line["large"] = cvd, 0, 0

    def make_room(self, tick: int, position: int) -> None:
        """Make room in the footprint for a trade at a tick and a position, or exclude it as odd."""
        rows = footprint.make_room(self.read, self.rows, tick)
        if rows is None:
            self.read["odd"] = position
        else:
            self.rows = rows

    def fit_profile(self) -> None:
        """Make room in the profile for the open minute."""
        self.profile = lines.fitted(self.read, self.line, self.profile)

    def rescale(self, factor: int) -> None:
        """Multiply all prices in ticks by `factor`, because the tick has become that many times finer."""
        self.rows = footprint.rescaled(self.read, self.rows, factor)
        for name in _IN_TICKS[:4]:
            self.read[name] *= factor
        self.read["order_first"] *= factor
        self.read["order_last"] *= factor
        lines.rescale(self.line, factor)
        absorption.rescale(self.absorption, factor)
        divergence.rescale(self.divergence, factor)

    def set_rows(self, before: int, height: int, row_ticks: int) -> None:
        """Change the height of the profile's rows (1e-9 units) from `before` to `height`, which is `row_ticks` ticks.

        If neither is a multiple of the other, the profile begins again.
        """
        self.read["row_ticks"] = row_ticks
        if before == height:
            return
        if before % height == 0:
            self.profile = lines.with_finer_rows(self.line, self.profile, before // height)
        elif height % before == 0:
            self.profile = lines.with_coarser_rows(self.line, self.profile, height // before)
        else:
            self.profile = lines.begin_profile(self.line)

    def move(self, gone: int) -> None:
        """Correct the positions of trades after the oldest `gone` trades were dropped."""
        self.read["first"] -= gone
        self.read["odd"] = NONE
        self.absorption["seconds"]["first"] -= gone

    def needed(self, window_s: int) -> int:
        """Return the position of the oldest trade that a detector may read again, if the window has `window_s`."""
        second, first_second = int(self.read["second"][0]), int(self.read["first_second"][0])
        if second == NONE:
            return 0
        seconds = self.absorption["seconds"][0]
        row = seconds[np.arange(max(second - window_s, first_second), second) & (len(seconds) - 1)]
        first = row["first"][row["traded"] == 1]
        return int(first[0] if len(first) else self.read["first"][0])

    def keep(self) -> bytes:
        """Return the whole state, for a checkpoint."""
        rows, profile = footprint.kept_rows(self.read, self.rows), lines.kept_profile(self.line, self.profile)
        parts: list[NDArray[Any]] = [*self.fixed, rows, profile]
        return b"".join(part.tobytes() for part in parts)

    def resume(self, kept: bytes) -> None:
        """Restore what `keep` returned. Raises ValueError if its size is wrong."""
        start = 0
        for array in self.fixed:
            array[:] = np.frombuffer(kept, array.dtype, 1, start)
            start += array.nbytes
        rows = np.frombuffer(kept, np.int64, offset=start)
        read = self.read[0]
        ticks = 0 if read["minute"] == NONE else int(read["minute_high"] - read["minute_low"]) + 1
        line = self.line[0]
        levels = int(line["high"] - line["low"]) + 1 if line["total"] else 0
        count = ticks * footprint.COLUMNS
        if len(rows) != count + levels:
            raise ValueError(f"a footprint of {ticks} ticks and a profile of {levels}, was {len(rows)} numbers")
        self.rows = footprint.resumed(self.read, rows[:count])
        self.profile = lines.resumed(self.line, rows[count:])
