"""Levels of detail: the bucket widths that a chart can show, and what depends on a bucket's width.

A level of detail (`lod`) is an index into `widths_ns(base)`. Level 0 is the base bucket that trades are aggregated in;
each further lod merges whole buckets of the lod below, so volume is conserved at every lod.
"""

import math
from bisect import bisect_left
from functools import lru_cache
from typing import Final

from flow_gl.core.units import HOUR_NS, MINUTE_NS, SECOND_NS

BASES_NS: Final = (
    *(SECOND_NS // part for part in (10, 5, 2)),
    *(count * SECOND_NS for count in (1, 2, 5, 10, 15, 30)),
    *(count * MINUTE_NS for count in (1, 5, 15, 30)),
    HOUR_NS,
)
"""Available base buckets, ns."""
_WIDTHS_NS: Final = (*BASES_NS, 4 * HOUR_NS)

REFERENCE_STEPS: Final = (
    *(5, 7),
    *(mantissa * 10**decade for decade in range(9) for mantissa in (10, 15, 20, 30, 50, 70)),
)
"""Possible values of the size reference (contracts of the largest disc), at any lod."""

THRESHOLD: Final = 0.15
"""Default imbalance (0 to 1) above which a bubble of up to one second is significant."""
FULL_TIMES: Final = 4
"""A bubble's colour is strongest from this multiple of that imbalance on; FULL in bubble.glsl."""
_THRESHOLD_WIDTH_NS: Final = SECOND_NS
"""Bucket width (ns) up to which the significance threshold is not reduced."""
_THRESHOLD_POWER: Final = 0.25


@lru_cache(maxsize=64)
def widths_ns(base_ns: int) -> tuple[int, ...]:
    """Return the bucket widths of all lods for a base bucket, in ns, ascending, starting with the base.

    They are the usual widths (1, 5, 15, 30 s, 1, 5, 15, 30 min, 1, 4 h) that are multiples of the base. If a width does
    not divide the next one, it is dropped, so that each width divides the next. A base that is not in `BASES_NS` is
    treated in the same way.
    """
    candidates = [width for width in _WIDTHS_NS if width > base_ns and width % base_ns == 0]
    kept = [
        width for at, width in enumerate(candidates) if at + 1 == len(candidates) or candidates[at + 1] % width == 0
    ]
    return (base_ns, *kept)


@lru_cache(maxsize=256)
def threshold_at(threshold: float, width_ns: int) -> float:
    """Return the imbalance above which a bubble of a given width is significant.

    Imbalance averages out as buckets grow, so the threshold falls with the fourth root of the width beyond one second.

    Parameters
    ----------
    threshold : threshold for bubbles up to one second wide, 0 to 1
    width_ns : width of the bubble's bucket, ns
    """
    return threshold * min(1.0, math.pow(_THRESHOLD_WIDTH_NS / width_ns, _THRESHOLD_POWER))


def full_at(least: float) -> float:
    """Return the imbalance from which a bubble's colour is strongest, for the one above which it is coloured."""
    return min(1.0, FULL_TIMES * least)


@lru_cache(maxsize=256)
def reference_at(reference: int, base_ns: int, width_ns: int) -> int:
    """Return the size reference (contracts) at a width: the base's times `width / base`, rounded up to a step."""
    if width_ns == base_ns:
        return reference
    wanted = -(-reference * width_ns // base_ns)
    at = bisect_left(REFERENCE_STEPS, wanted)
    return REFERENCE_STEPS[at] if at < len(REFERENCE_STEPS) else wanted
