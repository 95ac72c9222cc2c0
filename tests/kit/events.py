"""Plants events into a local store, and makes the marks that a chart shows of them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Scene
from flow_gl.layers.marks.book import MarkBook, Window
from flow_gl.layers.marks.mark import MARK_TITLES
from tests.kit.markets import START_NS, TICK, Market

ALL_KINDS = frozenset(MARK_TITLES)


def event(
    kind: EventKind, second: float, price: int, direction: int, strength: float, *value: float
) -> NDArray[np.void]:
    """Return an event (EVENT, one row) that becomes known `second` seconds after the market's first; price in 1e-9."""
    row = np.zeros(1, EVENT)
    row["ts_event"], row["kind"], row["price"] = START_NS + int(second * SECOND_NS), kind, price
    row["direction"], row["strength"] = direction, strength
    row["value"][0, : len(value)] = value
    return row


def plant_one_of_each(market: Market, *, at: int = 240) -> None:
    """Plant an event of each kind around a given second of a longer market, at prices that traded then."""
    rows = market.rows

    def price(second: int) -> int:
        return int(rows["close"][int(np.searchsorted(rows["ts_event"], START_NS + second * SECOND_NS))])

    high = [
        int(rows["high"][int(np.searchsorted(rows["ts_event"], START_NS + s * SECOND_NS))]) for s in (at - 90, at - 47)
    ]
    for one in (
        event(EventKind.LARGE_TRADE, at + 10.25, price(at + 10), 1, 62, price(at + 10) - 3 * TICK, 50),
        event(EventKind.LARGE_TRADE, at + 30.5, price(at + 30), -1, 31, price(at + 30), 30),
        event(EventKind.ABSORPTION, at, price(at), -1, 1.4, 54, 1, 3, 39.5),
        event(EventKind.STACKED_IMBALANCE, at - 30, price(at - 40) - 2 * TICK, 1, 4, price(at - 40) + TICK),
        event(EventKind.DIVERGENCE, at, high[1], -1, 120, START_NS + (at - 90) // 15 * 15 * SECOND_NS, high[0]),
    ):
        market.store.events.append(one)


def window_of(scene: Scene) -> Window:
    """Return the time that a scene shows."""
    view = scene.price_view
    return Window(view.t_left_ns, view.t_right_ns, view.ns_per_px, view.scale)


def with_marks(scene: Scene, *, kinds: frozenset[str] = ALL_KINDS, book: MarkBook | None = None) -> Scene:
    """Return a scene with the marks that the program would show in it."""
    book = MarkBook() if book is None else book
    scene.reader.refresh(logs_only=True)
    return replace(scene, marks=book.select(scene.reader, window_of(scene), kinds & scene.style.is_visible))
