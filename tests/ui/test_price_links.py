"""Linked price axes show equal moves at equal heights, whichever chart the user moves."""

import pytest

from flow_gl.layers.rows.extent import PriceScale
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.price_links import Linked, follow


def chart(reference: float, *, link: int = 1, height_px: float = 400.0) -> Linked:
    own = ChartState(link=link)
    own.price.fit(reference - 100.0, reference + 50.0, height_px=height_px, least_span=1.0, dt_s=0.1)
    own.price_seen = PriceScale(reference - 100.0, reference + 50.0)
    return Linked(own, height_px, reference)


def ends(one: Linked) -> tuple[float, float]:
    """Return the lowest and highest price of a pane, relative to its reference."""
    axis = one.own.price
    top = axis.top(one.height_px)
    return (top - one.height_px * axis.per_px) / one.reference - 1.0, top / one.reference - 1.0


def test_in_percent_both_panes_span_the_same_relative_moves() -> None:
    nq, es = chart(100_000.0), chart(27_000.0, height_px=250.0)
    follow([nq, es], "percent")
    assert ends(es) == pytest.approx(ends(nq), rel=1e-9)
    assert es.own.price.is_auto, "a chart that follows is free again once it is not linked"


def test_in_ticks_both_panes_span_the_same_ticks() -> None:
    nq, es = chart(100_000.0), chart(27_000.0)
    follow([nq, es], "ticks")
    assert es.own.price.per_px == nq.own.price.per_px
    assert es.own.price.middle - es.reference == pytest.approx(nq.own.price.middle - nq.reference)


def test_the_chart_that_the_user_moves_leads() -> None:
    nq, es = chart(100_000.0), chart(27_000.0)
    follow([nq, es], "percent")
    es.own.price.zoom(0.5, 100.0, 400.0)
    moved = es.own.price.fixed
    follow([nq, es], "percent")
    assert es.own.price.fixed == moved
    assert ends(nq) == pytest.approx(ends(es), rel=1e-9)
    nq.own.price.pan(30.0)
    follow([nq, es], "percent")
    assert nq.own.price.fixed is not None
    assert es.own.price.is_auto
    assert ends(es) == pytest.approx(ends(nq), rel=1e-9)
    nq.own.price.reset()
    follow([nq, es], "percent")
    assert nq.own.price.is_auto
    assert es.own.price.is_auto


def test_an_automatic_leader_is_fitted_to_all_charts_of_its_group() -> None:
    nq, es = chart(100_000.0), chart(27_000.0)
    es.own.price_seen = PriceScale(27_000.0 - 270.0, 27_000.0)  # one percent down
    follow([nq, es], "percent")
    assert nq.own.linked_seen == pytest.approx((99_000.0, 100_050.0))
    assert es.own.linked_seen is None


def test_groups_and_charts_without_one_are_independent() -> None:
    first, second, third, free = chart(1000.0), chart(500.0, link=2), chart(700.0, link=2), chart(900.0, link=0)
    before = [one.own.price.per_px for one in (first, second, free)]
    follow([first, second, third, free], "percent")
    assert [one.own.price.per_px for one in (first, second, free)] == before
    assert first.own.linked_seen is None
    assert ends(third) == pytest.approx(ends(second), rel=1e-9)


def test_a_chart_without_a_price_is_left_out() -> None:
    nq, empty = chart(1000.0), chart(0.0)
    before = empty.own.price.per_px
    follow([nq, empty], "percent")
    assert empty.own.price.per_px == before
