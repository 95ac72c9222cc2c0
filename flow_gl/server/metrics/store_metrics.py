"""The engine's numbers as Prometheus metrics, read from the store at each scrape.

No state is kept between scrapes, and the engine is not involved: its status and the charts' tables are read from shared
memory, as a view does. Counters restart from 0 with a new engine, which Prometheus treats as a counter reset.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.outside import plain
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.store.market import EngineReader, MarketReader

PREFIX: Final = "flow_gl"
_GAUGES: Final = (
    ("trades_per_second", "trades_per_second", 1.0, "Trades per second over the last second, all instruments"),
    ("lag_seconds", "lag_ns", 1e-9, "Time from a trade's arrival to its row in the store, newest batch"),
    ("trades_behind", "behind", 1.0, "Trades that have arrived and wait to be aggregated"),
    ("tape_used_ratio", "tape_used", 1.0, "Share of the tape that its readers have not read yet"),
    ("charts", "charts", 1.0, "Charts of the engine"),
    ("recording", "is_recording", 1.0, "1 if the session is being recorded"),
    ("recorder_waiting_trades", "unrecorded", 1.0, "Trades not yet written to disk"),
    ("archiving", "is_archiving", 1.0, "1 if the session is being written to a database"),
    ("archive_waiting_rows", "unarchived", 1.0, "Rows not yet written to the database"),
    ("bus_publishing", "is_publishing", 1.0, "1 if the charts are published on a bus"),
    ("bus_connected", "on_bus", 1.0, "1 while the bus is connected"),
    ("bus_leases", "leases", 1.0, "Charts whose lease this engine holds: it publishes them"),
    ("bus_waiting_rows", "unpublished", 1.0, "Rows not yet on the bus"),
    ("keeping_failing", "unkept", 1.0, "1 if recording or archiving fails now, or is incomplete"),
)
"""Name, field of STATUS, factor, help."""
_COUNTERS: Final = (
    ("trades", "trades", "Trades of all instruments since the engine's start"),
    ("feed_gaps", "feed_gaps", "Gaps in the feed since the engine's start"),
    ("reconnects", "reconnects", "Reconnections after a lost connection"),
    ("lost_records", "lost", "Records known to be lost"),
    ("recorded_trades", "recorded", "Trades written to disk"),
    ("archived_rows", "archived", "Rows written to the database"),
    ("bus_published_rows", "published", "Rows published on the bus"),
)
_SYMBOL_COUNTERS: Final = (
    ("symbol_trades", "total_trades", "Trades of a chart since the engine's start"),
    ("rejected_trades", "rejected", "Trades of a chart that were rejected as invalid"),
    ("late_trades", "late", "Trades of a chart that arrived after their bucket had closed"),
)


class Store(Protocol):
    """The data that a scrape reads."""

    @property
    def engine(self) -> EngineReader | None: ...

    @property
    def markets(self) -> Sequence[MarketReader]: ...


class StoreMetrics(Collector):
    """Collects the engine's numbers.

    Parameters
    ----------
    store : attached readers; refreshed here
    clock : the program's clock
    """

    def __init__(self, store: Store, *, clock: Clock = SYSTEM) -> None:
        self._store: Final = store
        self._clock: Final = clock

    def describe(self) -> Iterable[Metric]:
        """Return nothing, because the metrics depend on the engine."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; without an engine, only that it is down."""
        now = self._clock.wall_ns()
        engine = self._store.engine
        if engine is not None:
            engine.refresh()
        beat = int(engine.status["heartbeat"]) if engine is not None else 0
        yield _gauge("engine_up", "1 if the engine's heartbeat is at most 5 seconds old", _is_up(beat, now))
        if engine is None or not beat:
            return
        yield _gauge("engine_heartbeat_age_seconds", "Time since the engine's last heartbeat", (now - beat) / SECOND_NS)
        yield from _of_status(engine)
        yield from _of_charts(engine, self._store.markets, now)


def _is_up(heartbeat_ns: int, now_ns: int) -> bool:
    return heartbeat_ns > 0 and now_ns - heartbeat_ns < 5 * SECOND_NS


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=float(value))


def _of_status(engine: EngineReader) -> Iterator[Metric]:
    status = engine.status
    states = GaugeMetricFamily(f"{PREFIX}_feed_state", "1 for the current state of the feed", labels=["state"])
    for state in FeedState:
        states.add_metric([state.name.lower()], float(int(status["state"]) == state))
    yield states
    for name, field, factor, text in _GAUGES:
        yield _gauge(name, text, float(status[field]) * factor)
    for name, field, text in _COUNTERS:
        yield CounterMetricFamily(f"{PREFIX}_{name}", text, value=float(status[field]))
    info = GaugeMetricFamily(f"{PREFIX}_feed_info", "The feed's dataset and source", labels=["dataset", "source"])
    info.add_metric([plain(engine.text("dataset")), plain(engine.text("source"))], 1.0)
    yield info
    if not math.isnan(progress := float(status["progress"])):
        yield _gauge("catch_up_ratio", "Progress of a file or a catch-up, 0 to 1", progress)


def _of_charts(engine: EngineReader, markets: Sequence[MarketReader], now_ns: int) -> Iterator[Metric]:
    counters = [CounterMetricFamily(f"{PREFIX}_{name}", text, labels=["symbol"]) for name, _, text in _SYMBOL_COUNTERS]
    age = GaugeMetricFamily(
        f"{PREFIX}_newest_print_age_seconds", "Event time since a chart's newest trade", labels=["symbol"]
    )
    price = GaugeMetricFamily(f"{PREFIX}_last_price", "Price of a chart's newest trade, points", labels=["symbol"])
    known = GaugeMetricFamily(
        f"{PREFIX}_symbol_known", "0 if the gateway does not know a chart's symbol", labels=["symbol"]
    )
    used = GaugeMetricFamily(
        f"{PREFIX}_ring_used_ratio",
        "Share of a ring of bubbles that is filled; 1 once its oldest rows are overwritten",
        labels=["symbol", "width"],
    )
    edge = engine.event_now(now_ns)
    for chart, market in enumerate(markets):
        market.refresh()
        # The requested name stays the same across a roll.
        symbol = plain(market.requested or market.symbol) or f"chart {chart + 1}"
        session = market.session
        for family, (_, field, _) in zip(counters, _SYMBOL_COUNTERS, strict=True):
            family.add_metric([symbol], float(session[field]))
        known.add_metric([symbol], float(not engine.status["not_found"][chart]))
        if session["trade_count"]:
            age.add_metric([symbol], max(0.0, (edge - int(session["last_ts"])) / SECOND_NS))
            price.add_metric([symbol], int(session["last_price"]) / SECOND_NS)
        for width_ns, ring in zip(market.widths_ns, market.store.bubbles, strict=False):
            used.add_metric([symbol, f"{width_ns / SECOND_NS:g}s"], min(1.0, ring.head / ring.capacity))
    yield from (*counters, age, price, known, used)
