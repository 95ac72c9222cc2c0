"""Export: a feed's items in, tables out. Connects the engine to the table writer, which do not import each other."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import EngineRule
from flow_gl.core.errors import DataError, FlowError, UsageError
from flow_gl.core.items import Item, Trades
from flow_gl.core.market import rejections
from flow_gl.core.market.footprint import SUMMED
from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.market.roll_finder import RollFinder
from flow_gl.core.schema import PRICE_SCALE, UNDEF_PRICE, TickSource
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import DEFAULTS, REGULAR, AggregationSettings
from flow_gl.core.units import format_time
from flow_gl.engine.coverage import Coverage
from flow_gl.engine.export_selection import ExportSelection, Result, unique_names
from flow_gl.engine.footprints import FootprintCollector
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.records import is_partial
from flow_gl.engine.sinks import Collector, Finished
from flow_gl.engine.summary import Summary
from flow_gl.services.export.tables import FOOTPRINT_TABLE, TABLES, Part, TableOptions, write_tables
from flow_gl.services.export.writing import Format

_SINCE_START: Final = ("rejected", "late")


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """The result of an export."""

    paths: tuple[Path, ...]
    symbols: tuple[str, ...]
    trades: int
    """Number of trades aggregated into the tables."""
    rejected: int
    notes: tuple[str, ...]
    """Data missing from the tables, with the reason; one line per instrument."""
    bubbles: int


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The scope and the options of an export.

    Attributes
    ----------
    fmt : "parquet" (zstd) or "csv"
    tables : the tables to write (`services.export.tables`)
    settings : how trades become numbers, except for the sessions, on which `by_session` decides
    by_session : split by the exchange's sessions; otherwise all trades form one
    threshold : imbalance above which a 1 s bubble is significant; wider bubbles have lower thresholds
        (`core.market.lod.threshold_at`)
    rules : alert rules, for the table of alerts
    """

    fmt: Format = "parquet"
    tables: Sequence[str] = TABLES
    settings: AggregationSettings = DEFAULTS.aggregation
    by_session: bool = False
    threshold: float = THRESHOLD
    rules: Sequence[EngineRule] = ()


def export(
    items: Iterable[Item],
    out_dir: Path,
    options: ExportOptions = ExportOptions(),
    *,
    symbol: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ExportSummary:
    """Aggregate items and write the tables of `services.export.tables` and levels.json.

    Parameters
    ----------
    items : a feed's items, in order (`feed.files.replay.read_items`)
    out_dir : folder, created if missing; tables in it are replaced
    options : scope and options of the export
    symbol : only this instrument, by its contract, a requested symbol, or its id; None: every instrument that traded
    progress : called with the number of trades read, after each batch

    Raises
    ------
    DataError : the symbol is not among the instruments, or nothing trades
    FlowError : the folder cannot be written
    UsageError : the profile covers regular hours only, but the export is not split by session
    """
    settings, by_session = options.settings, options.by_session
    if settings.session_profile == REGULAR and not by_session:
        raise UsageError("session_profile regular needs sessions: add --sessions")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlowError(f"cannot make the folder {out_dir}: {error.strerror or error}") from error
    calendar = SessionCalendar()
    sessions = calendar if by_session else None
    has_footprint = FOOTPRINT_TABLE in options.tables

    def sink_for(_instrument_id: int) -> Collector:
        return FootprintCollector() if has_footprint else Collector()

    pipeline = Pipeline(settings, sessions=sessions, lods=1, sink_for=sink_for)
    pipeline.set_alerts(options.rules)
    selection = ExportSelection(symbol)
    roll_finder = RollFinder(symbol or "")
    coverage = Coverage()
    read = 0
    for item in items:
        coverage.take(item, calendar)
        ours = selection.take(item)
        roll_finder.take(ours)
        pipeline.take(ours)
        if progress and isinstance(item, Trades):
            read += len(item.rows)
            progress(read)
    pipeline.finish()
    results = [(one, sink) for one, sink in pipeline.results() if isinstance(sink, Collector)]
    chosen = selection.choose(results)
    names = unique_names([one for one, _ in chosen])
    named = zip(chosen, names, strict=True)
    parts = [part for (one, sink), name in named for part in _parts(one, name, sink, _Sessions(calendar, coverage))]
    table_options = TableOptions(
        bucket_ns=settings.bucket_ns,
        fmt=options.fmt,
        tables=options.tables,
        by_session=by_session,
        threshold=options.threshold,
        rules={rule.id: rule.name for rule in options.rules},
    )
    paths = write_tables(parts, roll_finder.rolls, out_dir, table_options)
    return ExportSummary(
        paths=tuple(paths),
        symbols=tuple(names),
        trades=sum(one.trades for one, _ in chosen),
        rejected=sum(one.rejected for one, _ in chosen),
        notes=(*_rejections(chosen, names), *_session_notes(parts)),
        bubbles=sum(len(part.bubbles) for part in parts),
    )


def _rejections(chosen: Sequence[Result], names: Sequence[str]) -> list[str]:
    return [
        f"{name}: {rejections.describe(one.rejections)}"
        for (one, _), name in zip(chosen, names, strict=True)
        if one.rejected
    ]


def _session_notes(parts: list[Part]) -> list[str]:
    """The partial sessions, and those that are not in the exchange's calendar."""
    found = []
    for part in parts:
        session = f"session {part.trade_date}" if part.trade_date else "session"
        if part.levels["partial"]:
            since = format_time(int(part.levels["data_from_ns"]))
            found.append(f"{part.name}: partial {session}: data from {since}; its levels lack the trades before that")
        if part.levels["unscheduled"]:
            found.append(f"{part.name}: unscheduled {session}: trades outside the exchange's calendar")
    return found


@dataclass(frozen=True, slots=True)
class _Sessions:
    """The data that decide whether a session is partial."""

    calendar: SessionCalendar
    coverage: Coverage

    def data_from(self, finished: Finished, instrument_id: int) -> int | None:
        """Return when the data of a partial session begin, ns; None if the session is whole."""
        first_ts = int(finished.session["first_ts"][0])
        with suppress(DataError):  # a time that no calendar reaches
            session = self.calendar.session_of_trade(first_ts)
            if is_partial(session, first_ts, known_from=self.coverage.of(session, instrument_id)):
                return first_ts
        return None


def _parts(one: Summary, name: str, sink: Collector, sessions: _Sessions) -> list[Part]:
    bubbles, cvd = sink.bubble_rows(), sink.cvd_rows()
    logs = {log: np.split(sink.log_rows(log), cuts) for log, cuts in sink.log_cuts.items()}
    footprint = sink.footprint_rows() if isinstance(sink, FootprintCollector) else np.zeros(0, SUMMED)
    # Of each session the rows of its bubbles; a bubble belongs to the session in which it closes.
    last_ids = [int(bubbles["id"][stop - 1]) if stop else -1 for stop in sink.cuts]
    footprints = np.split(footprint, np.searchsorted(footprint["id"], last_ids, side="right"))
    start, before = 0, dict.fromkeys(_SINCE_START, 0)
    parts = []
    for at, (finished, stop) in enumerate(zip(sink.sessions, sink.cuts, strict=True)):
        parts.append(
            Part(
                instrument_id=one.instrument_id,
                symbol=one.name if not one.symbol else name,
                name=name,
                trade_date=finished.trade_date,
                bubbles=bubbles[start:stop],
                cvd=cvd[start:stop],
                events=np.sort(logs["events"][at], order=("ts_event", "kind", "price"), kind="stable"),
                minutes=logs["minutes"][at],
                order_cvd=logs["order_cvd"][at],
                alerts=logs["alerts"][at],
                footprint=footprints[at],
                price=finished.price,
                buy=finished.buy,
                sell=finished.sell,
                unsided=finished.unsided,
                levels=_levels(one, finished, before, sessions.data_from(finished, one.instrument_id)),
            )
        )
        start, before = stop, {field: int(finished.session[field][0]) for field in _SINCE_START}
    return parts


def _levels(one: Summary, finished: Finished, before: dict[str, int], since: int | None) -> dict[str, Any]:
    session, instrument = finished.session[0], finished.instrument[0]
    return {
        "profile_hours": REGULAR if finished.is_regular else "globex",
        "poc": _point(finished.poc),
        "vah": _point(finished.vah),
        "val": _point(finished.val),
        "lvn": _points(finished.lvn),
        "hvn": _points(finished.hvn),
        "vwap": float(session["vwap"]),
        "vwap_sd": float(session["vwap_sd"]),
        **_session_levels(finished.levels[0]),
        "trades": int(session["trade_count"]),
        "unscheduled": bool(session["unscheduled"]),
        "partial": since is not None,
        "data_from": None if since is None else format_time(since),
        "data_from_ns": since,
        **{field: int(session[field]) - before[field] for field in _SINCE_START},
        "tick_size": _point(int(instrument["tick_size"])),
        "point_value": one.point_value,
        "instrument": one.instrument_id,
        "tick_source": TickSource(int(instrument["tick_source"])).name.lower(),
    }


def _session_levels(levels: np.void) -> dict[str, Any]:
    """Initial balance and opening range (low, high; None without trades then), and naked POCs by trade date.

    A trade date may have several sessions, where something traded outside the calendar: the second is named `DATE-2`.
    """
    ranges = {}
    for name, prefix in (("initial_balance", "initial"), ("opening_range", "opening")):
        low, high = int(levels[f"{prefix}_low"]), int(levels[f"{prefix}_high"])
        ranges[name] = None if low == UNDEF_PRICE else [_point(low), _point(high)]
    naked: dict[str, float | None] = {}
    for price, date in levels["naked"][: int(levels["naked_count"])].tolist():
        name, number = str(date), 2
        while name in naked:
            name, number = f"{date}-{number}", number + 1
        naked[name] = _point(price)
    return {**ranges, "naked_pocs": naked}


def _point(price: int) -> float | None:
    return None if price == UNDEF_PRICE else price / PRICE_SCALE


def _points(prices: NDArray[np.int64]) -> list[float]:
    return [price / PRICE_SCALE for price in prices.tolist()]
