"""Everything on a chart that has a tooltip. What is further up is found first."""

from typing import Final

from flow_gl.ui.overlays.hover import bubble, cvd_bucket, event, level, profile_row
from flow_gl.ui.overlays.hover.tip import Mark, Spot, Tip
from flow_gl.ui.state.pointed import BUBBLE, Pointed

MARKS: Final = (
    Mark(BUBBLE, bubble.find, bubble.tell),
    Mark("event", event.find, event.tell),
    Mark("profile row", profile_row.find, profile_row.tell),
    Mark("level", level.find, level.tell),
    Mark("CVD", cvd_bucket.find, cvd_bucket.tell),
)
_BY_NAME: Final = {mark.name: mark for mark in MARKS}


def find(spot: Spot) -> Pointed | None:
    """Return what is at a point; None if nothing there has a tooltip."""
    for mark in MARKS:
        key = mark.find(spot)
        if key is not None:
            return Pointed(mark.name, key)
    return None


def tell(spot: Spot, pointed: Pointed) -> Tip | None:
    """Return the tooltip of what was pointed at; None once the point is no longer near it."""
    return _BY_NAME[pointed.mark].tell(spot, pointed.key)
