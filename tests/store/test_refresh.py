"""A reader copies the tables of a store only when something was published."""

import numpy as np
import pytest

from flow_gl.core.schema import EVENT
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.store.ring import Ring
from flow_gl.store.row_log import RowLog
from flow_gl.store.table import Table

TABLES = ["open", "profile", "session", "levels", "gaps", "rolls", "sessions", "instrument", "footprint"]


@pytest.fixture
def store() -> MarketStore:
    return MarketStore.local(base_capacity=64)


@pytest.mark.parametrize("name", [*TABLES, "bubbles", "cvd", "events", "minutes", "order_cvd", "orders"])
def test_whatever_is_published_is_seen_as_a_change(store: MarketStore, name: str) -> None:
    reader = MarketReader(store)
    reader.refresh()
    seen = reader.changes
    for one in getattr(store, name) if isinstance(getattr(store, name), list) else [getattr(store, name)]:
        assert isinstance(one, Ring | RowLog | Table)
        write = one.write if isinstance(one, Table) else one.append
        write(np.zeros(1, one.dtype))
        reader.refresh()
        seen += 1
        assert reader.changes == seen
        reader.refresh()
        assert reader.changes == seen


def test_heads_are_those_of_the_rings(store: MarketStore) -> None:
    for lod, ring in enumerate(store.bubbles):
        for _ in range(lod + 1):
            ring.append(np.zeros(1, ring.dtype))
    reader = MarketReader(store)
    reader.refresh()
    assert reader.heads == [ring.head for ring in store.bubbles]


def test_while_a_replacement_has_reached_one_log_each_refresh_looks_again(store: MarketStore) -> None:
    reader = MarketReader(store)
    reader.refresh()
    store.events.replace(0, np.zeros(1, EVENT), 0)
    reader.refresh()
    seen = reader.changes
    reader.refresh()
    assert reader.changes == seen + 1
    for log in (store.minutes, store.order_cvd):
        log.replace(0, np.zeros(0, log.dtype), 0)
    reader.refresh()
    assert reader.events.head == 1
