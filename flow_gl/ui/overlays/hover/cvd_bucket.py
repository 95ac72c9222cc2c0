"""The CVD pane: CVD at a time, and the bucket's open, high, low and close."""

from collections.abc import Hashable
from typing import Final

import numpy as np

from flow_gl.core.schema import GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.labels.words import bucket_text
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_LET_GO_PX: Final = 40.0
"""The tooltip stays while the bucket is no farther from the mouse than this, at content scale 1."""


def find(spot: Spot) -> Hashable | None:
    """Return lod and bucket id at a point of the CVD pane; None where CVD is not known."""
    scene = spot.scene
    if "cvd" not in scene.style.is_visible or not scene.cvd_view.rect.contains(spot.x, spot.y):
        return None
    t_ns = scene.cvd_view.time_at(spot.x)
    if t_ns > min(scene.now_ns, scene.until_ns) or t_ns < scene.hidden_before_ns:
        return None
    gaps = scene.reader.gaps
    is_lost = (gaps["kind"] == GapKind.FEED) & (gaps["start"] <= t_ns) & (t_ns < gaps["end"])
    bucket_id = t_ns // scene.reader.widths_ns[scene.lod]
    if is_lost.any() or point_at(scene.reader, scene.lod, bucket_id) is None:
        return None
    return scene.lod, bucket_id


def point_at(reader: MarketReader, lod: int, bucket_id: int) -> np.void | None:
    """Return the CVD_POINT of a bucket, or the last one before it; None if there is none."""
    point = reader.open_cvd(lod)
    if point is not None and int(point["id"]) <= bucket_id:
        return point
    ring, head = reader.store.cvd[lod], reader.heads[lod]
    position = ring.position_of(bucket_id + 1, head)
    row = ring.row(position - 1) if position > ring.oldest else None
    return row if row is not None and int(row["id"]) <= bucket_id else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return the numbers of a bucket: CVD at its end, and its open, high and low."""
    assert isinstance(key, tuple)
    lod, bucket_id = key
    scene, reader = spot.scene, spot.scene.reader
    if lod != scene.lod or not scene.cvd_view.rect.contains(spot.x, spot.y):
        return None
    width_ns = reader.widths_ns[lod]
    left = scene.cvd_view.screen_x(bucket_id * width_ns) - _LET_GO_PX * spot.scale
    right = scene.cvd_view.screen_x((bucket_id + 1) * width_ns) + _LET_GO_PX * spot.scale
    point = point_at(reader, lod, bucket_id)
    if point is None or not left <= spot.x <= right:
        return None
    start_ns, close = bucket_id * width_ns, int(point["close"])
    clock = words.clock(start_ns, milliseconds=width_ns % SECOND_NS != 0)
    lines: list[Line] = [
        ("Date", words.day(start_ns), 0),
        ("Time", f"{clock} {words.ZONE_NAME}", 0),
        ("Bucket", bucket_text(width_ns), 0),
        ("CVD", words.signed(close), close),
    ]
    reference = scene.cvd_reference
    if reference is not None and start_ns > reference.at_ns:
        since = close - reference.cvd
        lines.append((f"Since {words.clock(reference.at_ns)}", words.signed(since), since))
    if int(point["id"]) != bucket_id:
        return Tip("", lines, ["No trades in this bucket."])
    lines += [(name.capitalize(), words.signed(int(point[name])), 0) for name in ("open", "high", "low", "close")]
    delta = close - int(point["open"])
    lines.append(("Delta", words.signed(delta), delta))
    return Tip("", lines)
