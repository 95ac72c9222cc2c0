"""Lays out every text of the picture at many sizes and in many states, and reports texts that overlap or are cut off.

Only a few pixels are drawn: texts are collected as boxes (`gl.label_boxes`). A window is made for each state and number
of charts, and then resized and rescaled as a user would. The full product of states, windows, text sizes and numbers of
charts has about 2,000 cases. The suite takes a sample that contains every pair of two values; running this module lays
out all of them:

python -m tests.view.label_matrix [STATE...]
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from flow_gl.core.comparison import Comparison
from flow_gl.core.drawings import SHAPE_KINDS, WITH_TWO_POINTS, CustomLevel, Point, Shape, drawing_key
from flow_gl.core.panels import HEIGHTS_PX, PANEL_NAMES
from flow_gl.core.schema import BUBBLE, LEVELS, SESSION_SPAN, FeedState, GapKind
from flow_gl.core.units import HOUR_NS, MINUTE_NS, SECOND_NS
from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.gl.view import Rect
from flow_gl.layers.base import LAYER_OF_EVENT
from flow_gl.store.timeline import TimelineStore
from flow_gl.ui.state.panel_layout import Side
from tests.kit.events import plant_one_of_each
from tests.kit.local_link import add_cross, add_gap
from tests.kit.markets import TICK
from tests.kit.pilot import HeadlessPilot, TinyTarget

SYMBOLS: Final = ("NQZ5", "ESZ5", "RTYZ5", "YMZ5", "MNQZ5", "MESZ5", "M2KZ5", "MYMZ5", "NQH6")
WINDOWS: Final = ((400, 300, 1.0), (1024, 600, 1.0), (1920, 1080, 1.0), (3840, 2160, 1.0), (3840, 2160, 2.0))
"""Width and height in pixels, and the monitor's scale."""
COUNTS: Final = (1, 2, 4, 9)
TEXT_SIZES: Final = (1.0, 0.75, 1.5, 3.0)


class Case(NamedTuple):
    """One layout to check: state, window (of `WINDOWS`), text size, number of charts."""

    state: "State"
    window: tuple[int, int, float]
    text_size: float
    count: int

    def __str__(self) -> str:
        width, height, scale = self.window
        return f"{self.state.__name__}, {width}x{height} at {scale:g} x {self.text_size:g}, {self.count} charts"


class Screen(HeadlessPilot):
    """A window with charts that can be resized and rescaled."""

    def __init__(self, count: int, *, bubbles: int = 150, window: tuple[int, int, float] = WINDOWS[2]) -> None:
        super().__init__(*SYMBOLS[:count], size=window[:2], bubbles=bubbles)
        self.fit(window)
        self.frames(1)

    def fit(self, window: tuple[int, int, float], text_size: float = 1.0) -> None:
        """Resize the window and put it on a monitor of another scale."""
        assert isinstance(self.surface, TinyTarget)
        self.surface.claim(*window[:2])
        self.surface.move_to_monitor(window[2])
        self.state.text_size = text_size

    def texts(self) -> list[LabelBox]:
        """Return the boxes of all texts once the picture is at rest."""
        self.pass_time(0.3)  # periodic refreshes are due
        # Labels avoid notices from the frame after the one that draws them.
        self.loop.run_for_picture()
        return self.loop.label_boxes()

    def change_sessions(self, **fields: int) -> None:
        for market, store in zip(self.link.markets, self.link.stores, strict=True):
            session = np.array([market.session])
            for name, value in fields.items():
                session[name] = value
            store.session.write(session)


State = Callable[[Screen], None]


def live(_: Screen) -> None:
    pass


def halt(screen: Screen) -> None:
    for store in screen.link.stores:
        add_gap(store, GapKind.NO_TRADES, screen.link.now_ns - 60 * SECOND_NS, screen.link.now_ns, is_open=True)


def feed_gap(screen: Screen) -> None:
    for store in screen.link.stores:
        add_gap(
            store, GapKind.FEED, screen.link.now_ns - 60 * SECOND_NS, screen.link.now_ns - 20 * SECOND_NS, is_open=False
        )


def replay(screen: Screen) -> None:
    screen.link.set_status(state=FeedState.REPLAY, speed=10.0, progress=0.4)


def reconnecting(screen: Screen) -> None:
    message = b"the gateway closed the connection: authentication is no longer valid"
    screen.link.set_status(
        state=FeedState.RECONNECTING, attempt=3, retry_at=screen.time.wall_ns() + 4 * SECOND_NS, message=message
    )


def partial(screen: Screen) -> None:
    screen.change_sessions(partial=1, rejected_price=3)


def unscheduled(screen: Screen) -> None:
    screen.change_sessions(unscheduled=1)


def signs(screen: Screen) -> None:
    screen.state.is_muted = True
    screen.link.set_status(is_recording=1)
    for store in screen.link.stores:
        add_cross(store, screen.link.now_ns - 15 * SECOND_NS)
        add_cross(store, screen.link.now_ns - 12 * SECOND_NS, direction=-1)


def unkept(screen: Screen) -> None:
    screen.link.set_status(unkept=1, keeping=b"cannot write /recordings: no space left on the device; 120 trades wait")
    screen.link.set_status(is_publishing=1)


def paused(screen: Screen) -> None:
    screen.press("space")


def in_the_past(screen: Screen) -> None:
    screen.state.time.pan(300.0, screen.frame.event_ns)
    for own in screen.state.charts:
        own.cleared_before_ns = screen.link.now_ns - 140 * SECOND_NS


def zoomed_out(screen: Screen) -> None:
    screen.state.time.set_span(3600e9, screen.charts[0].layout.price.width)


def fixed_scale(screen: Screen) -> None:
    for own, chart in zip(screen.state.charts, screen.charts, strict=False):
        own.price.pan(3.0 * chart.layout.price.height)


def compared(screen: Screen) -> None:
    """Compare each chart with the next one, as difference and as ratio; the last one with a symbol that is missing."""
    symbols = [*(f"{symbol[:-2]}.v.0" for symbol in SYMBOLS[1 : screen.frame.chart_count]), "CL.v.0"]
    for number, (own, symbol) in enumerate(zip(screen.state.charts, symbols, strict=False)):
        own.comparison.show(Comparison(symbol, "ratio" if number % 2 else "difference", 2_500))
    screen.frames(40)
    with_crosshair(screen)


def with_reference(screen: Screen) -> None:
    screen.press("r")


def with_crosshair(screen: Screen) -> None:
    pane = screen.charts[0].layout.price
    screen.point((pane.x + 0.4 * pane.width, pane.y + 0.2 * pane.height))


def with_levels(screen: Screen) -> None:
    """Initial balance, opening range and naked POCs around the last price."""
    for market, store in zip(screen.link.markets, screen.link.stores, strict=True):
        last, tick = int(market.session["last_price"]), market.tick_size
        row = np.zeros(1, LEVELS)
        row["rth_open"], row["initial_frozen"] = int(market.session["open_ts"]), 1
        row["initial_high"], row["initial_low"] = last + 3 * tick, last - 9 * tick
        row["opening_high"], row["opening_low"] = last, last - 2 * tick
        row["naked_count"] = 3
        row["naked"]["price"][0, :3] = last + tick, last + 2 * tick, last + 12 * tick
        row["naked"]["trade_date"][0, :3] = 20251124, 20251125, 20251126
        store.levels.write(row)


def with_panels(screen: Screen) -> None:
    screen.state.open_panels = {"session", "feed", "performance"}


def docked(*sides: Side) -> State:
    """Return the state with all panels open, in columns at these sides."""

    def show(screen: Screen) -> None:
        screen.state.open_panels = set(PANEL_NAMES) - {"help"}
        for at, name in enumerate(HEIGHTS_PX):
            places = screen.state.panel_places
            screen.state.panel_places = places.put(name, replace(places.place(name), side=sides[at % len(sides)]))

    show.__name__ = f"docked_{'_and_'.join(sides)}"
    return show


def recording(screen: Screen) -> None:
    screen.state.video_sign = "video 12:05, 3 dropped"
    signs(screen)


def with_marks(screen: Screen) -> None:
    """One event of each kind in view, with all marks shown."""
    screen.state.filters.layers |= set(LAYER_OF_EVENT.values())
    for market in screen.link.filled:
        plant_one_of_each(market, at=110)


def replay_with_bar(screen: Screen) -> None:
    """A paused replay with its seek bar."""
    now = screen.link.now_ns
    screen.link.timeline = timeline(now)
    screen.link.set_status(
        state=FeedState.REPLAY, can_seek=1, first_event=now - HOUR_NS, last_event=now + HOUR_NS, indexed=1.0
    )
    screen.link.set_status(speed=10.0, is_held=1, rate=0.0)


def replay_seeking(screen: Screen) -> None:
    """A replay that is being indexed while the handle is dragged and a loop is marked."""
    replay_with_bar(screen)
    screen.link.set_status(indexed=0.4, is_held=0, rate=1.0, seeking=screen.link.now_ns)
    screen.state.transport.loop_from_ns = screen.link.now_ns - 600 * SECOND_NS
    screen.state.transport.dragged_ns = screen.link.now_ns - 300 * SECOND_NS


def timeline(now_ns: int) -> TimelineStore:
    """Make the timeline of two hours around an instant."""
    store = TimelineStore.local()
    chart, first = store.charts[0], now_ns - HOUR_NS
    rows = np.zeros(120, BUBBLE)
    rows["ts_event"] = first + np.arange(120) * MINUTE_NS
    rows["id"] = rows["ts_event"] // MINUTE_NS
    rows["buy"], rows["sell"] = 1 + np.arange(120) % 7, 3
    chart.minutes.append(rows)
    span = np.zeros(1, SESSION_SPAN)
    span["open_ts"], span["first_ts"], span["last_ts"], span["trade_date"] = first, first, first + 2 * HOUR_NS, 20251128
    chart.open_span.write(span)
    return store


def drawn(screen: Screen) -> None:
    """One shape of each kind on each chart, all in one place, and a custom level across them."""
    for chart in screen.charts:
        assert chart.scene is not None
        view, last = chart.scene.price_view, int(chart.scene.reader.session["last_price"])
        start, end = (
            Point(view.time_at(view.rect.x + share * view.rect.width), last + ticks * TICK)
            for share, ticks in ((0.3, 2), (0.6, 8))
        )
        key = drawing_key(chart.scene.reader.symbol, chart.scene.reader.requested)
        shapes = [
            Shape(f"{key}{kind}", kind, start, end if kind in WITH_TWO_POINTS else start, f"{kind} of mine")
            for kind in SHAPE_KINDS
        ]
        screen.state.drawings.book.put_shapes(key, shapes)
        screen.state.drawings.book.put(key, [CustomLevel(f"{key}level", start.price, "mine")])


STATES: Final[tuple[State, ...]] = (
    *(live, halt, feed_gap, replay, reconnecting, partial, unscheduled, signs, unkept, paused, in_the_past),
    *(zoomed_out, fixed_scale, with_reference, with_crosshair, with_levels, with_panels, drawn, compared),
    *(docked("left"), docked("right"), docked("left", "right"), recording, with_marks, replay_with_bar, replay_seeking),
)
MARKETS: Final = {"empty": 0, "one_bubble": 1, "busy": 900}
"""Numbers of bubbles, each of which makes another state."""
_OF_GEOMETRY: Final = frozenset({"with_crosshair", "drawn", "compared", "zoomed_out", "fixed_scale", "in_the_past"})
"""States that place something on the screen: each size gets its own window."""


def market(name: str) -> State:
    """Return the state with another number of bubbles."""

    def show(screen: Screen) -> None:
        if MARKETS[name] > 1:
            screen.state.time.set_span(800e9, screen.charts[0].layout.price.width)

    show.__name__ = name
    return show


ALL_STATES: Final = (*STATES, *map(market, MARKETS))


def sample() -> Iterator[Case]:
    """Yield cases that contain every pair of values of state, window, text size and number of charts.

    Each state occurs with each window once, cycling through text sizes and numbers of charts from different starts.
    """
    for at, state in enumerate(ALL_STATES):
        for number, window in enumerate(WINDOWS):
            size, count = TEXT_SIZES[(at + number) % 4], COUNTS[(at // 4 + number) % 4]
            yield Case(state, window, size, count)


def everything() -> Iterator[Case]:
    """Yield all cases."""
    yield from map(Case._make, product(ALL_STATES, WINDOWS, TEXT_SIZES, COUNTS))


def problems_of_cases(cases: Iterator[Case] | list[Case]) -> list[str]:
    """Lay out cases and return the problems of their texts, each with its case."""
    found = []
    groups: dict[tuple[State, int, int], list[Case]] = defaultdict(list)
    for case in cases:
        apart = WINDOWS.index(case.window) if case.state.__name__ in _OF_GEOMETRY else 0
        groups[case.state, case.count, apart].append(case)
    for (state, count, _), its in groups.items():
        with screen_of(count, bubbles=MARKETS.get(state.__name__, 150), window=its[0].window) as screen:
            state(screen)
            for case in its:
                screen.fit(case.window, case.text_size)
                boxes = screen.texts()
                found += [f"{case}: {problem}" for problem in problems(boxes, case.window[:2])]
                missing = set(SYMBOLS[:count]) - {one.text for one in boxes}
                if missing and MARKETS.get(state.__name__, 1):
                    found.append(f"{case}: no {sorted(missing)}")
    return found


@contextmanager
def screen_of(count: int, *, bubbles: int = 150, window: tuple[int, int, float] = WINDOWS[2]) -> Iterator[Screen]:
    screen = Screen(count, bubbles=bubbles, window=window)
    try:
        yield screen
    finally:
        screen.close()


def problems(boxes: list[LabelBox], window: tuple[int, int]) -> list[str]:
    """Return the problems of a frame's texts: cut off, outside the window, overlapping."""
    screen = Rect(0.0, 0.0, *map(float, window))
    found = [f"{one.text!r} is cut: {one.rect} in {one.within}" for one in boxes if one.is_cut]
    charts = [one for one in boxes if not one.window]
    found += [f"{one.text!r} is outside the window: {one.rect}" for one in charts if not screen.encloses(one.rect)]
    found += [f"{a.text!r} {a.rect} overlaps {b.text!r} {b.rect}" for a, b in overlaps(boxes)]
    return found


if __name__ == "__main__":
    wanted, every = sys.argv[1:], list(everything())
    names = {case.state.__name__ for case in every}
    if unknown := sorted(set(wanted) - names):
        sys.exit(f"unknown state: {', '.join(unknown)}; expected some of {', '.join(sorted(names))}")
    found = problems_of_cases([case for case in every if not wanted or case.state.__name__ in wanted])
    sys.stdout.write("".join(f"{line}\n" for line in (*found, f"{len(found)} problems")))
    sys.exit(bool(found))
