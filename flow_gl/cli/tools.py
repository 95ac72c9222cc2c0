"""The commands without a chart: export and doctor."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flow_gl.cli.options import Config, Debug, Files, flag, takes_settings
from flow_gl.core.errors import DataError, UsageError
from flow_gl.core.settings import MARKET

if TYPE_CHECKING:
    from flow_gl.core.alerts import EngineRule


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
    tables: Annotated[
        str,
        flag("--tables", "Only these tables, or all (default: all but footprint and alerts).", "A,B", heading=MARKET),
    ] = "",
    alert_rules: Annotated[
        Path | None,
        flag("--alert-rules", "Rules for the table alerts (default: alerts.toml of the settings).", "FILE"),
    ] = None,
    given: Mapping[str, object],
    config: Config = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """Write the numbers of recorded trades as tables.

    These are bubbles, cvd, profile, events, levels (with levels.json), order_cvd, ribbon, rolls, and on request
    footprint: the contracts of each bubble by price and side, and alerts: what the alert rules fire. Each row has its
    instrument; where a continuous symbol continues with another contract, rolls says when. events has large trades,
    absorption, divergences, stacked imbalances and zero crosses, with what made them.

    \b
    flow-gl export nq-20251128.trades.dbn.zst --out tables
    flow-gl export day.csv --out tables --format csv --symbol NQZ5 --bucket 10s
    flow-gl export nq-20251128.trades.dbn.zst --out tables --tables bubbles,footprint --bucket 1min
    flow-gl export nq-20251128.trades.dbn.zst --out tables --tables alerts --alert-rules mine.toml
    """
    from flow_gl.cli import draw
    from flow_gl.core import config as sources
    from flow_gl.core.market.lod import THRESHOLD

    settings = sources.load(given, config=config)
    paths = draw.check_files(files)
    chosen = _tables(tables)
    rules = _alert_rules(alert_rules) if "alerts" in chosen else ()
    # A heavy import, so the flags are checked first.
    from flow_gl.feed.files.replay import read_items
    from flow_gl.runtime.export import ExportOptions
    from flow_gl.runtime.export import export as write_tables

    items = read_items(paths)
    with _progress(f"reading {', '.join(path.name for path in files)}") as advance:
        summary = write_tables(
            items,
            out,
            ExportOptions(
                fmt=table_format,
                tables=chosen,
                settings=settings.aggregation,
                by_session=by_session,
                threshold=THRESHOLD if settings.threshold is None else settings.threshold,
                rules=rules,
            ),
            symbol=symbol,
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


def _alert_rules(path: Path | None) -> "tuple[EngineRule, ...]":
    """Return the rules of a file that are on, else the user's. Raises DataError for a file that is not there."""
    from flow_gl.ui.alerts import rule_file

    if path is not None and not path.is_file():
        raise DataError(f"--alert-rules {path}: there is no such file")
    kept = rule_file.load(path or rule_file.default_path())
    if kept.warning:
        typer.echo(f"flow-gl: note: {kept.warning}", err=True)
    return kept.book.for_engine()


def _tables(text: str) -> tuple[str, ...]:
    """Return the tables that `--tables` names. Raises UsageError."""
    from flow_gl.services.export.tables import ALERTS_TABLE, FOOTPRINT_TABLE, TABLES

    known = (*TABLES, FOOTPRINT_TABLE, ALERTS_TABLE)
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in (*known, "all"):
            raise UsageError(f"--tables: there is no table {name}; expected all or some of {', '.join(known)}")
    if "all" in names:
        return known
    return names or TABLES


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
