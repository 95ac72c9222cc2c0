"""Runs all detectors of one instrument together, and resets them at each session's open."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.engine.detectors.absorption import Absorption
from flow_gl.engine.detectors.base import NEVER, Decoder, Detector
from flow_gl.engine.detectors.divergence import Divergence
from flow_gl.engine.detectors.large_trade import LargeTrade
from flow_gl.engine.detectors.stacked_imbalance import StackedImbalance


def all_detectors() -> list[Detector]:
    """Create one detector of each kind, with the default rules."""
    return [LargeTrade(), Absorption(), Divergence(), StackedImbalance()]


class DetectorGroup:
    """Runs several detectors over one instrument.

    Parameters
    ----------
    detectors : in the order of their events within a batch; None uses one of each kind
    """

    def __init__(self, detectors: Sequence[Detector] | None = None) -> None:
        self._detectors: Final = list(all_detectors() if detectors is None else detectors)
        self._decoder: Final = Decoder()
        self._tick_size = 0

    def begin(self) -> Iterator[NDArray[np.void]]:
        """Yield the last events of the previous session, then reset all detectors for a new one."""
        if self._tick_size:
            yield from self.pass_time(NEVER)
        for detector in self._detectors:
            detector.begin()

    def take(self, trades: NDArray[np.void], tick_size: int) -> Iterator[NDArray[np.void]]:
        """Process TRADE rows of one session whose prices lie on the grid of `tick_size` (1e-9 units).

        Yields EVENT rows, in arrays that are reused: copy to keep.
        """
        self._learn(tick_size)
        columns = self._decoder.columns(trades, tick_size)
        for detector in self._detectors:
            yield from detector.take(columns, tick_size)

    def _learn(self, tick_size: int) -> None:
        """Apply a changed tick size (1e-9 units).

        A finer tick rescales the state. A coarser tick, possible only through a definition in mid-session, resets it.
        """
        before, self._tick_size = self._tick_size, tick_size
        if before in (0, tick_size):
            return
        for detector in self._detectors:
            if before % tick_size == 0:
                detector.rescale(before // tick_size)
            else:
                detector.begin()

    def keep(self) -> list[bytes]:
        """Return the state of each detector, followed by the tick size, for a checkpoint."""
        return [*(detector.keep() for detector in self._detectors), self._tick_size.to_bytes(8, "little")]

    def resume(self, kept: list[bytes]) -> None:
        """Restore what `keep` returned."""
        *states, tick_size = kept
        for detector, state in zip(self._detectors, states, strict=True):
            detector.resume(state)
        self._tick_size = int.from_bytes(tick_size, "little")

    def pass_time(self, now_ns: int) -> Iterator[NDArray[np.void]]:
        """Advance the clock to `now_ns`. Yields EVENT rows like `take`."""
        for detector in self._detectors:
            yield from detector.pass_time(now_ns, self._tick_size)
