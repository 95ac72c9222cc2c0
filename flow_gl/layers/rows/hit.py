"""Finds rows by time and screen position with binary searches, so that the cost depends only on the visible range."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import BUBBLE
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import radii, radius_of, radius_range, reference_of, tick_size_of, volume_of, volumes
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.market import MarketReader
from flow_gl.store.ring import Ring

END_OF_TIME: Final = 2**63 - 1
_MAX_ROWS: Final = 2048
"""Most rows that an automatic scale reads: longer ranges use a coarser lod."""
_NEAR_PX: Final = 4.0


def visible_ids(scene: Scene) -> tuple[int, int]:
    """Return the ids [first, last] whose discs may reach into the pane, limited by clear and pause."""
    view = scene.price_view
    bucket_ns = scene.reader.widths_ns[scene.lod]
    reach_px = radius_range(scene.style, view.scale)[1]
    first = max(view.time_at(view.rect.x - reach_px) // bucket_ns, scene.hidden_before_ns // bucket_ns)
    last = min(view.time_at(view.rect.right + reach_px) // bucket_ns, scene.until_ns // bucket_ns)
    return first, last


def visible_range(scene: Scene) -> tuple[int, int]:
    """Return the positions [start, stop) of closed bubbles that may be visible at the current lod."""
    ring, head = scene.reader.store.bubbles[scene.lod], scene.reader.heads[scene.lod]
    first, last = visible_ids(scene)
    start = ring.position_of(first, head)
    return start, max(start, ring.position_of(last + 1, head))


def _range_rows(ring: Ring, head: int, bucket_ns: int, times_ns: tuple[int, int]) -> list[NDArray[np.void]]:
    start = ring.position_of(times_ns[0] // bucket_ns, head)
    return ring.segments(start, ring.position_of(times_ns[1] // bucket_ns + 1, head))


def _lod_for_range(reader: MarketReader, lod: int, times_ns: tuple[int, int]) -> int:
    """Return the finest lod from `lod` on that has at most about `_MAX_ROWS` rows in a time range."""
    while lod < len(reader.widths_ns) - 1 and row_count(reader, lod, times_ns) > _MAX_ROWS:
        lod += 1
    return lod


def row_count(reader: MarketReader, lod: int, times_ns: tuple[int, int]) -> int:
    """Return the number of closed bubbles in a time range at a lod."""
    ring, head, bucket_ns = reader.store.bubbles[lod], reader.heads[lod], reader.widths_ns[lod]
    first = ring.position_of(times_ns[0] // bucket_ns, head)
    return ring.position_of(times_ns[1] // bucket_ns + 1, head) - first


def price_extent(
    reader: MarketReader,
    lod: int,
    t_left_ns: int,
    t_right_ns: int,
    *,
    hidden_before_ns: int = 0,
    until_ns: int = END_OF_TIME,
) -> tuple[float, float] | None:
    """Return the lowest and highest price in a time range, in ticks above price 0; None if nothing traded.

    Reads at most about 2,000 rows: a long range uses a coarser lod and is rounded out to its buckets.
    """
    times = max(t_left_ns, hidden_before_ns), min(t_right_ns, until_ns)
    lod = _lod_for_range(reader, lod, times)
    bucket_ns = reader.widths_ns[lod]
    parts = _range_rows(reader.store.bubbles[lod], reader.heads[lod], bucket_ns, times)
    lows = [int(part["low"].min()) for part in parts]
    highs = [int(part["high"].max()) for part in parts]
    bubble = reader.open_bubble(lod)
    if bubble is not None and times[0] // bucket_ns <= bubble["id"] <= times[1] // bucket_ns:
        lows.append(int(bubble["low"]))
        highs.append(int(bubble["high"]))
    if not lows:
        return None
    tick_size = reader.tick_size or UNKNOWN_TICK_SIZE
    return min(lows) / tick_size, max(highs) / tick_size


def cvd_extent(
    reader: MarketReader,
    lod: int,
    t_left_ns: int,
    t_right_ns: int,
    *,
    has_candles: bool = False,
    hidden_before_ns: int = 0,
    until_ns: int = END_OF_TIME,
) -> tuple[float, float] | None:
    """Return the lowest and highest CVD (contracts) drawn in a time range; None if there are no points.

    Parameters
    ----------
    has_candles : lows and highs are drawn too, not only closes
    """
    times = max(t_left_ns, hidden_before_ns), min(t_right_ns, until_ns)
    drawn_lod = lod
    lod = _lod_for_range(reader, lod, times)
    bucket_ns = reader.widths_ns[lod]
    parts = _range_rows(reader.store.cvd[lod], reader.heads[lod], bucket_ns, times)
    low, high = ("close", "close") if lod == drawn_lod and not has_candles else ("low", "high")
    lows = [int(part[low].min()) for part in parts]
    highs = [int(part[high].max()) for part in parts]
    point = reader.open_cvd(lod)
    if point is not None and times[0] // bucket_ns <= point["id"] <= times[1] // bucket_ns:
        lows.append(int(point["low" if has_candles else "close"]))
        highs.append(int(point["high" if has_candles else "close"]))
    return (min(lows), max(highs)) if lows else None


def rows_within(reader: MarketReader, lod: int, times_ns: tuple[int, int]) -> NDArray[np.void]:
    """Return a copy of the BUBBLE rows in a time range, oldest first, the open one last."""
    bucket_ns = reader.widths_ns[lod]
    parts = _range_rows(reader.store.bubbles[lod], reader.heads[lod], bucket_ns, times_ns)
    rows = np.concatenate(parts) if parts else np.zeros(0, BUBBLE)
    bubble = reader.open_bubble(lod)
    if bubble is not None and times_ns[0] // bucket_ns <= bubble["id"] <= times_ns[1] // bucket_ns:
        rows = _with(rows, bubble)
    return rows


def visible_rows(scene: Scene) -> NDArray[np.void]:
    """Return a copy of the BUBBLE rows in view, oldest first, the open one last."""
    ring = scene.reader.store.bubbles[scene.lod]
    start, stop = visible_range(scene)
    _, rows = ring.read(start, stop)
    first, last = visible_ids(scene)
    bubble = scene.reader.open_bubble(scene.lod)
    if bubble is not None and first <= bubble["id"] <= last:
        rows = _with(rows, bubble)
    return rows


def _with(rows: NDArray[np.void], last: np.void) -> NDArray[np.void]:
    longer = np.empty(len(rows) + 1, BUBBLE)
    longer[:-1] = rows
    longer[-1] = last
    return longer


def hidden_count(scene: Scene) -> int:
    """Return how many bubbles in view the size floor hides."""
    if scene.style.size_floor <= 0:
        return 0
    parts = scene.reader.store.bubbles[scene.lod].segments(*visible_range(scene))
    count = sum(int(np.count_nonzero(volumes(part) < scene.style.size_floor)) for part in parts)
    bubble = scene.reader.open_bubble(scene.lod)
    if bubble is not None:
        count += volume_of(bubble) < scene.style.size_floor
    return count


def bubble_at(scene: Scene, x_px: float, y_px: float, *, near_px: float = _NEAR_PX) -> int | None:
    """Return the id of the bubble at a screen point: the topmost disc there, else the nearest one within `near_px`.

    Bubbles hidden by the size floor are ignored.
    """
    view = scene.price_view
    if "bubbles" not in scene.style.is_visible or not view.rect.contains(x_px, y_px):
        return None
    bucket_ns = scene.reader.widths_ns[scene.lod]
    reach_px = radius_range(scene.style, view.scale)[1] + near_px * view.scale
    first, last = visible_ids(scene)
    first = max(first, view.time_at(x_px - reach_px) // bucket_ns)
    last = min(last, view.time_at(x_px + reach_px) // bucket_ns)
    ring, head = scene.reader.store.bubbles[scene.lod], scene.reader.heads[scene.lod]
    _, rows = ring.read(ring.position_of(first, head), ring.position_of(last + 1, head))
    bubble = scene.reader.open_bubble(scene.lod)
    if bubble is not None and first <= bubble["id"] <= last:
        rows = _with(rows, bubble)
    volume = volumes(rows)
    rows, volume = rows[volume >= scene.style.size_floor], volume[volume >= scene.style.size_floor]
    if len(rows) == 0:
        return None
    radius = radii(volume, reference_of(scene), scene.style, view.scale)
    dx = view.bubble_xs(rows["id"], bucket_ns) - x_px
    dy = view.rect.y + (view.y_top - rows["price"] / tick_size_of(scene)) / view.y_per_px - y_px
    past_edge = np.hypot(dx, dy) - radius
    inside = np.flatnonzero(past_edge <= 0.0)
    at = int(inside[-1]) if len(inside) else int(past_edge.argmin())
    return int(rows["id"][at]) if past_edge[at] <= near_px * view.scale else None


def distance_px(scene: Scene, bubble_id: int, x_px: float, y_px: float) -> float:
    """Return the distance of a screen point from a bubble's disc at the current lod, px.

    It is 0 inside the disc, and infinite if the bubble is not there or hidden.
    """
    view, row = scene.price_view, row_of(scene.reader, scene.lod, bubble_id)
    if row is None:
        return math.inf
    volume = volume_of(row)
    if volume < scene.style.size_floor:
        return math.inf
    radius = radius_of(volume, reference_of(scene), scene.style, view.scale)
    x = float(view.bubble_xs(np.array([bubble_id]), scene.reader.widths_ns[scene.lod])[0])
    y = view.screen_y(int(row["price"]) / tick_size_of(scene))
    return max(0.0, math.hypot(x - x_px, y - y_px) - radius)


def row_until(reader: MarketReader, lod: int, bubble_id: int) -> np.void | None:
    """Return the BUBBLE row with an id, or the last one before it; None if there is none."""
    bubble = reader.open_bubble(lod)
    if bubble is not None and int(bubble["id"]) <= bubble_id:
        return bubble
    ring, head = reader.store.bubbles[lod], reader.heads[lod]
    position = ring.position_of(bubble_id + 1, head)
    return ring.row(position - 1) if position > ring.oldest else None


def values_until(reader: MarketReader, lod: int, t_ns: int) -> tuple[int, int] | None:
    """Return the last price (1e-9) and CVD (contracts) of the newest bucket that begins by a time; None without one."""
    bucket_id = t_ns // reader.widths_ns[lod]
    bubble, point = reader.open_bubble(lod), reader.open_cvd(lod)
    if bubble is not None and point is not None and int(bubble["id"]) <= bucket_id:
        return int(bubble["close"]), int(point["close"])
    ring, head = reader.store.bubbles[lod], reader.heads[lod]
    position = ring.position_of(bucket_id + 1, head) - 1
    bubble, point = (one.row(position) if position >= one.oldest else None for one in (ring, reader.store.cvd[lod]))
    return None if bubble is None or point is None else (int(bubble["close"]), int(point["close"]))


def row_of(reader: MarketReader, lod: int, bubble_id: int) -> np.void | None:
    """Return the BUBBLE row with an id at a lod, closed or open; None if there is none or it was overwritten."""
    bubble = reader.open_bubble(lod)
    if bubble is not None and int(bubble["id"]) == bubble_id:
        return bubble
    ring, head = reader.store.bubbles[lod], reader.heads[lod]
    position = ring.position_of(bubble_id, head)
    _, rows = ring.read(position, min(position + 1, head))
    if len(rows) and int(rows["id"][0]) == bubble_id:
        row: np.void = rows[0]
        return row
    return None
