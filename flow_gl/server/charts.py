"""The charts that a worker serves: attached stores, and their description in `Connected`."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from flow_gl.core.market.lod import threshold_at
from flow_gl.protocol.messages import Instrument
from flow_gl.server.spec import EngineLine
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from flow_gl.store.shm import SharedMemoryError


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


class Charts:
    """What a worker knows about the engine. The parent process says which stores are current (`follow`)."""

    def __init__(self) -> None:
        self.engine: EngineReader | None = None
        self.charts: list[Chart] = []
        self.state = "starting"
        """State of the engine, as reported by the parent."""
        self.message = ""
        self.settings: dict[str, Any] = {}
        self._engine_store: EngineStore | None = None

    @property
    def markets(self) -> Sequence[MarketReader]:
        """Readers in chart order."""
        return [chart.reader for chart in self.charts]

    def follow(self, line: EngineLine) -> list[int]:
        """Apply the parent's report on the engine and its charts.

        Returns
        -------
        changed : indices of charts that are new or have a new store
        """
        self.state, self.message, self.settings = line.state, line.message, line.settings
        if line.engine and (self._engine_store is None or self._engine_store.name != line.engine):
            with suppress(SharedMemoryError):  # the engine has died meanwhile; the next line names a new one
                self.set_engine(EngineStore.attach(line.engine))
        changed = []
        for index, (name, epoch) in enumerate(line.charts):
            if index < len(self.charts) and self.charts[index].epoch == epoch:
                continue
            try:
                store = MarketStore.attach(name)
            except SharedMemoryError:
                break
            self.set_chart(index, store, epoch)
            changed.append(index)
        return changed

    def set_engine(self, store: EngineStore) -> None:
        """Read the status from this store from now on."""
        if self._engine_store is not None:
            self._engine_store.close()
        self._engine_store, self.engine = store, EngineReader(store)
        self.engine.refresh()

    def set_chart(self, index: int, store: MarketStore, epoch: int) -> None:
        """Use this store for a chart, which may be new."""
        if index == len(self.charts):
            self.charts.append(Chart(index, store, epoch))
            return
        self.charts[index].store.close()
        self.charts[index] = Chart(index, store, epoch)

    def find(self, name: str) -> Chart | None:
        """Return the chart with a symbol, or the one that shows a contract of this name now."""
        return next(
            (chart for chart in self.charts if chart.symbol == name),
            next((chart for chart in self.charts if chart.reader.symbol == name), None),
        )

    def close(self) -> None:
        for chart in self.charts:
            chart.store.close()
        if self._engine_store is not None:
            self._engine_store.close()
