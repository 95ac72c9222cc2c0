"""A market for tests and pictures: plausible rows in a local store, without the engine.

A seeded random walk gives the seconds of trading, and plain NumPy merges them into all levels of detail, independently
of the engine's kernels. `Market.advance` publishes more rows as an engine would: closed rows to the rings, open rows
and the session's figures to the tables.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.palette import DARK
from flow_gl.core.schema import (
    BUBBLE,
    CVD_POINT,
    EVENT,
    FINISHED_LIST,
    FINISHED_ROWS,
    GAP_LIST,
    INSTRUMENT,
    MAX_LODS,
    OPEN,
    PRICE_SCALE,
    PROFILE,
    SESSION,
    UNDEF_PRICE,
    GapKind,
)
from flow_gl.core.units import HOUR_NS, SECOND_NS
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import Scene, Style
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.ui.state.timeline import Folding, TimelineReader
from tests.kit.footprints import FootprintFeed
from tests.kit.kept import kept

START_NS = 1_764_340_200 * SECOND_NS
"""2025-11-28 09:30:00 in New York."""
WIDTHS_S = 1, 5, 15, 30, 60, 300, 900, 1800, 3600, 14_400
"""Bucket widths of the levels of detail, in seconds."""
TICK = 250_000_000


def make_seconds(
    count: int, *, seed: int = 1, start_ns: int = START_NS, price_ticks: int = 101_480, intensity: float = 1.0
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Draw BUBBLE and CVD_POINT rows of `count` seconds; some seconds have no trade and so no row."""
    random = np.random.default_rng(seed)
    mood = np.convolve(random.normal(0, 1, count + 40), np.ones(40) / 40, "valid")[:count]
    burst = np.exp(np.convolve(random.normal(0, 1, count + 12), np.ones(12) / 5, "valid")[:count])
    trades = random.poisson(4.0 * burst * intensity)
    heavy = random.pareto(1.9, count) * 5.0 * burst * intensity
    lean = 1 / (1 + np.exp(-(2.2 * mood + random.normal(0, 1.1, count))))
    total = np.where(trades > 0, trades + heavy.astype(np.int64), 0)
    buy = random.binomial(total, lean)
    unsided = np.where(random.random(count) < 0.004, total, 0)
    buy, sell = np.where(unsided > 0, 0, buy), np.where(unsided > 0, 0, total - buy)
    step = np.rint(0.10 * (buy - sell) / np.sqrt(np.maximum(total, 1)) * 2 + random.normal(0, 1.6, count))
    close = price_ticks + np.cumsum(step).astype(np.int64)
    opened = np.concatenate([[price_ticks], close[:-1]])
    spread = random.poisson(0.8, (2, count))
    high, low = np.maximum(opened, close) + spread[0], np.minimum(opened, close) - spread[1]
    share = random.beta(3, 3, count)
    rows = np.zeros(count, BUBBLE)
    rows["ts_event"] = start_ns + np.arange(count) * SECOND_NS
    rows["id"] = rows["ts_event"] // SECOND_NS
    rows["ts_last"] = rows["ts_event"] + SECOND_NS - 1
    rows["price"] = np.rint((low + (high - low) * share) * TICK).astype(np.int64)
    for field, ticks in (("open", opened), ("high", high), ("low", low), ("close", close)):
        rows[field] = ticks * TICK
    rows["buy"], rows["sell"], rows["unsided"], rows["trade_count"] = buy, sell, unsided, trades
    rows = rows[total > 0]
    return rows, cvd_of(rows)


def cvd_of(rows: NDArray[np.void], *, start: int = 0) -> NDArray[np.void]:
    """Return the CVD_POINT rows for BUBBLE rows."""
    points = np.zeros(len(rows), CVD_POINT)
    points["id"], points["ts_event"] = rows["id"], rows["ts_event"]
    points["close"] = start + np.cumsum(rows["buy"] - rows["sell"])
    points["open"] = np.concatenate([[start], points["close"][:-1]])
    points["high"] = np.maximum(points["open"], points["close"])
    points["low"] = np.minimum(points["open"], points["close"])
    return points


def merge_rows(rows: NDArray[np.void], points: NDArray[np.void], lod: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Merge rows of lod 0 into the buckets of a lod."""
    return (rows, points) if lod == 0 or len(rows) == 0 else _merged(rows, points, lod)


@kept
def _merged(rows: NDArray[np.void], points: NDArray[np.void], lod: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
    seconds = WIDTHS_S[lod]
    ids = rows["id"] // seconds
    first = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    last = np.concatenate([first[1:], [len(rows)]]) - 1
    merged = np.zeros(len(first), BUBBLE)
    merged["id"] = ids[first]
    merged["ts_event"] = ids[first] * seconds * SECOND_NS
    merged["open"], merged["close"] = rows["open"][first], rows["close"][last]
    merged["high"] = np.maximum.reduceat(rows["high"], first)
    merged["low"] = np.minimum.reduceat(rows["low"], first)
    for field in ("buy", "sell", "unsided", "trade_count"):
        merged[field] = np.add.reduceat(rows[field], first)
    merged["ts_last"] = rows["ts_last"][last]
    volume = rows["buy"] + rows["sell"] + rows["unsided"]
    offset = rows["price"] - rows["price"][0]
    weighted = np.add.reduceat(offset * volume, first) / np.add.reduceat(volume, first)
    merged["price"] = rows["price"][0] + np.rint(weighted).astype(np.int64)
    curve = np.zeros(len(first), CVD_POINT)
    curve["id"], curve["ts_event"] = merged["id"], merged["ts_event"]
    curve["open"], curve["close"] = points["open"][first], points["close"][last]
    curve["high"] = np.maximum.reduceat(points["high"], first)
    curve["low"] = np.minimum.reduceat(points["low"], first)
    return merged, curve


@dataclass
class Market:
    """A store and the rows that fill it."""

    store: MarketStore
    rows: NDArray[np.void]
    points: NDArray[np.void]
    published: int = 0
    """Number of rows published so far, including the open one."""
    has_footprints: bool = False
    """Publish footprints too."""

    def __post_init__(self) -> None:
        self.reader = MarketReader(self.store)
        self._lods = [merge_rows(self.rows, self.points, lod) for lod in range(len(WIDTHS_S))]
        self._closed = [0] * MAX_LODS
        self._footprints = FootprintFeed(self.rows, TICK, WIDTHS_S)

    @property
    def now_ns(self) -> int:
        """End of the newest published second."""
        return int(self.rows["ts_event"][self.published - 1]) + SECOND_NS if self.published else START_NS

    def advance(self, count: int | None = None) -> None:
        """Publish `count` more rows (all by default), the last one as the open bubble, and refresh the reader."""
        self.published = len(self.rows) if count is None else min(self.published + count, len(self.rows))
        if self.published:
            self._publish_rows()
            self._publish_footprints(is_open=True)
            self._publish_session()
        self.reader.refresh()

    def close_open(self) -> None:
        """Close the open bubble at lod 0; nothing is open there then."""
        self.store.bubbles[0].append(self.rows[self._closed[0] : self.published])
        self.store.cvd[0].append(self.points[self._closed[0] : self.published])
        self._closed[0] = self.published
        self._publish_footprints(is_open=False)
        self.reader.refresh()

    def _publish_rows(self) -> None:
        table = np.zeros(1, OPEN)
        newest = int(self.rows["id"][self.published - 1])
        for lod, (rows, points) in enumerate(self._lods):
            stop = int(np.searchsorted(rows["id"], newest // WIDTHS_S[lod]))
            start, self._closed[lod] = self._closed[lod], stop
            self.store.bubbles[lod].append(rows[start:stop])
            self.store.cvd[lod].append(points[start:stop])
            inside = slice(
                int(np.searchsorted(self.rows["id"] // WIDTHS_S[lod], newest // WIDTHS_S[lod])), self.published
            )
            bubble, point = merge_rows(self.rows[inside], self.points[inside], lod)
            table["bubble"][0, lod], table["cvd"][0, lod] = bubble[0], point[0]
        table["count"] = self._closed[0]
        self.store.open.write(table)

    def _publish_footprints(self, *, is_open: bool) -> None:
        if self.has_footprints:
            self._footprints.publish(self.store, int(self.rows["id"][self.published - 1]), is_open=is_open)

    def _publish_session(self) -> None:
        rows = self.rows[: self.published]
        self.store.profile.write(profile_of(rows))
        self.store.session.write(session_of(rows, self.points[: self.published]))


@kept
def profile_of(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return a PROFILE record: each bubble's contracts spread evenly over its ticks, levels by simple rules."""
    record = np.zeros(1, PROFILE)
    low, high = int(rows["low"].min()), int(rows["high"].max())
    count = (high - low) // TICK + 1
    sides = np.zeros((count, 3))
    for row in rows:
        first, last = (int(row["low"]) - low) // TICK, (int(row["high"]) - low) // TICK + 1
        if last - first > 1000:  # a bad print: its contracts are at the close
            first = (int(row["close"]) - low) // TICK
            last = first + 1
        for column, side in enumerate(("buy", "sell", "unsided")):
            sides[first:last, column] += int(row[side]) / (last - first)
    sides = np.rint(sides).astype(np.int64)
    total = sides.sum(axis=1)
    poc = int(total.argmax())
    first = last = poc
    while total[first : last + 1].sum() < 0.7 * total.sum():
        above = total[last + 1] if last + 1 < count else -1
        below = total[first - 1] if first else -1
        first, last = (first, last + 1) if above >= below else (first - 1, last)
    record["rows"], record["base"], record["tick_size"], record["ticks_per_row"] = count, low, TICK, 1
    record["poc"], record["val"], record["vah"] = (low + row * TICK for row in (poc, first, last))
    record["total"], record["value_area"], record["step"] = total.sum(), total[first : last + 1].sum(), 2
    traded = np.flatnonzero(total)
    record["count"] = len(traded)
    record["row"][0, : len(traded)] = traded
    for column, side in enumerate(("buy", "sell", "unsided")):
        record[side][0, : len(traded)] = sides[traded, column]
    smooth = np.convolve(total, np.ones(5) / 5, "same")
    nodes = [row for row in range(8, count - 8, 1) if smooth[row] == smooth[row - 8 : row + 9].min()][:4]
    record["lvn_count"] = len(nodes)
    record["lvn"][0, : len(nodes)] = [low + row * TICK for row in nodes]
    return record


@kept
def session_of(rows: NDArray[np.void], points: NDArray[np.void]) -> NDArray[np.void]:
    """Return a SESSION record."""
    record = np.zeros(1, SESSION)
    volume = rows["buy"] + rows["sell"] + rows["unsided"]
    price = rows["price"] / PRICE_SCALE
    vwap = float((price * volume).sum() / volume.sum())
    record["trade_date"], record["open_ts"] = 20251128, rows["ts_event"][0]
    record["cvd_since"] = rows["ts_event"][0]
    record["first_ts"], record["last_ts"] = rows["ts_event"][0], rows["ts_last"][-1]
    record["last_price"], record["open"] = rows["close"][-1], rows["open"][0]
    record["high"], record["low"] = rows["high"].max(), rows["low"].min()
    for side in ("buy", "sell", "unsided", "trade_count"):
        record[side] = rows[side].sum()
    record["bubble_count"] = len(rows) - 1
    record["cvd"], record["cvd_high"], record["cvd_low"] = (
        points["close"][-1],
        points["high"].max(),
        points["low"].min(),
    )
    record["vwap"] = vwap
    record["vwap_sd"] = float(np.sqrt((volume * (price - vwap) ** 2).sum() / volume.sum()))
    record["reference"] = max(10, int(np.percentile(np.maximum(rows["buy"], rows["sell"]), 99.5)))
    for field in ("prior_high", "prior_low", "prior_close", "prior_poc", "prior_vah", "prior_val"):
        record[field] = UNDEF_PRICE
    record["overnight_high"] = record["overnight_low"] = UNDEF_PRICE
    record["total_trades"] = record["trade_count"]
    return record


def make_market(
    seconds: int = 180,
    *,
    seed: int = 1,
    intensity: float = 1.0,
    gap: tuple[int, int, GapKind] | None = None,
    capacity: int | None = None,
    crosses: Iterable[tuple[int, int]] = (),
    is_published: bool = True,
) -> Market:
    """Make a store with `seconds` of trading.

    Parameters
    ----------
    gap : (first second, last second, kind) without trades
    capacity : capacity of the store in bubbles; by default four times those made, because clearing memory takes time
    crosses : (second, direction) of CVD zero crosses
    is_published : publish everything at once; otherwise call `Market.advance`
    """
    if capacity is None:
        capacity = max(1 << 10, 1 << (4 * seconds).bit_length())
    store = MarketStore.local(base_capacity=capacity)
    rows, _ = make_seconds(seconds, seed=seed, intensity=intensity)
    second = (rows["ts_event"] - START_NS) // SECOND_NS
    if gap is not None:
        rows, second = (array[(second < gap[0]) | (second >= gap[1])] for array in (rows, second))
        record = np.zeros(1, GAP_LIST)
        record["count"] = record["total"] = 1
        record["gap"]["start"][0, 0], record["gap"]["end"][0, 0] = (START_NS + at * SECOND_NS for at in gap[:2])
        record["gap"]["kind"][0, 0] = gap[2]
        store.gaps.write(record)
    store.instrument.write(_instrument())
    for at, direction in crosses:
        event = np.zeros(1, EVENT)
        event["ts_event"], event["kind"], event["direction"] = (
            START_NS + at * SECOND_NS,
            EventKind.ZERO_CROSS,
            direction,
        )
        event["price"] = rows["close"][min(int(np.searchsorted(second, at)), len(rows) - 1)]
        event["strength"] = 300
        store.events.append(event)
    market = Market(store, rows, cvd_of(rows), has_footprints=True)
    if is_published:
        market.advance()
    return market


@dataclass(frozen=True)
class Day:
    """A session of a week: its name and its times."""

    trade_date: int
    open_ns: int
    close_ns: int
    instrument_id: int = 1
    is_partial: bool = False
    is_unscheduled: bool = False


WEEK = (
    Day(20251124, START_NS - 111 * HOUR_NS - HOUR_NS // 2, START_NS - 88 * HOUR_NS - HOUR_NS // 2),
    Day(20251125, START_NS - 87 * HOUR_NS - HOUR_NS // 2, START_NS - 64 * HOUR_NS - HOUR_NS // 2),
    Day(20251126, START_NS - 63 * HOUR_NS - HOUR_NS // 2, START_NS - 40 * HOUR_NS - HOUR_NS // 2),
    Day(20251127, START_NS - 39 * HOUR_NS - HOUR_NS // 2, START_NS - 20 * HOUR_NS - HOUR_NS // 2),
    Day(20251128, START_NS - 15 * HOUR_NS - HOUR_NS // 2, START_NS + 4 * HOUR_NS - HOUR_NS // 4),
)
"""Return the week of Thanksgiving 2025, with early closes on Thursday and Friday. The last session is still running."""


def make_week(days: tuple[Day, ...] = WEEK, *, seed: int = 1, per_hour: int = 20) -> Market:
    """Make a store with several sessions, all but the last one finished, and the closed hours between them."""
    store, parts = MarketStore.local(base_capacity=1 << 14), []
    finished, gaps = np.zeros(1, FINISHED_LIST), np.zeros(1, GAP_LIST)
    price = 101_480
    for number, day in enumerate(days):
        count = (day.close_ns - day.open_ns) // HOUR_NS * per_hour
        rows, _ = make_seconds(count, seed=seed + number, price_ticks=price)
        step = HOUR_NS // per_hour // SECOND_NS
        rows["id"] = day.open_ns // SECOND_NS + (rows["ts_event"] - START_NS) // SECOND_NS * step
        rows["ts_event"] = rows["id"] * SECOND_NS
        rows["ts_last"] = rows["ts_event"] + SECOND_NS - 1
        price = int(rows["close"][-1]) // TICK
        parts.append((rows, cvd_of(rows)))
        if number + 1 < len(days):
            gap = gaps["gap"][0, number]
            gap["start"], gap["end"], gap["kind"] = day.close_ns, days[number + 1].open_ns, GapKind.CLOSED
            _fill_finished(finished["session"][0, number], day, *parts[-1])
    finished["count"] = finished["total"] = gaps["count"] = gaps["total"] = len(days) - 1
    store.sessions.write(finished)
    store.gaps.write(gaps)
    store.instrument.write(_instrument(days[-1].instrument_id))
    market = Market(store, *(np.concatenate(column) for column in zip(*parts, strict=True)))
    market.advance()
    session = session_of(*parts[-1])
    _name_session(session[0], days[-1])
    store.session.write(session)
    store.profile.write(profile_of(parts[-1][0]))
    market.reader.refresh()
    return market


def _fill_finished(row: np.void, day: Day, rows: NDArray[np.void], points: NDArray[np.void]) -> None:
    profile = profile_of(rows)[0]
    row["instrument_id"], row["numbers"] = day.instrument_id, session_of(rows, points)[0]
    _name_session(row["numbers"], day)
    for field in ("poc", "vah", "val", "base", "tick_size"):
        row[field] = profile[field]
    # Like the engine: merge ticks until they fit.
    size, count = 1, int(profile["count"])
    while int(profile["rows"]) // size >= FINISHED_ROWS:
        size *= 2
    number = profile["row"][:count] // size
    row["ticks_per_row"], row["rows"] = size, number[-1] + 1
    numbers, first = np.unique(number, return_index=True)
    row["count"], row["row"][: len(numbers)] = len(numbers), numbers
    for side in ("buy", "sell", "unsided"):
        row[side][: len(numbers)] = np.add.reduceat(profile[side][:count], first)


def _name_session(row: np.void, day: Day) -> None:
    row["trade_date"], row["open_ts"], row["close_ts"] = day.trade_date, day.open_ns, day.close_ns
    row["partial"], row["unscheduled"] = day.is_partial, day.is_unscheduled


def _instrument(instrument_id: int = 1) -> NDArray[np.void]:
    instrument = np.zeros(1, INSTRUMENT)
    instrument["symbol"], instrument["requested"], instrument["instrument_id"] = b"NQZ5", b"NQ.v.0", instrument_id
    instrument["tick_size"], instrument["point_value"], instrument["bucket_ns"] = TICK, 20.0, SECOND_NS
    return instrument


def make_scene(
    market: Market,
    width: int = 640,
    height: int = 360,
    *,
    span_s: float = 120.0,
    lod: int = 0,
    style: Style | None = None,
    scale: float = 1.0,
    edge_ns: int | None = None,
    folding: Folding = "none",
    **fields: object,
) -> Scene:
    """Build the scene of one chart that fills the framebuffer, laid out as the program does it."""
    market.reader.refresh(logs_only=True)
    axis, time_axis = round(110 * scale), round(24 * scale)
    plot = width - axis
    cvd_height = round((height - time_axis) * 0.2)
    price_rect = Rect(0, 0, plot, height - time_axis - cvd_height)
    cvd_rect = Rect(0, price_rect.height, plot, cvd_height)
    now = market.now_ns
    edge = now if edge_ns is None else edge_ns
    ns_per_px = span_s * SECOND_NS / plot
    folded = TimelineReader().read(market.reader, folding, now_ns=now, scale=scale).folds.at(ns_per_px)
    right = folded.shifted(edge, int(0.08 * plot * ns_per_px))
    left = folded.shifted(right, -int(plot * ns_per_px))
    rows, points = (array[: market.published] for array in (market.rows, market.points))
    seen = (rows["ts_event"] + SECOND_NS > left) & (rows["ts_event"] < right)
    low, high = (
        (int(rows["low"][seen].min()) / TICK, int(rows["high"][seen].max()) / TICK)
        if seen.any()
        else (101_400, 101_500)
    )
    span = max(high - low, 10) * 1.25
    cvd_low, cvd_high = (int(points["low"][seen].min()), int(points["high"][seen].max())) if seen.any() else (-10, 10)
    cvd_low, cvd_high = min(cvd_low, 0), max(cvd_high, 0)
    cvd_span = max(cvd_high - cvd_low, 20) * 1.25
    scene = Scene(
        reader=market.reader,
        price_view=View(price_rect, right, ns_per_px, (low + high + span) / 2, span / price_rect.height, scale, folded),
        cvd_view=View(
            cvd_rect, right, ns_per_px, (cvd_low + cvd_high + cvd_span) / 2, cvd_span / cvd_height, scale, folded
        ),
        profile_rect=Rect(round(plot * 0.86), 0, plot - round(plot * 0.86), price_rect.height),
        lod=lod,
        style=style or Style(palette=DARK),
        now_ns=now,
        live_x_px=price_rect.right - folded.between(now, right) / ns_per_px,
        wall_s=100.0,
        screen_px=(width, height),
        price_axis_px=axis,
        time_axis_px=time_axis,
    )
    return replace(scene, **fields)  # type: ignore[arg-type]
