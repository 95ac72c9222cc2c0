"""The options of screenshots and videos."""

from dataclasses import dataclass
from typing import Final

SAVING: Final = "saving video"
"""The header's text while a video's file is completed and none is recorded."""


@dataclass(slots=True)
class PictureOptions:
    """Choices for screenshots and videos, as settings and actions have set them."""

    has_caption: bool = True
    """Screenshots have a line with symbol, time and numbers below them."""
    has_cursor: bool = False
    """Videos show the mouse."""
    is_keeping: bool = False
    """The newest seconds of video are kept, so that they can be saved."""
    has_overlays: bool = True
    """Videos show header, panels, notices and the transport bar."""
