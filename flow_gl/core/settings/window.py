"""The settings of the window: its size and place, and how large text is."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from flow_gl.core.settings import checks
from flow_gl.core.settings.bus import BusSettings
from flow_gl.core.settings.declaration import DRAWING, SHOW, Setting

SCALE_RANGE: Final = (0.5, 4.0)
"""Content scale of a monitor, as a factor of 96 dpi."""
TEXT_RANGE: Final = (0.75, 3.0)
"""The user's own size of text and lines, as a factor of the monitor's scale."""
_show: Final[dict[str, Any]] = {"commands": DRAWING, "heading": SHOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings(BusSettings):
    """The settings of the window. They extend those of the bus only because a class with slots has one base."""

    size: Annotated[
        str | None,
        Setting(
            help="window or picture in pixels, WxH; a window through Wayland: in points",
            unset="as in the last run, initially 1600x900",
            metavar="WxH",
            check=checks.size,
            **_show,
        ),
    ] = None
    scale: Annotated[
        float | None,
        Setting(
            help="content scale in place of the monitor's, 0.5 to 4; 1 is 96 dpi",
            unset="the monitor's",
            metavar="X",
            ge=SCALE_RANGE[0],
            le=SCALE_RANGE[1],
            **_show,
        ),
    ] = None
    text_size: Annotated[
        float | None,
        Setting(
            help="size of text and lines, 0.75 to 3, times the monitor's scale",
            unset="as in the last run, initially 1",
            metavar="X",
            ge=TEXT_RANGE[0],
            le=TEXT_RANGE[1],
            **_show,
        ),
    ] = None
    monitor: Annotated[
        str | None,
        Setting(
            help="monitor to open on, by name or number as flow-gl doctor lists them; 0 is the primary one",
            unset="as in the last run, initially the primary one",
            metavar="NAME",
            given_as=int | str,
            check=checks.monitor,
            **_show,
        ),
    ] = None
    fullscreen: Annotated[
        bool | None,
        Setting(help="start in full screen", unset="as in the last run", flag="--fullscreen/--windowed", **_show),
    ] = None
    window_system: Annotated[
        Literal["x11", "wayland"] | None,
        Setting(
            help="how windows reach the screen on Linux: x11 (in a Wayland session through XWayland) or wayland",
            unset="x11, and wayland without an X server",
            metavar="NAME",
            **_show,
        ),
    ] = None

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Requested width and height in pixels; None if not set."""
        if self.size is None:
            return None
        width, _, height = self.size.partition("x")
        return int(width), int(height)
