"""Chooses the level of detail for a zoom."""

from bisect import bisect_left
from typing import Final

from flow_gl.core.market.lod import widths_ns

MIN_SPACING_PX: Final = 4.5
"""Smallest distance between neighbouring bubbles at content scale 1: half a full-HD screen shows 3 min at 1 s."""
_HYSTERESIS: Final = 1.25
"""A finer lod is chosen only if its bubbles are this factor further apart than required."""


def lod_for(
    ns_per_px: float,
    bucket_ns: int,
    *,
    current: int | None = None,
    locked: int | None = None,
    min_spacing_px: float = MIN_SPACING_PX,
) -> int:
    """Choose the finest lod whose neighbouring buckets are at least `min_spacing_px` apart.

    Parameters
    ----------
    ns_per_px : time scale of the view
    bucket_ns : bucket of lod 0
    current : the current lod; kept while it nearly fits, so that a zoom near a limit does not flicker
    locked : lod locked by the user; it takes precedence
    min_spacing_px : framebuffer pixels, that is, multiplied by the content scale
    """
    if locked is not None:
        return min(max(locked, 0), len(widths_ns(bucket_ns)) - 1)
    finest = _finest(ns_per_px, bucket_ns, min_spacing_px)
    if current is None or finest >= current:
        return finest
    return min(current, _finest(ns_per_px, bucket_ns, min_spacing_px * _HYSTERESIS))


def _finest(ns_per_px: float, bucket_ns: int, spacing_px: float) -> int:
    widths = widths_ns(bucket_ns)
    return min(bisect_left(widths, ns_per_px * spacing_px), len(widths) - 1)
