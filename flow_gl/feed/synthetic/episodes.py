"""Episodes of the demo: times in which one contract trades with an imbalance and a price move of their own.

They begin around the demo's live moment, so that its first two minutes have an event of every kind. An episode changes
only the regime: its trades are drawn like all others, and the market knows nothing of detectors.
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
    activity : factor of the rate of trading
    volatility : factor of the price's moves
    """

    root: str
    at_s: float
    seconds: float
    imbalance: float
    drift: float
    activity: float = 1.0
    volatility: float = 1.0


FIRST_MINUTES: Final = (
    # ES: buyers meet a seller who does not move (absorption), then sellers take over (zero cross, stacked imbalance).
    Episode("ES", 14.0, 10.0, imbalance=0.6, drift=0.0, activity=1.6, volatility=0.0),
    Episode("ES", 24.0, 60.0, imbalance=-0.7, drift=-0.6, activity=1.5),
    # Sellers meet a buyer who does not move: where chance spoilt the first absorption, a second one.
    Episode("ES", 90.0, 14.0, imbalance=-0.7, drift=0.0, activity=1.8, volatility=0.0),
    # NQ: a high made by buyers, and a higher one against sellers (divergence).
    Episode("NQ", -30.0, 15.0, imbalance=0.6, drift=1.0),
    Episode("NQ", -15.0, 45.0, imbalance=-0.4, drift=-0.2),
    Episode("NQ", 30.0, 30.0, imbalance=-0.4, drift=1.6),
    Episode("NQ", 60.0, 45.0, imbalance=-0.5, drift=-0.7),
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
            activity=np.where(is_in, regime.activity * one.activity, regime.activity),
            imbalance=np.where(is_in, one.imbalance, regime.imbalance),
            common_move=np.where(is_in, move, regime.common_move),
            volatility=np.where(is_in, one.volatility, regime.volatility),
        )
    return regime
