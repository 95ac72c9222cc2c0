"""The gateway's market: the same trades for the same seed, in the gateway's process and in the tests."""

from dataclasses import dataclass

import numpy as np

from flow_gl.core.schema import TRADE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import SECOND_NS

KEY = "db-0123456789abcdefghijklmnABCDE"
DATASET = "GLBX.MDP3"
OPEN_NS = 1_764_284_400_000_000_000  # 2025-11-27 23:00 UTC, a session's open
STEP_NS = 40_000_000


@dataclass(frozen=True)
class Contract:
    instrument_id: int
    symbol: str
    requested: str
    price: int
    """Price of the first trade, 1e-9."""
    point_value: int


NQ = Contract(158704, "NQZ5", "NQ.v.0", 25_400_000_000_000, 20)
ES = Contract(17077, "ESZ5", "ES.v.0", 6_800_000_000_000, 50)
NEXT_NQ = Contract(42002475, "NQH6", "NQ.v.0", 25_640_000_000_000, 20)
CONTRACTS = (NQ, ES, NEXT_NQ)
TICK = 250_000_000
MAX_FIRST_NS = 20_000_000_000


def make_tape(
    count: int = 6000,
    *,
    seed: int = 1,
    step_ns: int = STEP_NS,
    open_ns: int = OPEN_NS,
    by_calendar: bool = False,
) -> np.ndarray:
    """Make trades of all contracts from the open on, in order of arrival.

    Sweeps give several records with equal time, side and sequence, some of them equal in every field; one trade in
    forty has no side. Times of different instruments may be slightly out of order, as on a real connection.
    With `by_calendar` there are no trades while the exchange is closed; the tape covers as many sessions as needed.
    """
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, TRADE)
    rows["length"], rows["action"], rows["publisher_id"] = 12, ord("T"), 1
    which = rng.choice(3, count, p=[0.55, 0.35, 0.10])
    is_sweep = rng.random(count) < 0.3  # belongs to the previous record's sweep
    is_sweep[0] = False
    which = which[np.maximum.accumulate(np.where(is_sweep, 0, np.arange(count)))]
    steps = np.where(is_sweep, 0, rng.exponential(step_ns, count)).astype(np.int64)
    # There is always a trade soon after the open, so that a recording covers the session.
    steps[0] = min(int(steps[0]), MAX_FIRST_NS)
    times = open_ns + np.cumsum(steps)
    if by_calendar:
        _leave_out_pauses(times)
    sequence = np.cumsum(~is_sweep)
    side = rng.choice([ord("A"), ord("B"), ord("N")], count, p=[0.49, 0.485, 0.025])
    side = side[np.maximum.accumulate(np.where(is_sweep, 0, np.arange(count)))]
    ids = np.array([contract.instrument_id for contract in CONTRACTS])
    base = np.array([contract.price for contract in CONTRACTS])
    drift = np.cumsum(rng.integers(-1, 2, count) * ~is_sweep)
    rows["instrument_id"] = ids[which]
    rows["price"] = base[which] + drift * TICK
    rows["size"] = rng.integers(1, 4, count)
    rows["side"] = side
    rows["sequence"] = sequence
    rows["ts_event"] = times + np.where(which == 1, -300_000, 0)  # ES is published slightly late
    rows["ts_recv"] = times + 150_000
    rows["ts_in_delta"] = 12_000
    # Within an instrument time never goes back.
    for instrument_id in ids:
        is_its = rows["instrument_id"] == instrument_id
        rows["ts_event"][is_its] = np.maximum.accumulate(rows["ts_event"][is_its])
    return rows


def _leave_out_pauses(times: np.ndarray) -> None:
    """Move trades that would fall between two sessions to the next one."""
    calendar = SessionCalendar()
    session = calendar.session_at(int(times[0]))
    while (first := int(np.searchsorted(times, session.close - SECOND_NS))) < len(times):
        # With a second's margin at both ends: instruments differ by less.
        times[first:] += session.next_open - session.close + 2 * SECOND_NS
        session = calendar.session_at(session.next_open)


def of(rows: np.ndarray, *contracts: Contract) -> np.ndarray:
    """Return the trades of some contracts, in order."""
    return rows[np.isin(rows["instrument_id"], [contract.instrument_id for contract in contracts])]
