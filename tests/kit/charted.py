"""A pipeline with charts in local stores, as the engine has them, without the engine's loop."""

from collections.abc import Sequence
from typing import Any

from flow_gl.core.items import Item
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.runtime.charts import Charts
from flow_gl.store.market import MarketReader, MarketStore


class ChartedPipeline:
    """A pipeline, and a chart for each of some symbols.

    Parameters
    ----------
    pipeline : None for one with the default settings and the exchange's sessions
    base_capacity : rows of each chart's base ring
    charts : further arguments of `Charts`
    """

    def __init__(
        self, symbols: Sequence[str], *, pipeline: Pipeline | None = None, base_capacity: int = 1 << 12, **charts: Any
    ) -> None:
        self.pipeline = pipeline or Pipeline(sessions=SessionCalendar())
        self.charts = Charts(
            symbols,
            attach=self.pipeline.chart,
            make_store=lambda _: MarketStore.local(base_capacity=base_capacity),
            bucket_ns=SECOND_NS,
            **charts,
        )

    def take(self, *items: Item) -> None:
        """Process items as the engine does: the charts first, which attach the instruments."""
        for item in items:
            self.charts.take(item)
            self.pipeline.take(item)

    def readers(self) -> list[MarketReader]:
        """Return a reader of each chart, with what has been published."""
        readers = [MarketReader(store) for store in self.charts.stores()]
        for reader in readers:
            reader.refresh()
        return readers
