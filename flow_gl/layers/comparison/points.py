"""The points of a comparison: its value after the last trade of each bucket in which either symbol traded.

Both symbols are read through their frozen readers, by binary searches, so the cost depends only on the visible range. A
price is valid until the next break of its own symbol (`breaks`). A point needs two valid prices, and a line joins two
points if no break of either symbol lies between them.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.comparison import Comparison
from flow_gl.core.schema import GapKind
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene, once
from flow_gl.layers.comparison.breaks import breaks_of
from flow_gl.layers.comparison.pane import ComparisonPane
from flow_gl.layers.detail import lod_for
from flow_gl.layers.rows.chart_rows import LINE_SPACING_PX
from flow_gl.layers.rows.hit import row_until
from flow_gl.store.market import MarketReader

_GAP_WORDS: Final = {
    int(GapKind.FEED): "{}: feed gap",
    int(GapKind.NO_TRADES): "{} does not trade now",
    int(GapKind.CLOSED): "{} is closed",
}


class Points(NamedTuple):
    """The points of a range of buckets, oldest first.

    Attributes
    ----------
    ids : bucket ids, int64, shape (n,)
    times : time of either symbol's last trade up to the bucket's end, ns, int64, shape (n,)
    own, other : prices of the chart's symbol and of the other one at that time, 1e-9, int64, shape (n,)
    own_traded, other_traded : when these prices traded, ns, int64, shape (n,)
    joined : whether a line joins each point to the next one, bool, shape (n - 1,)
    """

    ids: NDArray[np.int64]
    times: NDArray[np.int64]
    own: NDArray[np.int64]
    other: NDArray[np.int64]
    own_traded: NDArray[np.int64]
    other_traded: NDArray[np.int64]
    joined: NDArray[np.bool_]


class Closes(NamedTuple):
    """Last prices of a symbol's buckets: bucket ids, prices (1e-9) and times of the trades (ns), each int64, (n,)."""

    ids: NDArray[np.int64]
    prices: NDArray[np.int64]
    traded: NDArray[np.int64]

    def at(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the index of the last row at or before each bucket id; -1 if there is none."""
        found: NDArray[np.intp] = np.searchsorted(self.ids, ids, side="right") - 1
        return found


def points_between(
    own: MarketReader, other: MarketReader, rule: Comparison, width_ns: int, ids: tuple[int, int]
) -> Points:
    """Return the points of a range of buckets; none if a symbol has no buckets of that width.

    Parameters
    ----------
    rule : the kind of comparison
    width_ns : width of the buckets
    ids : first and last bucket id, both included
    """
    mine, its = _closes(own, width_ns, ids), _closes(other, width_ns, ids)
    merged = np.union1d(mine.ids, its.ids)
    merged = merged[(merged >= ids[0]) & (merged <= ids[1])]
    at_mine, at_its = mine.at(merged), its.at(merged)
    has_both = (at_mine >= 0) & (at_its >= 0)
    merged, at_mine, at_its = merged[has_both], at_mine[has_both], at_its[has_both]
    own_traded, other_traded = mine.traded[at_mine], its.traded[at_its]
    times = np.maximum(own_traded, other_traded)
    prices, other_prices = mine.prices[at_mine], its.prices[at_its]
    own_breaks, other_breaks = breaks_of(own), breaks_of(other)
    own_before, other_before = own_breaks.before(times), other_breaks.before(times)
    is_valid = (own_breaks.before(own_traded) == own_before) & (other_breaks.before(other_traded) == other_before)
    if rule.kind == "ratio":
        is_valid &= other_prices != 0
    sides = own_before[is_valid] + other_before[is_valid]  # both are ascending
    return Points(
        merged[is_valid],
        times[is_valid],
        prices[is_valid],
        other_prices[is_valid],
        own_traded[is_valid],
        other_traded[is_valid],
        sides[1:] == sides[:-1],
    )


def _closes(reader: MarketReader, width_ns: int, ids: tuple[int, int]) -> Closes:
    """Return the buckets of a range of ids, including the open one, and the last bucket before the range."""
    if width_ns not in reader.widths_ns:
        return Closes(*(np.zeros(0, np.int64) for _ in Closes._fields))
    lod = reader.widths_ns.index(width_ns)
    ring, head = reader.store.bubbles[lod], reader.heads[lod]
    start = max(ring.position_of(ids[0], head) - 1, ring.oldest)
    _, rows = ring.read(start, ring.position_of(ids[1] + 1, head))
    columns = [rows["id"], rows["close"], rows["ts_last"]]
    bubble = reader.open_bubble(lod)
    if bubble is not None and bubble["id"] <= ids[1]:
        row = bubble["id"], bubble["close"], bubble["ts_last"]
        if len(rows) and rows["id"][-1] == bubble["id"]:  # of the contract before the roll
            columns = [column[:-1] for column in columns]
        columns = [np.append(column, value) for column, value in zip(columns, row, strict=True)]
    return Closes(*columns)


def state_of(reader: MarketReader, width_ns: int) -> tuple[object, ...]:
    """Return a key that changes whenever a symbol's points may change; most trades do not change it."""
    if width_ns not in reader.widths_ns:
        return ()
    lod = reader.widths_ns.index(width_ns)
    bubble = reader.open_bubble(lod)
    newest = () if bubble is None else (int(bubble["id"]), int(bubble["close"]))
    return id(reader), reader.heads[lod], newest, reader.breaks_version, reader.sessions_version


def width_of(reader: MarketReader, lod: int, ns_per_px: float, scale: float) -> int:
    """Return the width (ns) of a line's buckets: the current ones, or wider ones if those are too narrow to see."""
    fine = lod_for(ns_per_px, reader.bucket_ns, min_spacing_px=LINE_SPACING_PX * scale)
    return reader.widths_ns[max(lod, fine)]


@once
def compare_view(scene: Scene) -> View:
    """Return the comparison pane's transform. The scene must have a comparison."""
    comparison, view = _compared(scene), scene.price_view
    return View(
        comparison.rect, view.t_right_ns, view.ns_per_px, comparison.y_top, comparison.y_per_px, view.scale, view.folded
    )


@once
def shown_width_ns(scene: Scene) -> int:
    """Return the width of the buckets of the points, ns."""
    return width_of(scene.reader, scene.lod, scene.price_view.ns_per_px, scene.price_view.scale)


@once
def points_in_view(scene: Scene) -> Points:
    """Return the points in view and one to the left of it, from which the line enters."""
    comparison, view, width_ns = _compared(scene), scene.price_view, shown_width_ns(scene)
    if comparison.other is None:
        return points_between(scene.reader, scene.reader, comparison.rule, width_ns, (0, -1))
    first = max(view.t_left_ns - width_ns, scene.hidden_before_ns) // width_ns
    last = min(view.t_right_ns, scene.until_ns) // width_ns
    if scene.hidden_before_ns <= 0:
        before = (_row_until(reader, width_ns, first - 1) for reader in (scene.reader, comparison.other))
        first = max((int(row["id"]) for row in before if row is not None), default=first)
    return points_between(scene.reader, comparison.other, comparison.rule, width_ns, (first, last))


def _row_until(reader: MarketReader, width_ns: int, bucket_id: int) -> np.void | None:
    """Return the newest BUBBLE row of a width at or before a bucket; None if there is none."""
    return row_until(reader, reader.widths_ns.index(width_ns), bucket_id) if width_ns in reader.widths_ns else None


class NewestValue(NamedTuple):
    """The two newest prices of a comparison (1e-9), or the reason why it has no value; "" if it has one."""

    own: int = 0
    other: int = 0
    reason: str = ""


def name_of(reader: MarketReader) -> str:
    """Return a symbol's name: the contract, or the requested symbol."""
    return reader.symbol or reader.requested


@once
def newest_value(scene: Scene) -> NewestValue:
    """Return the value now, wherever the view is; while paused, that of the pause."""
    comparison, now_ns = _compared(scene), min(scene.now_ns, scene.until_ns)
    if comparison.other is None:
        return NewestValue(reason=f"{comparison.rule.symbol} is not in this feed")
    prices, width_ns = [], scene.reader.bucket_ns
    for reader in (scene.reader, comparison.other):
        row = _row_until(reader, width_ns, scene.until_ns // width_ns)
        if row is None:
            return NewestValue(reason=f"{name_of(reader)} has not traded yet")
        traded_ns = int(row["ts_last"])
        break_kind = breaks_of(reader).between(traded_ns, max(now_ns, traded_ns))
        if break_kind is not None:
            words = _GAP_WORDS.get(break_kind, "{} has not traded in this session")
            return NewestValue(reason=words.format(name_of(reader)))
        prices.append(int(row["close"]))
    if comparison.rule.kind == "ratio" and prices[1] == 0:
        return NewestValue(reason=f"{name_of(comparison.other)} is at 0")
    return NewestValue(prices[0], prices[1])


@once
def decimals(scene: Scene) -> int:
    """Return the decimals of the values."""
    comparison = _compared(scene)
    other = comparison.other
    if other is None:
        return 2
    return comparison.rule.decimals(scene.reader.tick_size, other.tick_size, int(other.session["last_price"]))


@once
def title(scene: Scene) -> str:
    """Return the comparison's name."""
    comparison = _compared(scene)
    other = comparison.rule.symbol if comparison.other is None else name_of(comparison.other)
    return comparison.rule.name(name_of(scene.reader), other)


def _compared(scene: Scene) -> ComparisonPane:
    assert scene.comparison is not None
    return scene.comparison
