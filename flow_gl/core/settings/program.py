"""Every setting of the program: the engine's settings as one field, and all others."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from flow_gl.core.event_kinds import EVENT_NAMES
from flow_gl.core.log import mask
from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.panels import PANEL_NAMES
from flow_gl.core.settings import checks
from flow_gl.core.settings.aggregation import AGGREGATION, AggregationSettings
from flow_gl.core.settings.bus import BusSettings
from flow_gl.core.settings.declaration import (
    DRAWING,
    FEED,
    KEPT,
    LOGS,
    NUMBERS,
    SHOW,
    Declared,
    Names,
    Setting,
    declared_in,
)
from flow_gl.core.settings.pictures import PictureSettings
from flow_gl.core.settings.secret import Secret
from flow_gl.core.settings.window import WindowSettings
from flow_gl.core.units import DAY_NS, SECOND_NS

SPAN_LOW_NS: Final = 5 * SECOND_NS
SPAN_HIGH_NS: Final = 60 * DAY_NS
_show: Final[dict[str, Any]] = {"commands": DRAWING, "heading": SHOW}
_AS_LAST_TIME: Final = "as in the last run"
_color: Final[dict[str, Any]] = {"unset": _AS_LAST_TIME, "metavar": "#RRGGBB", "check": checks.color, **_show}
_DEFAULTS: Final = AggregationSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(PictureSettings):
    """All settings, validated; `core.config.load` builds them from their sources."""

    api_key: Annotated[
        Secret | None,
        Setting(
            help="Databento key; DATABENTO_API_KEY is safer, because flags show in process lists",
            commands=("live", "download"),
            heading=FEED,
            metavar="KEY",
            given_as=str,
            check=Secret,
        ),
    ] = None
    token: Annotated[
        Secret | None,
        Setting(
            help="access token of the server; FLOW_GL_TOKEN is safer, because flags show in process lists",
            commands=("connect",),
            heading=FEED,
            metavar="TOKEN",
            given_as=str,
            check=Secret,
        ),
    ] = None
    symbols: Annotated[
        Names,
        Setting(
            help="symbols, separated by commas; one chart each, 9 at most",
            commands=("live",),
            heading=FEED,
            metavar="A,B",
            check=checks.symbols,
        ),
    ] = ("NQ.v.0", "ES.v.0")
    dataset: Annotated[
        str,
        Setting(
            help="Databento dataset, like GLBX.MDP3",
            commands=("live", "replay", "download"),
            heading=FEED,
            metavar="D",
            check=checks.dataset,
        ),
    ] = "GLBX.MDP3"
    stype_in: Annotated[
        Literal["continuous", "parent", "raw_symbol", "instrument_id"],
        Setting(
            help="type of the symbols: continuous, parent, raw_symbol or instrument_id",
            commands=("live", "download"),
            heading=FEED,
            metavar="T",
        ),
    ] = "continuous"
    gateway: Annotated[
        str | None,
        Setting(
            help="gateway host",
            unset="the dataset's gateway",
            commands=("live",),
            heading=FEED,
            metavar="HOST",
            check=checks.not_empty,
        ),
    ] = None
    port: Annotated[
        int | None,
        Setting(
            name="gateway_port",
            help="gateway port, 1 to 65535",
            unset="13000",
            commands=("live",),
            heading=FEED,
            metavar="N",
            ge=1,
            le=65535,
        ),
    ] = None
    recording: Annotated[
        bool,
        Setting(
            help="record every trade",
            commands=("live",),
            heading=KEPT,
            flag="--recording/--no-recording",
        ),
    ] = True
    record_dir: Annotated[
        Path | None,
        Setting(
            help="folder of the recordings",
            unset="your data folder",
            commands=("live", "replay", "sessions"),
            heading=KEPT,
            metavar="DIR",
        ),
    ] = None
    earlier_sessions: Annotated[
        int,
        Setting(
            help="recorded sessions before the running one to show after a start, 0 to 60",
            commands=("live",),
            heading=KEPT,
            metavar="N",
            ge=0,
            le=60,
        ),
    ] = 5
    keep_days: Annotated[
        int,
        Setting(
            help="days after which a recording is removed, 0 to 36500; 0 keeps all",
            commands=("live",),
            heading=KEPT,
            metavar="N",
            ge=0,
            le=36_500,
        ),
    ] = 400
    keep_gb: Annotated[
        float | None,
        Setting(
            help="limit of all recordings in GB, at least 0.1; the oldest are removed first",
            unset="no limit",
            commands=("live",),
            heading=KEPT,
            metavar="N",
            ge=0.1,
            le=1_000_000,
        ),
    ] = None
    archive: Annotated[
        str | None,
        Setting(
            help="database for bubbles and events: a URL, a file, or off",
            unset="SQLite in your data folder",
            commands=("live", "sessions"),
            heading=KEPT,
            metavar="URL",
            check=checks.archive,
        ),
    ] = None
    aggregation: AggregationSettings = _DEFAULTS
    speed: Annotated[
        float,
        Setting(
            help="speed, event seconds per second, 0.1 to 10000, or max",
            commands=("demo", "replay"),
            heading=FEED,
            metavar="X",
            check=checks.speed,
            words={"max": float("inf")},
        ),
    ] = 1.0
    cache: Annotated[
        bool,
        Setting(
            help="cache the files' bubbles and levels, so that they open faster next time",
            commands=("replay",),
            heading=FEED,
            flag="--cache/--no-cache",
        ),
    ] = True
    cache_beside: Annotated[
        bool,
        Setting(
            help="keep the cache in .flow_gl next to the files instead of in the cache folder",
            commands=("replay",),
            heading=FEED,
            flag="--cache-beside/--no-cache-beside",
        ),
    ] = False
    threshold: Annotated[
        float | None,
        Setting(
            help="imbalance above which a 1 s bubble is coloured by side, 0 to 1; lower for wider bubbles",
            unset=f"{THRESHOLD:g}",
            commands=(*NUMBERS, "connect"),
            heading=SHOW,
            metavar="X",
            ge=0,
            le=1,
        ),
    ] = None
    size_floor: Annotated[
        int | None,
        Setting(
            help="contracts below which bubbles are hidden, 0 or more; numbers do not change",
            unset="0",
            metavar="N",
            ge=0,
            le=1_000_000,
            **_show,
        ),
    ] = None
    size_scale: Annotated[
        float | None,
        Setting(
            help="factor for the discs' radius, 0.1 to 10",
            unset=_AS_LAST_TIME,
            metavar="X",
            ge=0.1,
            le=10,
            **_show,
        ),
    ] = None
    cvd_as: Annotated[
        Literal["line", "candles"] | None,
        Setting(help="how CVD is drawn: line or candles", unset=_AS_LAST_TIME, metavar="NAME", **_show),
    ] = None
    span: Annotated[
        str | None,
        Setting(
            help="time span of the chart at the start, 5s to 60d",
            unset=_AS_LAST_TIME,
            metavar="TIME",
            check=checks.duration(SPAN_LOW_NS, SPAN_HIGH_NS),
            **_show,
        ),
    ] = None
    folding: Annotated[
        Literal["closed", "all", "none"] | None,
        Setting(
            help="time that is folded to a narrow band: closed hours (closed), halts too (all), or none",
            unset=_AS_LAST_TIME,
            metavar="WHAT",
            **_show,
        ),
    ] = None
    palette: Annotated[
        Literal["dark", "light", "colour-blind"] | None,
        Setting(help="colours: dark, light or colour-blind", unset=_AS_LAST_TIME, metavar="NAME", **_show),
    ] = None
    buy_color: Annotated[str | None, Setting(help="colour of buys, like #2ec27e", **_color)] = None
    sell_color: Annotated[str | None, Setting(help="colour of sells, like #e5484d", **_color)] = None
    grey_color: Annotated[str | None, Setting(help="colour of bubbles without a side, like #5c6675", **_color)] = None
    background_color: Annotated[str | None, Setting(help="colour of the background, like #0b0e14", **_color)] = None
    panels: Annotated[
        Names | None,
        Setting(
            help=f"panels open at the start, separated by commas: {', '.join(PANEL_NAMES)}",
            unset=_AS_LAST_TIME,
            metavar="A,B",
            check=checks.panels,
            **_show,
        ),
    ] = None
    marks: Annotated[
        Names | None,
        Setting(
            help=f"events to mark on the chart, separated by commas: {', '.join(EVENT_NAMES)}; or none",
            unset=_AS_LAST_TIME,
            metavar="A,B",
            check=checks.marks,
            **_show,
        ),
    ] = None
    fps: Annotated[
        float | None,
        Setting(
            help="limit of frames per second, 1 to 1000",
            unset="the monitor's refresh rate",
            metavar="N",
            ge=1,
            le=1000,
            **_show,
        ),
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Setting(
            help="lowest level in the log files: debug, info, warning or error",
            commands=DRAWING,
            heading=LOGS,
            metavar="LEVEL",
        ),
    ] = "info"

    @property
    def span_s(self) -> float | None:
        """Time span of the chart at the start, in seconds; None if not set."""
        from flow_gl.core.units import parse_duration_ns

        return None if self.span is None else parse_duration_ns(self.span) / 1e9

    @property
    def shown_key(self) -> str:
        """The masked key: `****abcde`, or `not set`."""
        return mask(self.api_key.get_secret_value()) if self.api_key else "not set"


def _all() -> dict[str, Declared]:
    """Return all settings by the user's name, in the order of `Settings`, those of pictures, window and bus last."""
    ours, found = declared_in(Settings, is_aggregation=False), {}
    bases = [{one.name for one in fields(kind)} for kind in (PictureSettings, WindowSettings, BusSettings)]
    for one in sorted(fields(Settings), key=lambda one: sum(one.name in names for names in bases)):
        group = AGGREGATION.values() if one.name == "aggregation" else (ours[one.name],)
        found.update({declared.name: declared for declared in group})
    return found


DECLARED: Final = _all()
"""All settings by the user's name."""
DEFAULTS: Final = Settings()
