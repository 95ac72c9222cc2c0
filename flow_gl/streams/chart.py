"""A chart in one run of the engine: its attached store, and its description for readers."""

from typing import Final

from flow_gl.core.market.lod import threshold_at
from flow_gl.protocol.messages import Instrument
from flow_gl.store.market import MarketReader, MarketStore


class Chart:
    """A chart in one run of the engine.

    Parameters
    ----------
    index : its position among the charts
    epoch : number of the run
    """

    def __init__(self, index: int, store: MarketStore, epoch: int) -> None:
        self.index: Final = index
        self.store: Final = store
        self.epoch: Final = epoch
        self.reader: Final = MarketReader(store)
        self._traded = (-1, -1)
        self.refresh()

    def refresh(self) -> None:
        """Read the store's tables, for a tick."""
        self._traded = self._positions
        self.reader.refresh()

    @property
    def has_traded(self) -> bool:
        """Whether the open bubble has changed, or another has closed, since the newest `refresh`."""
        return self._positions != self._traded

    @property
    def _positions(self) -> tuple[int, int]:
        return self.store.bubbles[0].head, self.store.open.version

    @property
    def symbol(self) -> str:
        """Its name in messages: the requested symbol, or the contract if there is none."""
        return self.reader.requested or self.reader.symbol

    def instrument(self, threshold: float) -> Instrument:
        """Return its description for `Connected`.

        Parameters
        ----------
        threshold : imbalance above which a bubble of up to one second is significant
        """
        reader = self.reader
        row = reader.instrument
        return Instrument(
            symbol=self.symbol,
            contract=reader.symbol,
            instrument_id=int(row["instrument_id"]),
            epoch=self.epoch,
            tick_size=reader.tick_size,
            tick_source=int(row["tick_source"]),
            point_value=float(row["point_value"]) if row["point_value_known"] else None,
            bucket_ns=reader.bucket_ns,
            widths_ns=reader.widths_ns,
            thresholds=tuple(threshold_at(threshold, width) for width in reader.widths_ns),
        )
