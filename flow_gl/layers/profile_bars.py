"""The bars of one volume profile on the GPU: they grow leftwards, split into buy, sell and unsided.

Only rows in use are uploaded. Rows thinner than two pixels are summed in groups of two, four, ... on fixed multiples of
the price grid, so that no volume is lost.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.gl.api import GL
from flow_gl.gl.buffers import RowRing
from flow_gl.gl.shaders import Program
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart

ProfileRecord = np.void | Mapping[str, Any]
"""A PROFILE or FINISHED_SESSION record, or the same fields of a range's profile."""
PROFILE_ROW: Final = np.dtype([("volume", "<f4", (3,)), ("bar", "<i4")])
_MIN_ROW_PX: Final = 2.0
FILL: Final = 0.96
"""Length of the longest bar as a share of the profile's width."""
_OPACITY: Final = 0.30
_MAX_MERGED: Final = 1 << 30
_FAR: Final = 1 << 30
_NOWHERE: Final = 2.0**31
"""A bar number that never occurs."""


def merged_rows(profile: ProfileRecord, rows_per_bar: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum the rows of a profile in groups of `rows_per_bar` rows of the price grid.

    Returns
    -------
    numbers : int64 (bars,), ascending: price // (tick_size * ticks_per_row * rows_per_bar) of the bars with volume
    bars : int64 (bars, 3): buy, sell, unsided contracts; the sums equal those of the record
    """
    count = int(profile["count"])
    row_size = int(profile["tick_size"]) * int(profile["ticks_per_row"])
    numbers = (int(profile["base"]) // row_size + np.asarray(profile["row"][:count], np.int64)) // rows_per_bar
    volume = np.stack([profile[side][:count] for side in ("buy", "sell", "unsided")], axis=1)
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    return numbers[starts], np.add.reduceat(volume, starts)


class ProfileBars:
    """One profile's bars, the lowest first.

    Attributes
    ----------
    count : number of bars; 0 if there is nothing to draw
    """

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._rows: Final = RowRing(PROFILE_ROW, chart.counters)
        self.count = 0
        self._first = 0
        """Number of the lowest bar; bar numbers on the GPU are relative to it."""
        self._numbers: NDArray[np.int64] = np.zeros(0, np.int64)
        self._totals: NDArray[np.int64] = np.zeros(0, np.int64)
        self._most = 1
        self._sizes = (1, 1)
        """Height of a bar and of a tick, 1e-9."""
        self._levels = (UNDEF_PRICE, UNDEF_PRICE, UNDEF_PRICE)

    def upload(self, profile: ProfileRecord, rows_per_bar: int) -> None:
        """Take a profile's rows, merged by `rows_per_bar`.

        Parameters
        ----------
        profile : a profile with volume
        rows_per_bar : from `rows_per_bar_of`
        """
        numbers, bars = merged_rows(profile, rows_per_bar)
        self._first, self._numbers = int(numbers[0]), numbers - numbers[0]
        packed = np.zeros(len(bars), PROFILE_ROW)
        packed["volume"], packed["bar"] = bars, self._numbers
        self._rows.reserve(len(bars))
        self._rows.write(0, packed)
        self.count = len(bars)
        self._totals = bars.sum(axis=1)
        self._most = max(1, int(self._totals.max()))
        self._levels = int(profile["poc"]), int(profile["val"]), int(profile["vah"])
        tick_size = int(profile["tick_size"])
        self._sizes = tick_size * int(profile["ticks_per_row"]) * rows_per_bar, tick_size

    def place(self, scene: Scene, rect: Rect) -> None:
        """Find the bars' places on the price axis of a scene, in a rectangle that they nearly fill."""
        (bar_size, row_size), tick, view = self._sizes, self._chart.shown.tick_size, scene.price_view
        bar_px = bar_size / tick / view.y_per_px
        # Relative to a bar in view, so that float32 is exact to a fraction of a pixel around it.
        origin = int((view.y_top - 0.5 * view.rect.height * view.y_per_px) * tick // bar_size)
        self._origin = min(max(origin - self._first, -_FAR), _FAR)
        first = (self._first + self._origin) * bar_size
        # Bars are centred on their ticks: a bar of one tick extends half a tick either way.
        origin_y = view.screen_y((first + 0.5 * (bar_size - row_size)) / tick)
        has_levels = self._levels[0] != UNDEF_PRICE
        poc, low, high = (float((at - first) // bar_size) if has_levels else _NOWHERE for at in self._levels)
        self._places = origin_y, bar_px, poc, _OPACITY
        self._bars = rect.right, FILL * rect.width / self._most, low, high
        # Bars outside the pane are on the GPU but need not be drawn.
        lowest = self._origin + (origin_y - rect.bottom) / bar_px - 1.0
        highest = self._origin + (origin_y - rect.y) / bar_px + 1.0
        self._seen = int(self._numbers.searchsorted(lowest)), int(self._numbers.searchsorted(highest))

    def length_px(self, price: int, width_px: float) -> float:
        """Return the length of the bar that holds a price (1e-9) where the place is `width_px` wide; 0 if none does."""
        number = price // self._sizes[0] - self._first
        at = int(self._numbers.searchsorted(number))
        is_there = at < self.count and self._numbers[at] == number
        return FILL * width_px * float(self._totals[at]) / self._most if is_there else 0.0

    def draw(self, program: Program) -> None:
        """Draw the placed bars. The program is in use."""
        GL.glUniform4f(program.location("u_places"), *self._places)
        GL.glUniform1i(program.location("u_origin_bar"), self._origin)
        GL.glUniform4f(program.location("u_bars"), *self._bars)
        first, stop = self._seen
        self._chart.resources.row_drawing.quads(self._rows.texture, first, stop - first, self._chart.counters)

    def release(self) -> None:
        self._rows.release()


def rows_per_bar_of(profile: ProfileRecord, scene: Scene, tick_size: int) -> int:
    """Return how many of a profile's rows one bar must hold to be at least two pixels high; 0 if there are no rows.

    Parameters
    ----------
    profile : any profile
    tick_size : of the price axis, 1e-9
    """
    row_size = int(profile["tick_size"]) * int(profile["ticks_per_row"])
    if row_size <= 0 or int(profile["count"]) <= 0:
        return 0
    row_px, rows_per_bar = row_size / tick_size / scene.price_view.y_per_px, 1
    while rows_per_bar * row_px < _MIN_ROW_PX * scene.price_view.scale and rows_per_bar < _MAX_MERGED:
        rows_per_bar *= 2
    return rows_per_bar
