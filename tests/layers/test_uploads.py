"""What a frame uploads to the GPU, as counts that do not depend on the machine."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.schema import GAP_LIST, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.rows.mirror import BACKFILL_ROWS
from flow_gl.layers.rows.packing import BUBBLE_ROW, CVD_ROW
from flow_gl.layers.rows.series import NO_INDEX
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import draw
from tests.kit.markets import make_market, make_scene

ROW_BYTES = BUBBLE_ROW.itemsize + CVD_ROW.itemsize


def frame(stack: ChartStack, scene: Scene) -> int:
    stack.counters.reset()
    stack.update(scene)
    stack.draw(scene)
    return stack.counters.uploaded_bytes


def settled(stack: ChartStack, scene: Scene) -> None:
    for _ in range(64):
        if frame(stack, scene) == 0:
            return
    raise AssertionError("uploads never end")


def panned(scene: Scene, shift_ns: int, zoom: float = 1.0) -> Scene:
    price, cvd = scene.price_view, scene.cvd_view
    return replace(
        scene,
        price_view=replace(price, t_right_ns=price.t_right_ns + shift_ns, ns_per_px=price.ns_per_px * zoom),
        cvd_view=replace(cvd, t_right_ns=cvd.t_right_ns + shift_ns, ns_per_px=cvd.ns_per_px * zoom),
    )


def test_a_frame_in_which_nothing_happened_uploads_no_rows(stack: ChartStack) -> None:
    scene = make_scene(make_market(400))
    settled(stack, scene)
    assert frame(stack, scene) == 0
    assert stack.counters.rows_copied == 0


def test_panning_zooming_and_restyling_upload_no_rows(stack: ChartStack) -> None:
    scene = make_scene(make_market(900), span_s=120)
    settled(stack, scene)
    for shift_s, zoom in ((-1, 1.0), (-60, 1.0), (-300, 1.0), (0, 0.5), (0, 2.0), (-200, 2.0)):
        assert frame(stack, panned(scene, shift_s * SECOND_NS, zoom)) == 0
    style = replace(scene.style, threshold=0.4, size_floor=5, size_scale=1.5)
    assert frame(stack, replace(scene, style=style, hover_id=5, pinned_id=7)) == 0


def test_lines_of_a_locked_lod_with_sub_pixel_buckets_are_drawn_from_a_coarser_one(stack: ChartStack) -> None:
    scene = make_scene(make_market(900), span_s=900)
    settled(stack, scene)
    lines = {rows.lod for _, rows in stack.chart.rows.for_lines()}
    assert [rows.lod for _, rows in stack.chart.rows.for_discs()] == [0]
    assert lines != {0}
    assert frame(stack, panned(scene, -SECOND_NS, 1.0)) == 0


@pytest.mark.parametrize("history", [100, 3000, 12_000])
def test_one_closed_bubble_uploads_one_row_whatever_the_history(stack: ChartStack, history: int) -> None:
    market = make_market(history + 100, is_published=False)
    market.advance(history * 8 // 10)
    market.close_open()
    hidden = make_scene(market)
    scene = replace(hidden, style=replace(hidden.style, is_visible=hidden.style.is_visible - {"profile"}))
    settled(stack, scene)
    market.published += 1
    market.close_open()
    assert frame(stack, scene) == ROW_BYTES
    assert stack.counters.rows_copied <= 2 + 150


def test_the_open_bubble_is_uploaded_only_when_it_changes(stack: ChartStack) -> None:
    market = make_market(300, is_published=False)
    market.advance(200)
    scene = make_scene(market)
    scene = replace(scene, style=replace(scene.style, is_visible=scene.style.is_visible - {"profile"}))
    settled(stack, scene)
    assert frame(stack, scene) == 0
    table = np.zeros(1, market.store.open.dtype)
    market.store.open.read(table)
    table["bubble"]["buy"][0, 0] += 5
    market.store.open.write(table)
    market.reader.refresh()
    assert frame(stack, scene) == BUBBLE_ROW.itemsize


def test_the_first_frame_uploads_what_is_visible_and_a_bounded_rest(stack: ChartStack) -> None:
    market = make_market(14_000)
    scene = make_scene(market, span_s=100)
    uploaded = frame(stack, scene)
    assert uploaded < (BACKFILL_ROWS + 400) * ROW_BYTES + 200_000
    settled(stack, scene)


def test_jumping_into_the_past_shows_it_immediately(stack: ChartStack) -> None:
    market = make_market(14_000)
    live = make_scene(market, span_s=100)
    frame(stack, live)
    past = make_scene(market, span_s=100, edge_ns=market.now_ns - 12_000 * SECOND_NS)
    frame(stack, past)
    rows = stack.chart.rows.series.current
    assert rows.stop - rows.start > 50
    settled(stack, past)
    assert frame(stack, live) == 0


def test_after_a_lap_the_ring_is_read_from_its_present_position(stack: ChartStack) -> None:
    market = make_market(4000, capacity=1024, is_published=False)
    market.advance(800)
    style = Style(reference=40)
    frame(stack, make_scene(market, style=style))
    market.advance(2500)
    picture = draw(stack, make_scene(market, style=style))
    fresh = make_market(4000, capacity=1 << 14, is_published=False)
    fresh.advance(3300)
    other = ChartStack(stack.chart.resources, FrameScheduler())
    other.setup()
    np.testing.assert_array_equal(picture, draw(other, make_scene(fresh, style=style)))
    other.release()


def test_instances_are_bounded_by_what_is_in_view(stack: ChartStack) -> None:
    scene = make_scene(make_market(12_000), span_s=100)
    settled(stack, scene)
    frame(stack, scene)
    assert stack.counters.instances < 1000
    assert stack.counters.draw_calls <= 16


def test_closing_the_open_bubble_changes_nothing_but_its_ring(stack: ChartStack) -> None:
    market = make_market(200, is_published=False)
    market.advance(150)
    scene = make_scene(market, span_s=60)
    before = draw(stack, scene).astype(int)
    market.close_open()
    after = draw(stack, scene).astype(int)
    row = market.rows[market.published - 1]
    x = scene.price_view.screen_x(int(row["ts_event"]) + SECOND_NS // 2)
    y = scene.price_view.screen_y(int(row["price"]) / 250_000_000)
    reference = scene.reader.session["reference"]
    share = min(1.0, max(int(row["buy"]), int(row["sell"])) / int(reference))
    radius = (3.0**2 + (40.0**2 - 3.0**2) * share) ** 0.5
    lines, columns = np.nonzero(np.abs(after - before).max(axis=2) > 1)
    distance = np.hypot(columns + 0.5 - x, lines + 0.5 - y)
    assert len(distance) > 0
    assert (distance >= radius - 0.5).all()
    assert (distance <= radius + 4.5).all()


def test_paused_means_that_no_new_bubble_appears_and_none_grows(stack: ChartStack) -> None:
    market = make_market(400, is_published=False)
    market.advance(200)
    live = make_scene(market)
    draw(stack, live)
    paused = replace(live, until_ns=market.now_ns - 1)
    before = draw(stack, paused)
    market.advance(50)
    np.testing.assert_array_equal(before, draw(stack, paused))
    running = draw(stack, live)
    pane = live.price_view.rect
    seen = np.abs(running.astype(int) - before.astype(int))[: int(pane.bottom), : int(pane.right)].max(axis=2)
    assert (seen > 30).sum() > 50, "without a pause the new bubbles are there"


def test_the_bubble_that_was_open_at_a_pause_is_there_at_every_lod(stack: ChartStack) -> None:
    market = make_market(200)
    live = make_scene(market)
    draw(stack, live)
    rows, wall_s = stack.chart.rows.series, live.wall_s
    assert market.reader.open_bubble(0) is not None
    for lod in (2, 0):
        wall_s += 1.0
        draw(stack, replace(live, until_ns=market.now_ns, lod=lod, wall_s=wall_s))
        assert rows.current.lod == lod
        assert rows.current.open_index == rows.current.last_index != NO_INDEX


def test_two_lods_blend_until_one_remains(stack: ChartStack) -> None:
    market = make_market(2000)
    scene = make_scene(market, span_s=300)
    settled(stack, scene)
    coarse = replace(scene, lod=2, wall_s=scene.wall_s + 1.0)
    draw(stack, coarse)
    assert stack.chart.rows.series.leaving is not None
    for step in (0.05, 0.10, 0.2):
        draw(stack, replace(coarse, wall_s=coarse.wall_s + step))
    assert stack.chart.rows.series.leaving is None
    assert stack.chart.rows.series.current.lod == 2


def test_no_line_crosses_a_gap(stack: ChartStack) -> None:
    market = make_market(200, gap=(120, 190, GapKind.FEED))
    scene = make_scene(market, 640, 360, span_s=160)
    hidden = replace(scene, style=replace(scene.style, is_visible=frozenset({"cvd", "price", "bubbles"})))
    picture = draw(stack, hidden).astype(int)
    x0 = int(scene.price_view.screen_x(int(market.rows["ts_event"][0]) + 140 * SECOND_NS))
    x1 = int(scene.price_view.screen_x(int(market.rows["ts_event"][0]) + 170 * SECOND_NS))
    column = picture[:, x0:x1]
    # Only horizontal lines are left there: except for dashes, all columns of pixels are equal.
    cvd = scene.cvd_view.rect
    inside = column[int(cvd.y) + 2 : int(cvd.bottom) - 2]
    ground = np.array([round(c * 255) for c in scene.style.palette.ground])
    coloured = np.abs(inside - ground).max(axis=2) > 3
    zero = round(scene.cvd_view.screen_y(0.0)) - int(cvd.y) - 2
    lines = set(np.flatnonzero(coloured.any(axis=1)).tolist())
    assert lines <= {zero}


def test_a_gap_published_after_its_rows_also_breaks_the_lines(stack: ChartStack) -> None:
    market = make_market(200, gap=(120, 190, GapKind.FEED))
    store, gaps = market.store, np.zeros(1, GAP_LIST)
    store.gaps.read(gaps)
    store.gaps.write(np.zeros(1, GAP_LIST))
    early = make_scene(market, 640, 360, span_s=160)
    early.reader.refresh()
    for _ in range(3):
        bridged = draw(stack, early)
    store.gaps.write(gaps)
    early.reader.refresh()
    found = draw(stack, early)
    stack.chart.rows.series.current.restart(0, stack.chart.rows.series.current.base)
    assert not np.array_equal(found, bridged)
    assert np.array_equal(found, draw(stack, early)), "as if the gap had been known from the start"
