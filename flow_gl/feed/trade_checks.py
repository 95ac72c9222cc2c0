"""What a trade from a file must satisfy to be handed over, checked in bulk.

DBN carries no checksum of its own, and zstd often none either. These checks see a wrong record kind, an unknown
action or side, a time that cannot be, and of CME's data any single bit that turned in a price: every tick there is a
multiple of 25e-9, no power of two is. They cannot see a bit that turned in the low digits of a size or of a time, or
in an instrument id (a scan tells of ids without a name): such a record is as plausible as the true one. Undefined
prices and empty sizes are true records: the engine rejects those.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import UNDEF_PRICE, UNDEF_TS, Side
from flow_gl.core.units import DAY_NS, SECOND_NS, format_time

EARLIEST_NS: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()) * SECOND_NS
LATEST_NS: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * SECOND_NS
MOST_BACK_NS: Final = DAY_NS
"""Furthest that `ts_event` may fall behind the record before: instruments interleave, days do not."""
MOST_FORWARD_NS: Final = 400 * DAY_NS
"""Longest silence that a file may hold."""
MOST_DELAY_NS: Final = 600 * SECOND_NS
"""Furthest that `ts_recv` may lie behind `ts_event`; 0.2 s is the most in a whole real day."""
MOST_ADVANCE_NS: Final = 2 * SECOND_NS
"""Furthest that `ts_recv` may lie before `ts_event`, by clocks that differ."""
GLOBEX: Final = "GLBX.MDP3"
GLOBEX_PRICE_STEP: Final = 25
"""Every tick of CME's futures is a multiple of it, 1e-9 units: 2**-8 (3,906,250) and 5e-7 (500) are the finest."""
GLOBEX_MOST_SIZE: Final = 1_000_000
"""Contracts; no trade comes near it."""

_CODES: Final = np.dtype({"names": ["action", "codes"], "formats": ["u1", "<u2"], "offsets": [28, 28], "itemsize": 48})
_TRADE_ACTION: Final = ord("T")
_OTHER_ACTIONS: Final = np.frombuffer(b"ACMRFN", np.uint8)
_SIDES: Final = np.array([side << 8 | _TRADE_ACTION for side in Side], "<u2")


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check."""

    rows: NDArray[np.void]
    """The trades, TRADE: those before the first that is wrong, without other actions."""
    other_actions: int
    """Records left out because they are no trades (action other than T)."""
    good: int
    """Records before the first that is wrong; all of them where none is."""
    fault: str
    """What is wrong with record `good`; "" where none is."""


def check(rows: NDArray[np.void], last_ts: int, *, is_globex: bool = False) -> Checked:
    """Check trade records in file order.

    Parameters
    ----------
    rows : TRADE, one after the other as they stand in the file
    last_ts : `ts_event` of the trade before them, 0 where there is none
    is_globex : they are CME's, so that prices and sizes can be checked too
    """
    codes = rows.view(_CODES)["codes"]
    is_trade = (codes == _SIDES[0]) | (codes == _SIDES[1]) | (codes == _SIDES[2])
    ts_event = np.ascontiguousarray(rows["ts_event"])
    are_plausible = is_trade.all() and _are_times_plausible(rows, ts_event, last_ts)
    if are_plausible and (not is_globex or _is_globex_plausible(rows).all()):
        return Checked(rows, 0, len(rows), "")
    return _check_each(rows, last_ts, is_globex=is_globex)


def _is_globex_plausible(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    price = np.ascontiguousarray(rows["price"])
    is_plausible: NDArray[np.bool_] = (price % GLOBEX_PRICE_STEP == 0) & (rows["size"] <= GLOBEX_MOST_SIZE)
    if not is_plausible.all():
        is_plausible |= (price == UNDEF_PRICE) & (rows["size"] <= GLOBEX_MOST_SIZE)
    return is_plausible


def _are_times_plausible(rows: NDArray[np.void], ts_event: NDArray[np.int64], last_ts: int) -> bool:
    if not len(ts_event):
        return True
    if ts_event.min() < EARLIEST_NS or ts_event.max() >= LATEST_NS:
        return False
    steps = np.diff(ts_event, prepend=last_ts or ts_event[0])
    if steps.min() < -MOST_BACK_NS or steps.max() > MOST_FORWARD_NS:
        return False
    # ts_event lies in a range where the difference from any int64 but the undefined ones' cannot wrap unseen.
    delay = rows["ts_recv"] - ts_event
    return bool(delay.min() >= -MOST_ADVANCE_NS and delay.max() <= MOST_DELAY_NS)


def _check_each(rows: NDArray[np.void], last_ts: int, *, is_globex: bool) -> Checked:
    """The same rules, one record after the other in effect: a record that is no trade takes no part in the times."""
    codes = rows.view(_CODES)
    is_other = np.isin(codes["action"], _OTHER_ACTIONS)
    kept = np.flatnonzero(~is_other)
    trades = rows[kept]
    ts_event, ts_recv = trades["ts_event"], trades["ts_recv"]
    is_dated = (ts_event >= EARLIEST_NS) & (ts_event < LATEST_NS)
    known = np.where(is_dated, ts_event, EARLIEST_NS)
    steps = np.diff(known, prepend=last_ts or known[:1]) if len(known) else known
    is_received = (ts_recv != UNDEF_TS) & (ts_recv != 0)
    delay = np.where(is_received & (ts_recv > 0), ts_recv, known) - known
    is_good = (
        np.isin(codes["codes"][kept], _SIDES)
        & is_dated
        & (steps >= -MOST_BACK_NS)
        & (steps <= MOST_FORWARD_NS)
        & (delay >= -MOST_ADVANCE_NS)
        & (delay <= MOST_DELAY_NS)
        & ((ts_recv >= 0) | ~is_received)
    )
    if is_globex:
        is_good &= _is_globex_plausible(trades)
    if is_good.all():
        return Checked(trades, int(is_other.sum()), len(rows), "")
    first = int(np.argmin(is_good))
    good = int(kept[first])
    before = int(trades["ts_event"][first - 1]) if first else last_ts
    return Checked(trades[:first], int(is_other[:good].sum()), good, _fault(trades[first], before))


def _fault(row: np.void, before_ts: int) -> str:
    if row["action"] != _TRADE_ACTION:
        return f"an action code was expected, byte 0x{int(row['action']):02x} came"
    if row["side"] not in tuple(Side):
        return f"side A, B or N was expected, byte 0x{int(row['side']):02x} came"
    fault = _time_fault(int(row["ts_event"]), int(row["ts_recv"]), before_ts)
    if fault:
        return fault
    if row["size"] > GLOBEX_MOST_SIZE:
        return f"a size of at most {GLOBEX_MOST_SIZE:,} contracts was expected, {int(row['size']):,} came"
    return f"a price in multiples of {GLOBEX_PRICE_STEP}e-9 was expected, {int(row['price'])}e-9 came"


def _time_fault(ts_event: int, ts_recv: int, before_ts: int) -> str:
    if ts_event == UNDEF_TS:
        return "ts_event is undefined"
    if not EARLIEST_NS <= ts_event < LATEST_NS:
        return f"ts_event between 1990 and 2100 was expected, {ts_event & (2**64 - 1)} ns came"
    if before_ts and not -MOST_BACK_NS <= ts_event - before_ts <= MOST_FORWARD_NS:
        return f"ts_event jumps from {_utc(before_ts)} to {_utc(ts_event)}"
    if ts_recv in (UNDEF_TS, 0) or -MOST_ADVANCE_NS <= ts_recv - ts_event <= MOST_DELAY_NS:
        return ""
    if not EARLIEST_NS <= ts_recv < LATEST_NS:
        return f"ts_recv near ts_event was expected, {ts_recv & (2**64 - 1)} ns came"
    return f"ts_recv {_utc(ts_recv)} does not belong to ts_event {_utc(ts_event)}"


def _utc(ts_ns: int) -> str:
    return format_time(ts_ns, zone="UTC", decimals=6)
