"""A market in shared memory that publishes closed bubbles at a given rate, and remembers when."""

import threading
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import BUBBLE, CVD_POINT, INSTRUMENT, OPEN, SESSION, STATUS, FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.server.spec import EngineLine
from flow_gl.store.market import EngineStore, MarketStore

TICK: Final = 250_000_000
MAX_ROWS: Final = 1 << 18
_START_NS: Final = 1_764_340_200 * SECOND_NS


class ServedMarket:
    """One chart with bubbles of a random walk.

    Parameters
    ----------
    history : closed bubbles at the start

    Attributes
    ----------
    published_ns : monotonic time at which each row was published, ns, by position
    """

    def __init__(self, *, history: int) -> None:
        self.engine: Final = EngineStore.create("bench")
        self.store: Final = MarketStore.create("bench_m0")
        self.published_ns: Final[NDArray[np.int64]] = np.zeros(MAX_ROWS, np.int64)
        status = np.zeros(1, STATUS)
        status["state"], status["charts"] = FeedState.LIVE, 1
        self.engine.status.write(status)
        instrument = np.zeros(1, INSTRUMENT)
        instrument["symbol"], instrument["requested"], instrument["bucket_ns"] = b"NQZ5", b"NQ.v.0", SECOND_NS
        instrument["tick_size"] = TICK
        self.store.instrument.write(instrument)
        self._bubbles, self._points = _walk(MAX_ROWS)
        self._open: Final[NDArray[np.void]] = np.zeros(1, OPEN)
        self._session: Final[NDArray[np.void]] = np.zeros(1, SESSION)
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self.publish(history)

    @property
    def line(self) -> EngineLine:
        """The line that the workers receive."""
        return EngineLine("running", engine=self.engine.name, charts=((self.store.name, 1),))

    @property
    def head(self) -> int:
        """Number of rows published."""
        return self.store.bubbles[0].head

    def publish(self, count: int) -> None:
        """Publish closed rows, the open bubble and the session's numbers."""
        head = self.head
        stop = head + count
        self.store.bubbles[0].append(self._bubbles[head:stop])
        self.store.cvd[0].append(self._points[head:stop])
        self.published_ns[head:stop] = time.monotonic_ns()
        self._open["bubble"][0, 0], self._open["cvd"][0, 0] = self._bubbles[stop], self._points[stop]
        self._open["count"] = stop
        self.store.open.write(self._open)
        self._session["last_price"], self._session["cvd"] = self._bubbles["close"][stop], self._points["close"][stop]
        self._session["trade_count"] = stop
        self.store.session.write(self._session)

    def start(self, rate: float) -> None:
        """Publish one row at a time, `rate` times a second, at irregular moments."""
        self._is_over.clear()
        random = np.random.default_rng(1)

        def run() -> None:
            while not self._is_over.wait(float(random.uniform(0.5, 1.5)) / rate):
                self.publish(1)

        self._thread = threading.Thread(target=run, name="market", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Publish no more."""
        if self._thread is not None:
            self._is_over.set()
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        self.stop()
        self.store.close()
        self.engine.close()


def _walk(count: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return bubbles and CVD points of consecutive seconds."""
    random = np.random.default_rng(7)
    rows, points = np.zeros(count, BUBBLE), np.zeros(count, CVD_POINT)
    rows["id"] = _START_NS // SECOND_NS + np.arange(count)
    rows["ts_event"] = rows["id"] * SECOND_NS
    rows["ts_last"] = rows["ts_event"] + random.integers(1, SECOND_NS, count)
    rows["low"] = (100_000 + np.cumsum(random.integers(-3, 4, count))) * TICK
    for field in ("open", "close", "price"):
        rows[field] = rows["low"] + random.integers(0, 8, count) * TICK
    rows["high"] = rows["low"] + 8 * TICK
    rows["buy"], rows["sell"] = random.integers(1, 90, (2, count))
    rows["trade_count"] = rows["buy"]
    points["id"], points["ts_event"] = rows["id"], rows["ts_event"]
    points["close"] = np.cumsum(rows["buy"] - rows["sell"])
    points["open"] = points["close"] - (rows["buy"] - rows["sell"])
    points["high"], points["low"] = (
        np.maximum(points["open"], points["close"]),
        np.minimum(points["open"], points["close"]),
    )
    return rows, points
