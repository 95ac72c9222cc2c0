"""The tables of a study: each event with what price did afterwards, and counts by kind and hour."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import FlowError
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT
from flow_gl.core.units import EXCHANGE_ZONE, HOUR_NS, SECOND_NS
from flow_gl.runtime.detect.later import HORIZONS
from flow_gl.runtime.detect.study import MarketEvents, Study
from flow_gl.services.export.events import event_columns
from flow_gl.services.export.writing import points, replacing, write_table

Values = Mapping[str, float]
"""The values of the parameters that differ between sets, by name."""


@dataclass(frozen=True, slots=True)
class Count:
    """Events of one kind, with what price did after them in their direction."""

    events: int
    bullish: int
    bearish: int
    known: tuple[int, ...]
    """By horizon: events with a price that much later."""
    total: tuple[float, ...]
    """By horizon: sum of the moves in the event's direction, ticks."""
    right: tuple[int, ...]
    """By horizon: moves in the event's direction."""

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.events + other.events,
            self.bullish + other.bullish,
            self.bearish + other.bearish,
            tuple(map(add, self.known, other.known)),
            tuple(map(add, self.total, other.total)),
            tuple(map(add, self.right, other.right)),
        )

    def mean(self, at: int) -> float:
        """Return the mean move in the event's direction by the horizon `at`, ticks; NaN if none is known."""
        return self.total[at] / self.known[at] if self.known[at] else np.nan


NONE: Final = Count(0, 0, 0, *((0,) * len(HORIZONS),) * 3)


def hours(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the hours that the exchange's clock (New York) shows at times in ns."""
    numbers, index = np.unique(times // HOUR_NS, return_inverse=True)
    zone = ZoneInfo(EXCHANGE_ZONE)
    shown = [dt.datetime.fromtimestamp(number * (HOUR_NS // SECOND_NS), zone).hour for number in numbers.tolist()]
    return np.array(shown, np.int64)[index]


def counts(market: MarketEvents) -> dict[tuple[EventKind, int], Count]:
    """Count an instrument's events by kind and hour of the exchange's clock."""
    rows, _, moved = _all(market)
    found: dict[tuple[EventKind, int], Count] = {}
    hour, direction = hours(rows["ts_event"]), rows["direction"].astype(np.int64)
    ours = moved * direction[:, None]
    for kind, number in sorted({*zip(rows["kind"].tolist(), hour.tolist(), strict=True)}):
        at = (rows["kind"] == kind) & (hour == number)
        known = ~np.isnan(ours[at])
        found[EventKind(kind), number] = Count(
            int(at.sum()),
            int((direction[at] > 0).sum()),
            int((direction[at] < 0).sum()),
            tuple(known.sum(axis=0).tolist()),
            tuple(np.nansum(ours[at], axis=0).tolist()),
            tuple((ours[at] > 0).sum(axis=0).tolist()),
        )
    return found


def write(study: Study, values: Sequence[Values], folder: Path) -> list[Path]:
    """Write events.parquet and counts.parquet.

    Parameters
    ----------
    study : the results
    values : of each set of parameters, what distinguishes it; empty if there is one set
    folder : exists; files of the same names are replaced

    Raises
    ------
    FlowError : the folder cannot be written
    """
    paths = [folder / "events.parquet", folder / "counts.parquet"]
    sets = list(zip(values, study.sets, strict=True))
    try:
        with replacing(paths[0]) as events, replacing(paths[1]) as totals:
            write_table(events, (_event_columns(one, market) for one, markets in sets for market in markets), "parquet")
            write_table(totals, iter([_count_columns(sets)]), "parquet")
    except OSError as error:
        raise FlowError(f"cannot write the tables into {folder}: {error.strerror or error}") from error
    return paths


def _all(market: MarketEvents) -> tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.float64]]:
    """Return the events of all sessions, the price at each, and the moves after it."""
    return (
        np.concatenate([np.zeros(0, EVENT), *(one.event_rows() for one in market.sessions)]),
        np.concatenate([np.zeros(0, np.int64), *(one.prices() for one in market.sessions)]),
        np.concatenate([np.zeros((0, len(HORIZONS))), *(one.moved() for one in market.sessions)]),
    )


def _event_columns(values: Values, market: MarketEvents) -> dict[str, Any]:
    rows, price, moved = _all(market)
    lengths = [len(one.event_rows()) for one in market.sessions]
    columns: dict[str, Any] = {name: np.full(len(rows), value) for name, value in values.items()}
    columns |= {"instrument": np.full(len(rows), market.instrument_id), "symbol": (market.name, len(rows))}
    columns["trade_date"] = np.repeat(np.array([one.trade_date for one in market.sessions], np.int32), lengths)
    columns |= event_columns(rows)
    columns["price_then"] = points(price)
    columns |= {f"move_{name}": moved[:, at] for at, name in enumerate(HORIZONS)}
    return columns


def _count_columns(sets: Sequence[tuple[Values, Sequence[MarketEvents]]]) -> dict[str, Any]:
    lines = list(_count_lines(sets))
    names = list(sets[0][0])
    columns: dict[str, Any] = {name: np.array([values[name] for values, *_ in lines]) for name in names}
    columns["instrument"] = np.array([market.instrument_id for _, market, *_ in lines], np.int64)
    columns["symbol"] = np.array([market.name for _, market, *_ in lines], np.str_)
    columns["kind"] = np.array([kind.name.lower() for _, _, kind, _, _ in lines], np.str_)
    columns["hour"] = np.array([hour for _, _, _, hour, _ in lines], np.int64)
    for name in ("events", "bullish", "bearish"):
        columns[name] = np.array([getattr(count, name) for *_, count in lines], np.int64)
    for at, name in enumerate(HORIZONS):
        columns[f"known_{name}"] = np.array([count.known[at] for *_, count in lines], np.int64)
        columns[f"right_{name}"] = np.array([count.right[at] for *_, count in lines], np.int64)
        columns[f"mean_{name}"] = np.array([count.mean(at) for *_, count in lines], np.float64)
    return columns


def _count_lines(
    sets: Sequence[tuple[Values, Sequence[MarketEvents]]],
) -> Iterator[tuple[Values, MarketEvents, EventKind, int, Count]]:
    for values, markets in sets:
        for market in markets:
            for (kind, hour), count in counts(market).items():
                yield values, market, kind, hour, count
