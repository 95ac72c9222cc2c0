"""Tape: time and sales of orders, grouped from their trades, the newest on top.

At most 25 orders are added every 250 ms: the largest of those that arrived, so that no large one is lost. The panel
says how many it left out. Orders below the size filter are neither shown nor counted.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.commands import Command
from flow_gl.core.palette import Palette, Rgb, mix
from flow_gl.core.schema import ORDER, Side
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.store.ring import Cursor
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame, one_per_market
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.panels.base import Content, Row, Section
from flow_gl.ui.state.view_state import ViewState

PERIOD_S: Final = 0.25
MAX_ROWS: Final = 25
"""Orders that are added in each period."""
_KEPT: Final = 60
_LARGEST_FILTER: Final = 500.0
_COLOR_OF: Final = {int(Side.BUY): "buy", int(Side.SELL): "sell"}


def content() -> Content:
    """Return what the panel shows."""
    panel = TapePanel()
    return Content(panel.fill, panel.form)


@dataclass(slots=True)
class Tape:
    """The orders of one chart that the panel shows.

    Attributes
    ----------
    rows : ORDER rows, newest first
    passed_over : orders left out in the last period because there was no room
    passed_over_in_all : since the panel was opened, or the filter changed
    """

    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, ORDER))
    passed_over: int = 0
    passed_over_in_all: int = 0
    _store: MarketStore | None = None
    _cursor: Cursor | None = None
    _least: int = 0
    _read_s: float = 0.0

    def refresh(self, market: MarketReader, now_s: float, least: int) -> None:
        """Read what has arrived, at most once per period.

        Parameters
        ----------
        now_s : monotonic clock, seconds
        least : contracts; smaller orders are left out
        """
        ring = market.store.orders
        if market.store is not self._store or self._cursor is None or least != self._least:
            # What is still in the ring shows at once what the filter leaves.
            self._store, self._cursor, self._least = market.store, Cursor(ring, position=ring.oldest), least
            self.rows, self.passed_over_in_all, self.passed_over = np.zeros(0, ORDER), 0, 0
            orders = self._cursor.read()
            self.rows = orders[orders["size"] >= least][::-1][:_KEPT]
            self._read_s = now_s
            return
        if now_s - self._read_s < PERIOD_S:
            return
        missed = self._cursor.missed
        orders = self._cursor.read()
        orders = orders[orders["size"] >= least]
        found = _largest(orders, MAX_ROWS)
        self.passed_over = len(orders) - len(found) + self._cursor.missed - missed
        self.passed_over_in_all += self.passed_over
        self.rows = np.concatenate([found[::-1], self.rows])[:_KEPT]
        self._read_s = now_s


def _largest(orders: NDArray[np.void], most: int) -> NDArray[np.void]:
    """Return the largest orders, in their order; of equal ones the newest."""
    if len(orders) <= most:
        return orders
    kept = np.lexsort((np.arange(len(orders)), orders["size"]))[-most:]
    return orders[np.sort(kept)]


class TapePanel:
    """The content of the panel."""

    def __init__(self) -> None:
        self._tapes: Final[dict[int, Tape]] = {}

    def fill(self, frame: Frame, state: ViewState) -> list[Command]:
        """Draw the size filter."""
        least = state.filters.tape_floor
        shown = f"{least:,} contracts" if least > 1 else "all orders"
        changed, value = base.slider("orders from", shown, float(least), (1.0, _LARGEST_FILTER), is_log=True)
        base.hint("smaller orders are left out of the tape; no number changes")
        if changed:
            state.filters.tape_floor = max(1, round(value))
        if not frame.charts:
            base.colored("no chart", state.palette.quiet)
        return []

    def form(self, frame: Frame, state: ViewState) -> list[Section]:
        """Return a section of orders for each chart that is shown."""
        charts = one_per_market(frame.charts)
        return [self._section(chart, frame, state, most=_KEPT // len(charts)) for chart in charts]

    def _section(self, chart: ChartFrame, frame: Frame, state: ViewState, *, most: int) -> Section:
        market, tape = chart.market, self._tapes.setdefault(chart.index, Tape())
        assert market is not None
        if state.pause is None:
            tape.refresh(market, frame.steady_s, state.filters.tape_floor)
        large = state.aggregation.order_size_large
        rows = [_row(order, market.tick_size, state.palette, large) for order in tape.rows[:most]]
        over = (f"{tape.passed_over:,} now", f"{tape.passed_over_in_all:,} in all")
        passed = Row("Left out", over, (state.palette.attention if tape.passed_over else None, None))
        if not rows:
            least = state.filters.tape_floor
            rows = [
                Row(
                    f"no order of {least:,} contracts or more yet: lower the filter" if least > 1 else "no order yet",
                    (),
                )
            ]
        return Section(chart.name, [passed, *rows])


def _row(order: np.void, tick_size: int, palette: Palette, large: int) -> Row:
    """Return an order's row: time, last price, contracts. A large one has a ground in its side's colour."""
    side = _COLOR_OF.get(int(order["side"]))
    color: Rgb = getattr(palette, side) if side else palette.quiet
    size, is_large = int(order["size"]), int(order["size"]) >= large
    texts = words.price(int(order["last"]), tick_size), f"{size:,}"
    ground = mix(palette.raised, color, 0.3) if is_large else None
    text = palette.text if is_large else color
    return Row(words.clock(int(order["ts_event"]), milliseconds=True), texts, (text, text), ground=ground)
