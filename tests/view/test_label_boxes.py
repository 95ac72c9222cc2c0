"""At every size, with one to nine charts and in every state, no text overlaps another and none is cut."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pytest

from flow_gl.core.drawings import SHAPE_KINDS, WITH_TWO_POINTS, OwnLevel, Point, Shape, drawing_key
from flow_gl.core.schema import LEVELS, FeedState, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.gl.view import Rect
from tests.kit.local_link import add_cross, add_gap
from tests.kit.markets import TICK
from tests.kit.pilot import HeadlessPilot

SYMBOLS: Final = ("NQZ5", "ESZ5", "RTYZ5", "YMZ5", "MNQZ5", "MESZ5", "M2KZ5", "MYMZ5", "NQH6")
SIZES: Final = ((400, 300, 1.0), (1024, 600, 1.0), (1920, 1080, 1.0), (3840, 2160, 1.0), (3840, 2160, 2.0))
COUNTS: Final = (1, 2, 4, 9)
WHITE: Final = (1.0, 1.0, 1.0)


class Desk(HeadlessPilot):
    """A window of some size with some charts."""

    def __init__(self, width: int, height: int, scale: float, count: int, *, bubbles: int = 150) -> None:
        super().__init__(*SYMBOLS[:count], size=(width, height), content_scale=scale, bubbles=bubbles)
        self.frames(1)

    def texts(self) -> list[LabelBox]:
        self.frames(1)
        # Labels avoid notices from the frame after the one that draws them.
        self.loop.run_for_picture()
        self.frames(1)
        return self.loop.label_boxes()

    def change_sessions(self, **fields: int) -> None:
        for market, store in zip(self.link.markets, self.link.stores, strict=True):
            session = np.array([market.session])
            for name, value in fields.items():
                session[name] = value
            store.session.write(session)


def live(_: Desk) -> None:
    pass


def halt(desk: Desk) -> None:
    for store in desk.link.stores:
        add_gap(store, GapKind.NO_TRADES, desk.link.now_ns - 60 * SECOND_NS, desk.link.now_ns, is_open=True)


def feed_gap(desk: Desk) -> None:
    for store in desk.link.stores:
        add_gap(
            store, GapKind.FEED, desk.link.now_ns - 60 * SECOND_NS, desk.link.now_ns - 20 * SECOND_NS, is_open=False
        )


def replay(desk: Desk) -> None:
    desk.link.say(state=FeedState.REPLAY, speed=10.0, progress=0.4)


def reconnecting(desk: Desk) -> None:
    message = b"the gateway closed the connection: authentication is no longer valid"
    desk.link.say(
        state=FeedState.RECONNECTING, attempt=3, retry_at=desk.time.wall_ns() + 4 * SECOND_NS, message=message
    )


def partial(desk: Desk) -> None:
    desk.change_sessions(partial=1, rejected_price=3)


def unscheduled(desk: Desk) -> None:
    desk.change_sessions(unscheduled=1)


def signs(desk: Desk) -> None:
    desk.state.is_muted = True
    desk.link.say(is_recording=1)
    for store in desk.link.stores:
        add_cross(store, desk.link.now_ns - 15 * SECOND_NS)
        add_cross(store, desk.link.now_ns - 12 * SECOND_NS, direction=-1)


def unkept(desk: Desk) -> None:
    desk.link.say(unkept=1, keeping=b"cannot write /recordings: no space left on the device; 120 trades wait")
    desk.link.say(is_publishing=1)


def paused(desk: Desk) -> None:
    desk.press("space")


def in_the_past(desk: Desk) -> None:
    desk.state.time.pan(300.0, desk.frame.event_ns)
    for own in desk.state.charts:
        own.cleared_before_ns = desk.link.now_ns - 140 * SECOND_NS


def zoomed_out(desk: Desk) -> None:
    desk.state.time.set_span(3600e9, desk.charts[0].layout.price.width)


def fixed_scale(desk: Desk) -> None:
    for own, chart in zip(desk.state.charts, desk.charts, strict=False):
        own.price.pan(3.0 * chart.layout.price.height)


def with_reference(desk: Desk) -> None:
    desk.press("r")


def with_crosshair(desk: Desk) -> None:
    pane = desk.charts[0].layout.price
    desk.point((pane.x + 0.4 * pane.width, pane.y + 0.2 * pane.height))


def with_levels(desk: Desk) -> None:
    """Initial balance, opening range and naked POCs around the last price."""
    for market, store in zip(desk.link.markets, desk.link.stores, strict=True):
        last, tick = int(market.session["last_price"]), market.tick_size
        row = np.zeros(1, LEVELS)
        row["rth_open"], row["initial_frozen"] = int(market.session["open_ts"]), 1
        row["initial_high"], row["initial_low"] = last + 3 * tick, last - 9 * tick
        row["opening_high"], row["opening_low"] = last, last - 2 * tick
        row["naked_count"] = 3
        row["naked"]["price"][0, :3] = last + tick, last + 2 * tick, last + 12 * tick
        row["naked"]["trade_date"][0, :3] = 20251124, 20251125, 20251126
        store.levels.write(row)


def with_panels(desk: Desk) -> None:
    desk.state.open_panels = {"session", "feed", "performance"}


def drawn(desk: Desk) -> None:
    """A shape of each kind on each chart, all in one place, and an own level across them."""
    for chart in desk.charts:
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
        desk.state.drawings.book.put_shapes(key, shapes)
        desk.state.drawings.book.put(key, [OwnLevel(f"{key}level", start.price, "mine")])


STATES: Final[tuple[Callable[[Desk], None], ...]] = (
    *(live, halt, feed_gap, replay, reconnecting, partial, unscheduled, signs, unkept, paused, in_the_past),
    *(zoomed_out, fixed_scale, with_reference, with_crosshair, with_levels, with_panels, drawn),
)


@contextmanager
def desk_of(width: int, height: int, scale: float, count: int, *, bubbles: int = 150) -> Iterator[Desk]:
    desk = Desk(width, height, scale, count, bubbles=bubbles)
    try:
        yield desk
    finally:
        desk.close()


def complaints(boxes: list[LabelBox], window: tuple[int, int]) -> list[str]:
    """Return what is wrong with the texts of a frame."""
    screen = Rect(0.0, 0.0, *map(float, window))
    found = [f"{one.text!r} is cut: {one.rect} in {one.within}" for one in boxes if one.is_cut]
    charts = [one for one in boxes if not one.window]
    found += [f"{one.text!r} is outside the window: {one.rect}" for one in charts if not screen.encloses(one.rect)]
    found += [f"{a.text!r} {a.rect} overlaps {b.text!r} {b.rect}" for a, b in overlaps(boxes)]
    return found


def cases() -> Iterator[tuple[Callable[[Desk], None], int, int, float, int]]:
    """Yield every pair of state, size and number of charts, and in the smallest window all combinations."""
    for at, state in enumerate(STATES):
        for number, size in enumerate(SIZES):
            for count in COUNTS if size == SIZES[0] else COUNTS[(at + number) % len(COUNTS) :][:1]:
                yield state, *size, count


@pytest.mark.parametrize(
    ("state", "width", "height", "scale", "count"),
    tuple(cases()),
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_no_text_overlaps_another_and_none_is_cut(
    state: Callable[[Desk], None], width: int, height: int, scale: float, count: int
) -> None:
    with desk_of(width, height, scale, count) as desk:
        state(desk)
        boxes = desk.texts()
        assert complaints(boxes, (width, height)) == []
        texts = {one.text for one in boxes}
        assert set(SYMBOLS[:count]) <= texts


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("width", "height", "scale"), SIZES)
@pytest.mark.parametrize("bubbles", [0, 1, 900])
def test_no_text_overlaps_or_is_cut_in_an_empty_or_busy_market(
    bubbles: int, width: int, height: int, scale: float, count: int
) -> None:
    with desk_of(width, height, scale, count, bubbles=bubbles) as desk:
        if bubbles > 1:
            desk.state.time.set_span(800e9, desk.charts[0].layout.price.width)
        assert complaints(desk.texts(), (width, height)) == []


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize(("width", "height", "scale"), SIZES[1:4])
def test_tables_with_a_column_for_each_chart_show_all_of_it(width: int, height: int, scale: float, count: int) -> None:
    with desk_of(width, height, scale, count, bubbles=20) as desk:
        for panel in ("session", "feed"):
            desk.state.open_panels = {panel}
            desk.frames(3)
            boxes = [box for box in desk.loop.label_boxes() if box.window]
            assert complaints(boxes, (width, height)) == []
            slot = desk.frame.panels.slot_of(panel)
            assert slot is not None
            assert all(slot.rect.x <= box.rect.x and box.rect.right <= slot.rect.right for box in boxes)
            # Instruments for which there is no room side by side follow below, beyond the window's end at worst.
            shown = [name for name in SYMBOLS[:count] if any(box.text == name for box in boxes)]
            assert shown == list(SYMBOLS[: len(shown)])
            assert len(shown) >= 2 or count == 1


@pytest.mark.parametrize(("count", "is_noted"), [(1, True), (9, False)])
def test_a_partial_session_is_noted_over_the_chart_only_where_the_chart_is_high(count: int, is_noted: bool) -> None:
    with desk_of(1920, 1080, 1.0, count) as desk:
        partial(desk)
        texts = [box.text for box in desk.texts()]
        assert sum("data from" in text or text == "partial" for text in texts) >= count, "each header says so"
        assert any(text.startswith(("partial session", "* data")) for text in texts) is is_noted


@dataclass(frozen=True, slots=True)
class Case:
    """Return whether two texts are reported as overlapping."""

    x: float
    is_met: bool


@pytest.mark.parametrize("case", [Case(0.0, True), Case(38.0, True), Case(41.0, False)])
def test_overlapping_texts_are_detected(case: Case) -> None:
    boxes = [
        LabelBox("a", Rect(0.0, 0.0, 40.0, 10.0), WHITE),
        LabelBox("b", Rect(case.x, 4.0, 40.0, 10.0), WHITE),
    ]
    assert bool(overlaps(boxes)) is case.is_met


def test_a_text_that_extends_beyond_its_pane_is_reported_as_cut() -> None:
    pane = Rect(0.0, 0.0, 100.0, 50.0)
    assert LabelBox("a", Rect(80.0, 10.0, 30.0, 10.0), WHITE, within=pane).is_cut
    assert not LabelBox("a", Rect(60.0, 10.0, 30.0, 10.0), WHITE, within=pane).is_cut
