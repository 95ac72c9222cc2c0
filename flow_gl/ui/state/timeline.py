"""The data's part of a chart's time axis: when the data begin, and which intervals are folded.

Closed hours and weekends are folded by default, intervals of open hours without trades on request. Each chart has its
own folds, because another instrument may have traded then; for instruments of one exchange they are the same.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, get_args

import numpy as np

from flow_gl.core.cached import Cached
from flow_gl.core.folds import NO_FOLDS, Folds
from flow_gl.core.schema import GapKind
from flow_gl.store.market import MarketReader

Folding = Literal["closed", "all", "none"]
FOLDINGS: Final[tuple[Folding, ...]] = get_args(Folding)
FOLDED_KINDS: Final[dict[Folding, tuple[GapKind, ...]]] = {
    "closed": (GapKind.CLOSED,),
    "all": (GapKind.CLOSED, GapKind.NO_TRADES),
    "none": (),
}
"""The kinds of gaps that are folded. A feed gap never is: how much is missing must be seen."""
BAND_PX: Final = 22.0
"""Width of a fold at content scale 1."""
_SLIDE_S: Final = 0.16
"""Time constant of the slide in which a gap that has just become known is folded."""
_SLID_NS: Final = 120_000_000_000
"""Longer gaps are folded at once when they become known: the program has just started, or the feed has jumped."""
_NEARLY: Final = 0.004
_STEPS: Final = 256
"""A gap that is still open grows in steps of this share of its length, so that the axis need not change every frame."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Folds and beginning of a chart's data."""

    folds: Folds = NO_FOLDS
    first_ns: int | None = None
    """Start of the first bucket with a trade, ns; None before there is one."""
    folding: Folding = "closed"
    """The chosen folding."""


NO_TIMELINE: Final = Timeline()


class TimelineReader:
    """Keeps the timeline of one chart up to date."""

    def __init__(self) -> None:
        self._timeline: Final[Cached[Timeline]] = Cached()
        self._read_for: tuple[object, ...] = ()
        """What the last read was for, if it stays true until the market changes."""
        self._last = NO_TIMELINE
        self._open_start = 0
        self._folded_ns = 0.0
        """The folded share of the gap that is still open."""

    def read(self, market: MarketReader, folding: Folding, *, now_ns: int, scale: float, dt_s: float = 0.0) -> Timeline:
        """Return the timeline: the same object while nothing has changed.

        Parameters
        ----------
        now_ns : event time at the live edge; a gap that is still open lasts until then
        scale : content scale
        dt_s : seconds since the previous frame. A gap that has just become known is folded over a moment, so that the
            picture slides and does not jump; with 0 at once
        """
        read_for = market, market.changes, folding, scale
        if read_for == self._read_for:
            return self._last
        first_ns = market.first_ns
        open_start = max((market.open_gaps.get(kind, 0) for kind in FOLDED_KINDS[folding]), default=0)
        open_end = open_start + self._fold_open(open_start, now_ns, dt_s) if open_start else 0
        # An open gap gets a new version each time the engine reads the clock.
        version = (len(market.gaps), open_end) if open_end else market.breaks_version
        key = version, folding, scale, first_ns, market
        make = partial(_timeline_of, market, folding, open_end, scale, first_ns)
        self._last = self._timeline.get(key, make)
        self._read_for = () if open_end else read_for
        return self._last

    def _fold_open(self, start_ns: int, now_ns: int, dt_s: float) -> int:
        """Return how much of a gap that is still open is folded, ns."""
        length = max(1, now_ns - start_ns)
        if start_ns != self._open_start:
            self._open_start, self._folded_ns = start_ns, 0.0
        is_old = self._folded_ns == 0.0 and length > _SLID_NS
        if dt_s <= 0.0 or is_old or self._folded_ns > (1.0 - _NEARLY) * length:
            self._folded_ns = float(length)
            return _stepped(length)
        self._folded_ns += (length - self._folded_ns) * (1.0 - math.exp(-dt_s / _SLIDE_S))
        return int(self._folded_ns)


def _timeline_of(market: MarketReader, folding: Folding, open_end: int, scale: float, first_ns: int | None) -> Timeline:
    return Timeline(_folds_of(market, folding, open_end, scale), first_ns, folding)


def _stepped(length_ns: int) -> int:
    """Round a length up to a step that grows with it."""
    step = 1 << (max(1, length_ns // _STEPS).bit_length() - 1)
    return -(-length_ns // step) * step


def _folds_of(market: MarketReader, folding: Folding, open_end: int, scale: float) -> Folds:
    gaps = market.gaps[np.isin(market.gaps["kind"], [int(kind) for kind in FOLDED_KINDS[folding]])]
    ends = np.where(gaps["open"] == 1, open_end, gaps["end"])
    return Folds(gaps["start"].tolist(), ends.tolist(), BAND_PX * scale) if len(gaps) else NO_FOLDS
