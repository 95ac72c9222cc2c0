"""The ticks of a chart's three axes in one frame: grid lines and labels both read them from here."""

from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.layers.base import Scene
from flow_gl.layers.labels import ticks

TIME_LABEL_PX: Final = 104.0
PRICE_LABEL_PX: Final = 44.0
VALUE_LABEL_PX: Final = 26.0
"""Smallest distance between two ticks at content scale 1."""


class AxisTicks:
    """Ticks that are found once per layout.

    Attributes
    ----------
    time : (time ns, x px, label, whether it begins a day)
    prices : (price 1e-9, y px)
    cvd : (contracts, y px)
    """

    def __init__(self) -> None:
        self.time: list[tuple[int, float, str, bool]] = []
        self.prices: list[tuple[int, float]] = []
        self.cvd: list[tuple[int, float]] = []
        self._values: Final[Cached[tuple[list[tuple[int, float]], list[tuple[int, float]]]]] = Cached()
        self._labelled = (0, "", 0, -1)
        """Step, zone, first and last time of `_labelled_ticks`."""
        self._labelled_ticks: list[tuple[int, str, bool]] = []

    def update(self, scene: Scene, tick_size: int) -> None:
        """Find the ticks of a scene. `tick_size` is the instrument's, 1e-9."""
        view, cvd_view, scale = scene.price_view, scene.cvd_view, scene.price_view.scale
        self._find_times(scene)
        panes = (view.rect, view.y_top, view.y_per_px, cvd_view.rect, cvd_view.y_top, cvd_view.y_per_px)
        key = (*panes, scale, tick_size)
        self.prices, self.cvd = self._values.get(key, lambda: _value_ticks(scene, tick_size))

    def _find_times(self, scene: Scene) -> None:
        view, scale = scene.price_view, scene.price_view.scale
        step = ticks.time_step(view.ns_per_px, TIME_LABEL_PX * scale)
        left, right, ns_per_px, edge = view.t_left_ns, view.t_right_ns, view.ns_per_px, view.rect.right
        key = (step, scene.zone)
        if key != self._labelled[:2] or left < self._labelled[2] or right > self._labelled[3]:
            until = right + 8 * step
            self._labelled = (*key, left, until)
            self._labelled_ticks = [
                (t_ns, *ticks.time_label(t_ns, step, scene.zone))
                for t_ns in ticks.time_ticks(left, until, step, scene.zone)
            ]
        self.time = [
            (t_ns, float(round(edge - (right - t_ns) / ns_per_px)), text, is_day)
            for t_ns, text, is_day in self._labelled_ticks
            if left <= t_ns <= right
        ]


def _value_ticks(scene: Scene, tick_size: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Ticks of the price axis and of the CVD axis."""
    view, cvd_view, scale = scene.price_view, scene.cvd_view, scene.price_view.scale
    step = ticks.price_step(tick_size, view.y_per_px, PRICE_LABEL_PX * scale)
    prices = [
        (price, float(round(view.screen_y(price / tick_size))))
        for price in ticks.price_ticks(int(view.y_bottom * tick_size) + 1, int(view.y_top * tick_size), step)
    ]
    step = ticks.value_step(cvd_view.y_per_px, VALUE_LABEL_PX * scale)
    values = [
        (value, float(round(cvd_view.screen_y(value))))
        for value in ticks.value_ticks(cvd_view.y_bottom, cvd_view.y_top, step)
    ]
    return prices, values
