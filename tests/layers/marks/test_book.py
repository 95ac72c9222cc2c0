"""Which events a chart marks: each one once, and the strongest if there is no room for all."""

import numpy as np

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.marks.book import MAX_SHOWN, MarkBook
from flow_gl.layers.marks.mark import MARK_TITLES, Mark
from tests.kit.events import ALL_KINDS, event, plant_one_of_each, window_of, with_marks
from tests.kit.markets import START_NS, TICK, Market, make_market, make_scene

PRICE = 101_480 * TICK


def crowd(market: Market, count: int = 400) -> None:
    """Plant large trades of pseudo-random size, one every half second."""
    for number in range(count):
        size = 10 + number * 7919 % 97
        market.store.events.append(event(EventKind.LARGE_TRADE, 0.5 * number, PRICE, 1, size, PRICE, 10))


def test_each_planted_event_is_in_the_book_with_what_its_drawing_needs() -> None:
    market = make_market(300, seed=3)
    plant_one_of_each(market)
    marks = with_marks(make_scene(market, span_s=200)).marks
    assert [mark.kind for mark in marks.shown].count(EventKind.LARGE_TRADE) == 2
    assert {mark.kind for mark in marks.shown} == {kind for kind in EventKind if kind is not EventKind.ZERO_CROSS}
    assert all(count == 0 for _, count in marks.hidden)
    (absorbed,) = marks.of(EventKind.ABSORPTION)
    assert absorbed.t_ns - absorbed.start_ns == 5 * SECOND_NS
    (divergence,) = marks.of(EventKind.DIVERGENCE)
    assert divergence.pivots is not None
    earlier, later = divergence.pivots
    assert earlier.price == int(divergence.inputs[1])
    assert later.price == divergence.price
    for pivot in (earlier, later):
        row = market.rows[np.searchsorted(market.rows["ts_event"], pivot.t_ns, "right") - 1]
        assert int(row["high"]) == pivot.price
    assert later.t_ns < divergence.t_ns - 45 * SECOND_NS


def test_a_switch_hides_only_its_kind() -> None:
    market = make_market(300, seed=3)
    plant_one_of_each(market)
    scene = make_scene(market, span_s=200)
    for name in MARK_TITLES:
        marks = with_marks(scene, kinds=ALL_KINDS - {name}).marks
        assert {EventKind(mark.kind).name.lower() for mark in marks.shown} == ALL_KINDS - {name}
    assert with_marks(scene, kinds=frozenset()).marks.shown == ()


def test_hidden_marks_are_counted_and_weaker_than_those_shown() -> None:
    market = make_market(300, seed=3)
    crowd(market)
    scene = make_scene(market, span_s=250)
    marks = with_marks(scene).marks
    in_view = sum(1 for number in range(400) if START_NS + number * SECOND_NS // 2 >= window_of(scene).left_ns)
    assert 0 < len(marks.shown) <= MAX_SHOWN
    hidden = dict(marks.hidden)[EventKind.LARGE_TRADE]
    assert hidden + len(marks.shown) >= in_view
    strongest = max(mark.strength for mark in marks.shown)
    assert strongest == 106.0


def test_panning_changes_nothing_that_stays_in_view() -> None:
    market = make_market(300, seed=3)
    crowd(market)
    book, seen = MarkBook(), {}
    for back in range(0, 60):
        scene = make_scene(market, span_s=60, edge_ns=market.now_ns - back * SECOND_NS)
        window = window_of(scene)
        shown = {mark.t_ns for mark in with_marks(scene, book=book).marks.shown}
        cell = 8 * SECOND_NS
        inside = {t for t in shown if window.left_ns + cell <= t <= window.right_ns - cell}
        for t_ns in inside:
            seen[t_ns] = True
        gone = {t for t in seen if window.left_ns + cell <= t <= window.right_ns - cell} - shown
        assert not gone


def test_replaced_events_disappear_at_once() -> None:
    market = make_market(300, seed=3)
    market.store.events.append(event(EventKind.LARGE_TRADE, 250, PRICE, 1, 62, PRICE, 50))
    book, scene = MarkBook(), make_scene(market, span_s=200)
    assert len(with_marks(scene, book=book).marks.shown) == 1
    market.store.events.replace(1, event(EventKind.ABSORPTION, 260, PRICE, -1, 1.4, 54, 1, 3, 39.5), START_NS)
    for log in (market.store.minutes, market.store.order_cvd):
        log.replace(0, np.zeros(0, log.dtype), START_NS)
    (mark,) = with_marks(scene, book=book).marks.shown
    assert mark.kind == EventKind.ABSORPTION


def test_marks_are_not_selected_again_while_nothing_changes() -> None:
    market = make_market(300, seed=3)
    plant_one_of_each(market)
    book, scene = MarkBook(), make_scene(market, span_s=200)
    first = with_marks(scene, book=book).marks
    assert with_marks(scene, book=book).marks is first


def test_events_before_a_cleared_chart_and_after_a_pause_are_not_shown() -> None:
    market = make_market(300, seed=3)
    for second in (200, 240, 280):
        market.store.events.append(event(EventKind.LARGE_TRADE, second, PRICE, 1, 62, PRICE, 50))
    scene = make_scene(market, span_s=200)
    window = window_of(scene)
    limits = {"hidden_before_ns": START_NS + 210 * SECOND_NS, "until_ns": START_NS + 270 * SECOND_NS}
    limited = type(window)(window.left_ns, window.right_ns, window.ns_per_px, window.scale, **limits)
    shown: tuple[Mark, ...] = MarkBook().select(scene.reader, limited, ALL_KINDS).shown
    assert [mark.t_ns for mark in shown] == [START_NS + 240 * SECOND_NS]
