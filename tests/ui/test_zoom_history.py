"""Undo and redo of zoom: one step for what belongs together, and none for a move alone."""

import pytest

from flow_gl.ui.state.axes import FixedTime, Live
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.state.zoom_history import ZoomHistory

NOW = 1_764_340_200_000_000_000
WIDTH = 1000.0


@pytest.fixture
def state() -> ViewState:
    found = ViewState()
    found.ensure_charts(2)
    found.time.fit(WIDTH)
    for own in found.charts:
        own.price.fit(1000.0, 1100.0, height_px=700.0, least_span=1.0, dt_s=0.0)
    return found


def test_turns_of_the_wheel_within_a_moment_are_one_step(state: ViewState) -> None:
    history = ZoomHistory(state)
    span = state.time.shown_ns
    for turn in range(4):
        history.look(0.1 * turn)
        state.time.zoom(0.8, 400.0, NOW, WIDTH)
    history.look(0.5)
    history.look(3.0)
    history.look(4.0)
    zoomed = state.time.shown_ns
    assert state.history.undo() == "zoom undone"
    assert state.time.shown_ns == pytest.approx(span)
    assert state.time.anchor == Live()
    assert state.history.redo() == "zoom redone"
    assert state.time.shown_ns == pytest.approx(zoomed)
    assert isinstance(state.time.anchor, FixedTime)
    assert state.history.undo() == "zoom undone"
    assert state.history.undo() == ""


def test_two_zooms_with_a_pause_between_them_are_two_steps(state: ViewState) -> None:
    history = ZoomHistory(state)
    spans = [state.time.shown_ns]
    for at in (0.0, 5.0):
        history.look(at)
        state.time.zoom(0.5, WIDTH, NOW, WIDTH)
        history.look(at + 0.1)
        spans.append(state.time.shown_ns)
    history.close()
    for span in (spans[1], spans[0]):
        assert state.history.undo() == "zoom undone"
        assert state.time.shown_ns == pytest.approx(span)


def test_a_price_axis_that_was_fixed_becomes_automatic_again(state: ViewState) -> None:
    history = ZoomHistory(state)
    history.look(0.0)
    state.charts[1].price.zoom(0.5, 100.0, 700.0)
    fixed = state.charts[1].price.fixed
    history.look(0.1)
    history.close()
    state.history.undo()
    assert state.charts[1].price.is_auto
    state.history.redo()
    assert state.charts[1].price.fixed == fixed
    assert state.charts[0].price.is_auto


def test_moving_alone_is_no_step_and_a_wider_window_is_none(state: ViewState) -> None:
    history = ZoomHistory(state)
    history.look(0.0)
    state.time.pan(300.0, NOW)
    history.look(1.0)
    state.time.fit(2 * WIDTH)
    history.look(2.0)
    history.close()
    assert state.history.undo() == ""


def test_a_drag_is_one_step_however_long_it_takes(state: ViewState) -> None:
    history = ZoomHistory(state)
    span = state.time.shown_ns
    history.look(0.0)
    for second in range(1, 5):
        state.time.zoom(0.9, WIDTH, NOW, WIDTH)
        history.look(2.0 * second, is_held=True)
    history.look(20.0)
    assert state.history.undo() == "zoom undone"
    assert state.time.shown_ns == pytest.approx(span)
    assert state.history.undo() == ""


def test_a_zoom_that_the_user_took_back_by_hand_is_passed_over(state: ViewState) -> None:
    history = ZoomHistory(state)
    history.look(0.0)
    state.charts[0].price.zoom(0.5, 100.0, 700.0)
    history.look(0.1)
    history.close()
    state.charts[0].price.reset()
    assert state.history.undo() == ""
