"""Which level of detail a zoom calls for."""

from bisect import bisect_left
from typing import Final

from flow_gl.core.market.lod import widths_ns

MIN_SPACING_PX: Final = 4.5
"""Least distance between neighbouring bubbles at content scale 1."""
_HYSTERESIS: Final = 1.25
"""A finer level is taken only when its bubbles would stand this much further apart than they must."""


def lod_for(
    ns_per_px: float,
    bucket_ns: int,
    *,
    current: int | None = None,
    locked: int | None = None,
    min_spacing_px: float = MIN_SPACING_PX,
) -> int:
    """Choose the level whose neighbouring buckets stand at least `min_spacing_px` apart.

    Parameters
    ----------
    ns_per_px : time scale of the view
    bucket_ns : bucket of level 0
    current : level in force; it is kept while it is nearly right, so that a zoom at the border does not flicker
    locked : level that the user has locked; always taken
    min_spacing_px : give it times the content scale
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
