"""The numbers that a chart draws: the last price, CVD and the size reference. They do not change during a pause."""

from typing import Final

from flow_gl.layers.base import Scene
from flow_gl.layers.discs import reference_of, tick_size_of
from flow_gl.layers.rows.hit import END_OF_TIME

_EASE_S: Final = 0.12


class ShownValues:
    """One chart's numbers.

    Attributes
    ----------
    tick_size : of the price axis, 1e-9
    last_price : 1e-9; 0 before the first trade
    cvd : contracts, at the right edge of the CVD pane
    reference : contracts of the largest disc, eased towards `reference_goal`
    reference_goal : contracts of the largest disc at the current lod
    is_paused : the picture is stopped
    """

    def __init__(self) -> None:
        self.tick_size = 1
        self.last_price = 0
        self.cvd = 0
        self.reference = 0.0
        self.reference_goal = 0
        self.is_paused = False
        self._wall_s = 0.0
        self._read: tuple[object, ...] = ()
        """What the numbers were read for: the reader, its changes, style, lod and the end of what is shown."""

    def update(self, scene: Scene, *, is_new_lod: bool) -> None:
        """Read the scene's numbers.

        Parameters
        ----------
        is_new_lod : the lod has changed with this frame; the reference jumps instead of easing
        """
        read = scene.reader, scene.reader.changes, scene.style, scene.lod, scene.until_ns
        if is_new_lod or read != self._read:
            self._read = read
            self.tick_size = tick_size_of(scene)
            self.is_paused = scene.until_ns < END_OF_TIME
            session = scene.reader.session
            if not self.is_paused or self.last_price == 0:
                self.last_price = int(session["last_price"])
                self.cvd = int(session["cvd"])
            if not self.is_paused or self.reference_goal == 0 or is_new_lod:
                self.reference_goal = reference_of(scene)
        self._ease_reference(scene.wall_s, is_new_lod=is_new_lod)

    def y_of_price(self, scene: Scene, price: float) -> float:
        """Screen y of a price in 1e-9 units."""
        return scene.price_view.screen_y(price / self.tick_size)

    def _ease_reference(self, wall_s: float, *, is_new_lod: bool) -> None:
        goal = self.reference_goal
        elapsed, self._wall_s = wall_s - self._wall_s, wall_s
        if self.reference <= 0.0 or is_new_lod or not 0.0 <= elapsed < 1.0:
            self.reference = float(goal)
        elif self.reference != goal:
            self.reference += (goal - self.reference) * min(1.0, elapsed / _EASE_S)
            if abs(self.reference - goal) < 0.002 * goal:
                self.reference = float(goal)
