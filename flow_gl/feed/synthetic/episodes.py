"""Episodes of the demo: times in which one contract trades with an imbalance and a price move of their own.

They begin around the demo's live moment, so that its first two minutes have an event of every kind. An episode changes
only the regime: its trades are drawn like all others, except for the sizes of a few orders. The market knows nothing of
detectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from flow_gl.core.units import SECOND_NS
from flow_gl.feed.synthetic.market import common_move_for
from flow_gl.feed.synthetic.regime import Regime


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode.

    Attributes
    ----------
    root : the contract
    at_s, seconds : begin, counted from the live moment, and length
    imbalance : -1 (only sellers) to 1 (only buyers)
    drift : move of the fair price, in the contract's standard deviations per second; 0 holds it
    activity : rate of trading, where 1 is an ordinary morning; None leaves it to chance, as before the live moment,
        where another rate would change all trades of the last block
    volatility : factor of the price's moves
    orders : large orders: time, counted from the live moment in seconds, and contracts, negative for a sell
    """

    root: str
    at_s: float
    seconds: float
    imbalance: float
    drift: float
    activity: float | None = None
    volatility: float = 1.0
    orders: tuple[tuple[float, int], ...] = ()


FIRST_MINUTES: Final = (
    # ES: sellers meet a buyer who does not move (absorption) and then gives way, also to a large order (large trade,
    # zero cross, stacked imbalance).
    Episode(
        *("ES", 14.0, 10.0),
        imbalance=-0.6,
        drift=0.0,
        activity=3.5,
        volatility=0.0,
        orders=tuple((at_s, -90) for at_s in range(14, 24)),
    ),
    Episode("ES", 24.0, 60.0, imbalance=-0.7, drift=-0.6, activity=3.5, orders=((38.0, -500),)),
    # Buyers meet a seller who does not move.
    Episode("ES", 90.0, 14.0, imbalance=0.7, drift=0.0, activity=4.0, volatility=0.0),
    # NQ: a high made by buyers, and a higher one against sellers (divergence).
    Episode("NQ", -60.0, 38.0, imbalance=0.6, drift=1.6, volatility=0.5),
    Episode("NQ", -22.0, 18.0, imbalance=-0.4, drift=-1.4, volatility=0.5),
    Episode("NQ", -4.0, 34.0, imbalance=-0.4, drift=-0.1, volatility=0.5),
    Episode("NQ", 30.0, 26.0, imbalance=-0.4, drift=2.6, activity=2.2, volatility=0.5),
    Episode("NQ", 56.0, 49.0, imbalance=-0.5, drift=-1.4, activity=2.2, volatility=0.5),
)
"""An event of every kind within the demo's first two minutes."""


def with_episodes(regime: Regime, root: str, episodes: Sequence[Episode], live_ns: int) -> Regime:
    """Return a contract's regime with its episodes; `regime` itself if none falls into the block.

    Parameters
    ----------
    live_ns : the live moment, ns
    """
    starts_ns = regime.start_ns + np.arange(len(regime.activity)) * regime.cell_ns
    for one in episodes:
        first_ns = live_ns + int(one.at_s * SECOND_NS)
        is_in = (starts_ns >= first_ns) & (starts_ns < first_ns + int(one.seconds * SECOND_NS))
        if one.root != root or not is_in.any():
            continue
        move = common_move_for(one.drift, one.imbalance, regime.cell_ns / SECOND_NS)
        regime = replace(
            regime,
            activity=regime.activity if one.activity is None else np.where(is_in, one.activity, regime.activity),
            imbalance=np.where(is_in, one.imbalance, regime.imbalance),
            common_move=np.where(is_in, move, regime.common_move),
            volatility=np.where(is_in, one.volatility, regime.volatility),
            orders=(*regime.orders, *_within(regime, one.orders, live_ns)),
        )
    return regime


def _within(regime: Regime, orders: Sequence[tuple[float, int]], live_ns: int) -> list[tuple[int, int]]:
    """Return the orders that fall into the block, with their times in ns."""
    timed = [(live_ns + int(at_s * SECOND_NS), contracts) for at_s, contracts in orders]
    return [order for order in timed if regime.start_ns <= order[0] < regime.start_ns + regime.duration_ns]
