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
        self._times_key: tuple[object, ...] = ()
        self._times_range = (0, -1)
        self._times: list[int] = []
        """Time ticks of `_times_range`, which is longer than the view: most layouts find theirs among them."""

    def update(self, scene: Scene, tick_size: int) -> None:
        """Find the ticks of a scene. `tick_size` is the instrument's, 1e-9."""
        self._find_times(scene)
        self.update_values(scene, tick_size)

    def update_values(self, scene: Scene, tick_size: int) -> None:
        """Find the ticks of price and CVD."""
        view, cvd_view, scale = scene.price_view, scene.cvd_view, scene.price_view.scale
        panes = (view.rect, view.y_top, view.y_per_px, cvd_view.rect, cvd_view.y_top, cvd_view.y_per_px)
        key = (*panes, scale, tick_size)
        self.prices, self.cvd = self._values.get(key, lambda: _value_ticks(scene, tick_size))

    def _find_times(self, scene: Scene) -> None:
        view, scale = scene.price_view, scene.price_view.scale
        step = ticks.time_step(view.ns_per_px, TIME_LABEL_PX * scale)
        left, right, folded, zone = view.t_left_ns, view.t_right_ns, view.folded, scene.zone
        least_ns = int(TIME_LABEL_PX * scale * view.ns_per_px)
        key = step, zone, folded, least_ns if folded.starts else 0
        if key != self._times_key or left < self._times_range[0] or right > self._times_range[1]:
            self._times_key, self._times_range = key, (left, right + 8 * step)
            self._times = ticks.folded_time_ticks(left, right + 8 * step, step, zone, folded=folded, least_ns=least_ns)
        seen = [t_ns for t_ns in self._times if left <= t_ns <= right]
        labels = ticks.time_labels(seen, step, zone, is_dated=ticks.needs_date(left, right, scene.now_ns, zone))
        self.time = [
            (t_ns, float(round(view.screen_x(t_ns))), text, is_day)
            for t_ns, (text, is_day) in zip(seen, labels, strict=True)
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
