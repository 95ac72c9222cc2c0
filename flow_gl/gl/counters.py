"""What a frame cost, in counts that do not depend on the machine."""

from dataclasses import dataclass


@dataclass(slots=True)
class FrameCounters:
    """Sums over one frame; the frame's owner resets them before its update.

    Attributes
    ----------
    uploaded_bytes : instance rows of market data sent to the GPU (bubbles, CVD, profile). Panning and
        zooming send none.
    overlay_bytes : rectangles and labels of the screen (axis labels, level lines, counts): bounded by the screen's
        size, whatever the history
    draw_calls, instances : draws issued, instances in them
    rows_copied : rows read out of rings
    """

    uploaded_bytes: int = 0
    overlay_bytes: int = 0
    draw_calls: int = 0
    instances: int = 0
    rows_copied: int = 0

    def reset(self) -> None:
        self.uploaded_bytes = self.overlay_bytes = self.draw_calls = self.instances = self.rows_copied = 0
