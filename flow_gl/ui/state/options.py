"""The options of the view program. No heavy imports: the command line creates them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow_gl.core.settings import DEFAULTS, Settings
from flow_gl.ui.alerts.rule_file import KeptRules
from flow_gl.ui.drawings.drawing_file import KeptDrawings
from flow_gl.ui.start import StartScreen

DEFAULT_WIDTH: Final = 1600
DEFAULT_HEIGHT: Final = 900


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """The options of a view: the settings, and options of the command line for this run only."""

    settings: Settings = DEFAULTS
    """All settings; None in one of them means "as in the last run, else the default"."""
    headless: bool = False
    """Draw off-screen, without a window."""
    duration_s: float | None = None
    """Exit after this time, counted from the first frame that shows a running feed."""
    screenshot: Path | None = None
    """Write the last frame here as PNG when the view ends."""
    video: Path | None = None
    """Write an MP4 of the frames."""
    workspaces: Path | None = None
    """Folder of the workspaces; None for the user's own."""
    keys: Path | None = None
    """File of the keys; None for the user's own."""
    remember: bool = True
    """Read and write workspaces and keys. Off without a window: the same command gives the same picture."""
    screenshot_dir: Path | None = None
    """Folder for the pictures of the key S; None for the user's picture folder."""
    title: str = "flow_gl"
    drawings: KeptDrawings | None = None
    """The user's drawings; None for none, whose changes are not kept."""
    start: StartScreen | None = None
    """The start screen to begin with; None if a feed was given."""
    alerts: KeptRules | None = None
    """The alert rules; None for the usual ones, whose changes are not kept."""
