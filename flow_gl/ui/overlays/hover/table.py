"""Everything on a chart that has a tooltip. What is further up is found first."""

from typing import Final

from flow_gl.ui.overlays.hover import (
    bubble,
    comparison,
    custom_level,
    cvd_bucket,
    developing,
    event,
    fixed_level,
    level,
    mark,
    order_sizes,
    profile_row,
    ribbon,
)
from flow_gl.ui.overlays.hover.tip import Spot, Target, Tip
from flow_gl.ui.state.pointed import BUBBLE, Pointed

TARGETS: Final = (
    Target("line of a mark", mark.find_line, mark.describe),
    Target("custom level", custom_level.find, custom_level.describe),
    Target(BUBBLE, bubble.find, bubble.describe),
    Target("event", event.find, event.describe),
    Target("profile row", profile_row.find, profile_row.describe),
    Target("level", level.find, level.describe),
    Target("fixed level", fixed_level.find, fixed_level.describe),
    Target("developing line", developing.find, developing.describe),
    Target("area of a mark", mark.find_area, mark.describe),
    Target("ribbon", ribbon.find, ribbon.describe),
    Target("comparison", comparison.find, comparison.describe),
    Target("CVD by order size", order_sizes.find, order_sizes.describe),
    Target("CVD", cvd_bucket.find, cvd_bucket.describe),
)
_BY_NAME: Final = {one.name: one for one in TARGETS}


def find(spot: Spot) -> Pointed | None:
    """Return the item at a point; None if nothing there has a tooltip."""
    for one in TARGETS:
        key = one.find(spot)
        if key is not None:
            return Pointed(one.name, key)
    return None


def describe(spot: Spot, pointed: Pointed) -> Tip | None:
    """Return the tooltip of the item pointed at; None once the point is no longer near it."""
    return _BY_NAME[pointed.kind].describe(spot, pointed.key)
