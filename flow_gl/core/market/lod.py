"""Levels of detail: the bucket widths that a chart can show, and what depends on a bucket's width.

A level of detail (`lod`) is an index into `widths_ns(base)`. Level 0 is the base bucket that trades are aggregated in;
each further level merges whole buckets of the level below, so volume is conserved at every level.
"""

import math
from bisect import bisect_left
from functools import lru_cache
from typing import Final

_S: Final = 1_000_000_000
_MIN: Final = 60 * _S
_H: Final = 60 * _MIN

BASES_NS: Final = (
    *(_S // 10, _S // 5, _S // 2),
    *(_S, 2 * _S, 5 * _S, 10 * _S, 15 * _S, 30 * _S),
    *(_MIN, 5 * _MIN, 15 * _MIN, 30 * _MIN, _H),
)
"""Base buckets that may be chosen, ns."""
_WIDTHS_NS: Final = (*BASES_NS, 4 * _H)

REFERENCE_STEPS: Final = (
    *(5, 7),
    *(mantissa * 10**decade for decade in range(9) for mantissa in (10, 15, 20, 30, 50, 70)),
)
"""Contracts of the largest disc: the values that a size reference may have, at any level."""

THRESHOLD: Final = 0.15
"""Default share of imbalance above which a bubble of up to one second is significant."""
_THRESHOLD_WIDTH_NS: Final = _S
"""Width up to which the threshold of significance holds unreduced."""
_THRESHOLD_POWER: Final = 0.25


@lru_cache(maxsize=64)
def widths_ns(base_ns: int) -> tuple[int, ...]:
    """List the bucket widths of all levels for a base bucket, ns, ascending, the base first.

    They are the widths people use (1, 5, 15, 30 s, 1, 5, 15, 30 min, 1, 4 h) as far as the base divides them. Of two
    neighbours of which the first does not divide the second, the second is kept: each width divides the next. A base
    that is not one of `BASES_NS` has the widths that it divides, too.
    """
    candidates = [width for width in _WIDTHS_NS if width > base_ns and width % base_ns == 0]
    kept = [
        width for at, width in enumerate(candidates) if at + 1 == len(candidates) or candidates[at + 1] % width == 0
    ]
    return (base_ns, *kept)


@lru_cache(maxsize=256)
def threshold_at(threshold: float, width_ns: int) -> float:
    """Share of imbalance above which a bubble of a width is significant.

    Imbalance averages out as buckets grow: the threshold falls with the fourth root of the width beyond one second.

    Parameters
    ----------
    threshold : of bubbles up to one second wide, 0 to 1
    width_ns : the bubble's bucket
    """
    return threshold * min(1.0, math.pow(_THRESHOLD_WIDTH_NS / width_ns, _THRESHOLD_POWER))


@lru_cache(maxsize=256)
def reference_at(reference: int, base_ns: int, width_ns: int) -> int:
    """Contracts of the largest disc at a width: the base bucket's times `width / base`, rounded up to a step."""
    if width_ns == base_ns:
        return reference
    wanted = -(-reference * width_ns // base_ns)
    at = bisect_left(REFERENCE_STEPS, wanted)
    return REFERENCE_STEPS[at] if at < len(REFERENCE_STEPS) else wanted
