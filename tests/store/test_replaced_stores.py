"""A view lets go of a chart's store once another one has taken its place; what still reads it keeps it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.schema import STATUS
from flow_gl.store.market import EngineStore, MarketStore
from flow_gl.view.engine_link.stores import EngineStores
from tests.kit.local_link import name

MAPS = Path("/proc/self/maps")


def mapped(store: str) -> bool:
    """Return whether this process maps a segment that it has attached; its creator's own mapping counts too."""
    return any(store in line for line in MAPS.read_text().splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="reads the mappings of a process")
def test_a_replaced_store_is_unmapped_when_nothing_reads_it_any_more() -> None:
    engine = EngineStore.create("replaced_engine")
    status = np.zeros(1, STATUS)
    stores = []
    for at, symbol in enumerate(("NQZ5", "ESZ5")):
        stores.append(MarketStore.create(f"replaced{at}"))
        name(stores[at], symbol)
    view = EngineStores()
    try:
        assert view.attach(engine.name)
        status["charts"], status["market"][0, 0] = 1, stores[0].name.encode()
        engine.status.write(status)
        assert not view.attach_markets()
        old = stores[0].name
        reader = view.markets[0]
        status["market"][0, 0] = stores[1].name.encode()
        engine.status.write(status)
        assert not view.attach_markets(lambda symbol: symbol != "NQ.v.0"), "it was not shown"
        stores[0].close()
        stores[0] = stores[1]
        reader.refresh()
        assert (reader.symbol, view.markets[0].store.name) == ("NQZ5", stores[1].name)
        assert mapped(old)
        del reader
        assert not mapped(old)
    finally:
        view.release()
        for store in {*stores, engine}:
            store.close()
