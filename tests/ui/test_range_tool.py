"""The range tool: what Alt and a drag mark, what the card says of it, and how it goes away."""

import numpy as np
import pytest

from flow_gl.core.schema import GAP_LIST, ROLL_LIST, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.ranges.places import marked_band
from flow_gl.layers.ranges.range_profile import read_range
from flow_gl.ui.overlays.panels import range_card
from flow_gl.ui.state.marked_range import MarkedRange
from tests.kit.pilot import HeadlessPilot

SUMS = ("buy", "sell", "unsided", "trade_count")


@pytest.fixture
def pilot():
    found = HeadlessPilot("NQZ5", "ESZ5", size=(1280, 720), bubbles=150)
    found.until_idle()
    yield found
    found.close()


def place(pilot, share, chart=0, height=0.5):
    pane = pilot.charts[chart].layout.price
    return pane.x + share * pane.width, pane.y + height * pane.height


def alt_drag(pilot, start, end, chart=0):
    pilot.key_down("alt")
    pilot.drag(place(pilot, start, chart), place(pilot, end, chart))
    pilot.key_up("alt")
    pilot.until_idle()


def bubbles_in(market, found):
    rows = market.store.bubbles[0].read(0, market.heads[0])[1]
    newest = market.open_bubble(0)
    rows = rows if newest is None else np.append(rows, newest)
    return rows[(rows["ts_event"] >= found.start_ns) & (rows["ts_event"] < found.end_ns)]


def test_a_drag_with_alt_marks_whole_buckets_in_every_chart_and_moves_no_chart(pilot):
    before = pilot.frame.event_ns, pilot.loop.state.time.is_live
    alt_drag(pilot, 0.7, 0.3)
    marked = pilot.loop.state.marked
    assert pilot.loop.state.time.is_live == before[1]
    assert marked.start_ns % SECOND_NS == marked.end_ns % SECOND_NS == 0
    for chart in pilot.charts:
        found, rows = chart.scene.marked, bubbles_in(chart.market, chart.scene.marked)
        assert (found.start_ns, found.end_ns) == (marked.start_ns, marked.end_ns)
        assert len(rows) > 10
        assert [getattr(found, name) for name in SUMS] == [int(rows[name].sum()) for name in SUMS]
        assert (found.open, found.close) == (int(rows["open"][0]), int(rows["close"][-1]))
        assert rows["low"].min() <= found.low <= found.val <= found.poc <= found.vah <= found.high <= rows["high"].max()


def test_the_range_begins_and_ends_where_the_mouse_was_and_moves_with_the_chart(pilot):
    view = pilot.charts[0].scene.price_view
    times = [view.time_at(place(pilot, share)[0]) for share in (0.3, 0.7)]
    alt_drag(pilot, 0.3, 0.7)
    marked = pilot.loop.state.marked
    # The chart moves on during the drag.
    slack_ns = marked.width_ns + 2 * SECOND_NS
    assert abs(marked.start_ns - times[0]) < slack_ns
    assert abs(marked.end_ns - times[1]) < slack_ns
    before = marked_band(pilot.charts[0].scene)
    pilot.press("left_arrow")
    pilot.until_idle()
    scene = pilot.charts[0].scene
    assert marked_band(scene).x > before.x + 20
    assert marked_band(scene).x == scene.price_view.pixel_x(marked.start_ns)


def test_a_drag_from_an_end_moves_that_end(pilot):
    alt_drag(pilot, 0.3, 0.7)
    first = pilot.loop.state.marked
    band, pane = marked_band(pilot.charts[0].scene), pilot.charts[0].scene.price_view.rect
    alt_drag(pilot, (band.right - pane.x) / pane.width, 0.5)
    moved = pilot.loop.state.marked
    assert moved.start_ns == first.start_ns
    assert first.start_ns < moved.end_ns < first.end_ns


def test_a_drag_without_alt_and_a_click_with_alt_mark_nothing(pilot):
    pilot.drag(place(pilot, 0.3), place(pilot, 0.5))
    pilot.key_down("alt")
    pilot.click(place(pilot, 0.5, height=0.02))
    pilot.key_up("alt")
    assert pilot.loop.state.marked is None


def test_the_window_opens_in_the_corner_that_the_range_leaves_free(pilot):
    pilot.loop.state.selected = 1
    pilot.until_idle()
    alt_drag(pilot, 0.05, 0.3)
    band = marked_band(pilot.charts[0].scene)
    assert pilot.loop.state.charts[0].range_card_px[0] > band.right


def test_the_key_marks_from_the_mouse_to_the_mouse_and_escape_closes(pilot):
    pilot.move(place(pilot, 0.4))
    pilot.press("x")
    pilot.move(place(pilot, 0.8))
    pilot.until_idle()
    assert pilot.loop.state.marked.is_open
    pilot.press("x")
    marked = pilot.loop.state.marked
    pilot.move(place(pilot, 0.2))
    assert pilot.loop.state.marked == marked
    assert not marked.is_open
    assert marked.end_ns - marked.start_ns > 10 * SECOND_NS
    pilot.press("escape")
    pilot.until_idle()
    assert pilot.loop.state.marked is None
    assert pilot.charts[0].scene.marked is None


def test_the_profile_of_what_is_in_view_takes_the_place_of_the_sessions(pilot):
    assert pilot.charts[0].scene.in_view is None
    pilot.press("w")
    pilot.until(lambda: pilot.charts[0].scene.in_view is not None, "no profile of what is in view")
    for chart in pilot.charts:
        found = chart.scene.in_view
        rows = bubbles_in(chart.market, found)
        assert found.start_ns >= chart.scene.price_view.t_left_ns - SECOND_NS
        assert [getattr(found, name) for name in SUMS] == [int(rows[name].sum()) for name in SUMS]
    pilot.press("w")
    pilot.frames(3)
    assert pilot.charts[0].scene.in_view is None


def test_a_range_ends_at_a_roll_and_reports_it(pilot):
    market = pilot.charts[0].market
    rows = market.store.bubbles[0].read(0, market.heads[0])[1]
    table = np.zeros(1, ROLL_LIST)
    table["count"] = table["total"] = 1
    table["roll"][0, 0]["last_ts"] = rows["ts_last"][69]
    table["roll"][0, 0]["first_ts"] = rows["ts_event"][70] + 5
    market.store.rolls.write(table)
    market.refresh()
    start, end = int(rows["ts_event"][10]), int(rows["ts_event"][100])
    found = read_range(market, start, end, pilot.loop.state.aggregation)
    assert (found.start_ns, found.end_ns, found.is_cut) == (int(rows["ts_event"][70]), end, True)
    assert found.volume == sum(int(rows[side][70:100].sum()) for side in SUMS[:3])
    assert any("contract changes" in note for note in range_card.notes(market, found))
    before = read_range(market, start, int(rows["ts_event"][70]), pilot.loop.state.aggregation)
    assert not before.is_cut


def test_two_readings_of_one_range_can_be_compared(pilot):
    market = pilot.charts[0].market
    rows = market.store.bubbles[0].read(0, market.heads[0])[1]
    times = int(rows["ts_event"][10]), int(rows["ts_event"][100])
    first, second = (read_range(market, *times, pilot.loop.state.aggregation) for _ in range(2))
    assert len(first.rows) > 1
    assert (first,) != (second,)
    assert (first,) == (first,)


def test_a_gap_in_the_range_is_reported_with_its_length(pilot):
    market = pilot.charts[0].market
    start = int(market.store.bubbles[0].read(0, 1)[1]["ts_event"][0])
    table = np.zeros(1, GAP_LIST)
    table["count"] = table["total"] = 2
    table["gap"][0, 0] = (start + 5 * SECOND_NS, start + 65 * SECOND_NS, GapKind.FEED, 0, 0)
    table["gap"][0, 1] = (start + 80 * SECOND_NS, start + 9000 * SECOND_NS, GapKind.CLOSED, 0, 0)
    market.store.gaps.write(table)
    market.refresh()

    def notes(first_s, last_s):
        times = start + first_s * SECOND_NS, start + last_s * SECOND_NS
        return range_card.notes(market, read_range(market, *times, pilot.loop.state.aggregation))

    assert notes(0, 3) == []
    assert notes(0, 35) == ["Feed gap: 30 s of trades are missing"]
    assert notes(70, 100) == ["The exchange was closed for 20 s"]


def test_an_imbalance_is_marked_by_the_diagonal_rule(pilot):
    market = pilot.charts[0].market
    found = read_range(market, market.first_ns, pilot.frame.event_ns, pilot.loop.state.aggregation)
    held = {int(row["price"]): row for row in found.rows}
    for at, row in enumerate(found.rows):
        below, above = (held.get(int(row["price"]) + side * found.tick_size) for side in (-1, 1))
        sells, buys = int(below["sell"]) if below is not None else 0, int(above["buy"]) if above is not None else 0
        assert found.is_buy_imbalance[at] == (row["buy"] >= 10 and row["buy"] >= 3 * sells)
        assert found.is_sell_imbalance[at] == (row["sell"] >= 10 and row["sell"] >= 3 * buys)
    assert found.is_buy_imbalance.any()


def test_marked_ranges_are_whole_buckets_in_either_direction():
    for anchor, other in ((7, 23), (23, 7)):
        marked = MarkedRange(anchor, other, 10)
        assert (marked.start_ns, marked.end_ns) == (0, 30)
