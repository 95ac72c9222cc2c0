"""The settings of the program: their names, defaults, limits and what they mean. `core.config` reads their sources."""

import math
from datetime import time
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from flow_gl.core.errors import UsageError
from flow_gl.core.log import mask
from flow_gl.core.market.lod import BASES_NS
from flow_gl.core.panels import NAMED
from flow_gl.core.schema import CHARTS
from flow_gl.core.units import parse_duration_ns

BUCKETS: Final = "100ms, 200ms, 500ms, 1s, 2s, 5s, 10s, 15s, 30s, 1m, 5m, 15m, 30m, 1h"
"""The base buckets (`core.market.lod.BASES_NS`), as a user writes them."""
SPAN_LOW_NS: Final = 5_000_000_000
SPAN_HIGH_NS: Final = 60 * 86_400_000_000_000
SPEED_LOW: Final = 0.1
SPEED_HIGH: Final = 10_000.0
SIZE_LOW: Final = 320
SIZE_HIGH: Final = 16_384


def _names(value: object) -> object:
    """A comma-separated text as a tuple; what else comes is left to the type."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _symbols(value: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(value) <= CHARTS:
        raise ValueError(f"1 to {CHARTS} symbols are allowed, {len(value)} came")
    for symbol in value:
        if not symbol.isascii() or not symbol.isprintable() or " " in symbol or len(symbol) > 31:
            raise ValueError(f"a symbol like NQ.v.0 or NQZ5 was expected, {symbol!r} came")
    if len(set(value)) < len(value):
        raise ValueError("each symbol may be given once")
    return value


def _panels(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in NAMED:
            raise ValueError(f"panels are {', '.join(NAMED)}; {name!r} is none of them")
    return value


def _archive(value: str) -> str:
    scheme, is_url, _ = value.partition("://")
    if is_url and scheme.split("+", 1)[0] not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("sqlite:///FILE, postgresql://USER@HOST/DATABASE, a file name or off was expected")
    return value


def _duration(low_ns: int, high_ns: int) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parse_duration_ns(value, low_ns=low_ns, high_ns=high_ns)
        except UsageError as error:
            raise ValueError(str(error).removeprefix("duration: ").partition(", '")[0]) from None
        return value

    return AfterValidator(check)


def _bucket(value: str) -> str:
    try:
        is_known = parse_duration_ns(value) in BASES_NS
    except UsageError:
        is_known = False
    if not is_known:
        raise ValueError(f"one of {BUCKETS} was expected")
    return value


def _size(value: str) -> str:
    width, times, height = value.lower().partition("x")
    if not (times and width.isdecimal() and height.isdecimal()):
        raise ValueError("WIDTHxHEIGHT in pixels was expected, like 1600x900")
    if not all(SIZE_LOW <= int(side) <= SIZE_HIGH for side in (width, height)):
        raise ValueError(f"{SIZE_LOW} to {SIZE_HIGH} pixels a side are allowed")
    return f"{int(width)}x{int(height)}"


def _speed(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() == "max":
        return math.inf
    return value


def _speed_range(value: float) -> float:
    if not (SPEED_LOW <= value <= SPEED_HIGH or value == math.inf):
        raise ValueError(f"{SPEED_LOW} to {SPEED_HIGH:.0f}, or max, is allowed")
    return value


def _times(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        try:
            time.fromisoformat(text)
        except ValueError:
            raise ValueError(f"times of day like 09:30,16:00 were expected, {text!r} came") from None
    return value


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("an odd number was expected, so that the mean has a middle")
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class Settings(BaseModel):
    """Every setting. The field's description is the help text and the line in `.env.example`."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)

    api_key: SecretStr | None = Field(None, description="Databento key; needed by live and download")
    symbols: Annotated[Names, AfterValidator(_symbols)] = Field(
        ("NQ.v.0", "ES.v.0"), description="live: symbols, separated by commas; one chart each, 9 at most"
    )
    dataset: str = Field("GLBX.MDP3", pattern=r"^[A-Z0-9]+\.[A-Z0-9]+$", description="live: Databento dataset")
    stype_in: Literal["continuous", "parent", "raw_symbol", "instrument_id"] = Field(
        "continuous", description="live: what the symbols are: continuous, parent, raw_symbol or instrument_id"
    )
    gateway: str | None = Field(None, min_length=1, description="live: gateway host, instead of the dataset's own")
    port: int | None = Field(None, ge=1, le=65535, description="live: gateway port, 1 to 65535")
    recording: bool = Field(True, description="live: keep every trade in a recording")
    record_dir: Path | None = Field(None, description="folder of the recordings, instead of the user's own")
    keep_days: int = Field(
        400, ge=0, le=36_500, description="live: days after which a recording is removed, 0 to 36500; 0 keeps all"
    )
    keep_gb: float | None = Field(
        None, ge=0.1, le=1_000_000, description="live: most GB of all recordings, at least 0.1, the oldest go first"
    )
    archive: Annotated[str, AfterValidator(_archive)] | None = Field(
        None,
        min_length=1,
        description="live: database for bubbles and events: a URL, or off; SQLite in the user's folder",
    )
    bucket: Annotated[str, AfterValidator(_bucket)] = Field("1s", description=f"a bubble's bucket: {BUCKETS}")
    arm: int = Field(300, ge=1, le=10_000_000, description="contracts that arm a CVD zero cross, at least 1")
    value_area: float = Field(0.70, gt=0, lt=1, description="share of volume in the value area, between 0 and 1")
    value_area_step: int = Field(2, ge=1, le=2, description="rows that the value area grows by at a time, 1 or 2")
    lvn_smooth: Annotated[int, AfterValidator(_odd)] = Field(
        5, ge=1, le=99, description="ticks of the mean that smooths volume for LVN and HVN, odd, 1 to 99"
    )
    lvn_prominence: float = Field(
        0.25, gt=0, lt=1, description="least prominence of an LVN or HVN, share of the maximum, between 0 and 1"
    )
    lvn_volume: float = Field(
        0.40, gt=0, le=1, description="most smoothed volume of an LVN, least of an HVN, share of the maximum, 0 to 1"
    )
    cvd_reset: Literal["session", "never"] = Field(
        "session", description="when CVD starts anew: session (at its open) or never"
    )
    cvd_reset_times: Annotated[Names, AfterValidator(_times)] = Field(
        (), description="times of day in New York at which CVD starts anew too, like 09:30,16:00"
    )
    sessions: bool = Field(True, description="start CVD, profile and VWAP anew at each session's open")
    speed: Annotated[float, BeforeValidator(_speed), AfterValidator(_speed_range)] = Field(
        1.0, description="replay, demo: event seconds per second, 0.1 to 10000, or max"
    )
    cache: bool = Field(
        True, description="replay: keep the files' levels in the cache folder, so that they open at once next time"
    )
    cache_beside: bool = Field(
        False, description="replay: keep them in .flow_gl beside the files instead of in the cache folder"
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="imbalance above which a 1 s bubble has a side's colour, 0 to 1; wider ones from less on",
    )
    size_floor: int | None = Field(
        None, ge=0, le=1_000_000, description="contracts below which bubbles are hidden, 0 or more"
    )
    size_scale: float | None = Field(None, ge=0.1, le=10, description="factor on the discs' radius, 0.1 to 10")
    span: Annotated[str, _duration(SPAN_LOW_NS, SPAN_HIGH_NS)] | None = Field(
        None, description="time that the chart spans at the start, 5s to 60d"
    )
    palette: Literal["dark", "light", "colour-blind"] | None = Field(
        None, description="colours: dark, light or colour-blind"
    )
    panels: Annotated[Names, AfterValidator(_panels)] | None = Field(
        None, description=f"panels open at the start, separated by commas: {', '.join(NAMED)}"
    )
    size: Annotated[str, AfterValidator(_size)] | None = Field(
        None, description="window or picture in pixels, WxH; none: as last time, at first 1600x900"
    )
    fps: float | None = Field(
        None, ge=1, le=1000, description="most frames a second, 1 to 1000; none follows the monitor"
    )
    scale: float | None = Field(
        None, ge=0.5, le=4, description="size of type and lines, 0.5 to 4; none asks the monitor"
    )
    monitor: int = Field(
        0, ge=0, le=63, description="monitor of the window, 0 the primary one (flow-gl doctor lists them)"
    )
    fullscreen: bool = Field(False, description="start in full screen")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level in the log files: debug, info, warning or error"
    )

    @property
    def bucket_ns(self) -> int:
        """Length of a base bucket, ns."""
        return parse_duration_ns(self.bucket)

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height, pixels; None where none is asked for."""
        if self.size is None:
            return None
        width, _, height = self.size.partition("x")
        return int(width), int(height)

    @property
    def reset_times(self) -> tuple[time, ...]:
        """Times of day in New York at which CVD starts anew too."""
        return tuple(time.fromisoformat(text) for text in self.cvd_reset_times)

    @property
    def span_s(self) -> float | None:
        """Time that the chart spans at the start, seconds."""
        return None if self.span is None else parse_duration_ns(self.span) / 1e9

    @property
    def shown_key(self) -> str:
        """The key as it may be shown: `****abcde`, or `not set`."""
        return mask(self.api_key.get_secret_value()) if self.api_key else "not set"
