"""The tooltip of a custom level: its value, its distance from the last price, and when it was placed."""

from collections.abc import Hashable
from typing import Final

from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.drawings.levels import level_at, level_under, ticks_from
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_LET_GO_PX: Final = 14.0
"""The tooltip stays while the line is within this distance of the mouse, px at content scale 1."""


def find(spot: Spot) -> Hashable | None:
    """Return the id of the custom level whose line is nearest to a point; None if none is near."""
    found = level_under(spot.scene, spot.x, spot.y)
    return None if found is None or found.is_held else found.level.id


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return the tooltip of a level."""
    scene, tick_size = spot.scene, tick_size_of(spot.scene)
    shown = next((one for one in scene.custom_levels if one.level.id == key), None)
    if shown is None or shown.is_held or level_at(scene, spot.x, spot.y, _LET_GO_PX) is None:
        return None
    level = shown.level
    last = int(scene.reader.session["last_price"])
    lines: list[Line] = [("Value", words.price(level.price, tick_size), 0.0)]
    if int(scene.reader.session["trade_count"]):
        ticks = ticks_from(level.price, last, tick_size)
        unit = "tick" if abs(ticks) == 1 else "ticks"
        lines.append(("Distance", f"{words.signed(ticks)} {unit}" if ticks else "at the last price", 0.0))
    if level.since_ns:
        lines.append(("Since", f"{words.since(level.since_ns, scene.now_ns)} {words.ZONE_NAME}", 0.0))
    lines.append(("Alert", "on" if shown.has_alert else "off", 0.0))
    return Tip(level.name or "Custom level", lines, ["Drag to move it, click to edit it."])
