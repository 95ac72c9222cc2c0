"""What the view program is asked to do, as one frozen value. Free of heavy imports: a command line makes it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow_gl.core.settings import DEFAULTS, AggregationSettings

DEFAULT_WIDTH: Final = 1600
DEFAULT_HEIGHT: Final = 900


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """How to run the view. `None` means "as remembered from last time, else the default"."""

    headless: bool = False
    """No window: the same frames into an off-screen target."""
    width: int | None = None
    """Window or picture size, pixels. None: as last time, at first the default, scaled to the monitor."""
    height: int | None = None
    duration_s: float | None = None
    """End after so long, counted from the first frame that shows a running feed (an engine's start is not counted)."""
    screenshot: Path | None = None
    """Write the last frame here as PNG when the view ends."""
    record: Path | None = None
    """Write an MP4 of what is drawn."""
    record_fps: int = 60
    fullscreen: bool = False
    monitor: int = 0
    """Which monitor, 0 the primary one."""
    fps: float | None = None
    """Cap on the frame rate; None follows the monitor (headless: 60)."""
    scale: float | None = None
    """Content scale; None asks the monitor (headless: 1)."""
    palette: str | None = None
    """Name of a palette in core.palette."""
    threshold: float | None = None
    """Imbalance above which a bubble is coloured by side, 0..1."""
    size_floor: int | None = None
    """Contracts below which bubbles are hidden."""
    size_scale: float | None = None
    span_s: float | None = None
    """Time that the chart spans at the start, seconds."""
    aggregation: AggregationSettings = DEFAULTS.aggregation
    """The settings that the engine was started with."""
    panels: tuple[str, ...] | None = None
    """Panels open at the start, names as in ui.actions."""
    preferences: Path | None = None
    """The file with what is remembered; None is the user's own."""
    remember: bool = True
    """False: neither read nor write it. Headless never does: the same call gives the same picture everywhere."""
    screenshot_dir: Path | None = None
    """Where the key S writes; None is the user's picture folder."""
    title: str = "flow_gl"
