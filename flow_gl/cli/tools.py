"""The commands without a chart: export and doctor."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from flow_gl.cli.options import Config, Debug, Files, flag, takes_settings
from flow_gl.core.errors import DataError
from flow_gl.core.settings import MARKET


@takes_settings
def export(
    files: Files,
    *,
    out: Annotated[Path, flag("--out", "Folder for the tables; created if missing.", "DIR")],
    table_format: Annotated[Literal["parquet", "csv"], flag("--format", "Table format.", "parquet|csv")] = "parquet",
    symbol: Annotated[str | None, flag("--symbol", "Only this contract (default: every instrument).", "S")] = None,
    by_session: Annotated[
        bool,
        flag("--sessions", "Split by the exchange's sessions (default: one session).", heading=MARKET),
    ] = False,
    given: Mapping[str, object],
    config: Config = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """Write the numbers of recorded trades as tables.

    These are bubbles, cvd, profile, events, levels, order_cvd, rolls, and levels.json. Each row has its instrument;
    where a continuous symbol goes on with another contract, rolls says when. events has large trades, absorption,
    divergences, stacked imbalances and zero crosses, with what made them.

    \b
    flow-gl export nq-20251128.trades.dbn.zst --out tables
    flow-gl export day.csv --out tables --format csv --symbol NQZ5 --bucket 10s
    """
    from flow_gl.cli import draw
    from flow_gl.core import config as sources
    from flow_gl.core.market.lod import THRESHOLD

    settings = sources.load(given, config=config)
    paths = draw.check_files(files)
    # A heavy import, so the flags are checked first.
    from flow_gl.feed.files.replay import read_items
    from flow_gl.runtime.export import export as write_tables

    items = read_items(paths)
    with _progress(f"reading {', '.join(path.name for path in files)}") as advance:
        summary = write_tables(
            items,
            out,
            fmt=table_format,
            symbol=symbol,
            settings=settings.aggregation,
            threshold=THRESHOLD if settings.threshold is None else settings.threshold,
            by_session=by_session,
            progress=lambda trades: advance(items.progress, trades),
        )
    for path in summary.paths:
        typer.echo(path)
    typer.echo(f"{summary.trades:,} trades, {summary.bubbles:,} bubbles of {', '.join(summary.symbols)}")
    for note in (*summary.notes, *items.messages):
        if note not in items.damage:
            typer.echo(f"flow-gl: note: {note}", err=True)
    if items.damage:
        raise DataError("; ".join(items.damage))


@contextmanager
def _progress(what: str) -> Iterator[Callable[[float, int], None]]:
    """Show a progress bar on standard error if it is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[trades]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=1.0, trades="")
        yield lambda share, trades: progress.update(task, completed=share, trades=f"{trades:,} trades")


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: Config = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """Look over this machine: graphics, monitors, packages, memory, the key. Ends with 0 if the chart can run."""
    from flow_gl.cli import doctor as checks

    report = checks.examine(config_file=config)
    if as_json:
        typer.echo(checks.to_json(report))
    else:
        checks.show(report)
    raise typer.Exit(report.exit_code)
