"""A chart's bubbles and CVD points on the GPU: which rows to draw, and the uniform block to draw each lod with.

Blocks are numbered: 0 is the current level of detail, 1 the one that fades out after a change, 2 the coarser one that
lines come from where the current lod is finer than the screen.
"""

from dataclasses import replace
from typing import Final

from flow_gl.gl.api import GL
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.shaders import FRAME_BINDING
from flow_gl.layers.base import Scene
from flow_gl.layers.detail import lod_for
from flow_gl.layers.discs import radius_range
from flow_gl.layers.rows.block import FrameBlock, opacities
from flow_gl.layers.rows.series import LodRows, Series

LINE_SPACING_PX: Final = 2.0
"""Smallest distance between the points of a line at content scale 1; anything finer is invisible."""
_CURRENT, _LEAVING, _LINES = range(3)


class ChartRows:
    """The market rows of one chart.

    Attributes
    ----------
    counters : cost of the frame so far
    series : rows at the current lod and, during a blend, at the previous one
    """

    def __init__(self, counters: FrameCounters) -> None:
        self.counters: Final = counters
        self.series: Final = Series(counters)
        self._lines: Final = Series(counters)
        self._has_own_lines = False
        self._blocks: Final = [FrameBlock() for _ in range(3)]
        self._used_block = -1

    def fill_blocks(self, scene: Scene, screen_px: tuple[int, int], reference: float) -> None:
        """Upload the uniform blocks of this frame, and the rows of coarser lines where there are any.

        Parameters
        ----------
        screen_px : framebuffer width and height
        reference : contracts of the largest disc at the current lod
        """
        series = self.series
        bucket_ns = series.current.base.bucket_ns

        def fill(number: int, of: Scene, rows: LodRows, opacity: float) -> None:
            its_reference = reference * rows.base.bucket_ns / bucket_ns
            self._blocks[number].fill(of, rows, screen_px=screen_px, reference=its_reference, opacity=opacity)

        fill(_CURRENT, scene, series.current, series.blend)
        if series.leaving is not None:
            fill(_LEAVING, scene, series.leaving, 1.0 - series.blend)
        # Where the buckets of a locked lod are narrower than a line, discs are still drawn one by one. Lines taken
        # from a coarser lod look the same to within two pixels and cost a fraction.
        view = scene.price_view
        lod = lod_for(
            view.ns_per_px,
            scene.reader.bucket_ns,
            current=self._lines.current.lod if self._has_own_lines else None,
            min_spacing_px=LINE_SPACING_PX * view.scale,
        )
        self._has_own_lines = lod > scene.lod
        if self._has_own_lines:
            coarse = replace(scene, lod=lod)
            self._lines.update(coarse)
            fill(_LINES, coarse, self._lines.current, 1.0)

    def for_discs(self) -> list[tuple[int, LodRows]]:
        """Return what discs are drawn from: block number and rows, the lod that fades out first."""
        current, leaving = self.series.current, self.series.leaving
        return [(_CURRENT, current)] if leaving is None else [(_LEAVING, leaving), (_CURRENT, current)]

    def for_lines(self) -> list[tuple[int, LodRows]]:
        """Return what lines are drawn from: as `for_discs`, but no finer than the screen can show."""
        return [(_LINES, self._lines.current)] if self._has_own_lines else self.for_discs()

    def begin_draw(self) -> None:
        """Forget which block is bound: another chart may have bound its own."""
        self._used_block = -1

    def use_block(self, number: int) -> None:
        """Bind a uniform block for the programs that draw next."""
        if number != self._used_block:
            self._used_block = number
            GL.glBindBufferBase(GL.GL_UNIFORM_BUFFER, FRAME_BINDING, self._blocks[number].handle)

    def has_glow(self, scene: Scene, rows: LodRows) -> bool:
        """Return whether large discs glow; they do not where discs overlap too often."""
        px_per_bucket = rows.base.bucket_ns / scene.price_view.ns_per_px
        return opacities(px_per_bucket, radius_range(scene.style, scene.price_view.scale)[1])[2] > 0.0

    def release(self) -> None:
        self.series.release()
        self._lines.release()
        for block in self._blocks:
            block.release()
