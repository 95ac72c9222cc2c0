"""The page that Prometheus scrapes: the engine's metrics, all workers' counts, and build information."""

import platform
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from flow_gl import __version__
from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.units import SECOND_NS
from flow_gl.server.metrics.counts import GAUGES, CountsBoard
from flow_gl.server.metrics.store_metrics import PREFIX, Store, StoreMetrics

_HELP: Final = {
    "workers": "Running workers of the server",
    "clients": "Connected clients",
    "subscriptions": "Subscribed streams of connected clients",
    "connected": "Clients that have connected",
    "sent_bytes": "Bytes of messages sent to clients",
    "sent_messages": "Messages sent to clients",
    "received_messages": "Messages received from clients",
    "snapshots": "Snapshots sent to clients",
    "dropped_to_snapshot": "Times a slow client's queue was dropped and a snapshot took its place",
    "dropped_rows": "Rows that slow clients missed and received by snapshot",
    "slow_disconnects": "Clients that were disconnected because they stayed slow",
    "commands": "Commands from clients",
    "auth_failures": "Wrong tokens",
    "rate_limited": "Requests and messages refused by a rate limit",
    "refused": "Requests and messages refused for their origin, number, size or time",
}
_NAMES: Final = {"connected": "client_connections"}


class WorkerMetrics(Collector):
    """The totals over all workers."""

    def __init__(self, board: CountsBoard, *, clock: Clock = SYSTEM) -> None:
        self._board: Final = board
        self._clock: Final = clock

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that the registry does not collect when this is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        for field, total in self._board.totals(self._clock.wall_ns()).items():
            name = f"{PREFIX}_server_{_NAMES.get(field, field)}"
            is_gauge = field in GAUGES or field == "workers"
            yield (GaugeMetricFamily if is_gauge else CounterMetricFamily)(name, _HELP[field], value=float(total))


class Exposition:
    """The content of a scrape.

    Parameters
    ----------
    store : the engine's readers
    board : all workers' counts; None where there is no server
    certificate_expires_ns : returns the certificate's expiry, ns since the epoch; None without TLS
    """

    def __init__(
        self,
        store: Store,
        board: CountsBoard | None = None,
        *,
        certificate_expires_ns: Callable[[], int] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._registry: Final = CollectorRegistry()
        self._registry.register(StoreMetrics(store, clock=clock))
        if board is not None:
            self._registry.register(WorkerMetrics(board, clock=clock))
        self._registry.register(_Build(certificate_expires_ns))

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return a scrape's body and content type.

        Parameters
        ----------
        accept : the Accept header, with which a client can request the OpenMetrics format
        """
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Build(Collector):
    def __init__(self, certificate_expires_ns: Callable[[], int] | None) -> None:
        self._expires_ns: Final = certificate_expires_ns

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily(f"{PREFIX}_build_info", "The running version", labels=["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1.0)
        yield build
        if self._expires_ns is not None:
            text = "When the TLS certificate expires, seconds since the epoch"
            name = f"{PREFIX}_tls_certificate_expiry_timestamp_seconds"
            yield GaugeMetricFamily(name, text, value=self._expires_ns() / SECOND_NS)
