"""Steers one contract's CVD before the demo's live moment, so that the first two minutes can have a zero cross.

The night's CVD is a random walk of thousands of contracts, too far from zero for two minutes. In the hour before the
live moment a slight imbalance is added where CVD is far away, and the last block of the history ends near the target.
A block is drawn again from the same random state with another imbalance until it does. Blocks that need nothing, and
all earlier ones, have the trades that they have without steering.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE, Side
from flow_gl.core.units import HOUR_NS
from flow_gl.feed.synthetic.market import SyntheticMarket, merge_in_time
from flow_gl.feed.synthetic.regime import Regime

ROOT: Final = "ES"
TARGET: Final = 600
NEAR: Final = 300
"""CVD at the live moment, contracts: the first minute's sellers (`episodes`) take it through zero, and it is armed."""
FAR: Final = 5000
"""A distance from the target that the last block can make up, contracts."""
BEFORE_NS: Final = HOUR_NS
_MAX_SHIFT: Final = 0.5
_TRIES: Final = 12


class CvdSteering:
    """Generates the blocks of one contract.

    Parameters
    ----------
    live_ns : the live moment, ns
    """

    def __init__(self, live_ns: int) -> None:
        self._live_ns: Final = live_ns
        self._cvd = 0

    def block(
        self, market: SyntheticMarket, regime: Regime, *, trades_per_second: float, silent: Sequence[tuple[int, int]]
    ) -> tuple[SyntheticMarket, NDArray[np.int64]]:
        """Generate a block as `SyntheticMarket.block` does. Returns the market after it, and the block."""
        end_ns = regime.start_ns + regime.duration_ns
        is_steered = self._live_ns - BEFORE_NS <= regime.start_ns < self._live_ns
        within = NEAR if end_ns >= self._live_ns else FAR
        shift, low, high = 0.0, -_MAX_SHIFT, _MAX_SHIFT
        for number in range(_TRIES):
            # Every try draws the same random numbers, so CVD at the end follows the shift closely.
            trial = copy.deepcopy(market) if is_steered else market
            shifted = regime if shift == 0.0 else _shifted(regime, shift)
            words = trial.block(shifted, trades_per_second=trades_per_second, silent=silent)
            delta, volume = _sums(words)
            missing = TARGET - self._cvd - delta
            if not is_steered or abs(missing) <= within or volume == 0 or number == _TRIES - 1:
                break
            low, high = (shift, high) if missing > 0 else (low, shift)
            following = shift + missing / volume
            # A small shift may flip the side of a large order: then take the middle between too little and too much.
            shift = following if low < following < high else (low + high) / 2
        self._cvd += delta
        return trial, words


def _shifted(regime: Regime, shift: float) -> Regime:
    return replace(regime, imbalance=np.clip(regime.imbalance + shift, -0.85, 0.85))


def _sums(words: NDArray[np.int64]) -> tuple[int, int]:
    """Return delta and volume of a block, contracts."""
    rows = merge_in_time([words]) if words.size else np.zeros(0, TRADE)
    sizes = rows["size"].astype(np.int64)
    signed = sizes * ((rows["side"] == Side.BUY).astype(np.int64) - (rows["side"] == Side.SELL))
    return int(signed.sum()), int(sizes.sum())
