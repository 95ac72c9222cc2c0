"""A chart whose stores are replaced, as by a seek, fills the buffers of its rows again and shows nothing of before."""

import numpy as np
import pytest

from flow_gl.gl.resources import SharedResources
from flow_gl.layers.rows.chart_rows import ChartRows
from flow_gl.layers.stack import ChartStack
from flow_gl.view.chart_parts import ChartPart
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import draw
from tests.kit.markets import make_market, make_scene


def new_stack(resources: SharedResources, rows: ChartRows | None = None) -> ChartStack:
    stack = ChartStack(resources, FrameScheduler(), rows)
    stack.setup()
    return stack


def handles(rows: ChartRows) -> set[int]:
    current = rows.series.current
    return {current.bubbles.rows.handle, current.cvd.rows.handle}


@pytest.mark.parametrize(("before", "after"), [(1800, 120), (120, 1800), (300, 300)])
def test_the_picture_is_that_of_new_buffers(resources: SharedResources, before: int, after: int) -> None:
    first = new_stack(resources)
    draw(first, make_scene(make_market(before, seed=1)))
    made = handles(first.chart.rows)
    rows = first.give_up_rows()
    scene = make_scene(make_market(after, seed=2))
    again, fresh = new_stack(resources, rows), new_stack(resources)
    try:
        assert np.array_equal(draw(again, scene), draw(fresh, scene))
        assert (handles(again.chart.rows) == made) is (after <= before)
        assert again.counters is again.chart.rows.counters
    finally:
        again.release()
        fresh.release()


def test_the_open_bubble_of_before_is_gone(resources: SharedResources) -> None:
    first = new_stack(resources)
    market = make_market(300, seed=1)
    draw(first, make_scene(market))
    rows = first.give_up_rows()
    market = make_market(300, seed=3, is_published=False)
    market.advance(200)
    market.close_open()
    scene = make_scene(market)
    again, fresh = new_stack(resources, rows), new_stack(resources)
    try:
        assert np.array_equal(draw(again, scene), draw(fresh, scene))
    finally:
        again.release()
        fresh.release()


def test_a_chart_that_is_closed_frees_the_rows_that_wait_for_its_next_stack(resources: SharedResources) -> None:
    class Freed(ChartRows):
        count = 0

        def release(self) -> None:
            super().release()
            self.count += 1

    stack = new_stack(resources)
    rows = Freed(stack.counters)
    stack.release()
    part = ChartPart(None, None, new_stack(resources, rows))  # type: ignore[arg-type]  # neither is asked
    part.renew()
    assert part.stack is None
    assert part.rows is rows
    assert rows.count == 0
    part.release()
    part.release()
    assert rows.count == 1
