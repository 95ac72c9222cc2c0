"""The uniform block `Frame` of view.glsl: the view of one level of detail. Panning changes nothing else."""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from flow_gl.core.cached import Cached
from flow_gl.core.market.lod import threshold_at
from flow_gl.core.palette import Palette
from flow_gl.core.schema import GAPS
from flow_gl.gl.api import GL
from flow_gl.gl.buffers import StreamBuffer
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import radius_range
from flow_gl.layers.rows.packing import FARTHEST, Base, split_contracts
from flow_gl.layers.rows.series import NO_INDEX, LodRows

_PACKED: Final = struct.Struct("<12f7if4i32f")
_FOLD: Final = struct.Struct("<2i2f")
MAX_FOLDS: Final = GAPS
"""Size of `u_folds` in view.glsl: every gap of a chart may be folded."""


class _Transform(NamedTuple):
    """The part of a block that changes only with zoom and moving axes, in the order of view.glsl."""

    screen: tuple[float, ...]
    scales: tuple[float, ...]
    tick: int
    cvd: tuple[int, int]
    looks: tuple[float, ...]


class FrameBlock:
    """The uniform block of one level of detail on the GPU."""

    def __init__(self) -> None:
        # Uniforms are not market rows, so they are not counted with them.
        nbytes = _PACKED.size + MAX_FOLDS * _FOLD.size
        self._buffer: Final = StreamBuffer(nbytes, FrameCounters(), target=GL.GL_UNIFORM_BUFFER)
        self.handle: Final[int] = self._buffer.handle
        self._transform: Final[Cached[_Transform]] = Cached()

    def fill(
        self, scene: Scene, rows: LodRows, *, screen_px: tuple[int, int], reference: float, opacity: float
    ) -> None:
        """Upload the view of one level of detail.

        Parameters
        ----------
        reference : contracts of the largest disc at this lod
        opacity : of the lod, 0..1, while two lods blend
        """
        view, base = scene.price_view, rows.base
        # Cached: this changes only with zoom and moving axes, rows and time change in every frame.
        key = (
            *(screen_px, reference, base, scene.style),
            *(view.rect, view.ns_per_px, view.y_top, view.y_per_px, view.scale),
            *(scene.cvd_view.rect, scene.cvd_view.y_top, scene.cvd_view.y_per_px),
        )
        screen, scales, tick, cvd, looks = self._transform.get(
            key, lambda: _transform(scene, rows, screen_px, reference)
        )
        # The origin is in view, so that differences are small and exact in the shader.
        bucket = view.time_at(view.rect.x + 0.5 * view.rect.width) // base.bucket_ns
        folds, band_px = 0, 0.0
        if view.folded.starts:
            reach_px = radius_range(scene.style, view.scale)[1]
            folds, bucket = self._fill_folds(view, base, reach_px, bucket)
            band_px = view.folded.kept_ns / view.ns_per_px
        hover = NO_INDEX if scene.hover_id is None else base.index(scene.hover_id)
        pinned = NO_INDEX if scene.pinned_id is None else base.index(scene.pinned_id)
        _PACKED.pack_into(
            self._buffer.memory,
            0,
            *(*screen, opacity),
            *(view.screen_x(bucket * base.bucket_ns + base.bucket_ns // 2), *scales),
            *(base.index(bucket), tick, rows.open_index, 0, *cvd, folds, band_px),
            *(hover, pinned, int(scene.hover_id is not None), rows.last_index),
            *looks,
        )
        self._buffer.upload(_PACKED.size + folds * _FOLD.size)

    def _fill_folds(self, view: View, base: Base, reach_px: float, bucket: int) -> tuple[int, int]:
        """Write the folds in view. Returns their number, and an origin bucket that lies before the first one.

        Parameters
        ----------
        reach_px : how far a disc outside of the pane reaches into it
        bucket : origin bucket if there is no fold before it
        """
        folded, width_ns = view.folded, base.bucket_ns
        seen = folded.within(view.time_at(view.rect.x - reach_px), view.time_at(view.rect.right + reach_px))
        for number, at in enumerate(seen):
            first, stop = folded.fold_buckets(at, width_ns)
            stop_x, fold_x = view.screen_x(stop * width_ns + width_ns // 2), view.screen_x(folded.starts[at])
            place = _PACKED.size + number * _FOLD.size
            _FOLD.pack_into(self._buffer.memory, place, base.index(first), base.index(stop), stop_x, fold_x)
            bucket = min(bucket, first - 1)
        return len(seen), bucket

    def release(self) -> None:
        self._buffer.release()


def _transform(scene: Scene, rows: LodRows, screen_px: tuple[int, int], reference: float) -> _Transform:
    view, cvd_view, style, base = scene.price_view, scene.cvd_view, scene.style, rows.base
    px_per_bucket = base.bucket_ns / view.ns_per_px
    tick = round(view.y_top - 0.5 * view.rect.height * view.y_per_px)
    cvd = round(cvd_view.y_top - 0.5 * cvd_view.rect.height * cvd_view.y_per_px)
    least, most = radius_range(style, view.scale)
    return _Transform(
        screen=(2.0 / screen_px[0], 2.0 / screen_px[1], view.scale),
        scales=(
            *(px_per_bucket, view.screen_y(tick), 1.0 / view.y_per_px),
            *(cvd_view.screen_y(cvd), 1.0 / cvd_view.y_per_px, cvd_view.screen_y(0), 0.75 * view.scale),
        ),
        tick=min(max(tick - base.price // base.tick_size, -FARTHEST), FARTHEST),
        cvd=split_contracts(cvd),
        looks=(
            *(least * least, most * most - least * least, 1.0 / reference, float(style.size_floor)),
            *(threshold_at(style.threshold, base.bucket_ns), *opacities(px_per_bucket, most)),
            *_colors(style.palette),
        ),
    )


def opacities(px_per_bucket: float, radius_max_px: float) -> tuple[float, float, float]:
    """Return the opacity of fill, rim and glow. The more discs overlap, the more transparent they are, without glow."""
    crowd = radius_max_px / max(px_per_bucket, 0.01)
    share = min(1.0, max(0.0, (crowd - 3.0) / 12.0))
    return 0.55 - 0.22 * share, 0.95 - 0.20 * share, 0.30 * (1.0 - share)


@lru_cache(maxsize=8)
def _colors(palette: Palette) -> tuple[float, ...]:
    slots = (palette.buy, palette.sell, palette.balanced, palette.text, palette.quiet, palette.ground)
    return tuple(component for slot in slots for component in (*slot, 1.0))
