"""The commands that draw: each parses its flags, checks them before the start, and runs an engine and a view."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from flow_gl.cli.history import recordings_of
from flow_gl.cli.options import Drawing, flag, takes_drawing_flags, takes_settings
from flow_gl.core.errors import FeedError, UsageError


@takes_drawing_flags
@takes_settings
def demo(
    *,
    seed: Annotated[int, flag("--seed", "The same seed gives the same market.", "N", min=0)] = 1,
    rate: Annotated[
        float | None,
        flag("--rate", "Trades per second over all symbols, up to 1000000 (default: a realistic rate).", "N"),
    ] = None,
    symbols: Annotated[str, flag("--symbols", "NQ, ES, RTY, YM or their micros.", "A,B")] = "NQ,ES",
    halt: Annotated[
        list[str] | None,
        flag("--halt", "A trading halt, like 5s:90s: after 5 s, for 90 s. Repeatable.", "AT:FOR"),
    ] = None,
    burst: Annotated[
        list[str] | None,
        flag("--burst", "A burst, like 10s:5s:20: 20 times the rate for 5 s. Repeatable.", "AT:FOR:X"),
    ] = None,
    given: Mapping[str, object],
    drawing: Drawing,
) -> None:
    """Draw a synthetic NQ and ES market: no data and no key needed.

    \b
    flow-gl demo
    flow-gl demo --rate 20000 --seed 7 --symbols NQ
    flow-gl demo --headless --duration 10 --screenshot demo.png --record demo.mp4
    """
    from flow_gl.cli import draw
    from flow_gl.core.spec import DemoSpec
    from flow_gl.feed.synthetic.limits import check

    settings = draw.read_settings(drawing, given)
    spec = DemoSpec.from_settings(
        settings,
        seed=seed,
        rate=rate,
        symbols=tuple(part.strip() for part in symbols.split(",") if part.strip()),
        halts=tuple(_halt(text) for text in halt or ()),
        bursts=tuple(_burst(text) for text in burst or ()),
    )
    check(seed=spec.seed, rate=spec.rate, symbols=spec.symbols, halts=spec.halts, bursts=spec.bursts)
    raise typer.Exit(draw.show(spec, settings, drawing, title="flow_gl demo"))


@takes_drawing_flags
@takes_settings
def replay(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="DBN or Databento CSV, plain, zstd or gzip, in any order."),
    ] = None,
    *,
    session: Annotated[
        str | None, flag("--session", "Replay a recorded session, by its trade date, instead of files.", "DATE")
    ] = None,
    symbol: Annotated[
        list[str] | None,
        flag(
            "--symbol",
            "Contract, continuous symbol or id; repeatable (default: as requested, else the busiest outright).",
            "S",
        ),
    ] = None,
    from_: Annotated[
        str,
        flag("--from", "Begin at this time, New York time unless it has a zone: 09:30, 2025-11-28T14:30Z.", "TIME"),
    ] = "",
    given: Mapping[str, object],
    drawing: Drawing,
) -> None:
    """Replay recorded trades, at any speed, with the numbers of the live run.

    A continuous symbol (NQ.v.0) is one chart: where it rolls to another contract, a line marks the roll (NQZ5 > NQH6),
    every number starts again, and prices are not adjusted. A contract or an id is charted alone.

    \b
    flow-gl replay nq-20251128.trades.dbn.zst --speed 60
    flow-gl replay day1.dbn.zst day2.dbn.zst --symbol NQZ5 --from 09:30
    flow-gl replay --session 2025-11-28 --speed 10        (a recorded one; flow-gl sessions lists them)
    flow-gl replay month/*.dbn.zst --speed max --span 30d (levels are kept for the next time)
    flow-gl replay day.csv --speed max --headless --screenshot day.png
    """
    from flow_gl.cli import draw
    from flow_gl.core.spec import FilesSpec
    from flow_gl.core.units import parse_time_ns

    settings = draw.read_settings(drawing, given)
    if bool(files) == bool(session):
        raise UsageError("replay: expected files, or --session with a trade date")
    if from_:
        # A time of day refers to the file's own day, but its format can be checked before a file is opened.
        parse_time_ns(from_, after_ns=0)
    paths = recordings_of(session, settings.record_dir, settings.dataset) if session else files or []
    feed = FilesSpec.from_settings(
        settings,
        paths=draw.check_files(paths),
        symbols=tuple(part.strip() for text in symbol or () for part in text.split(",") if part.strip()),
        from_time=from_,
    )
    title = ", ".join(path.name for path in paths[:3]) + (" ..." if len(paths) > 3 else "")
    raise typer.Exit(draw.show(feed, settings, drawing, title=f"flow_gl {title}"))


@takes_drawing_flags
@takes_settings
def live(
    *,
    given: Mapping[str, object],
    drawing: Drawing,
) -> None:
    """Draw Databento's live feed: the session so far, then each new trade.

    Trades are recorded and the chart's numbers archived: flow-gl sessions lists the sessions.

    \b
    flow-gl live                                          (NQ.v.0 and ES.v.0, DATABENTO_API_KEY in the environment)
    flow-gl live --symbols NQ.v.0 --record-dir /data/recordings --keep-days 90
    flow-gl live --symbols NQ.FUT --stype-in parent       (the outright with the most volume)
    flow-gl live --archive postgresql://me@db.local/flow
    flow-gl live --no-recording --archive off             (stores nothing)
    """
    from flow_gl.cli import draw
    from flow_gl.core.spec import KEY_VARIABLE, LiveSpec

    settings = draw.read_settings(drawing, given)
    if settings.api_key is None:
        raise FeedError(f"no Databento key: set {KEY_VARIABLE} (in the environment or .env), or give --api-key")
    feed = LiveSpec.from_settings(settings)
    raise typer.Exit(draw.show(feed, settings, drawing, title=f"flow_gl {', '.join(settings.symbols)}"))


def _halt(text: str) -> tuple[float, float]:
    """Parse `AT:FOR` to seconds. Raises UsageError."""
    at, colon, length = text.partition(":")
    if not colon:
        raise UsageError(f"--halt: expected a start and a length like 5s:90s, got {text!r}")
    return _seconds(at, "--halt"), _seconds(length, "--halt")


def _burst(text: str) -> tuple[float, float, float]:
    """Parse `AT:FOR:FACTOR` to seconds, seconds and a factor. Raises UsageError."""
    try:
        at, length, factor = text.split(":")
        return _seconds(at, "--burst"), _seconds(length, "--burst"), float(factor)
    except ValueError:
        raise UsageError(f"--burst: expected a start, a length and a factor like 10s:5s:20, got {text!r}") from None


def _seconds(text: str, name: str) -> float:
    from flow_gl.core.units import parse_duration_ns

    return parse_duration_ns(text, low_ns=0, name=name) / 1e9
