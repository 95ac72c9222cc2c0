"""Volume profiles: that of the running session at the price axis, those of finished sessions at their right ends.

A profile is uploaded when it has a new version, a finished one once; both again when their rows are merged otherwise.
"""

from typing import ClassVar, Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.layout import PRICE_SCALE, PROFILE, TIME
from flow_gl.layers.profile_bars import ProfileBars, rows_per_bar_of
from flow_gl.layers.sessions import current_profile, finished_profile, sessions_in_view


class ProfileLayer:
    """Draws the profile of the running session."""

    follows: ClassVar[int] = TIME | PROFILE | PRICE_SCALE
    """The changes that move it, as bits of `labels.layout`; it updates in no other frame."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._key = (-1, 0, 0)
        self._rect = Rect(0.0, 0.0, 0.0, 0.0)

    def setup(self) -> None:
        self._program = self._chart.resources.shaders.program("profile")
        self._bars = self._chart.current_bars = ProfileBars(self._chart)

    def update(self, scene: Scene) -> None:
        chart, profile = self._chart, scene.reader.profile
        rows_per_bar = rows_per_bar_of(profile, scene, chart.shown.tick_size)
        if "profile" not in scene.style.is_visible or scene.in_view is not None or not rows_per_bar:
            self._bars.count = 0
            self._key = (-1, 0, 0)
            return
        is_still = chart.shown.is_paused and self._bars.count and self._key[1] == rows_per_bar
        key = (scene.reader.profile_version, rows_per_bar, id(scene.reader))
        if not is_still and key != self._key and (key[1:] != self._key[1:] or chart.is_profile_due):
            self._key = key
            self._bars.upload(profile, rows_per_bar)
        self._rect = current_profile(scene)
        self._bars.place(scene, self._rect)

    def draw(self, scene: Scene) -> None:  # noqa: ARG002  # `update` has read it
        if not self._bars.count or self._rect.width <= 0:
            return
        self._program.use()
        self._chart.rows.use_block(0)
        self._bars.draw(self._program)

    def release(self) -> None:
        self._bars.release()


class FinishedProfilesLayer:
    """Draws the profiles of the finished sessions in view."""

    follows: ClassVar[int] = TIME | PRICE_SCALE
    """The changes that move it, as bits of `labels.layout`; it updates in no other frame."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._kept: Final[dict[int, ProfileBars]] = {}
        """By the first trade's time; those of sessions that have left the table are released."""
        self._keys: Final[dict[int, tuple[object, ...]]] = {}
        self._drawn: list[ProfileBars] = []

    def setup(self) -> None:
        self._program = self._chart.resources.shaders.program("profile")

    def update(self, scene: Scene) -> None:
        self._drawn.clear()
        if not {"profile", "earlier_profiles"} <= scene.style.is_visible or not len(scene.reader.sessions):
            return
        chart = self._chart
        for session, left, right in sessions_in_view(scene):
            place = finished_profile(scene, left, right)
            rows_per_bar = rows_per_bar_of(session.levels, scene, chart.shown.tick_size)
            if not session.is_finished or not place.width or not rows_per_bar:
                continue
            name, key = int(session.numbers["first_ts"]), (rows_per_bar, scene.reader)
            bars = self._kept.get(name)
            if bars is None:
                bars = self._kept[name] = ProfileBars(chart)
            if self._keys.get(name) != key:
                self._keys[name] = key
                bars.upload(session.levels, rows_per_bar)
            bars.place(scene, place)
            self._drawn.append(bars)
        self._forget(scene)

    def _forget(self, scene: Scene) -> None:
        if len(self._kept) <= len(scene.reader.sessions):
            return
        known = {int(row["numbers"]["first_ts"]) for row in scene.reader.sessions}
        for name in [name for name in self._kept if name not in known]:
            self._kept.pop(name).release()
            self._keys.pop(name, None)

    def draw(self, scene: Scene) -> None:  # noqa: ARG002  # `update` has read it
        if not self._drawn:
            return
        self._program.use()
        self._chart.rows.use_block(0)
        for bars in self._drawn:
            bars.draw(self._program)

    def release(self) -> None:
        for bars in self._kept.values():
            bars.release()
        self._kept.clear()
        self._keys.clear()
        self._drawn.clear()
