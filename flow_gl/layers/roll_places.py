"""Positions of a chart's rolls, and the start of the newest contract."""

import numpy as np

from flow_gl.core.schema import NOT_YET
from flow_gl.layers.base import Scene, once


@once
def contract_left(scene: Scene) -> float:
    """Screen x from which the price pane shows the newest contract: its left border where no roll is in view.

    The pane's right border where the view shows earlier contracts only.
    """
    rect = scene.price_view.rect
    for roll in reversed(scene.reader.rolls):
        if is_shown(scene, roll):
            return min(max(line_x(scene, roll), rect.x), rect.right)
    return rect.x


def is_shown(scene: Scene, roll: np.void) -> bool:
    """Return whether the new contract has traded in the picture."""
    return int(roll["first_ts"]) <= min(scene.until_ns, NOT_YET - 1)


def line_x(scene: Scene, roll: np.void) -> float:
    """Return where a roll's line is drawn: a whole pixel, at the start of the bucket in which the new contract begins.

    Where the old contract ends in that same bucket, in the bucket's middle: both have a bubble there.
    """
    view, bucket_ns = scene.price_view, scene.reader.widths_ns[scene.lod]
    last, first = int(roll["last_ts"]) // bucket_ns, int(roll["first_ts"]) // bucket_ns
    start_ns = first * bucket_ns + (bucket_ns // 2 if last == first else 0)
    return view.pixel_x(start_ns)
