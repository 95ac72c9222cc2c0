"""`flow-gl download`: shows cost and size, asks for confirmation, and shows progress."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import UsageError
from flow_gl.core.units import format_time
from flow_gl.download import transfer
from flow_gl.download.client import Client, Quote
from flow_gl.download.request import Part, Request

if TYPE_CHECKING:
    import databento
    from rich.console import Console
    from rich.progress import Progress, TaskID


@dataclass(frozen=True, slots=True)
class _Job:
    part: Part
    quote: Quote
    """Cost and size of the remaining download."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The result of a download."""

    paths: list[Path]
    """The request's files in order of time, ready for replay; a day without trades has none."""
    trades: int
    """Trades downloaded in this run."""
    cost_usd: float
    is_declined: bool = False
    """The user declined; nothing was downloaded."""


def run(
    request: Request,
    *,
    key: str | None,
    is_agreed: bool = False,
    ask: Callable[[str], bool] | None = None,
    console: "Console | None" = None,
    historical: "databento.Historical | None" = None,
    clock: Clock = SYSTEM,
) -> Downloaded:
    """Download the parts of a request that do not exist yet.

    Parameters
    ----------
    key : Databento key
    is_agreed : do not ask for confirmation (`--yes`)
    ask : asks the user a yes-or-no question; None: at the terminal
    console : where to write; None: standard error
    historical : client to use instead of one for Databento's own gateway (tests)

    Raises
    ------
    FlowError
        One line on the cause. The data received so far are kept, and the next run continues from there.
    """
    from rich.console import Console

    console = console or Console(stderr=True)
    client = Client(key, historical=historical, note=lambda line: console.print(f"Databento: {line}", markup=False))
    parts = request.parts()
    missing = [part for part in parts if not transfer.is_there(part, request)]
    paths = [part.path for part in parts]
    if len(missing) < len(parts):
        console.print(f"{len(parts) - len(missing)} of {len(parts)} files already exist", markup=False)
    if not missing:
        return Downloaded(paths, 0, 0.0)
    jobs = []
    for part in missing:
        start = transfer.left(part)
        job = _Job(part, client.quote(request, start, part.end_ns))
        if job.quote.trades or start > part.start_ns:
            jobs.append(job)
        else:
            console.print(f"no trades: {part.path.name}", markup=False)
            paths.remove(part.path)
    if not jobs:
        return Downloaded(paths, 0, 0.0)
    cost = sum(job.quote.cost_usd for job in jobs)
    _show_quote(console, request, jobs, cost)
    if not is_agreed and not (ask or _ask)(f"Download for US$ {cost:.2f}?"):
        console.print("nothing downloaded")
        return Downloaded(paths, 0, 0.0, is_declined=True)
    trades = _fetch_all(console, request, jobs, client, clock=clock)
    console.print(f"{trades:,} trades in {len(jobs)} files in {request.out}", markup=False)
    return Downloaded(paths, trades, cost)


def _show_quote(console: "Console", request: Request, jobs: list[_Job], cost: float) -> None:
    from rich.table import Table

    nbytes, trades = sum(job.quote.nbytes for job in jobs), sum(job.quote.trades for job in jobs)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in (
        ("symbols", f"{', '.join(request.symbols)} ({request.stype_in}), {request.dataset}"),
        ("from", format_time(request.start_ns, zone="UTC")),
        ("to", f"{format_time(request.end_ns, zone='UTC')}, not included"),
        ("files", f"{len(jobs)} in {request.out}"),
        ("trades", f"{trades:,}, {nbytes / 1e6:,.1f} MB uncompressed"),
        ("cost", f"US$ {cost:.2f}"),
    ):
        table.add_row(name, value)
    console.print(table)


def _ask(question: str) -> bool:
    from rich.prompt import Confirm

    if not sys.stdin.isatty():
        raise UsageError(
            "download: cannot ask for confirmation without a terminal; use --yes to download without asking"
        )
    return Confirm.ask(question, default=False)


def _fetch_all(console: "Console", request: Request, jobs: list[_Job], client: Client, *, clock: Clock) -> int:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    trades = 0
    with Progress(*columns, console=console) as bar:
        for number, job in enumerate(jobs, 1):
            day = format_time(job.part.start_ns, zone="UTC")[:10]
            task = bar.add_task(f"{number}/{len(jobs)} {day}", total=job.quote.nbytes)
            show = partial(_advance, bar, task)
            trades += transfer.fetch(job.part, request, client, clock=clock, progress=show)
            show(job.quote.nbytes)
    return trades


def _advance(bar: "Progress", task: "TaskID", done: int) -> None:
    bar.update(task, completed=done)
