"""Contract counts inside discs that have room for them and are not covered by a newer disc.

The discs are selected on the CPU from the rows in view, and only after a new bubble or a change of zoom, size or
threshold. While the chart pans, the shader moves the labels with the bubbles.
"""

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.buffers import RowRing
from flow_gl.gl.text import use_text_program
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radii, volumes
from flow_gl.layers.rows.hit import visible_rows
from flow_gl.layers.rows.packing import FARTHEST, PARTS_PER_TICK

COUNT_ROW: Final = np.dtype([("place", "<i4", (4,)), ("box_px", "<f4", (4,)), ("cell", "<f4", (4,))])
_PACK: Final = struct.Struct("<3i4x6f8x").pack
_SIZES_PX: Final = np.array([11.0, 12.0, 13.0, 15.0])
_SIZES_FROM_PX: Final = np.array([13.0, 18.0, 26.0])
"""Radii from which the next larger font size is used."""
_MOST_ROWS: Final = 6000
"""With more bubbles in view than this, every disc is too small or covered."""
_MOST_LABELS: Final = 400
_BLOCK: Final = 256
"""Labels tested at a time, so that the arrays fit into the CPU cache."""
_LONGER_FROM: Final = np.array([10, 100, 1000, 10_000, 100_000])
_HALF_EMS: Final = 0.5 * 0.5615 * np.array([1.0, 2.0, 3.0, 4.4, 4.6, 5.8])
"""Half the width of a label in units of its font size: digits, comma and unit."""
_HALF_HEIGHT_PX: Final = 0.5 * 0.72 * 11.0


def count_text(volume: int) -> str:
    """Format a count for a disc: 41, 1,250, 12.3k, 2.0M, 4.3B, 717.3B."""
    if volume < 10_000:
        return f"{volume:,}"
    for unit, size in (("k", 10**3), ("M", 10**6), ("B", 10**9)):
        if volume < 1000 * size:
            return f"{volume / size:.1f}{unit}"
    return f"{volume / 10**12:,.1f}T"


def uncovered(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radius: NDArray[np.float64],
    labels: NDArray[np.intp],
    *,
    half_width: NDArray[np.float64],
    half_height: float,
) -> NDArray[np.bool_]:
    """Return which label boxes at disc centres are not touched by a newer disc.

    Parameters
    ----------
    x, y, radius : float64 (discs,), px, oldest first
    labels : indices of the discs with a label, at least one
    half_width : float64 (labels,), px
    half_height : px

    Returns
    -------
    is_free : bool (labels,)
    """
    is_free = np.ones(len(labels), np.bool_)
    if len(x) < 2:
        return is_free
    spacing = max(float(np.diff(x).min()), 0.5)
    reach = float(radius.max() + half_width.max())
    ahead = np.arange(1, min(len(x) - 1, int(reach / spacing) + 1) + 1)
    squared = radius * radius
    for begin in range(0, len(labels), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        own = labels[block, np.newaxis]
        newer = own + ahead
        is_there = newer < len(x)
        newer = np.minimum(newer, len(x) - 1)
        dx = np.maximum(np.abs(x[newer] - x[own]) - half_width[block, np.newaxis], 0.0)
        dy = np.maximum(np.abs(y[newer] - y[own]) - half_height, 0.0)
        is_free[block] = ~((dx * dx + dy * dy < squared[newer]) & is_there).any(axis=1)
    return is_free


class CountsLayer:
    """Draws the counts at the level of detail in force."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._key: tuple[object, ...] = ()
        self._rows_key: tuple[object, ...] = ()
        self._count = 0
        self._job: Final = chart.jobs.add("counts")

    def setup(self) -> None:
        self._program = self._chart.kit.shaders.program("count", "text")
        self._rows = RowRing(COUNT_ROW, self._chart.counters, is_overlay=True)

    def update(self, scene: Scene) -> None:
        chart, style, view = self._chart, scene.style, scene.price_view
        rows = chart.rows.series.current
        if not {"counts", "bubbles"} <= style.is_visible or rows.stop - rows.start > _MOST_ROWS:
            self._count = 0
            self._key = ()
            return
        key = (rows.base, view.ns_per_px, view.scale, style, scene.hidden_before_ns, chart.kit.atlas.generation)
        rows_key = rows.start, rows.stop, view.y_per_px, chart.shown.reference, self._open_key(scene)
        if key != self._key:
            self._job.run_now("view")
        elif rows_key == self._rows_key or not self._job.may_run("trades"):
            return
        self._key, self._rows_key = key, rows_key
        self._find(scene)

    def _open_key(self, scene: Scene) -> tuple[int, ...]:
        bubble = scene.reader.open_bubble(self._chart.rows.series.current.lod)
        if bubble is None or self._chart.shown.is_paused:
            return ()
        return int(bubble["buy"]), int(bubble["sell"]), int(bubble["price"])

    def _find(self, scene: Scene) -> None:
        chart, view, style = self._chart, scene.price_view, scene.style
        base = chart.rows.series.current.base
        rows = visible_rows(scene)
        chart.counters.rows_copied += len(rows)
        volume, ids, price = volumes(rows), rows["id"] - base.bucket_id, rows["price"] - base.price
        is_shown = volume >= max(1, style.size_floor)
        if not is_shown.all():
            volume, ids, price = volume[is_shown], ids[is_shown], price[is_shown]
        self._count = 0
        scale = view.scale
        radius = radii(volume, chart.shown.reference, style, scale)
        size = scale * _SIZES_PX[_SIZES_FROM_PX.searchsorted(radius / scale)]
        half_width, half_height = size * _HALF_EMS[_LONGER_FROM.searchsorted(volume, "right")], scale * _HALF_HEIGHT_PX
        labels = np.flatnonzero(np.hypot(half_width, half_height) + 2.5 * scale <= radius)
        if len(labels) == 0:
            return
        x = ids * (base.bucket_ns / view.ns_per_px)
        y = price * (-1.0 / (base.tick_size * view.y_per_px))
        is_free = uncovered(x, y, radius, labels, half_width=half_width[labels], half_height=half_height)
        labels = labels[is_free][-_MOST_LABELS:]
        self._upload(ids[labels].tolist(), price[labels].tolist(), volume[labels].tolist(), size[labels].tolist())

    def _upload(self, ids: list[int], price: list[int], volume: list[int], size: list[float]) -> None:
        tick_size, atlas = self._chart.rows.series.current.base.tick_size, self._chart.kit.atlas
        packed = bytearray()
        for bucket, place, count, size_px in zip(ids, price, volume, size, strict=True):
            cell = atlas.cell(count_text(count), size_px)
            left, top = cell.left - 0.5 * cell.advance, 0.5 * cell.cap_height - cell.top
            tick, rest = divmod(place, tick_size)
            tick = min(max(tick, -FARTHEST), FARTHEST)
            part = int(rest * (PARTS_PER_TICK / tick_size))
            packed += _PACK(bucket, tick, part, left, top, cell.width, cell.height, cell.u, cell.v)
        self._count = len(ids)
        self._rows.reserve(self._count)
        self._rows.write(0, np.frombuffer(packed, COUNT_ROW))

    def draw(self, scene: Scene) -> None:
        if self._count and "counts" in scene.style.is_visible and self._chart.rows.series.leaving is None:
            use_text_program(self._program)
            self._chart.rows.use_block(0)
            self._chart.kit.row_drawing.quads(self._rows.texture, 0, self._count, self._chart.counters)

    def release(self) -> None:
        self._rows.release()
