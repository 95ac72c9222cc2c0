"""The points of a comparison: its value after the last trade of each bucket in which either symbol traded.

Both symbols are read through their frozen readers, by binary searches: the work depends on what is in view. A price
holds until the next cut of its own symbol (`cuts`); a point needs both prices, and lines join points that no cut of
either symbol separates.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.comparison import Comparison
from flow_gl.core.schema import GapKind
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene, once
from flow_gl.layers.comparison.compared import Compared
from flow_gl.layers.comparison.cuts import cuts_of
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
    ids : of their buckets, int64, shape (n,)
    times : of the newest trade until the bucket's end of either symbol, ns
    own, other : prices of the chart's symbol and of the other one then, 1e-9
    own_traded, other_traded : when these prices traded, ns
    joined : whether a line goes from each point to the next one, shape (n - 1,)
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
        """Return the index of the last row until each bucket; -1 where there is none."""
        found: NDArray[np.intp] = np.searchsorted(self.ids, ids, side="right") - 1
        return found


def points_between(
    own: MarketReader, other: MarketReader, rule: Comparison, width_ns: int, ids: tuple[int, int]
) -> Points:
    """Return the points of buckets of a width (ns), the first and the last id included.

    There is none where a symbol has no buckets of that width.
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
    own_cuts, other_cuts = cuts_of(own), cuts_of(other)
    own_before, other_before = own_cuts.before(times), other_cuts.before(times)
    holds = (own_cuts.before(own_traded) == own_before) & (other_cuts.before(other_traded) == other_before)
    if rule.kind == "ratio":
        holds &= other_prices != 0
    sides = own_before[holds] + other_before[holds]  # both only grow
    return Points(
        merged[holds],
        times[holds],
        prices[holds],
        other_prices[holds],
        own_traded[holds],
        other_traded[holds],
        sides[1:] == sides[:-1],
    )


def _closes(reader: MarketReader, width_ns: int, ids: tuple[int, int]) -> Closes:
    """Return the buckets of a range of ids with the last one before it, the open one included."""
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
        if len(rows) and rows["id"][-1] == bubble["id"]:  # of the contract before a roll
            columns = [column[:-1] for column in columns]
        columns = [np.append(column, value) for column, value in zip(columns, row, strict=True)]
    return Closes(*columns)


def state_of(reader: MarketReader, width_ns: int) -> tuple[object, ...]:
    """Return what a symbol's part of the points depends on; cheap to compare. Most trades do not change it."""
    if width_ns not in reader.widths_ns:
        return ()
    lod = reader.widths_ns.index(width_ns)
    bubble = reader.open_bubble(lod)
    newest = () if bubble is None else (int(bubble["id"]), int(bubble["close"]))
    return id(reader), reader.heads[lod], newest, reader.breaks_version, reader.sessions_version


def width_of(reader: MarketReader, lod: int, ns_per_px: float, scale: float) -> int:
    """Return the width (ns) of the buckets that a line takes: those in force, or wider ones than a screen can show."""
    fine = lod_for(ns_per_px, reader.bucket_ns, min_spacing_px=LINE_SPACING_PX * scale)
    return reader.widths_ns[max(lod, fine)]


@once
def compare_view(scene: Scene) -> View:
    """Return the comparison pane's transform. The scene must have a comparison."""
    compared, view = _compared(scene), scene.price_view
    return View(
        compared.rect, view.t_right_ns, view.ns_per_px, compared.y_top, compared.y_per_px, view.scale, view.folded
    )


@once
def shown_width_ns(scene: Scene) -> int:
    """Return the width of the buckets of the points, ns."""
    return width_of(scene.reader, scene.lod, scene.price_view.ns_per_px, scene.price_view.scale)


@once
def points_in_view(scene: Scene) -> Points:
    """Return the points in view with one more at the left, where the line enters."""
    compared, view, width_ns = _compared(scene), scene.price_view, shown_width_ns(scene)
    if compared.other is None:
        return points_between(scene.reader, scene.reader, compared.rule, width_ns, (0, -1))
    first = max(view.t_left_ns - width_ns, scene.hidden_before_ns) // width_ns
    last = min(view.t_right_ns, scene.until_ns) // width_ns
    if scene.hidden_before_ns <= 0:
        before = (_row_until(reader, width_ns, first - 1) for reader in (scene.reader, compared.other))
        first = max((int(row["id"]) for row in before if row is not None), default=first)
    return points_between(scene.reader, compared.other, compared.rule, width_ns, (first, last))


def _row_until(reader: MarketReader, width_ns: int, bucket_id: int) -> np.void | None:
    """Return the newest BUBBLE row of a width until a bucket; None if there is none."""
    return row_until(reader, reader.widths_ns.index(width_ns), bucket_id) if width_ns in reader.widths_ns else None


class Present(NamedTuple):
    """The newest value of a comparison: both prices (1e-9), and why it has none; "" if it has one."""

    own: int = 0
    other: int = 0
    reason: str = ""


def name_of(reader: MarketReader) -> str:
    """Return a symbol's name: the contract, or what was requested."""
    return reader.symbol or reader.requested


@once
def present(scene: Scene) -> Present:
    """Return the value now, wherever the view is; while paused, that of the pause."""
    compared, now_ns = _compared(scene), min(scene.now_ns, scene.until_ns)
    if compared.other is None:
        return Present(reason=f"{compared.rule.symbol} is not in this feed")
    prices, width_ns = [], scene.reader.bucket_ns
    for reader in (scene.reader, compared.other):
        row = _row_until(reader, width_ns, scene.until_ns // width_ns)
        if row is None:
            return Present(reason=f"{name_of(reader)} has not traded yet")
        traded_ns = int(row["ts_last"])
        cut = cuts_of(reader).between(traded_ns, max(now_ns, traded_ns))
        if cut is not None:
            words = _GAP_WORDS.get(cut, "{} has not traded in this session")
            return Present(reason=words.format(name_of(reader)))
        prices.append(int(row["close"]))
    if compared.rule.kind == "ratio" and prices[1] == 0:
        return Present(reason=f"{name_of(compared.other)} is at 0")
    return Present(prices[0], prices[1])


@once
def decimals(scene: Scene) -> int:
    """Return the decimals of the values."""
    compared = _compared(scene)
    other = compared.other
    if other is None:
        return 2
    return compared.rule.decimals(scene.reader.tick_size, other.tick_size, int(other.session["last_price"]))


@once
def title(scene: Scene) -> str:
    """Return the comparison's name."""
    compared = _compared(scene)
    other = compared.rule.symbol if compared.other is None else name_of(compared.other)
    return compared.rule.name(name_of(scene.reader), other)


def _compared(scene: Scene) -> Compared:
    assert scene.compared is not None
    return scene.compared
