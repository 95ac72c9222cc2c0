"""A cell of the delta ribbon: the contracts of a closed period."""

from collections.abc import Hashable

from flow_gl.layers.labels.words import bucket_text
from flow_gl.layers.ribbon import closed_cells, ribbon_rect, row_at, shown_cells
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip


def find(spot: Spot) -> Hashable | None:
    """Return width and start (ns) of the closed period at a point of the ribbon; None where there is none."""
    scene = spot.scene
    width_ns = row_at(scene, spot.y)
    rect = ribbon_rect(scene)
    if width_ns is None or not rect.x <= spot.x < rect.right:
        return None
    start_ns = scene.price_view.time_at(spot.x) // width_ns * width_ns
    return (width_ns, start_ns) if start_ns in shown_cells(scene, width_ns)["ts_event"] else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return the numbers of a period while the mouse is on its cell."""
    assert isinstance(key, tuple)
    if find(spot) != key:
        return None
    width_ns, start_ns = key
    rows = closed_cells(spot.scene.reader, width_ns, start_ns, start_ns + width_ns)
    if not len(rows):
        return None
    buy, sell, unsided = (int(rows[-1][side]) for side in ("buy", "sell", "unsided"))
    lines: list[Line] = [
        ("Date", words.day(start_ns), 0),
        ("From", f"{words.clock(start_ns)} {words.ZONE_NAME}", 0),
        ("Until", f"{words.clock(start_ns + width_ns)} {words.ZONE_NAME}", 0),
        ("Buy", words.number(buy), 0),
        ("Sell", words.number(sell), 0),
        *([("Unsided", words.number(unsided), 0.0)] if unsided else []),
        ("Delta", words.signed(buy - sell), buy - sell),
    ]
    return Tip(f"Delta of {bucket_text(width_ns)}", lines, ["Contracts bought minus contracts sold, once closed."])
