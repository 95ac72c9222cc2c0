"""Zero stays in an automatic CVD pane while it is near, and enters and leaves without oscillating."""

import pytest

from flow_gl.gl.view import Rect
from flow_gl.ui.scenes import ChartAxes, Moment
from flow_gl.ui.state.layout import arrange
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.markets import make_market

(LAYOUT,) = arrange(Rect(0, 0, 1280, 720), 1)


def bounds(offset: int, *, was_near: bool = False) -> tuple[float, float]:
    """Return the range of the CVD pane of a market whose CVD moves between `offset` and `offset` + 100."""
    market = make_market(120, seed=3, is_published=False)
    for name in ("open", "high", "low", "close"):
        market.points[name] = offset
    for name in ("high", "close"):
        market.points[name][::2] += 100
    market.advance()
    state = ViewState()
    state.ensure_charts(1)
    state.time.fit(LAYOUT.price.width)
    own = state.charts[0]
    own.is_zero_near = was_near
    moment = Moment(
        event_ns=market.now_ns, wall_ns=market.now_ns, steady_s=1.0, dt_s=0.01, scale=1.0, screen_px=(1280, 720)
    )
    scheduler = FrameScheduler()
    axes = ChartAxes(*(scheduler.add(name) for name in ("visible range", "ranges", "drawings")))
    axes.advance(market.reader, LAYOUT, state, own, moment)
    top = own.cvd.top(LAYOUT.cvd.height)
    return top - LAYOUT.cvd.height * own.cvd.per_px, top


@pytest.mark.parametrize(
    ("offset", "was_near", "has_zero"),
    [
        (-50, False, True),
        (90, False, True),
        (-190, False, True),
        (130, False, False),
        (-230, False, False),
        (130, True, True),
        (170, True, False),
        (5000, True, False),
    ],
)
def test_zero_is_in_the_pane_if_the_curve_keeps_half_of_it(offset: int, *, was_near: bool, has_zero: bool) -> None:
    low, high = bounds(offset, was_near=was_near)
    assert (low < 0 < high) == has_zero
    assert low <= offset
    assert offset + 100 <= high
