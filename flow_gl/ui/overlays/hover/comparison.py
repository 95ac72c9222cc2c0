"""The tooltip of the comparison pane: a bucket's value, the two prices, and when they traded."""

from collections.abc import Hashable
from typing import Final

import numpy as np

from flow_gl.core.comparison import THOUSANDTHS, factor_text
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.comparison.points import (
    compare_view,
    decimals,
    name_of,
    points_in_view,
    shown_width_ns,
    title,
)
from flow_gl.layers.labels.words import bucket_text
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_LET_GO_PX: Final = 40.0
"""The tooltip stays while the mouse is within this distance of the bucket, px at content scale 1."""
_RULES: Final = {
    "difference": "The price of {own} minus {factor}that of {other}, after the last trade of either in the bucket.",
    "ratio": "The price of {own} divided by that of {other}, after the last trade of either in the bucket.",
}


def find(spot: Spot) -> Hashable | None:
    """Return the width (ns) and id of the bucket at a point of the pane; None if the comparison has no value there."""
    scene = spot.scene
    if scene.comparison is None or not scene.comparison.rect.contains(spot.x, spot.y):
        return None
    view, points = compare_view(scene), points_in_view(scene)
    t_ns, width_ns = view.time_at(spot.x), shown_width_ns(scene)
    if t_ns > min(scene.now_ns, scene.until_ns):
        return None
    at = int(np.searchsorted(points.ids, t_ns // width_ns, side="right")) - 1
    if at < 0:
        return None
    if points.ids[at] != t_ns // width_ns and (at == len(points.ids) - 1 or not points.joined[at]):
        # Right of the last point before a break: accept only points near it.
        end_ns = (int(points.ids[at]) + 1) * width_ns
        if view.screen_x(end_ns) + 0.1 * _LET_GO_PX * spot.scale < spot.x:
            return None
    return width_ns, int(points.ids[at])


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return the tooltip of a bucket; None once it no longer applies."""
    assert isinstance(key, tuple)
    width_ns, bucket_id = key
    scene = spot.scene
    comparison = scene.comparison
    if comparison is None or comparison.other is None or width_ns != shown_width_ns(scene):
        return None
    points = points_in_view(scene)
    at = int(np.searchsorted(points.ids, bucket_id))
    if at == len(points.ids) or points.ids[at] != bucket_id or not comparison.rect.contains(spot.x, spot.y):
        return None
    following = int(points.ids[at + 1]) if at < len(points.joined) and points.joined[at] else bucket_id + 1
    view, start_ns = compare_view(scene), bucket_id * width_ns
    left = view.screen_x(start_ns) - _LET_GO_PX * spot.scale
    if not left <= spot.x <= view.screen_x(following * width_ns) + _LET_GO_PX * spot.scale:
        return None
    own, other = int(points.own[at]), int(points.other[at])
    clock = words.clock(start_ns, milliseconds=width_ns % SECOND_NS != 0)
    lines: list[Line] = [
        ("Date", words.day(start_ns), 0),
        ("Time", f"{clock} {words.ZONE_NAME}", 0),
        ("Bucket", bucket_text(width_ns), 0),
        (comparison.rule.kind.capitalize(), comparison.rule.text(own, other, decimals(scene)), 0),
    ]
    notes = []
    symbols = (scene.reader, own, int(points.own_traded[at])), (comparison.other, other, int(points.other_traded[at]))
    for reader, price, traded_ns in symbols:
        name = name_of(reader)
        lines.append((name, words.price(price, reader.tick_size), 0))
        if traded_ns < start_ns:
            notes.append(f"{name} did not trade in this bucket; its price is from {words.clock(traded_ns)}.")
    factor = "" if comparison.rule.thousandths == THOUSANDTHS else f"{factor_text(comparison.rule.thousandths)} times "
    names = {"own": name_of(scene.reader), "other": name_of(comparison.other), "factor": factor}
    return Tip(title(scene), lines, [_RULES[comparison.rule.kind].format(**names), *notes])
