"""The profile bars of a range: in the marked range, or at the price axis in place of the session profile."""

from typing import Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.layout import PRICE_SCALE, TIME
from flow_gl.layers.profile_bars import ProfileBars, rows_per_bar_of
from flow_gl.layers.ranges.places import marked_profile
from flow_gl.layers.ranges.range_profile import RangeProfile


class _RangeBars:
    """Base of layers that draw the profile of one range; uploaded after each reread."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._drawn: tuple[RangeProfile, int] | None = None

    def setup(self) -> None:
        self._program = self._chart.resources.shaders.program("profile")
        self._bars = ProfileBars(self._chart)

    def show(self, scene: Scene, found: RangeProfile | None, rect: Rect) -> None:
        """Update the bars for a range and the area in which it is drawn."""
        profile = None if found is None or rect.width <= 0 else found.as_profile()
        rows_per_bar = 0 if profile is None else rows_per_bar_of(profile, scene, self._chart.shown.tick_size)
        if found is None or profile is None or not rows_per_bar:
            self._bars.count, self._drawn = 0, None
            return
        if self._drawn is None or self._drawn[0] is not found or self._drawn[1] != rows_per_bar:
            self._drawn = found, rows_per_bar
            self._bars.upload(profile, rows_per_bar)
        self._bars.place(scene, rect)

    def draw(self, scene: Scene) -> None:  # noqa: ARG002  # `update` has read it
        if not self._bars.count:
            return
        self._program.use()
        self._chart.rows.use_block(0)
        self._bars.draw(self._program)

    def release(self) -> None:
        self._bars.release()


class ViewProfileLayer(_RangeBars):
    """Draws the profile of the visible range."""

    follows = TIME | PRICE_SCALE

    def update(self, scene: Scene) -> None:
        self.show(scene, scene.in_view, scene.profile_rect)


class RangeProfileLayer(_RangeBars):
    """Draws the profile of the marked range at its right end."""

    follows = TIME | PRICE_SCALE

    def update(self, scene: Scene) -> None:
        self.show(scene, scene.marked, marked_profile(scene))
