"""A local engine for tests: stores in this process, filled with a plausible market."""

from collections.abc import Collection

import numpy as np

from flow_gl.core.alerts import ALERT, Condition
from flow_gl.core.commands import Command
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT, GAP_LIST, INSTRUMENT, STATUS, FeedState, GapKind, TickSource
from flow_gl.core.units import SECOND_NS
from flow_gl.store.market import EngineReader, EngineStore, MarketStore
from flow_gl.ui.link import LinkFields, LinkState
from tests.kit.markets import START_NS, TICK, make_market

OPENED = START_NS


class LocalLink(LinkFields):
    """A `Link` over local stores. It records commands."""

    def __init__(self, *symbols: str, bubbles: int = 150, wall_ns: int | None = None) -> None:
        super().__init__()
        self.store = EngineStore.local()
        self.filled = [make_market(max(1, bubbles), seed=5 + n, is_published=bubbles > 0) for n in range(len(symbols))]
        self.stores = [market.store for market in self.filled]
        self.engine = EngineReader(self.store)
        self.markets = [market.reader for market in self.filled]
        self.state = LinkState.RUNNING
        self.generation = 1
        self.asked: list[str] = []
        self.needed: list[tuple[int, frozenset[str]]] = []
        self.refused: list[tuple[str, str]] = []
        self.commands: list[Command] = []
        self.polls = 0
        self.now_ns = self.filled[0].now_ns if self.filled else OPENED
        self._status = np.zeros(1, STATUS)
        wall = self.now_ns if wall_ns is None else wall_ns
        self.set_status(
            state=FeedState.LIVE,
            pid=1,
            heartbeat=wall,
            anchor_wall=wall,
            anchor_event=self.now_ns,
            rate=1.0,
            speed=1.0,
            progress=np.nan,
            charts=len(symbols),
            trades_per_second=84.0,
            dataset=b"GLBX.MDP3",
            source=b"test",
        )
        for symbol, store in zip(symbols, self.stores, strict=True):
            name(store, symbol)

    def set_status(self, **fields: object) -> None:
        """Change the engine's status."""
        for name, value in fields.items():
            self._status[name] = value
        self.store.status.write(self._status)

    def beat(self, wall_ns: int) -> None:
        self.set_status(heartbeat=wall_ns)

    def poll(self) -> LinkState:
        self.polls += 1
        return self.state

    def send(self, command: Command) -> None:
        self.commands.append(command)

    def add(self, symbol: str) -> str:
        """Note that a symbol was asked for; `bring` makes its market."""
        self.asked.append(symbol)
        return "" if symbol in self.offered or self.addable_stype else f"{symbol} is not in this feed"

    def need(self, symbols: Collection[str], *, window: int = 0) -> None:
        """Note which symbols a window needs."""
        self.needed.append((window, frozenset(symbols)))

    def refusals(self) -> list[tuple[str, str]]:
        """Return what a test has put into `refused`, once."""
        refused, self.refused = self.refused, []
        return refused

    def bring(self, symbol: str) -> None:
        """Add a market, as an engine does that was asked for one."""
        self.filled.append(make_market(40, seed=5 + len(self.filled), is_published=True))
        self.stores.append(self.filled[-1].store)
        self.markets.append(self.filled[-1].reader)
        name(self.stores[-1], symbol)

    def close(self) -> None:
        self.state = LinkState.ENDED


def name(store: MarketStore, symbol: str) -> None:
    """Set a store's instrument."""
    instrument = np.zeros(1, INSTRUMENT)
    instrument["symbol"], instrument["requested"] = symbol.encode(), f"{symbol[:-2]}.v.0".encode()
    instrument["tick_size"], instrument["tick_source"], instrument["point_value"] = TICK, TickSource.DEFINITION, 20.0
    instrument["bucket_ns"] = SECOND_NS
    store.instrument.write(instrument)


def add_cross(store: MarketStore, ts_event: int, *, direction: int = 1) -> None:
    """Append a CVD zero cross and the default rules' alert for it."""
    event = np.zeros(1, EVENT)
    event["ts_event"], event["kind"], event["direction"] = ts_event, EventKind.ZERO_CROSS, direction
    event["price"], event["strength"] = 101_480 * TICK, 300
    store.events.append(event)
    alert = np.zeros(1, ALERT)
    for field in ("ts_event", "price", "direction", "strength"):
        alert[field] = event[field]
    # The default rules start with the zero cross.
    alert["rule"], alert["condition"], alert["detail"] = 1, Condition.EVENT, EventKind.ZERO_CROSS
    store.alerts.append(alert)


def add_gap(store: MarketStore, kind: GapKind, start: int, end: int, *, is_open: bool) -> None:
    """Publish one gap."""
    gaps = np.zeros(1, GAP_LIST)
    gaps["count"] = gaps["total"] = 1
    gap = gaps["gap"][0, 0]
    gap["start"], gap["end"], gap["kind"], gap["open"] = start, end, kind, is_open
    store.gaps.write(gaps)
