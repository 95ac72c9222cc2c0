"""The cost of a frame in counts that do not depend on the machine."""

from dataclasses import dataclass


@dataclass(slots=True)
class FrameCounters:
    """Sums over one frame; the frame's owner resets them before its update.

    Attributes
    ----------
    uploaded_bytes : market rows sent to the GPU (bubbles, CVD, profile); 0 while the user only pans and zooms
    overlay_bytes : rectangles and labels sent (axis labels, level lines, counts); bounded by the size of the screen,
        not by the history
    draw_calls : draw calls issued
    instances : rows drawn by them
    rows_copied : rows read from the store's rings
    """

    uploaded_bytes: int = 0
    overlay_bytes: int = 0
    draw_calls: int = 0
    instances: int = 0
    rows_copied: int = 0

    def reset(self) -> None:
        self.uploaded_bytes = self.overlay_bytes = self.draw_calls = self.instances = self.rows_copied = 0

    def add(self, part: "FrameCounters") -> None:
        """Add the counts of one chart."""
        self.uploaded_bytes += part.uploaded_bytes
        self.overlay_bytes += part.overlay_bytes
        self.draw_calls += part.draw_calls
        self.instances += part.instances
        self.rows_copied += part.rows_copied
