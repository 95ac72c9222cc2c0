"""The commands for stored and downloadable data: sessions, download."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flow_gl.cli.options import Config, Debug, flag, takes_settings
from flow_gl.core.errors import DataError, FeedError, UsageError
from flow_gl.core.system.packages import install_advice

if TYPE_CHECKING:
    from flow_gl.services.archive.query import SessionRow


@takes_settings
def sessions(
    *,
    given: Mapping[str, object],
    config: Config = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """List the sessions that are stored: their levels from the archive, and which of them can be replayed.

    \b
    flow-gl sessions
    flow-gl replay --session 2025-11-28
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from flow_gl.core import config as sources
    from flow_gl.core.outside import plain
    from flow_gl.core.system.folders import recordings_dir
    from flow_gl.core.units import format_price
    from flow_gl.services.recording.folder import list_recordings

    settings = sources.load(given, config=config)
    folder = settings.record_dir or recordings_dir()
    recorded = [entry for entry in list_recordings(folder) if not entry.is_aside]
    table = Table("date", "symbol", "trades", "high", "low", "close", "CVD", "POC", "VWAP", "", box=None)
    for row in _archived(settings.archive):
        prices = (format_price(price) if price is not None else "" for price in (row.high, row.low, row.close))
        poc = format_price(row.poc) if row.poc is not None else ""
        vwap = f"{row.vwap:,.2f}" if row.vwap is not None else ""
        state = "" if row.is_finished else "not finished"
        table.add_row(
            _date(row.trade_date),
            escape(plain(row.symbol)),
            f"{row.trade_count:,}",
            *prices,
            f"{row.cvd:+,}" if row.cvd else "0",
            poc,
            vwap,
            state,
        )
    console = Console(highlight=False)
    console.print(table if table.row_count else "The archive contains no sessions.")
    for entry in recorded:
        console.print(
            f"recorded: {_date(entry.trade_date)}  {entry.dataset}  {entry.nbytes / 1e6:,.1f} MB  {entry.path}",
            markup=False,
        )
    if not recorded:
        typer.echo(f"There are no recordings in {folder}.")


def recordings_of(date: str, record_dir: Path | None, dataset: str) -> list[Path]:
    """Return the files of the recorded session of a trade date.

    Raises
    ------
    UsageError : `date` is not a date
    DataError : the session was not recorded
    """
    from flow_gl.core.system.folders import recordings_dir
    from flow_gl.services.recording.folder import list_recordings, recorded

    digits = date.replace("-", "")
    if len(digits) != 8 or not digits.isdecimal():
        raise UsageError(f"--session: expected a trade date like 2025-11-28, got {date!r}")
    folder = record_dir or recordings_dir()
    paths = recorded(folder, dataset, int(digits))
    if not paths:
        dates = sorted({_date(entry.trade_date) for entry in list_recordings(folder) if entry.dataset == dataset})
        there = f"there is {', '.join(dates[-5:])}" if dates else "there is none"
        raise DataError(f"no recording of {dataset} of {date} in {folder}; {there}")
    return paths


@takes_settings
def download(
    *,
    symbols: Annotated[str, flag("--symbols", "Symbols, separated by commas, like NQ.v.0,ES.v.0.", "A,B")],
    start: Annotated[str, flag("--start", "Start, UTC unless it has a zone: 2025-11-28, 2025-11-28T14:30.", "TIME")],
    end: Annotated[str | None, flag("--end", "End, exclusive (default: the midnight after the start).", "TIME")] = None,
    out: Annotated[Path, flag("--out", "Folder for the files, one per day.", "DIR")] = Path(),
    is_agreed: Annotated[bool, flag("--yes", "Download without asking, although it costs money.")] = False,
    given: Mapping[str, object],
    config: Config = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """Download trades from Databento's history: shows cost and size, and asks for confirmation before it begins.

    \b
    flow-gl download --symbols NQ.v.0 --start 2025-11-24 --end 2025-11-29 --out days
    flow-gl replay days/*.dbn.zst
    """
    from flow_gl import download as history
    from flow_gl.core import config as sources

    settings = sources.load(given, config=config)
    request = history.parse_request(
        [symbols], start=start, end=end, out=out, dataset=settings.dataset, stype_in=settings.stype_in
    )
    if settings.api_key is None:
        raise FeedError("no Databento key: set DATABENTO_API_KEY (in the environment or .env), or use --api-key")
    found = history.run(request, key=settings.api_key.get_secret_value(), is_agreed=is_agreed)
    for path in found.paths if not found.is_declined else ():
        typer.echo(path)


def _archived(url: str | None) -> "list[SessionRow]":
    try:
        from flow_gl.services.archive.database import default_url
        from flow_gl.services.archive.query import list_sessions
    except ModuleNotFoundError as error:
        if url is None:
            return []
        raise UsageError(f"the archive needs {error.name}: {install_advice('archive')}") from None
    return [] if url == "off" else list_sessions(url or default_url())


def _date(trade_date: int) -> str:
    return f"{trade_date // 10000:04d}-{trade_date // 100 % 100:02d}-{trade_date % 100:02d}"
