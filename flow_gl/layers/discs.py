"""The size of a bubble's disc: one rule for shader, hit test, counts and legend.

Area grows with volume: `radius = sqrt(r_min^2 + (r_max^2 - r_min^2) * min(1, volume / reference))`. The reference is
the session's, for base buckets; at a coarser lod it is scaled by the width and rounded up to a step.
"""

import math

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.lod import reference_at
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE

FALLBACK_REFERENCE = 50
"""Contracts, until the session has its own reference."""


def reference_of(scene: Scene) -> int:
    """Return the contracts of the largest disc at the current lod."""
    reference = scene.style.reference or int(scene.reader.session["reference"]) or FALLBACK_REFERENCE
    reader = scene.reader
    return reference_at(reference, reader.bucket_ns, reader.widths_ns[scene.lod])


def radius_range(style: Style, scale: float) -> tuple[float, float]:
    """Return the smallest and largest radius in framebuffer pixels."""
    factor = style.size_scale * scale
    return style.radius_min_px * factor, style.radius_max_px * factor


def radius_of(volume: float, reference: float, style: Style, scale: float) -> float:
    """Return the radius of a disc of `volume` contracts, framebuffer pixels."""
    least, most = radius_range(style, scale)
    return math.sqrt(least**2 + (most**2 - least**2) * min(1.0, volume / reference))


def radii(volume: NDArray[np.int64], reference: float, style: Style, scale: float) -> NDArray[np.float64]:
    """Return the radii of discs of `volume` contracts: float64, same shape, framebuffer pixels."""
    least, most = radius_range(style, scale)
    return np.sqrt(least**2 + (most**2 - least**2) * np.minimum(1.0, volume / reference))


def volumes(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the contracts that set the size of BUBBLE rows: int64, the dominant side, or unsided where both are 0."""
    dominant = np.maximum(rows["buy"], rows["sell"])
    return np.where(dominant > 0, dominant, rows["unsided"])


def volume_of(bubble: np.void) -> int:
    """Return the same for one BUBBLE row."""
    return max(int(bubble["buy"]), int(bubble["sell"])) or int(bubble["unsided"])


def tick_size_of(scene: Scene) -> int:
    """Return the tick size of the price axis, 1e-9."""
    return scene.reader.tick_size or UNKNOWN_TICK_SIZE
