"""The flags that several commands share.

Those that are settings are taken as text: the settings check them, and say alike what is wrong wherever it stood.

`Drawing` holds those of every command that draws. `takes_drawing_flags` adds them to a command's own, so that each is
declared, explained and checked once.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

import typer

from flow_gl.core.panels import NAMED

FEED: Final = "Feed"
SHOW: Final = "Picture"
MARKET: Final = "Numbers"
SETTINGS: Final = "Settings and logs"


def flag(name: str, help: str, metavar: str | None = None, *, panel: str = FEED, **more: Any) -> Any:  # noqa: A002
    """Declare a flag, listed in a panel of the help."""
    return typer.Option(name, help=help, metavar=metavar, rich_help_panel=panel, **more)


_show: Final = partial(flag, panel=SHOW)
_market: Final = partial(flag, panel=MARKET)
_setting: Final = partial(flag, panel=SETTINGS)

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="DBN or Databento CSV, plain, zstd or gzip, in order of time.")
]
Headless = Annotated[bool, _show("--headless", "No window: draw off-screen, for --screenshot and --record.")]
Size = Annotated[
    str | None, _show("--size", "Window or picture in pixels (default: as last time, at first 1600x900).", "WxH")
]
Scale = Annotated[str | None, _show("--scale", "Size of type and lines, 0.5 to 4 (default: the monitor's).", "X")]
Duration = Annotated[float | None, _show("--duration", "End after so many seconds (default: never).", "S")]
Screenshot = Annotated[Path | None, _show("--screenshot", "Write the last picture here at the end.", "PNG")]
Record = Annotated[Path | None, _show("--record", "Write a video of what is drawn, at a steady frame rate.", "MP4")]
Fullscreen = Annotated[bool | None, _show("--fullscreen/--windowed", "Start in full screen (default: a window).")]
Monitor = Annotated[str | None, _show("--monitor", "Monitor of the window, 0 the primary one (see doctor).", "N")]
Fps = Annotated[str | None, _show("--fps", "Most frames a second, 1 to 1000 (default: the monitor's rate).", "N")]
Palette = Annotated[str | None, _show("--palette", "dark, light or colour-blind (default: as last time).", "NAME")]
Panels = Annotated[
    str | None,
    _show("--panels", f"Panels open at the start: {', '.join(NAMED)} (default: as last time).", "A,B"),
]
Span = Annotated[str | None, _show("--span", "Time that the chart spans, 5s to 60d (default: as last time).", "TIME")]
Threshold = Annotated[
    str | None, _show("--threshold", "Imbalance above which a 1 s bubble has a side's colour (default 0.15).", "X")
]
SizeFloor = Annotated[
    str | None, _show("--size-floor", "Hide bubbles of fewer contracts (default 0); changes no number.", "N")
]
SizeScale = Annotated[
    str | None, _show("--size-scale", "Factor on the discs' radius, 0.1 to 10 (default: as last time).", "X")
]
Bucket = Annotated[
    str | None, _market("--bucket", "A bubble's bucket: 100ms, 200ms, 500ms, 1s .. 1h (default 1s).", "TIME")
]
Arm = Annotated[str | None, _market("--arm", "Contracts that arm a CVD zero cross (default 300).", "N")]
ValueArea = Annotated[str | None, _market("--value-area", "Share of volume in the value area (default 0.7).", "X")]
ValueAreaStep = Annotated[
    str | None, _market("--value-area-step", "Rows it grows by at a time, 1 or 2 (default 2).", "N")
]
LvnSmooth = Annotated[
    str | None, _market("--lvn-smooth", "Ticks of the mean that smooths volume for LVN and HVN (default 5).", "N")
]
LvnProminence = Annotated[
    str | None,
    _market("--lvn-prominence", "Least prominence of LVN and HVN, of the maximum (default 0.25).", "X"),
]
LvnVolume = Annotated[
    str | None,
    _market("--lvn-volume", "Most smoothed volume of an LVN, least of an HVN, of the maximum (default 0.4).", "X"),
]
CvdReset = Annotated[
    str | None, _market("--cvd-reset", "When CVD starts anew: session or never (default session).", "WHEN")
]
CvdResetTimes = Annotated[
    str | None, _market("--cvd-reset-times", "Times in New York at which it does too, like 09:30,16:00.", "A,B")
]
Sessions = Annotated[
    bool | None, _market("--sessions/--no-sessions", "Start anew at each session's open (default: --sessions).")
]
Speed = Annotated[str | None, _market("--speed", "Event seconds per second: 0.1 to 10000, or max (default 1).", "X")]
Config = Annotated[Path | None, _setting("--config", "Config file, instead of the user's own.", "TOML")]
LogLevel = Annotated[str | None, _setting("--log-level", "debug, info, warning or error (default info).", "LEVEL")]
Debug = Annotated[bool, _setting("--debug", "Log to the terminal too, and show tracebacks.")]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Flags of every command that draws, as given: None where a flag was not."""

    headless: Headless = False
    size: Size = None
    scale: Scale = None
    duration: Duration = None
    screenshot: Screenshot = None
    record: Record = None
    fullscreen: Fullscreen = None
    monitor: Monitor = None
    fps: Fps = None
    palette: Palette = None
    panels: Panels = None
    span: Span = None
    threshold: Threshold = None
    size_floor: SizeFloor = None
    size_scale: SizeScale = None
    bucket: Bucket = None
    arm: Arm = None
    value_area: ValueArea = None
    value_area_step: ValueAreaStep = None
    lvn_smooth: LvnSmooth = None
    lvn_prominence: LvnProminence = None
    lvn_volume: LvnVolume = None
    cvd_reset: CvdReset = None
    cvd_reset_times: CvdResetTimes = None
    sessions: Sessions = None
    config: Config = None
    log_level: LogLevel = None
    debug: Debug = False

    def settings(self) -> dict[str, object]:
        """Those that are settings, by the setting's name."""
        ours = {field.name for field in fields(self)} - _NO_SETTINGS
        return {name: getattr(self, name) for name in ours}


_NO_SETTINGS: Final = frozenset({"headless", "duration", "screenshot", "record", "config", "debug"})


def takes_drawing_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of `Drawing`, handed over as its last argument `drawing`."""
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "drawing"]
    hints = get_type_hints(Drawing, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(Drawing)
    ]

    @wraps(command)
    def wrapped(**values: Any) -> None:
        drawing = Drawing(**{parameter.name: values.pop(parameter.name) for parameter in shared})
        command(**values, drawing=drawing)

    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    wrapped.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]  # read by inspect
    annotations = get_type_hints(command, include_extras=True)
    annotations.pop("drawing")
    wrapped.__annotations__ = {**annotations, **{parameter.name: parameter.annotation for parameter in shared}}
    return wrapped
