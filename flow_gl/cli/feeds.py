"""The flags of the three feeds. Each dataclass holds the flags of one feed and creates its spec."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol

import typer

from flow_gl.cli.history import recordings_of
from flow_gl.cli.options import flag
from flow_gl.core.errors import FeedError, UsageError
from flow_gl.core.settings import Settings

if TYPE_CHECKING:
    from flow_gl.core.spec import DemoSpec, FilesSpec, LiveSpec


class Feed(NamedTuple):
    """A requested feed."""

    spec: "DemoSpec | FilesSpec | LiveSpec"
    title: str
    """Its description in a window's title."""


class FeedFlags(Protocol):
    """The flags of a feed."""

    def feed(self, settings: Settings) -> Feed:
        """Make the spec. Raises FlowError."""


@dataclass(frozen=True, slots=True)
class DemoFlags:
    """The flags of the synthetic market."""

    seed: Annotated[int, flag("--seed", "The same seed gives the same market.", "N", min=0)] = 1
    rate: Annotated[
        float | None,
        flag("--rate", "Trades per second over all symbols, up to 1000000 (default: a realistic rate).", "N"),
    ] = None
    symbols: Annotated[str, flag("--symbols", "NQ, ES, RTY, YM or their micros.", "A,B")] = "NQ,ES"
    halt: Annotated[
        list[str] | None,
        flag("--halt", "A trading halt, like 5s:90s: it starts after 5 s and lasts 90 s. Repeatable.", "AT:FOR"),
    ] = None
    burst: Annotated[
        list[str] | None,
        flag("--burst", "A burst, like 10s:5s:20: 20 times the rate for 5 s. Repeatable.", "AT:FOR:X"),
    ] = None

    def feed(self, settings: Settings) -> Feed:
        """Make the spec. Raises UsageError."""
        from flow_gl.core.spec import DemoSpec
        from flow_gl.feed.synthetic.limits import check

        spec = DemoSpec.from_settings(
            settings,
            seed=self.seed,
            rate=self.rate,
            symbols=_parts([self.symbols]),
            halts=tuple(_halt(text) for text in self.halt or ()),
            bursts=tuple(_burst(text) for text in self.burst or ()),
        )
        check(seed=spec.seed, rate=spec.rate, symbols=spec.symbols, halts=spec.halts, bursts=spec.bursts)
        return Feed(spec, "flow_gl demo")


@dataclass(frozen=True, slots=True)
class ReplayFlags:
    """The flags of a replay."""

    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="DBN or Databento CSV, plain, zstd or gzip, in any order."),
    ] = None
    session: Annotated[
        str | None, flag("--session", "Replay a recorded session, by its trade date, instead of files.", "DATE")
    ] = None
    symbol: Annotated[
        list[str] | None,
        flag(
            "--symbol",
            "Contract, continuous symbol or id; repeatable (default: as requested, else the busiest outright).",
            "S",
        ),
    ] = None
    from_: Annotated[
        str,
        flag("--from", "Start at this time, New York time unless it has a zone: 09:30, 2025-11-28T14:30Z.", "TIME"),
    ] = ""

    paused: Annotated[bool, flag("--paused", "Start paused; Space starts playback.")] = False

    def feed(self, settings: Settings) -> Feed:
        """Make the spec. Raises UsageError, DataError."""
        from flow_gl.cli import draw
        from flow_gl.core.spec import FilesSpec
        from flow_gl.core.units import parse_time_ns

        if bool(self.files) == bool(self.session):
            raise UsageError("replay: expected files, or --session with a trade date")
        if self.from_:
            # A time of day refers to the file's day, but its format can be checked before a file is opened.
            parse_time_ns(self.from_, after_ns=0)
        paths = recordings_of(self.session, settings.record_dir, settings.dataset) if self.session else self.files or []
        spec = FilesSpec.from_settings(
            settings,
            paths=draw.check_files(paths),
            symbols=_parts(self.symbol or ()),
            from_time=self.from_,
            is_held=self.paused,
        )
        return Feed(spec, f"flow_gl {', '.join(path.name for path in paths[:3])}{' ...' if len(paths) > 3 else ''}")


@dataclass(frozen=True, slots=True)
class LiveFlags:
    """The live feed, which has only settings and no flags."""

    def feed(self, settings: Settings) -> Feed:
        """Make the spec. Raises FeedError."""
        from flow_gl.core.spec import KEY_VARIABLE, LiveSpec

        if settings.api_key is None:
            raise FeedError(f"no Databento key: set {KEY_VARIABLE} (in the environment or .env), or use --api-key")
        return Feed(LiveSpec.from_settings(settings), f"flow_gl {', '.join(settings.symbols)}")


def _parts(texts: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _halt(text: str) -> tuple[float, float]:
    """Parse `AT:FOR` into seconds. Raises UsageError."""
    at, colon, length = text.partition(":")
    if not colon:
        raise UsageError(f"--halt: expected a start and a length like 5s:90s, got {text!r}")
    return _seconds(at, "--halt"), _seconds(length, "--halt")


def _burst(text: str) -> tuple[float, float, float]:
    """Parse `AT:FOR:FACTOR` into seconds, seconds and a factor. Raises UsageError."""
    try:
        at, length, factor = text.split(":")
        return _seconds(at, "--burst"), _seconds(length, "--burst"), float(factor)
    except ValueError:
        raise UsageError(f"--burst: expected a start, a length and a factor like 10s:5s:20, got {text!r}") from None


def _seconds(text: str, name: str) -> float:
    from flow_gl.core.units import parse_duration_ns

    return parse_duration_ns(text, low_ns=0, name=name) / 1e9
