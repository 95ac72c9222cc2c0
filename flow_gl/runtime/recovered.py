"""Converts the contents of the running session's recording to feed items."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, FeedGap, Mapping
from flow_gl.core.schema import TRADE
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import MAPPING_KIND, VERSION
from flow_gl.dbn.records import read_definition, read_mapping
from flow_gl.services.recording.file import Recovered


@dataclass(frozen=True, slots=True)
class Recorded:
    """The contents of a recording; empty if there is none or it cannot be read."""

    name: str
    """Name of the file."""
    names: tuple[Mapping | Definition, ...]
    """In the order in which they became known."""
    trades: NDArray[np.void]
    """dtype TRADE, in arrival order."""
    gaps: tuple[FeedGap, ...]
    """Permanent gaps."""

    def of(self, instruments: Collection[int]) -> "Recorded":
        """Return the part that belongs to some instruments."""
        is_theirs = np.isin(self.trades["instrument_id"], list(instruments))
        return replace(
            self,
            names=tuple(one for one in self.names if one.instrument_id in instruments),
            trades=self.trades if is_theirs.all() else self.trades[is_theirs],
        )

    def requested(self, symbols: Collection[str]) -> list[tuple[str, int]]:
        """Return what these symbols mean, as (symbol, instrument id), in the order of the mappings."""
        mappings = (one for one in self.names if isinstance(one, Mapping))
        return [(one.requested, one.instrument_id) for one in mappings if one.requested in symbols]


NOTHING = Recorded("", (), np.empty(0, TRADE), ())


def recorded_of(found: Recovered) -> Recorded:
    """Convert the recorder's findings. Names that cannot be read are left out: the gateway sends them again."""
    names: list[Mapping | Definition] = []
    for record in found.names:
        try:
            read = read_mapping if record[1] == MAPPING_KIND else read_definition
            names.append(read(record, VERSION))
        except (DamageError, ValueError):
            continue
    gaps = tuple(FeedGap(marker.start, marker.end, lost=marker.lost) for marker in found.markers)
    return Recorded(found.path.name, tuple(names), found.trades, gaps)
