"""Restores an instant of a replay: new stores with the rows before a checkpoint, then the trades after it.

The charts get new stores, which become visible only once they are filled and the status names them. A seek therefore
never leaves a later row in place and never shows a partial state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flow_gl.core.errors import DataError
from flow_gl.core.items import Item
from flow_gl.runtime.seek.filling import End, fill
from flow_gl.runtime.seek.index import Place, ReplayIndex
from flow_gl.runtime.totals import Totals
from flow_gl.services.replay_cache.snapshot_file import SnapshotError
from flow_gl.store.market import MarketStore

if TYPE_CHECKING:
    from flow_gl.engine.pipeline import Pipeline
    from flow_gl.runtime.charts import Charts


@dataclass(slots=True)
class Restored:
    """A pipeline with its charts at an instant of a replay."""

    pipeline: "Pipeline"
    charts: "Charts"
    totals: Totals

    def take(self, item: Item) -> None:
        """Process an item in the same way as the engine's loop."""
        self.pipeline.take(item)
        self.charts.take(item)
        self.totals.take(item)


def restore(index: ReplayIndex, place: Place, make_store: Callable[[str], MarketStore]) -> Restored:
    """Create a pipeline and charts in their state at a checkpoint. Raises DataError, SharedMemoryError."""
    index.decode_ahead(place)
    segment = index.segments.segment(place.segment)
    point = segment.points[place.point]
    spares = index.spares.take()
    left = iter(spares)

    def next_store(tag: str) -> MarketStore:
        spare = next(left, None)
        return make_store(tag) if spare is None else spare.store

    try:
        pipeline, charts = index.setup.make(index.spec, next_store)
    finally:
        for spare in left:
            spare.store.close()
    try:
        stores = charts.stores()
        used = {place.segment}
        for chart, store in enumerate(stores):
            held = spares[chart].held if spares else [0] * len(point.heads[chart])
            for number, head in enumerate(point.heads[chart]):
                used |= fill(index.segments, store, chart, number, End(head, place.segment), held=held[number])
        index.segments.forget_rows(used)
        try:
            state = segment.state(place.point)
        except SnapshotError as error:
            raise DataError(f"the replay's index in the cache cannot be used: {error}") from None
        pipeline.resume(state, stores)
        charts.resume([pipeline.on_chart(store) for store in stores])
    except BaseException:
        charts.close()
        raise
    return Restored(pipeline, charts, Totals(point.trades, point.newest_event, set(point.gap_starts)))
