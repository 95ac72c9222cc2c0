"""The boxes of drawn texts, collected for tests and off otherwise.

Whatever draws text (`gl.text.TextBatch`, the overlays' painter) has an attribute `boxes`, None in a run of the program.
A test sets it to a list; every text that is drawn then adds a `LabelBox`.
"""

from dataclasses import dataclass, replace

import numpy as np

from flow_gl.core.palette import Rgb
from flow_gl.gl.view import Rect


@dataclass(frozen=True, slots=True)
class LabelBox:
    """A text on the screen.

    Attributes
    ----------
    text : the text
    rect : its plate, or the text itself where it has none; framebuffer pixels
    color : of the text, components 0..1
    alpha : of the text, 0..1
    within : the rectangle that clips it; None if nothing does
    window : name of the window that it belongs to; "" for the charts. A window completely covers everything below it
    """

    text: str
    rect: Rect
    color: Rgb
    alpha: float = 1.0
    within: Rect | None = None
    window: str = ""

    def clipped_to(self, *areas: Rect) -> "LabelBox":
        """Return this box clipped to the one of some areas that holds its middle, if nothing clips it yet."""
        if self.within is not None:
            return self
        x, y = self.rect.x + 0.5 * self.rect.width, self.rect.y + 0.5 * self.rect.height
        area = next((area for area in areas if area.contains(x, y)), areas[0])
        return replace(self, within=area)

    @property
    def is_cut(self) -> bool:
        """Whether it extends beyond its clip rectangle by more than a pixel's rounding."""
        if self.within is None:
            return False
        rect, within = self.rect, self.within
        return min(rect.x - within.x, rect.y - within.y, within.right - rect.right, within.bottom - rect.bottom) < -1.0


def overlaps(boxes: list[LabelBox], *, slack_px: float = 1.0) -> list[tuple[LabelBox, LabelBox]]:
    """Return the pairs of boxes of one window that share more than `slack_px` in both directions."""
    if not boxes:
        return []
    sides = np.array([(box.rect.x, box.rect.y, box.rect.right, box.rect.bottom) for box in boxes])
    left, top, right, bottom = sides.T
    width = np.minimum(right[:, np.newaxis], right) - np.maximum(left[:, np.newaxis], left)
    height = np.minimum(bottom[:, np.newaxis], bottom) - np.maximum(top[:, np.newaxis], top)
    pairs = np.argwhere(np.triu((width > slack_px) & (height > slack_px), 1)).tolist()
    return [(boxes[a], boxes[b]) for a, b in pairs if boxes[a].window == boxes[b].window]
