"""The settings of screenshots and videos."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from flow_gl.core.settings.declaration import DRAWING, SHOW, Setting
from flow_gl.core.settings.window import WindowSettings

_show: Final[dict[str, Any]] = {"commands": DRAWING, "heading": SHOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSettings(WindowSettings):
    """The settings of screenshots and videos. They extend those of the window: a class with slots has one base."""

    caption: Annotated[
        bool,
        Setting(help="write symbol, time and numbers below screenshots", flag="--caption/--no-caption", **_show),
    ] = True
    video_fps: Annotated[
        int, Setting(help="frame rate of videos, frames per second, 1 to 144", metavar="N", ge=1, le=144, **_show)
    ] = 60
    video_cursor: Annotated[
        bool, Setting(help="draw the mouse into videos", flag="--video-cursor/--no-video-cursor", **_show)
    ] = False
    video_overlays: Annotated[
        bool,
        Setting(help="show header, panels and notices in videos", flag="--video-overlays/--no-video-overlays", **_show),
    ] = True
    keep_video: Annotated[
        int,
        Setting(
            help="keep this many of the newest seconds, so that Ctrl+S can save them as a video; 0 for none, up to 600",
            metavar="S",
            ge=0,
            le=600,
            **_show,
        ),
    ] = 0
