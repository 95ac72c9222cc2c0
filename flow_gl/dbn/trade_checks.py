"""Checks that decide whether a trade record from a file is plausible, done in bulk.

DBN has no checksum of its own, and zstd frames often have none either. A record ends the reading only if no feed can
have written it: an unknown action or side, or an impossible time. Everything else is passed on as the feed wrote it:
any price, size, flag or `ts_recv` (a late report, or one flagged as having a bad `ts_recv`), other actions, no price,
no time. The engine rejects and counts those that cannot be charted.

In CME data a flipped bit in a price can be detected: every tick is a multiple of 25e-9, and no power of two is. Such
records are counted as doubtful and reported in a note.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import F_BAD_TS_RECV, UNDEF_PRICE, UNDEF_TS, Side
from flow_gl.core.units import DAY_NS, SECOND_NS, format_time

EARLIEST_NS: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()) * SECOND_NS
LATEST_NS: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * SECOND_NS
MAX_BACK_NS: Final = DAY_NS
"""Largest step back in `ts_event` from one record to the next: instruments interleave, days do not."""
MAX_FORWARD_NS: Final = 400 * DAY_NS
"""Longest gap in `ts_event` that a file may contain."""
GLOBEX: Final = "GLBX.MDP3"
GLOBEX_PRICE_STEP: Final = 25
"""Divides the tick of every CME future, 1e-9 units: 2**-8 (3,906,250) and 5e-7 (500) are the finest ticks."""
_STEP_INVERSE: Final = np.uint64(pow(GLOBEX_PRICE_STEP, -1, 1 << 64)).astype(np.int64)
"""The step's inverse modulo 2**64: a remainder of each price would take three times as long."""
_MAX_STEPS: Final = (2**63 - 1) // GLOBEX_PRICE_STEP
GLOBEX_MAX_SIZE: Final = 1_000_000
"""Contracts; no trade is anywhere near this large."""

_CODES: Final = np.dtype({"names": ["action", "codes"], "formats": ["u1", "<u2"], "offsets": [28, 28], "itemsize": 48})
_TRADE_ACTION: Final = ord("T")
_OTHER_ACTIONS: Final = np.frombuffer(b"ACMRFN", np.uint8)
_SIDES: Final = np.array([side << 8 | _TRADE_ACTION for side in Side], "<u2")


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of `check`."""

    rows: NDArray[np.void]
    """The records before the first invalid one, dtype TRADE."""
    last_ts: int
    """`ts_event` of the last trade in `rows` that has a time, ns; unchanged if there is none."""
    doubtful: int
    """Number of records with a price or size that no CME market has."""
    fault: str
    """The fault of the record that follows `rows`; "" if all are valid."""


def check(rows: NDArray[np.void], last_ts: int, *, is_globex: bool = False) -> Checked:
    """Check trade records in file order.

    Parameters
    ----------
    rows : dtype TRADE, in file order
    last_ts : `ts_event` of the trade before them, ns; 0 if there is none
    is_globex : the data are CME's, so that prices and sizes can be checked too

    Returns
    -------
    The valid records, and the fault of the next one
    """
    good, last_ts, fault = _check_times(rows, last_ts)
    rows = rows[:good]
    return Checked(rows, last_ts, _doubtful(rows) if is_globex else 0, fault)


def _check_times(rows: NDArray[np.void], last_ts: int) -> tuple[int, int, str]:
    """Return how many records are valid, the latest time among them, and the fault of the next one."""
    if not len(rows):
        return 0, last_ts, ""
    codes = np.ascontiguousarray(rows.view(_CODES)["codes"])
    is_trade = (codes == _SIDES[0]) | (codes == _SIDES[1]) | (codes == _SIDES[2])
    if is_trade.all():
        ts_event = np.ascontiguousarray(rows["ts_event"])
        is_dated = ts_event.min() >= EARLIEST_NS and ts_event.max() < LATEST_NS
        steps = ts_event[1:] - ts_event[:-1]
        is_steady = abs(int(ts_event[0]) - (last_ts or int(ts_event[0]))) <= DAY_NS
        if is_dated and is_steady and steps.min(initial=0) >= -DAY_NS and steps.max(initial=0) <= DAY_NS:
            return len(rows), int(ts_event[-1]), ""
    return _check_each(rows, last_ts)


def _check_each(rows: NDArray[np.void], last_ts: int) -> tuple[int, int, str]:
    """Apply the rules to each record; those that are not trades, or have no time, are left out of the time checks."""
    codes = rows.view(_CODES)
    is_other = np.isin(codes["action"], _OTHER_ACTIONS)
    is_known = is_other | np.isin(codes["codes"], _SIDES)
    ts_event = np.ascontiguousarray(rows["ts_event"])
    is_timed = is_known & ~is_other & (ts_event != UNDEF_TS)
    is_dated = (ts_event >= EARLIEST_NS) & (ts_event < LATEST_NS)
    is_good = is_known & (is_dated | ~is_timed)
    timed = np.flatnonzero(is_timed & is_dated)
    steps = np.diff(ts_event[timed], prepend=last_ts or ts_event[timed[:1]])
    is_good[timed] &= (steps >= -MAX_BACK_NS) & (steps <= MAX_FORWARD_NS) & ~_is_lone(rows[timed], steps)
    good = len(rows) if is_good.all() else int(np.argmin(is_good))
    before = timed[timed < good]
    last_ts = int(ts_event[before[-1]]) if len(before) else last_ts
    return good, last_ts, "" if good == len(rows) else _fault(rows[good], last_ts)


def _is_lone(rows: NDArray[np.void], steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark trades whose `ts_event` is over a day ahead of both the previous trade and their own valid `ts_recv`."""
    delay = rows["ts_recv"] - rows["ts_event"]
    before = delay + steps  # from the previous trade to ts_recv
    is_sound = (rows["ts_recv"] > 0) & (rows["flags"] & F_BAD_TS_RECV == 0)
    is_lone: NDArray[np.bool_] = (steps > DAY_NS) & is_sound & (delay < -DAY_NS) & (np.abs(before) < DAY_NS)
    return is_lone


def _doubtful(rows: NDArray[np.void]) -> int:
    price = np.ascontiguousarray(rows["price"])
    # A multiple's product with the inverse is the quotient; of any other number it is outside the range of quotients.
    steps = price * _STEP_INVERSE
    if steps.max(initial=0) <= _MAX_STEPS and steps.min(initial=0) >= -_MAX_STEPS:
        is_odd = rows["size"] > GLOBEX_MAX_SIZE
    else:
        is_odd = (price % GLOBEX_PRICE_STEP != 0) | (rows["size"] > GLOBEX_MAX_SIZE)
    return int((is_odd & (price != UNDEF_PRICE)).sum()) if is_odd.any() else 0


def _fault(row: np.void, before_ts: int) -> str:
    if row["action"] != _TRADE_ACTION:
        return f"expected an action code, got byte 0x{int(row['action']):02x}"
    if row["side"] not in tuple(Side):
        return f"expected side A, B or N, got byte 0x{int(row['side']):02x}"
    ts_event = int(row["ts_event"])
    if not EARLIEST_NS <= ts_event < LATEST_NS:
        return f"expected ts_event between 1990 and 2100, got {ts_event & (2**64 - 1)} ns"
    if ts_event - before_ts <= MAX_FORWARD_NS and ts_event - before_ts > DAY_NS:
        return f"ts_event {_utc(ts_event)} does not belong to ts_recv {_utc(int(row['ts_recv']))}"
    return f"ts_event jumps from {_utc(before_ts)} to {_utc(ts_event)}"


def _utc(ts_ns: int) -> str:
    return format_time(ts_ns, zone="UTC", decimals=6)
