"""The state that the layers of one chart share in a frame: rows on the GPU, batches, ticks of the axes, numbers.

`begin` is called once per frame, before any layer's update.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flow_gl.core.jobs import Jobs
from flow_gl.gl.api import GL
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.shapes import ShapeBatch
from flow_gl.gl.text import TextBatch
from flow_gl.gl.view import Rect
from flow_gl.layers.base import HeaderBar, Scene
from flow_gl.layers.comparison.points import newest_value
from flow_gl.layers.labels.axis_ticks import AxisTicks
from flow_gl.layers.labels.layout import ALL, CVD_SCALE, PRICE_SCALE, PROFILE, TIME, LabelLayout, Numbers
from flow_gl.layers.rows.chart_rows import ChartRows
from flow_gl.layers.shown_values import ShownValues

if TYPE_CHECKING:
    from flow_gl.layers.profile_bars import ProfileBars


@dataclass(frozen=True, slots=True)
class Batches:
    """Rectangles and labels of a chart, each drawn in one call.

    Attributes
    ----------
    under, over : rectangles below and above the bubbles
    marks : shapes above the bubbles, within the price pane
    text : labels, above everything
    placed : boxes of the labels that have been placed in this layout; later labels avoid them
    """

    under: ShapeBatch
    over: ShapeBatch
    marks: ShapeBatch
    text: TextBatch
    placed: list[Rect]

    def take(self, box: Rect, within: Rect) -> bool:
        """Reserve a label's box if it lies within a pane and meets none that was placed before.

        Whether the box is free now. Layers place labels in draw order, so the more important layer comes first.
        """
        is_inside = (
            within.x <= box.x and box.right <= within.right and within.y <= box.y and box.bottom <= within.bottom
        )
        if not is_inside or any(box.overlaps(other) for other in self.placed):
            return False
        self.placed.append(box)
        return True

    def add_slot(self) -> int:
        """Add a slot to each batch, above those of the layers before. Returns its number, the same in all of them."""
        for batch in (self.over, self.marks, self.text):
            batch.add_slot()
        return self.under.add_slot()

    def keep(self, slot: int) -> None:
        """Move the rows added since the last call into a slot, replacing its contents."""
        self.under.keep(slot)
        self.over.keep(slot)
        self.marks.keep(slot)
        self.text.keep(slot)

    def upload(self) -> None:
        """Upload the slots' contents where they differ from the last frame's."""
        self.under.upload()
        self.over.upload()
        self.marks.upload()
        self.text.upload()

    def release(self) -> None:
        self.under.release()
        self.over.release()
        self.marks.release()
        self.text.release()


class Chart:
    """State of one chart that its layers share.

    Attributes
    ----------
    rows : bubbles and CVD points on the GPU
    batches : rectangles and labels
    ticks : of the three axes
    shown : last price, CVD, size reference
    header : ground and numbers of its header in this frame
    jobs : where its layers get their jobs
    current_bars : bars of the profile at the price axis; None before the layer is set up
    is_profile_due : profile and levels may be read again in this frame
    moved : what has moved lines and labels, as bits of `labels.layout`; 0 if they keep their places in this frame
    has_moved_labels : a label has been placed differently in this layout, so those that avoid it are placed again
    screen_px : framebuffer width and height
    """

    def __init__(self, resources: SharedResources, jobs: Jobs, rows: ChartRows | None = None) -> None:
        self.resources: Final = resources
        self.jobs: Final = jobs
        self.current_bars: ProfileBars | None = None
        self.rows: Final = ChartRows(FrameCounters()) if rows is None else rows
        self.counters: Final = self.rows.counters
        under, over, marks = (ShapeBatch(resources, self.counters) for _ in range(3))
        self.batches: Final = Batches(under, over, marks, TextBatch(resources, self.counters), [])
        self.ticks: Final = AxisTicks()
        self.shown: Final = ShownValues()
        self.header: HeaderBar | None = None
        self.screen_px = (1, 1)
        self.is_profile_due = True
        self.moved = ALL
        self.has_moved_labels = False
        self._layout: Final = LabelLayout(jobs)
        self._profile_job: Final = jobs.add("profile")
        self._profile_drawn: tuple[int, float] = (-1, 0.0)
        """Version of the profile, and VWAP, that are drawn."""

    @property
    def is_layout_due(self) -> bool:
        """Whether lines and labels are laid out in this frame; otherwise they keep their places."""
        return self.moved != 0

    @property
    def are_levels_due(self) -> bool:
        """Whether levels and curves are laid out in a later frame."""
        return self._layout.are_levels_due

    @property
    def has_trades(self) -> bool:
        return self.shown.last_price != 0 or self.rows.series.current.stop > 0

    def begin(self, scene: Scene) -> None:
        """Bring rows, ticks and uniforms in step with the scene."""
        self.resources.atlas.begin_frame()
        self.screen_px = scene.screen_px if scene.screen_px[0] else _viewport_size()
        series = self.rows.series
        self.shown.update(scene, is_new_lod=scene.lod != series.current.lod)
        series.update(scene)
        self.moved = self._layout.begin_frame(scene, self._numbers(scene))
        # Behind the price: after a trade, the profile and its levels are left to a frame that does not lay it out.
        self._schedule_profile(scene)
        if self.moved:
            self.has_moved_labels = False
            self.batches.placed[:] = scene.covered
            if self.moved & TIME:
                self.ticks.update(scene, self.shown.tick_size)
            elif self.moved & (CVD_SCALE | PRICE_SCALE):
                self.ticks.update_values(scene, self.shown.tick_size)
        self.rows.fill_blocks(scene, self.screen_px, self.shown.reference)

    def begin_draw(self) -> None:
        """Bind what drawing needs: another chart, or something else, may have been drawn since."""
        self.resources.begin_draw()
        self.rows.begin_draw()

    def animate(self) -> None:
        """Lay out lines and labels in the next frame too, because some of them are animated."""
        self._layout.forget()

    def scissor_box(self, rect: Rect) -> tuple[int, int, int, int]:
        """Return a pane in OpenGL's form: left, bottom, width, height; pixels."""
        return int(rect.x), int(self.screen_px[1] - rect.bottom), int(rect.width), int(rect.height)

    def clip(self, rect: Rect) -> None:
        """Restrict drawing to a pane."""
        GL.glScissor(*self.scissor_box(rect))

    def _schedule_profile(self, scene: Scene) -> None:
        now = scene.reader.profile_version, float(scene.reader.session["vwap"])
        is_new = now != self._profile_drawn
        self.is_profile_due = not is_new or self._profile_job.may_run("trades")
        if is_new and self.is_profile_due:
            self._profile_drawn = now
            self.moved |= PROFILE

    def _numbers(self, scene: Scene) -> Numbers:
        """The dependencies of lines and labels besides the scene."""
        reader, shown, lines = scene.reader, self.shown, scene.lines
        return Numbers(
            price=(shown.last_price, shown.cvd, None if scene.comparison is None else newest_value(scene)),
            lines=(lines.sizes.version, lines.vwaps.version),
            other=(
                *(self.has_trades, shown.tick_size, shown.reference_goal, shown.is_paused),
                *(reader.breaks_version, reader.sessions_version, reader.events.head, self.resources.atlas.generation),
            ),
        )


def _viewport_size() -> tuple[int, int]:
    _, _, width, height = GL.glGetIntegerv(GL.GL_VIEWPORT)
    return int(width), int(height)
