"""Contract counts inside the discs that have room for them and are not covered by a newer one.

Which discs these are is found on the CPU from what is in view, and only when something but the position has changed:
a new bubble, another zoom, size or threshold. While the chart pans, the labels move with the bubbles in the shader.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.buffers import RowRing
from flow_gl.gl.text import bind_text_program
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radii, volumes
from flow_gl.layers.hit import visible_rows
from flow_gl.layers.rows import UNITS_PER_TICK

COUNT_ROW: Final = np.dtype([("place", "<i4", (2,)), ("offset_px", "<f4", (4,)), ("cell", "<f4", (2,))])
_SIZES_PX: Final = (11.0, 12.0, 13.0, 15.0)
_MOST_ROWS: Final = 6000
"""With more bubbles in view than this none has room that no newer one covers."""
_MOST_LABELS: Final = 400
_REFRESH_S: Final = 0.1
"""Least time between two searches while nothing but rows and easing scales changes; labels move with their bubbles."""
_DIGIT_EM: Final = 0.5615
_CAP_EM: Final = 0.72


def count_text(volume: int) -> str:
    """A count as it stands in a disc: 41, 1,250, 12.3k."""
    return (
        f"{volume:,}" if volume < 10_000 else f"{volume / 1000:.1f}k" if volume < 1_000_000 else f"{volume / 1e6:.1f}M"
    )


def uncovered(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radius: NDArray[np.float64],
    half_width: NDArray[np.float64],
    half_height: float,
) -> NDArray[np.bool_]:
    """Tell which label boxes at disc centres no newer disc touches. Discs are in order of age, the oldest first."""
    is_free = np.ones(len(x), np.bool_)
    if len(x) < 2:
        return is_free
    spacing = max(float(np.diff(x).min()), 0.5)
    reach = float(radius.max() + half_width.max())
    for ahead in range(1, min(len(x) - 1, int(reach / spacing) + 1) + 1):
        dx = np.maximum(np.abs(x[ahead:] - x[:-ahead]) - half_width[:-ahead], 0.0)
        dy = np.maximum(np.abs(y[ahead:] - y[:-ahead]) - half_height, 0.0)
        is_free[:-ahead] &= dx * dx + dy * dy >= radius[ahead:] ** 2
    return is_free


class CountsLayer:
    """Labels of the chart's current level."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._key: tuple[object, ...] = ()
        self._rows_key: tuple[object, ...] = ()
        self._count = 0
        self._found_s = 0.0

    def setup(self) -> None:
        self._program = self._chart.kit.shaders.program("count", "text")
        self._rows = RowRing(COUNT_ROW, self._chart.counters, is_overlay=True)

    def update(self, scene: Scene) -> None:
        chart, style, view = self._chart, scene.style, scene.price_view
        rows = chart.series.current
        if not {"counts", "bubbles"} <= style.is_visible or rows.stop - rows.start > _MOST_ROWS:
            self._count = 0
            self._key = ()
            return
        key = (rows.base, view.ns_per_px, view.scale, style, scene.hidden_before_ns, chart.kit.atlas.generation)
        since_s = scene.wall_s - self._found_s
        if key == self._key and 0.0 < since_s < _REFRESH_S:
            return
        rows_key = rows.start, rows.stop, view.y_per_px, chart.reference, self._open_key(scene)
        is_due = rows_key != self._rows_key and (not 0.0 < since_s < 1.0 or chart.kit.take_turn(scene.wall_s))
        if key != self._key or is_due:
            self._key, self._rows_key, self._found_s = key, rows_key, scene.wall_s
            self._find(scene)

    def _open_key(self, scene: Scene) -> tuple[int, ...]:
        bubble = scene.reader.open_bubble(self._chart.series.current.level)
        if bubble is None or self._chart.is_paused:
            return ()
        return int(bubble["buy"]), int(bubble["sell"]), int(bubble["price"])

    def _find(self, scene: Scene) -> None:
        chart, view, style = self._chart, scene.price_view, scene.style
        base = chart.series.current.base
        rows = visible_rows(scene)
        chart.counters.rows_copied += len(rows)
        volume = volumes(rows)
        is_shown = (volume >= style.size_floor) & (volume > 0)
        rows, volume = rows[is_shown], volume[is_shown]
        self._count = 0
        if len(rows) == 0:
            return
        scale = view.scale
        radius = radii(volume, chart.reference, style, scale)
        x = (rows["id"] - base.bucket_id) * (base.bucket_ns / view.ns_per_px)
        y = (rows["price"] - base.price) / base.tick_size / -view.y_per_px
        size = np.array(_SIZES_PX)[np.searchsorted([13.0 * scale, 18.0 * scale, 26.0 * scale], radius)] * scale
        digits = np.where(volume < 10_000, np.floor(np.log10(np.maximum(volume, 1))) + 1 + 0.4 * (volume >= 1000), 4.6)
        half_width, half_height = 0.5 * digits * _DIGIT_EM * size, 0.5 * _CAP_EM * _SIZES_PX[0] * scale
        has_room = np.hypot(half_width, half_height) + 2.5 * scale <= radius
        candidates = np.flatnonzero(has_room & uncovered(x, y, radius, half_width, half_height))[-_MOST_LABELS:]
        self._upload(rows[candidates], volume[candidates], size[candidates])

    def _upload(self, rows: NDArray[np.void], volume: NDArray[np.int64], size: NDArray[np.float64]) -> None:
        base = self._chart.series.current.base
        packed = np.empty(len(rows), COUNT_ROW)
        packed["place"][:, 0] = rows["id"] - base.bucket_id
        packed["place"][:, 1] = (rows["price"] - base.price) * UNITS_PER_TICK // base.tick_size
        atlas = self._chart.kit.atlas
        cells = [atlas.cell(count_text(n), px) for n, px in zip(volume.tolist(), size.tolist(), strict=True)]
        if cells:
            packed["offset_px"] = [
                (c.left - 0.5 * c.advance, 0.5 * c.cap_height - c.top, c.width, c.height) for c in cells
            ]
            packed["cell"] = [(c.u, c.v) for c in cells]
        self._rows.reserve(len(packed))
        self._rows.write(0, packed)
        self._count = len(packed)

    def draw(self, scene: Scene) -> None:
        if self._count and "counts" in scene.style.is_visible and self._chart.series.leaving is None:
            bind_text_program(self._program, self._chart.kit.atlas)
            self._chart.use_block(0)
            self._chart.kit.rows.quads(self._rows.texture, 0, self._count, self._chart.counters)

    def release(self) -> None:
        self._rows.release()
