"""The charts that a worker serves: attached stores, as the parent process reports them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flow_gl.server.spec import EngineLine
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from flow_gl.store.shm import SharedMemoryError
from flow_gl.streams.chart import Chart


class Charts:
    """A worker's view of the engine. The parent process names the current stores (`follow`)."""

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
            with suppress(SharedMemoryError):  # the engine has died in the meantime; the next line names a new one
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
