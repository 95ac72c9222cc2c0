"""The options of the view program. No heavy imports: the command line creates them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow_gl.core.settings import DEFAULTS, Settings

DEFAULT_WIDTH: Final = 1600
DEFAULT_HEIGHT: Final = 900


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """How to run the view: the settings, and what the command line asks for in this run alone."""

    settings: Settings = DEFAULTS
    """All settings; None in one of them means "as remembered from last time, else the default"."""
    headless: bool = False
    """No window: the same frames into an off-screen target."""
    duration_s: float | None = None
    """End after this time, counted from the first frame that shows a running feed."""
    screenshot: Path | None = None
    """Write the last frame here as PNG when the view ends."""
    video: Path | None = None
    """Write an MP4 of what is drawn."""
    video_fps: int = 60
    preferences: Path | None = None
    """The file with what is remembered; None is the user's own."""
    remember: bool = True
    """False: neither read nor write it. Headless never does: the same call gives the same picture everywhere."""
    screenshot_dir: Path | None = None
    """Where the key S writes; None is the user's picture folder."""
    title: str = "flow_gl"
