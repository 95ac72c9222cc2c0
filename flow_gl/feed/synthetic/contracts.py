"""The contracts of the synthetic market, and the parameters of each.

Two parameter sets are measured from real trades and scaled to the other contracts: NQ is wide (a spread of several
ticks, half of the orders move the price, small sizes), ES is tight (a spread of one tick, a price that stays until a
level is consumed, large sizes).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from flow_gl.core.errors import UsageError
from flow_gl.core.schema import PRICE_SCALE

QUARTERS: Final = {3: "H", 6: "M", 9: "U", 12: "Z"}
_ROLL_BEFORE_EXPIRY: Final = timedelta(days=8)
"""Volume moves to the next quarter on the Thursday of the week before expiry."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The parameters of one root.

    Attributes
    ----------
    tick_size : 1e-9 units
    point_value : currency per point and contract
    open_price : price at which the market begins, points
    trades_per_second : on an ordinary morning, when the pace of the day is 1
    sigma_ticks : standard deviation of the price over one second at pace 1, ticks
    half_spread_ticks : typical half spread beyond the nearest tick; 0 is a market one tick wide
    order_impact_ticks, run_impact_ticks : how far an order of a run, and its last, push the price
    rebound : share of each push that is reversed later
    size_tail : exponent of the size's tail, P(size >= n) = n ** -size_tail
    size_cap : contracts of the largest order
    match_share : share of orders of two or more contracts that meet several resting orders
    step_share : probability that the next match of a sweep is at a worse price
    run_length : mean number of orders in a run (orders milliseconds apart)
    run_loyalty : probability that an order of a run has the run's side
    unsided_share : share of orders that carry no aggressor
    """

    root: str
    instrument_id: int
    tick_size: int
    point_value: float
    open_price: float
    trades_per_second: float
    sigma_ticks: float
    half_spread_ticks: float
    order_impact_ticks: float
    run_impact_ticks: float
    rebound: float
    size_tail: float
    size_cap: int
    match_share: float
    step_share: float
    run_length: float
    run_loyalty: float
    unsided_share: float = 2e-4

    @property
    def requested(self) -> str:
        """The continuous symbol by volume, for example `NQ.v.0`."""
        return f"{self.root}.v.0"

    def symbol_at(self, ts_ns: int) -> str:
        """Return the contract that the continuous symbol denotes at a time, for example `NQZ6`."""
        now = datetime.fromtimestamp(ts_ns / PRICE_SCALE, UTC)
        for year in (now.year, now.year + 1):
            for month, code in QUARTERS.items():
                if now < _third_friday(year, month) - _ROLL_BEFORE_EXPIRY:
                    return f"{self.root}{code}{year % 10}"
        raise AssertionError("a later quarter always exists")


def _third_friday(year: int, month: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


_NQ: Final = Contract(
    root="NQ",
    instrument_id=42_140_878,
    tick_size=250_000_000,
    point_value=20.0,
    open_price=25_350.0,
    trades_per_second=5.0,
    sigma_ticks=3.0,
    half_spread_ticks=0.7,
    order_impact_ticks=0.4,
    run_impact_ticks=1.0,
    rebound=0.15,
    size_tail=1.75,
    size_cap=120,
    match_share=0.25,
    step_share=0.6,
    run_length=2.0,
    run_loyalty=0.85,
)
_ES: Final = Contract(
    root="ES",
    instrument_id=42_140_864,
    tick_size=250_000_000,
    point_value=50.0,
    open_price=6_850.0,
    trades_per_second=6.0,
    sigma_ticks=0.45,
    half_spread_ticks=0.0,
    order_impact_ticks=0.02,
    run_impact_ticks=0.34,
    rebound=0.05,
    size_tail=1.3,
    size_cap=320,
    match_share=0.06,
    step_share=0.35,
    run_length=2.6,
    run_loyalty=0.92,
)
CONTRACTS: Final = {
    contract.root: contract
    for contract in (
        _NQ,
        _ES,
        replace(_NQ, root="MNQ", instrument_id=42_140_879, point_value=2.0, trades_per_second=7.0),
        replace(_ES, root="MES", instrument_id=42_140_865, point_value=5.0, trades_per_second=7.0, size_tail=1.5),
        replace(
            _NQ,
            root="RTY",
            instrument_id=42_140_870,
            tick_size=100_000_000,
            point_value=50.0,
            open_price=2_460.0,
            trades_per_second=3.0,
            sigma_ticks=1.8,
            half_spread_ticks=0.3,
        ),
        replace(
            _NQ,
            root="M2K",
            instrument_id=42_140_871,
            tick_size=100_000_000,
            point_value=5.0,
            open_price=2_460.0,
            trades_per_second=2.0,
            sigma_ticks=1.8,
            half_spread_ticks=0.3,
        ),
        replace(
            _NQ,
            root="YM",
            instrument_id=42_140_872,
            tick_size=1_000_000_000,
            point_value=5.0,
            open_price=47_500.0,
            trades_per_second=3.0,
            sigma_ticks=2.4,
            half_spread_ticks=0.4,
        ),
        replace(
            _NQ,
            root="MYM",
            instrument_id=42_140_873,
            tick_size=1_000_000_000,
            point_value=0.5,
            open_price=47_500.0,
            trades_per_second=2.0,
            sigma_ticks=2.4,
            half_spread_ticks=0.4,
        ),
    )
}


def contracts_of(symbols: tuple[str, ...]) -> list[Contract]:
    """Look up contracts by root (`NQ`) or continuous symbol (`NQ.v.0`).

    Raises
    ------
    UsageError : a symbol does not trade in the synthetic market, or is given twice
    """
    found: list[Contract] = []
    for symbol in symbols:
        contract = CONTRACTS.get(symbol.split(".", 1)[0].upper())
        if contract is None:
            raise UsageError(f"the synthetic market trades {', '.join(CONTRACTS)}, not {symbol!r}")
        if contract in found:
            raise UsageError(f"symbol {symbol!r} is given twice")
        found.append(contract)
    if not found:
        raise UsageError(f"expected at least one symbol of {', '.join(CONTRACTS)}")
    return found
