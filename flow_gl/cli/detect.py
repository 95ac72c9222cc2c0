"""The command `detect`: events of many sessions under chosen parameters, and what price did afterwards."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from flow_gl.cli.options import Config, Debug, Files, flag
from flow_gl.core.errors import DataError, FlowError
from flow_gl.core.settings.declaration import DETECTORS, KEPT

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from flow_gl.runtime.detect.study import Study, StudyRun
    from flow_gl.runtime.detect.tables import Count, Values


_PLAIN_COLUMNS: Final = 120
"""Width of the tables without a terminal."""


def detect(
    files: Files,
    *,
    out: Annotated[Path, flag("--out", "Folder for the tables; created if missing.", "DIR")],
    symbol: Annotated[
        str | None, flag("--symbol", "Contract, continuous symbol or id (default: every instrument that trades).", "S")
    ] = None,
    given: Annotated[
        list[str] | None,
        flag("--set", "A parameter, like absorption.sd=3. Repeatable.", "NAME=VALUE", heading=DETECTORS),
    ] = None,
    grid: Annotated[
        list[str] | None,
        flag(
            "--grid",
            "Values of a parameter to compare: from, to (included) and step, or a list. Repeatable: every combination.",
            "NAME=A:B:STEP",
            heading=DETECTORS,
        ),
    ] = None,
    workers: Annotated[
        int, flag("--workers", "Processes (default: one per core).", "N", heading=KEPT, min=0, max=1024)
    ] = 0,
    scheduler: Annotated[
        str, flag("--scheduler", "Run on this Dask cluster instead, like tcp://10.0.0.5:8786.", "URL", heading=KEPT)
    ] = "",
    is_cached: Annotated[
        bool, flag("--cache/--no-cache", "Cache the results in the cache folder and reuse them.", heading=KEPT)
    ] = True,
    config: Config = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """Find the events of recorded sessions, and what price did 10 s, 60 s and 5 min after each.

    events.parquet has the rows of `flow-gl export --sessions`, each with the price then and the moves after it, in
    ticks. counts.parquet has their number by kind and hour (New York). The terminal shows both in short: "mean" is the
    mean move in the event's direction, "right" the share of moves in it. Sessions run in parallel and are kept, so
    the same command continues after Ctrl-C, and another file or value computes only the new parts.

    \b
    flow-gl detect days/*.dbn.zst --out study
    flow-gl detect days/*.dbn.zst --set absorption.sd=3 --set large_trade.threshold=100 --out study
    flow-gl detect days/*.dbn.zst --symbol NQ.v.0 --grid absorption.sd=2:4:0.5 --out study
    flow-gl detect days/*.dbn.zst --grid absorption.sd=2:4:0.5 --grid absorption.window_s=3,5,10 --out study
    flow-gl detect /shared/2025/*.dbn.zst --scheduler tcp://10.0.0.5:8786 --out study
    """
    from flow_gl.cli import draw, grids

    settings, values = grids.parameter_sets(given or (), grid or (), config=config)
    paths = [Path(path) for path in draw.check_files(files)]
    _check_folder(out)
    # A heavy import, so the flags are checked first.
    from flow_gl.runtime.detect.study import Options, StudyRun
    from flow_gl.runtime.detect.tables import write

    with _progress() as progress:
        task = progress.add_task(f"{len(paths)} files, {len(settings)} sets of parameters", total=1.0)
        studying = StudyRun(
            paths,
            settings,
            Options(workers, scheduler, is_cached),
            symbol=symbol or "",
            on_share=lambda share: progress.update(task, completed=share),
        )
        try:
            study = studying.run()
        except BaseException as error:
            if not isinstance(error, FlowError):
                _print_progress(studying, is_cached=is_cached)
            raise
    written = write(study, values, out)
    _show(study, values)
    for path in written:
        typer.echo(path)
    _say_notes(study)


def _check_folder(out: Path) -> None:
    """Make the folder and check that it can be written, before hours of work. Raises FlowError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlowError(f"--out {out}: the folder cannot be made: {error.strerror or error}") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise FlowError(f"--out {out}: the folder cannot be written to")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Show a progress bar on standard error if it is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        *(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()),
        *(TextColumn("left"), TimeRemainingColumn()),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def _print_progress(studying: "StudyRun", *, is_cached: bool) -> None:
    """Say what an interrupted study has kept."""
    if is_cached and studying.count:
        typer.echo(
            f"flow-gl: {studying.done} of {studying.count} parts are done and cached; the same command resumes there",
            err=True,
        )


def _say_notes(study: "Study") -> None:
    rejected = {
        market.name: count
        for market in study.sets[0]
        if (count := sum(session.rejected for session in market.sessions))
    }
    for name, count in rejected.items():
        typer.echo(
            f"flow-gl: note: {name}: {count:,} records without a valid price, size or time are left out", err=True
        )
    for line in study.messages:
        if line not in study.damage:
            typer.echo(f"flow-gl: note: {line}", err=True)
    if study.damage:
        raise DataError("; ".join(study.damage))


def _show(study: "Study", values: "Sequence[Values]") -> None:
    """Print the events found, by kind and by hour."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PLAIN_COLUMNS
    names = ", ".join(dict.fromkeys(market.name for market in study.sets[0][:6]))
    more = f" and {len(study.sets[0]) - 6} more" if len(study.sets[0]) > 6 else ""
    sessions = len({session.trade_date for market in study.sets[0] for session in market.sessions})
    console.print(f"{study.trades:,} trades of {names}{more} in {sessions} sessions", markup=False)
    console.print(_by_kind(study, values))
    if len(study.sets) == 1:
        console.print(_by_hour(study))


def _by_kind(study: "Study", values: "Sequence[Values]") -> "Table":
    """Return a table with a line for each kind, under each set of parameters."""
    from rich.table import Table

    from flow_gl.core.event_kinds import EventKind
    from flow_gl.runtime.detect.later import HORIZONS
    from flow_gl.runtime.detect.tables import NONE, counts

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("\nkind", no_wrap=True, min_width=max(len(kind.name) for kind in EventKind))
    for name in values[0]:
        table.add_column(name.replace(".", "\n") if "." in name else f"\n{name}", justify="right", no_wrap=True)
    for name in ("events", "bull", "bear"):
        table.add_column(f"\n{name}", justify="right", no_wrap=True)
    for horizon in HORIZONS:
        table.add_column(f"mean\n{horizon}", justify="right", no_wrap=True)
        table.add_column(f"right\n{horizon}", justify="right", no_wrap=True)
    totals = [[counts(market) for market in markets] for markets in study.sets]
    for kind in sorted(EventKind, key=lambda one: one.name):
        found = [sum((one for by in total for (its, _), one in by.items() if its is kind), NONE) for total in totals]
        lines = [([f"{value:g}" for value in named.values()], one) for named, one in zip(values, found, strict=True)]
        if all(one == found[0] for one in found):
            lines = [(["all"] * len(values[0]), found[0])]  # the grid does not concern this kind
        for named, one in lines:
            table.add_row(kind.name.lower(), *named, *_cells(one))
    return table


def _cells(count: "Count") -> list[str]:
    cells = [f"{number:,}" for number in (count.events, count.bullish, count.bearish)]
    for at, known in enumerate(count.known):
        cells += [f"{count.mean(at):+.1f}", f"{count.right[at] / known:.0%}"] if known else ["", ""]
    return cells


def _by_hour(study: "Study") -> "Table":
    """Return a table with a line for each hour of the exchange's clock, and a column for each kind."""
    from rich.table import Table

    from flow_gl.core.event_kinds import EventKind
    from flow_gl.runtime.detect.tables import counts

    kinds = sorted(EventKind, key=lambda one: one.name)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("hour (New York)")
    for kind in kinds:
        table.add_column(kind.name.lower().replace("_", "\n"), justify="right")
    found: dict[tuple[int, EventKind], int] = {}
    for market in study.sets[0]:
        for (kind, hour), count in counts(market).items():
            found[hour, kind] = found.get((hour, kind), 0) + count.events
    for hour in sorted({hour for hour, _ in found}):
        table.add_row(f"{hour:02d}:00", *(f"{found.get((hour, kind), 0) or ''}" for kind in kinds))
    return table
