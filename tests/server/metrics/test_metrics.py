"""The result of a scrape, and when the server is ready."""

import math

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from flow_gl.core.clock import ManualClock
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.server.metrics.counts import COUNTS, STALE_NS, CountsBoard, WorkerCounts
from flow_gl.server.metrics.exposition import Exposition
from flow_gl.server.metrics.health import readiness
from tests.kit.local_link import LocalLink

Sample = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(exposition: Exposition) -> Sample:
    page, content_type = exposition.page("text/plain")
    assert content_type.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def value(samples: Sample, name: str, **labels: str) -> float:
    return samples[f"flow_gl_{name}", tuple(sorted(labels.items()))]


def test_a_scrape_gives_the_stores_own_numbers() -> None:
    link = LocalLink("NQZ5", "ESZ5")
    clock = ManualClock(link.now_ns + 2 * SECOND_NS)
    link.set_status(
        heartbeat=clock.wall_ns() - SECOND_NS,
        **{"trades": 1234, "lag_ns": 2_500_000, "lost": 3, "feed_gaps": 2, "reconnects": 4, "tape_used": 0.25},
        **{"is_recording": 1, "unrecorded": 17, "is_archiving": 1, "unarchived": 5, "behind": 9},
        **{"is_publishing": 1, "on_bus": 1, "leases": 2, "published": 4_711, "unpublished": 6},
    )
    found = scraped(Exposition(link, clock=clock))
    for name, expected in (
        ("engine_up", 1),
        ("engine_heartbeat_age_seconds", 1),
        ("trades_total", 1234),
        ("trades_per_second", 84),
        ("lag_seconds", 0.0025),
        ("lost_records_total", 3),
        ("feed_gaps_total", 2),
        ("reconnects_total", 4),
        ("tape_used_ratio", 0.25),
        ("recorder_waiting_trades", 17),
        ("archive_waiting_rows", 5),
        ("bus_publishing", 1),
        ("bus_connected", 1),
        ("bus_leases", 2),
        ("bus_published_rows_total", 4_711),
        ("bus_waiting_rows", 6),
        ("trades_behind", 9),
        ("charts", 2),
    ):
        assert value(found, name) == pytest.approx(expected), name
    states = {labels[0][1]: on for (name, labels), on in found.items() if name == "flow_gl_feed_state"}
    assert states == {state.name.lower(): float(state is FeedState.LIVE) for state in FeedState}
    for market, symbol in zip(link.markets, ("NQ.v.0", "ES.v.0"), strict=True):
        session = market.session
        assert value(found, "symbol_trades_total", symbol=symbol) == session["total_trades"]
        age = link.now_ns + 2 * SECOND_NS - int(session["last_ts"])
        assert value(found, "newest_print_age_seconds", symbol=symbol) == pytest.approx(age / 1e9)
        ring = market.store.bubbles[0]
        assert value(found, "ring_used_ratio", symbol=symbol, width="1s") == ring.head / ring.capacity
    assert not any(math.isnan(number) for number in found.values())


def test_without_an_engine_a_scrape_reports_it() -> None:
    link = LocalLink("NQ")
    link.set_status(heartbeat=0)
    found = scraped(Exposition(link, clock=ManualClock(1)))
    assert value(found, "engine_up") == 0
    assert ("flow_gl_trades_total", ()) not in found
    link.engine = None
    assert value(scraped(Exposition(link, clock=ManualClock(1))), "engine_up") == 0
    assert any(name == "flow_gl_build_info" for name, _ in found)


def test_an_old_heartbeat_is_an_engine_that_is_down() -> None:
    link = LocalLink("NQ")
    clock = ManualClock(link.now_ns + 6 * SECOND_NS)
    assert value(scraped(Exposition(link, clock=clock)), "engine_up") == 0


def test_one_scrape_gives_the_totals_of_all_workers_and_none_ever_falls() -> None:
    clock = ManualClock(1_000 * SECOND_NS)
    board = CountsBoard.local(3)
    workers = [WorkerCounts(board, number, pid=number, clock=clock) for number in range(3)]
    for number, worker in enumerate(workers):
        worker.sent_bytes += 10 ** (3 * number)
        worker.clients = number + 1
        worker.publish()
    exposition = Exposition(LocalLink("NQ"), board, clock=clock)
    found = scraped(exposition)
    assert value(found, "server_sent_bytes_total") == 1_001_001
    assert (value(found, "server_clients"), value(found, "server_workers")) == (6, 3)
    # One dies and another takes its place.
    clock.advance(STALE_NS)
    for worker in workers[:2]:
        worker.publish()
    found = scraped(exposition)
    assert (value(found, "server_clients"), value(found, "server_workers")) == (3, 2)
    assert value(found, "server_sent_bytes_total") == 1_001_001
    heir = WorkerCounts(board, 2, pid=9, clock=clock)
    heir.sent_bytes, heir.clients = 5, 1
    heir.publish()
    found = scraped(exposition)
    assert value(found, "server_sent_bytes_total") == 1_001_006
    assert (value(found, "server_clients"), value(found, "server_workers")) == (4, 3)


def test_every_count_is_published_and_scraped() -> None:
    clock = ManualClock(SECOND_NS)
    board = CountsBoard.local()
    counts = WorkerCounts(board, 0, pid=1, clock=clock)
    fields = [field for field in COUNTS.names or () if field not in ("pid", "published")]
    for number, field in enumerate(fields):
        setattr(counts, field, getattr(counts, field) + 100 + number)
    counts.publish()
    totals = board.totals(clock.wall_ns())
    assert totals == {field: 100 + number for number, field in enumerate(fields)} | {"workers": 1}
    found = scraped(Exposition(LocalLink("NQ"), board, clock=clock))
    assert sorted(v for (name, _), v in found.items() if name.startswith("flow_gl_server_")) == sorted(totals.values())


def test_shared_counts_are_read_by_name() -> None:
    board = CountsBoard.create("test_counts", 2)
    try:
        other = CountsBoard.attach(board.name, 2)
        counts = WorkerCounts(other, 1, pid=1)
        counts.commands = 7
        counts.publish()
        assert board.totals(int(np.int64(0)))["commands"] == 7
        other.close()
    finally:
        board.close()


def test_the_open_metrics_format_is_sent_on_request() -> None:
    page, content_type = Exposition(LocalLink("NQ"), clock=ManualClock(1)).page(
        "application/openmetrics-text; version=1.0.0"
    )
    assert content_type.startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("fields", "is_ready", "expected"),
    [
        ({}, True, "live, newest trade"),
        ({"state": FeedState.CLOSED}, True, "the exchange is closed"),
        ({"state": FeedState.ENDED, "heartbeat": 1}, True, "ended: the numbers are final"),
        ({"state": FeedState.DEMO}, True, "demo, newest trade 0.0 s ago"),
        ({"state": FeedState.CONNECTING}, False, "connecting to the feed"),
        ({"state": FeedState.RECONNECTING, "message": b"connection lost"}, False, "reconnecting: connection lost"),
        (
            {"state": FeedState.FAILED, "message": b"the key was refused\x1b[1m"},
            False,
            "stopped: the key was refused?[1m",
        ),
        ({"heartbeat": 0}, False, "the engine has not started yet"),
        ({"heartbeat": 1}, False, "the engine has not responded for"),
        ({"compiling": 1}, False, "compiling"),
        ({"lag_ns": 6 * SECOND_NS, "behind": 1_000_000}, False, "the engine is 1,000,000 trades behind"),
        ({"lag_ns": 6 * SECOND_NS}, True, "live"),
    ],
)
def test_ready_means_fresh_and_else_there_is_a_reason(fields: dict[str, object], is_ready: bool, expected: str) -> None:
    link = LocalLink("NQ")
    link.set_status(**fields)
    found = readiness(link, link.now_ns)
    assert (found.is_ready, expected in found.reason) == (is_ready, True), found.reason
    assert found.reason.isprintable()


def test_a_market_without_a_trade_is_ready_and_reports_it() -> None:
    link = LocalLink("NQ", bubbles=0)
    assert readiness(link, link.now_ns).reason == "live, no trade yet"
