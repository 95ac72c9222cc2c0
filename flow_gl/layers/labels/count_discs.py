"""The discs that may get a number, and the text and size of their numbers."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.layers.base import Scene
from flow_gl.layers.discs import radii, tick_size_of, volumes
from flow_gl.layers.labels.count_boxes import Discs
from flow_gl.layers.rows.hit import visible_rows

_SIZES_PX: Final = np.array([11.0, 12.0, 13.0, 15.0])
_SIZES_FROM_PX: Final = np.array([13.0, 18.0, 26.0])
"""Radii from which the next larger font size is used."""
_LONGER_FROM: Final = np.array([10, 100, 1000, 10_000, 100_000])
_HALF_EMS: Final = 0.5 * 0.5615 * np.array([1.0, 2.0, 3.0, 4.4, 4.6, 5.8])
"""Half the width of a label in units of its font size: digits, comma and unit."""
_HALF_HEIGHT_EMS: Final = 0.5 * 0.72


def count_text(volume: int) -> str:
    """Format a count for a disc: 41, 1,250, 12.3k, 2.0M, 4.3B, 717.3B."""
    if volume < 10_000:
        return f"{volume:,}"
    for unit, size in (("k", 10**3), ("M", 10**6), ("B", 10**9)):
        if volume < 1000 * size:
            return f"{volume / size:.1f}{unit}"
    return f"{volume / 10**12:,.1f}T"


def discs_in(scene: Scene, reference: float) -> tuple[Discs, NDArray[np.int64], NDArray[np.float64]]:
    """Return the discs of a scene that may get a number, with their prices (1e-9) and font sizes (px).

    Parameters
    ----------
    reference : contracts of the largest disc
    """
    view, rows = scene.price_view, visible_rows(scene)
    bucket_ns, tick_size = scene.reader.widths_ns[scene.lod], tick_size_of(scene)
    volume = volumes(rows)
    is_shown = volume >= max(1, scene.style.size_floor)
    if not is_shown.all():
        rows, volume = rows[is_shown], volume[is_shown]
    radius = radii(volume, reference, scene.style, view.scale)
    size, half_width, half_height = text_size(volume, radius, view.scale)
    discs = Discs(
        ids=rows["id"],
        volume=volume,
        x=view.bubble_xs(rows["id"], bucket_ns),
        y=view.rect.y + (view.y_top - rows["price"] / tick_size) / view.y_per_px,
        radius=radius,
        half_width=half_width,
        half_height=half_height,
    )
    return discs, rows["price"], size


def text_size(volume: Any, radius: Any, scale: float) -> tuple[Any, Any, Any]:
    """Return the font size of counts, and half the width and height of their boxes, px: numbers, or arrays."""
    size = scale * _SIZES_PX[_SIZES_FROM_PX.searchsorted(radius / scale)]
    return size, size * _HALF_EMS[_LONGER_FROM.searchsorted(volume, "right")], size * _HALF_HEIGHT_EMS
