"""The session's volume profile: bars that grow leftwards from the right edge, split into buy, sell and unsided.

Only rows in use are uploaded, and only when the profile has a new version. Rows thinner than two pixels are summed in
groups of two, four, ... on fixed multiples of the price grid, so that no volume is lost.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.gl.api import GL
from flow_gl.gl.buffers import RowRing
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.rolls import contract_profile

PROFILE_ROW: Final = np.dtype([("volume", "<f4", (3,)), ("bar", "<i4")])
_MIN_ROW_PX: Final = 2.0
FILL: Final = 0.96
"""Length of the longest bar as a share of the profile's width."""
_OPACITY: Final = 0.30
_MOST_MERGED: Final = 1 << 30
_FAR: Final = 1 << 30
_NOWHERE: Final = 2.0**31
"""A bar number that never occurs."""


def merged_rows(profile: np.void, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum the rows of a PROFILE record in groups of `count` rows of the price grid.

    Returns
    -------
    numbers : int64 (bars,), ascending: price // (tick_size * ticks_per_row * count) of the bars with volume
    bars : int64 (bars, 3): buy, sell, unsided contracts; the sums equal those of the record
    """
    listed = int(profile["count"])
    row_size = int(profile["tick_size"]) * int(profile["ticks_per_row"])
    numbers = (int(profile["base"]) // row_size + profile["row"][:listed].astype(np.int64)) // count
    volume = np.stack([profile[side][:listed] for side in ("buy", "sell", "unsided")], axis=1)
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    return numbers[starts], np.add.reduceat(volume, starts)


def rows_per_bar(scene: Scene) -> int:
    """Return how many rows of the price grid a bar stands for; 0 while there is no profile."""
    profile, view = scene.reader.profile, scene.price_view
    row_size = int(profile["tick_size"]) * int(profile["ticks_per_row"])
    if row_size <= 0 or int(profile["count"]) <= 0:
        return 0
    row_px = row_size / tick_size_of(scene) / view.y_per_px
    count = 1
    while count * row_px < _MIN_ROW_PX * view.scale and count < _MOST_MERGED:
        count *= 2
    return count


class ProfileLayer:
    """Draws one row per bar, the lowest first."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._key = (-1, 0, 0)
        self._bars = 0
        self._first = 0
        """Number of the lowest bar; bar numbers on the GPU are relative to it."""
        self._numbers: NDArray[np.int64] = np.zeros(0, np.int64)
        self._most = 1
        self._levels = (UNDEF_PRICE, UNDEF_PRICE, UNDEF_PRICE)

    def setup(self) -> None:
        self._program = self._chart.kit.shaders.program("profile")
        self._rows = RowRing(PROFILE_ROW, self._chart.counters)

    def update(self, scene: Scene) -> None:
        profile = scene.reader.profile
        row_size = int(profile["tick_size"]) * int(profile["ticks_per_row"])
        if "profile" not in scene.style.is_visible or row_size <= 0 or int(profile["count"]) <= 0:
            self._bars = 0
            self._key = (-1, 0, 0)
            return
        count = rows_per_bar(scene)
        is_still = self._chart.shown.is_paused and self._bars and self._key[1] == count
        key = (scene.reader.profile_version, count, id(scene.reader))
        if not is_still and key != self._key and (key[1:] != self._key[1:] or self._chart.is_profile_due):
            self._key = key
            self._upload(profile, count)
        self._place(scene, row_size * count, int(profile["tick_size"]))

    def _upload(self, profile: np.void, count: int) -> None:
        numbers, bars = merged_rows(profile, count)
        self._first, self._numbers = int(numbers[0]), numbers - numbers[0]
        packed = np.zeros(len(bars), PROFILE_ROW)
        packed["volume"], packed["bar"] = bars, self._numbers
        self._rows.reserve(len(bars))
        self._rows.write(0, packed)
        self._bars = len(bars)
        self._most = max(1, int(bars.sum(axis=1).max()))
        self._levels = int(profile["poc"]), int(profile["val"]), int(profile["vah"])

    def _place(self, scene: Scene, bar_size: int, row_size: int) -> None:
        tick = self._chart.shown.tick_size
        view = scene.price_view
        bar_ticks = bar_size / tick
        self._bar_px = bar_ticks / view.y_per_px
        # Relative to a bar in view, so that float32 is exact to a fraction of a pixel around it.
        origin = int((view.y_top - 0.5 * view.rect.height * view.y_per_px) * tick // bar_size)
        self._origin = min(max(origin - self._first, -_FAR), _FAR)
        first = (self._first + self._origin) * bar_size
        # Bars are centred on their ticks: a bar of one tick extends half a tick either way.
        self._origin_y = view.screen_y((first + 0.5 * (bar_size - row_size)) / tick)
        poc, low, high = self._levels
        has_levels = poc != UNDEF_PRICE
        self._key_rows = (
            float((poc - first) // bar_size) if has_levels else _NOWHERE,
            float((low - first) // bar_size) if has_levels else _NOWHERE,
            float((high - first) // bar_size) if has_levels else _NOWHERE,
        )

    def draw(self, scene: Scene) -> None:
        rect = contract_profile(scene)
        if not self._bars or rect.width <= 0:
            return
        # Bars outside the pane are on the GPU but need not be drawn.
        lowest = self._origin + (self._origin_y - rect.bottom) / self._bar_px - 1.0
        highest = self._origin + (self._origin_y - rect.y) / self._bar_px + 1.0
        first, stop = (int(self._numbers.searchsorted(end)) for end in (lowest, highest))
        program = self._program
        program.use()
        self._chart.rows.use_block(0)
        GL.glUniform4f(program.location("u_places"), self._origin_y, self._bar_px, self._key_rows[0], _OPACITY)
        GL.glUniform1i(program.location("u_origin_bar"), self._origin)
        GL.glUniform4f(
            program.location("u_bars"),
            rect.right,
            FILL * rect.width / self._most,
            self._key_rows[1],
            self._key_rows[2],
        )
        self._chart.kit.row_drawing.quads(self._rows.texture, first, stop - first, self._chart.counters)

    def release(self) -> None:
        self._rows.release()
