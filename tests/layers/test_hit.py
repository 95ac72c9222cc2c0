from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.schema import BUBBLE
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.discs import radius_of, reference_of, volumes
from flow_gl.layers.rows import hit
from flow_gl.store.ring import Ring
from tests.kit.markets import START_NS, TICK, Market, make_market, make_scene


@pytest.fixture(scope="module")
def market() -> Market:
    return make_market(600, seed=3)


def centre_of(scene: Scene, row: np.void) -> tuple[float, float]:
    x = scene.price_view.screen_x(int(row["ts_event"]) + SECOND_NS // 2)
    return x, scene.price_view.screen_y(int(row["price"]) / TICK)


@settings(max_examples=60)
@given(
    count=st.integers(0, 200), step=st.lists(st.integers(1, 5), min_size=200, max_size=200), ask=st.integers(-5, 700)
)
def test_positions_are_those_of_a_plain_search(count: int, step: list[int], ask: int) -> None:
    ring = Ring(memoryview(bytearray(Ring.nbytes(BUBBLE, 64))), BUBBLE, 64)
    rows = np.zeros(count, BUBBLE)
    rows["id"] = np.cumsum(step)[:count]
    for row in range(count):
        ring.append(rows[row : row + 1])
    kept = range(max(0, count - 64), count)
    expected = next((position for position in kept if rows["id"][position] >= ask), count)
    assert ring.position_of(ask, count) == expected


def test_the_visible_range_includes_every_disc_that_extends_into_the_pane(market: Market) -> None:
    scene = make_scene(market, span_s=60, edge_ns=market.now_ns - 200 * SECOND_NS)
    start, stop = hit.visible_range(scene)
    reach = scene.style.radius_max_px
    xs = [centre_of(scene, row)[0] for row in market.rows[: market.published - 1]]
    expected = [at for at, x in enumerate(xs) if -reach < x < scene.price_view.rect.right + reach]
    assert start <= expected[0]
    assert stop > expected[-1]
    assert stop - start <= len(expected) + 2


def test_clear_and_pause_cut_the_visible_range(market: Market) -> None:
    scene = make_scene(market, span_s=300)
    start, stop = hit.visible_range(scene)
    cut_ns = market.now_ns - 100 * SECOND_NS
    cleared = hit.visible_range(replace(scene, hidden_before_ns=cut_ns))
    paused = hit.visible_range(replace(scene, until_ns=cut_ns))
    assert cleared[0] > start
    assert cleared[1] == stop
    assert paused[0] == start
    assert paused[1] < stop


def test_the_topmost_disc_under_the_cursor_is_found(market: Market) -> None:
    scene = make_scene(market, 1280, 720, span_s=100)
    rows = hit.visible_rows(scene)
    shown = [row for row in rows if 40 < centre_of(scene, row)[0] < scene.price_view.rect.right - 1]
    reference = reference_of(scene)
    for row in shown[::7]:
        x, y = centre_of(scene, row)
        found = hit.bubble_at(scene, x, y)
        covering = []
        for other in shown:
            ox, oy = centre_of(scene, other)
            radius = radius_of(int(volumes(np.array([other]))[0]), reference, scene.style, 1.0)
            if (ox - x) ** 2 + (oy - y) ** 2 <= radius**2:
                covering.append(int(other["id"]))
        assert found == max(covering)


def test_nothing_is_found_far_from_every_disc_or_outside_the_pane(market: Market) -> None:
    scene = make_scene(market, 1280, 720, span_s=100)
    assert hit.bubble_at(scene, -5, 100) is None
    assert hit.bubble_at(scene, 600, 719) is None
    assert hit.bubble_at(replace(scene, style=Style(size_floor=10**9)), *centre_of(scene, market.rows[-20])) is None


def test_rows_are_found_by_id_including_the_open_one(market: Market) -> None:
    for at in (0, 100, market.published - 1):
        row = hit.row_of(market.reader, 0, int(market.rows["id"][at]))
        assert row is not None
        assert row["price"] == market.rows["price"][at]
    assert hit.row_of(market.reader, 0, START_NS // SECOND_NS - 1) is None
    assert hit.row_of(market.reader, 0, START_NS) is None


@pytest.mark.parametrize("span_s", [30, 200, 590])
def test_extents_are_those_of_the_rows_in_view(market: Market, span_s: int) -> None:
    left, right = market.now_ns - span_s * SECOND_NS, market.now_ns
    seen = market.rows[(market.rows["ts_event"] >= left) & (market.rows["ts_event"] <= right)]
    low, high = hit.price_extent(market.reader, 0, left, right) or (0, 0)
    assert (low, high) == (seen["low"].min() / TICK, seen["high"].max() / TICK)
    points = market.points[(market.points["ts_event"] >= left) & (market.points["ts_event"] <= right)]
    assert hit.cvd_extent(market.reader, 0, left, right) == (points["close"].min(), points["close"].max())


def test_there_is_no_extent_without_trades(market: Market) -> None:
    assert hit.price_extent(market.reader, 0, START_NS - 90 * SECOND_NS, START_NS - SECOND_NS) is None
    assert hit.cvd_extent(market.reader, 0, START_NS - 90 * SECOND_NS, START_NS - SECOND_NS) is None


def test_a_long_range_is_measured_on_a_coarser_level() -> None:
    market = make_market(9000, seed=4)
    left = market.now_ns - 9000 * SECOND_NS
    low, high = hit.price_extent(market.reader, 0, left, market.now_ns) or (0, 0)
    assert (low, high) == (market.rows["low"].min() / TICK, market.rows["high"].max() / TICK)


def test_hidden_bubbles_are_counted(market: Market) -> None:
    scene = make_scene(market, span_s=100, style=Style(size_floor=10))
    rows = hit.visible_rows(scene)
    assert hit.hidden_count(scene) == int((volumes(rows) < 10).sum()) > 0
    assert hit.hidden_count(make_scene(market, span_s=100)) == 0
