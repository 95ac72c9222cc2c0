"""The time range that the user has marked, in whole buckets of the level of detail shown at that time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarkedRange:
    """A marked range.

    Attributes
    ----------
    anchor_ns : the end at which marking started
    other_ns : the other end
    width_ns : width of its buckets
    is_open : the other end still follows the mouse
    """

    anchor_ns: int
    other_ns: int
    width_ns: int
    is_open: bool = False

    @property
    def start_ns(self) -> int:
        return min(self.anchor_ns, self.other_ns) // self.width_ns * self.width_ns

    @property
    def end_ns(self) -> int:
        return (max(self.anchor_ns, self.other_ns) // self.width_ns + 1) * self.width_ns
