"""A bubble: its numbers."""

from collections.abc import Hashable

from flow_gl.layers.rows import hit
from flow_gl.ui.overlays.hover.tip import Spot, Tip
from flow_gl.ui.overlays.panels import bubble


def find(spot: Spot) -> Hashable | None:
    """Return lod and id of the bubble at a point."""
    found = hit.bubble_at(spot.scene, spot.x, spot.y)
    return None if found is None else (spot.scene.lod, found)


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return a bubble's numbers while it is the scene's hovered one."""
    assert isinstance(key, tuple)
    scene = spot.scene
    lod, bubble_id = key
    if lod != scene.lod or bubble_id != scene.hover_id:
        return None
    row = hit.row_of(scene.reader, lod, bubble_id)
    if row is None:
        return None
    width_ns, tick_size = scene.reader.widths_ns[lod], scene.reader.tick_size
    return Tip("", bubble.lines(row, tick_size=tick_size, bucket_ns=width_ns, threshold=spot.threshold))
