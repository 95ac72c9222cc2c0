"""What the layers of one chart share in a frame: its rows on the GPU, its batches, its views.

`begin` is called once a frame before any layer's update.
"""

from dataclasses import replace
from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.jobs import Jobs
from flow_gl.core.palette import Rgb
from flow_gl.gl.api import GL
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.kit import Kit
from flow_gl.gl.shaders import FRAME_BINDING
from flow_gl.gl.shapes import ShapeBatch
from flow_gl.gl.text import TextBatch
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.detail import level_for
from flow_gl.layers.discs import radius_range, reference_of, tick_size_of
from flow_gl.layers.labels import ticks
from flow_gl.layers.labels.layout import LabelLayout
from flow_gl.layers.rows.block import FrameBlock, opacities
from flow_gl.layers.rows.hit import END_OF_TIME
from flow_gl.layers.rows.series import LevelRows, Series

_EASE_S: Final = 0.12

TIME_LABEL_PX: Final = 104.0
PRICE_LABEL_PX: Final = 44.0
VALUE_LABEL_PX: Final = 26.0
LINE_SPACING_PX: Final = 2.0
"""Least distance between the points of a line at content scale 1: what is finer is not to be seen."""


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """Colour between two, 0 the first .. 1 the second."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


class Chart:
    """State of one chart that its layers share.

    Attributes
    ----------
    under, over : rectangles below and above the bubbles
    text : labels, above everything
    time_ticks : (time ns, x px, label, is a new day) of the time axis
    price_ticks, cvd_ticks : (value, y px)
    taken : boxes where labels stand already; what comes later steps aside
    jobs : where its layers' jobs come from
    is_profile_due : profile and levels may be read again in this frame
    is_layout_due : lines and labels are laid out in this frame; otherwise they stay
    last_price : last price drawn (1e-9); it does not change while the picture is paused
    reference, reference_goal : contracts of the largest disc, eased, and where it is going
    cvd : value drawn at the right edge of the CVD pane
    """

    def __init__(self, kit: Kit, jobs: Jobs) -> None:
        self.kit: Final = kit
        self.jobs: Final = jobs
        self.counters: Final = FrameCounters()
        self.series: Final = Series(self.counters)
        self._lines: Final = Series(self.counters)
        self._has_own_lines = False
        self.under: Final = ShapeBatch(kit, self.counters)
        self.over: Final = ShapeBatch(kit, self.counters)
        self.text: Final = TextBatch(kit, self.counters)
        self._blocks: Final = [FrameBlock() for _ in range(3)]
        self._used_block = -1
        self.screen_px = (1, 1)
        self.time_step_ns = ticks.TIME_STEPS_NS[0]
        self.time_ticks: list[tuple[int, float, str, bool]] = []
        self.price_ticks: list[tuple[int, float]] = []
        self.cvd_ticks: list[tuple[int, float]] = []
        self.taken: list[Rect] = []
        self.is_profile_due = True
        self.is_layout_due = True
        self._layout: Final = LabelLayout(jobs)
        self._profile_job: Final = jobs.add("profile")
        self._profile_drawn: tuple[int, float] = (-1, 0.0)
        """Version of the profile, and VWAP, that are drawn."""
        self._value_ticks: Final[Cached[tuple[list[tuple[int, float]], list[tuple[int, float]]]]] = Cached()
        self._labelled = (0, "", 0, -1)
        """Step, zone, first and last time for which `_labelled_ticks` are known."""
        self._labelled_ticks: list[tuple[int, str, bool]] = []
        self.tick_size = 1
        self.reference = 0.0
        self.last_price = 0
        self.cvd = 0
        self.is_paused = False
        self.reference_goal = 0
        self._wall_s = 0.0

    @property
    def has_trades(self) -> bool:
        return self.last_price != 0 or self.series.current.stop > 0

    def begin(self, scene: Scene) -> None:
        """Bring rows, ticks and uniforms in step with the scene."""
        self.kit.atlas.begin_frame()
        self.tick_size = tick_size_of(scene)
        self.is_paused = scene.until_ns < END_OF_TIME
        self.screen_px = scene.screen_px if scene.screen_px[0] else _viewport_size()
        session = scene.reader.session
        if not self.is_paused or self.last_price == 0:
            self.last_price = int(session["last_price"])
            self.cvd = int(session["cvd"])
        self._ease_reference(scene)
        self._schedule_profile(scene)
        self.series.update(scene)
        self.is_layout_due = self._layout.begin_frame(scene, self._numbers(scene))
        if self.is_layout_due:
            self.taken.clear()
            self._find_ticks(scene)
        self._fill_block(0, scene, self.series.current, self.series.blend)
        if self.series.leaving is not None:
            self._fill_block(1, scene, self.series.leaving, 1.0 - self.series.blend)
        self._update_lines(scene)

    def y_of_price(self, scene: Scene, price: float) -> float:
        """Screen y of a price in 1e-9 units."""
        return scene.price_view.screen_y(price / self.tick_size)

    def levels(self) -> list[tuple[int, LevelRows]]:
        """What to draw market rows from, the level that is being left first, each with its block's number."""
        leaving = self.series.leaving
        return [(0, self.series.current)] if leaving is None else [(1, leaving), (0, self.series.current)]

    def line_levels(self) -> list[tuple[int, LevelRows]]:
        """What to draw lines from: as `levels`, but no finer than the screen can show."""
        return [(2, self._lines.current)] if self._has_own_lines else self.levels()

    def _update_lines(self, scene: Scene) -> None:
        # Where a locked level's buckets are narrower than a line, the discs are asked for one by one; its lines are
        # the same, to two pixels, when they are taken from a coarser level, and cost a fraction.
        view = scene.price_view
        level = level_for(
            view.ns_per_px,
            scene.reader.bucket_ns,
            current=self._lines.current.level if self._has_own_lines else None,
            min_spacing_px=LINE_SPACING_PX * view.scale,
        )
        self._has_own_lines = level > scene.level
        if self._has_own_lines:
            coarse = replace(scene, level=level)
            self._lines.update(coarse)
            self._fill_block(2, coarse, self._lines.current, 1.0)

    def begin_draw(self) -> None:
        """Another chart, or something else, may have been drawn since this one."""
        self.kit.begin_draw()
        self._used_block = -1

    def use_block(self, number: int) -> None:
        """Let programs see a level's view."""
        if number != self._used_block:
            self._used_block = number
            GL.glBindBufferBase(GL.GL_UNIFORM_BUFFER, FRAME_BINDING, self._blocks[number].handle)

    def has_glow(self, scene: Scene, rows: LevelRows) -> bool:
        """Whether large discs of a level glow: not where they overlap too often."""
        px_per_bucket = rows.base.bucket_ns / scene.price_view.ns_per_px
        return opacities(px_per_bucket, radius_range(scene.style, scene.price_view.scale)[1])[2] > 0.0

    def box(self, rect: Rect) -> tuple[int, int, int, int]:
        """A pane as OpenGL has it: left, bottom, width, height."""
        return int(rect.x), int(self.screen_px[1] - rect.bottom), int(rect.width), int(rect.height)

    def clip(self, rect: Rect) -> None:
        """Draw inside a pane only."""
        GL.glScissor(*self.box(rect))

    def release(self) -> None:
        self.series.release()
        self._lines.release()
        for shapes in (self.under, self.over):
            shapes.release()
        self.text.release()
        for block in self._blocks:
            block.release()

    def _ease_reference(self, scene: Scene) -> None:
        level_has_changed = scene.level != self.series.current.level
        if not self.is_paused or self.reference_goal == 0 or level_has_changed:
            self.reference_goal = reference_of(scene)
        goal = self.reference_goal
        elapsed = scene.wall_s - self._wall_s
        self._wall_s = scene.wall_s
        if self.reference <= 0.0 or level_has_changed or not 0.0 <= elapsed < 1.0:
            self.reference = float(goal)
        elif self.reference != goal:
            self.reference += (goal - self.reference) * min(1.0, elapsed / _EASE_S)
            if abs(self.reference - goal) < 0.002 * goal:
                self.reference = float(goal)

    def _schedule_profile(self, scene: Scene) -> None:
        now = scene.reader.profile_version, float(scene.reader.session["vwap"])
        self.is_profile_due = now == self._profile_drawn or self._profile_job.may_run("trades")
        if self.is_profile_due:
            self._profile_drawn = now

    def _numbers(self, scene: Scene) -> tuple[object, ...]:
        """What lines and labels depend on besides the scene."""
        reader = scene.reader
        return (
            *(self.last_price, self.cvd, self.has_trades, self.tick_size, self.reference_goal, self.is_paused),
            *(reader.breaks_version, reader.store.events.head, self.kit.atlas.generation, self._profile_drawn),
        )

    def animate(self) -> None:
        """Lay out lines and labels in the next frame too: some of them move by themselves."""
        self._layout.forget()

    def _find_ticks(self, scene: Scene) -> None:
        view, scale = scene.price_view, scene.price_view.scale
        step = self.time_step_ns = ticks.time_step(view.ns_per_px, TIME_LABEL_PX * scale)
        left, right, right_ns, ns_per_px = view.t_left_ns, view.t_right_ns, view.t_right_ns, view.ns_per_px
        key = (step, scene.zone)
        if key != self._labelled[:2] or left < self._labelled[2] or right > self._labelled[3]:
            until = right + 8 * step
            self._labelled = (*key, left, until)
            self._labelled_ticks = [
                (t_ns, *ticks.time_label(t_ns, step, scene.zone))
                for t_ns in ticks.time_ticks(left, until, step, scene.zone)
            ]
        edge = view.rect.right
        self.time_ticks = [
            (t_ns, float(round(edge - (right_ns - t_ns) / ns_per_px)), text, is_day)
            for t_ns, text, is_day in self._labelled_ticks
            if left <= t_ns <= right
        ]
        cvd_view = scene.cvd_view
        panes = (view.rect, view.y_top, view.y_per_px, cvd_view.rect, cvd_view.y_top, cvd_view.y_per_px)
        key_of_values = (*panes, scale, self.tick_size)
        self.price_ticks, self.cvd_ticks = self._value_ticks.get(key_of_values, lambda: self._find_value_ticks(scene))

    def _find_value_ticks(self, scene: Scene) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Ticks of the price axis and of the CVD axis."""
        view, cvd_view, scale, tick = scene.price_view, scene.cvd_view, scene.price_view.scale, self.tick_size
        step = ticks.price_step(tick, view.y_per_px, PRICE_LABEL_PX * scale)
        prices = [
            (price, float(round(view.screen_y(price / tick))))
            for price in ticks.price_ticks(int(view.y_bottom * tick) + 1, int(view.y_top * tick), step)
        ]
        step = ticks.value_step(cvd_view.y_per_px, VALUE_LABEL_PX * scale)
        values = [
            (value, float(round(cvd_view.screen_y(value))))
            for value in ticks.value_ticks(cvd_view.y_bottom, cvd_view.y_top, step)
        ]
        return prices, values

    def _fill_block(self, number: int, scene: Scene, rows: LevelRows, opacity: float) -> None:
        reference = self.reference * rows.base.bucket_ns / self.series.current.base.bucket_ns
        self._blocks[number].fill(scene, rows, screen_px=self.screen_px, reference=reference, opacity=opacity)


def _viewport_size() -> tuple[int, int]:
    _, _, width, height = GL.glGetIntegerv(GL.GL_VIEWPORT)
    return int(width), int(height)
