"""The numbers of the discs are chosen over several frames, and in a saved picture at once.

A trade that affects only the open bubble's own number changes that number alone.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.schema import OPEN
from flow_gl.layers.labels import counts
from flow_gl.layers.labels.count_places import NumberPlaces
from tests.kit.pilot import HeadlessPilot


class Screen(HeadlessPilot):
    """A chart, and the times at which choices of numbers began and ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[float] = []
        self.ended: list[float] = []
        steps = NumberPlaces.steps

        def noted(places: NumberPlaces, *discs: Any, **of_view: Any) -> Iterator[None]:
            self.begun.append(self.loop.scheduler.now_s)
            yield from steps(places, *discs, **of_view)
            self.ended.append(self.loop.scheduler.now_s)

        monkeypatch.setattr(NumberPlaces, "steps", noted)
        super().__init__("NQZ5", size=(1280, 720), has_picture=True)
        self.frames(60)
        self.begun.clear()
        self.ended.clear()

    def trade(self, contracts: int = 1) -> None:
        """Add contracts to the open bubble at every level of detail."""
        store = self.link.stores[0]
        record = np.zeros(1, OPEN)
        store.open.read(record)
        record["bubble"]["buy"] += contracts * (record["bubble"]["trade_count"] > 0)
        store.open.write(record)

    def numbers(self) -> NDArray[np.uint8]:
        """Return the pixels of the price pane."""
        pane = self.charts[0].layout.price
        return self.picture()[int(pane.y) : int(pane.bottom), int(pane.x) : int(pane.right)]


LARGE = 10_000
"""Contracts that make a disc the largest: it covers numbers that were free."""


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    screen = Screen(monkeypatch)
    yield screen
    screen.close()


def test_a_choice_takes_several_frames_and_ends_soon(screen: Screen) -> None:
    screen.trade(LARGE)
    screen.frames(30)
    assert len(screen.begun) == len(screen.ended) == 1
    assert 0.0 < screen.ended[0] - screen.begun[0] < 0.25


def test_a_trade_within_a_choice_is_shown_after_it(screen: Screen) -> None:
    screen.state.filters.layers = {"bubbles", "counts"}
    screen.trade(LARGE)
    while not screen.begun:
        screen.frames(1)
    screen.trade()
    screen.frames(40)
    shown = screen.numbers()
    screen.loop.run_for_picture()
    np.testing.assert_array_equal(screen.numbers(), shown)
    assert len(screen.begun) == len(screen.ended) == 2


def test_a_saved_picture_has_a_whole_choice(screen: Screen) -> None:
    screen.trade(LARGE)
    while not screen.begun:
        screen.frames(1)
    screen.trade()
    screen.loop.run_for_picture()
    assert len(screen.begun) == len(screen.ended) == 2


def test_a_new_view_gets_its_numbers_in_its_first_frame(screen: Screen) -> None:
    screen.trade(LARGE)
    while not screen.begun:
        screen.frames(1)
    screen.state.filters.size_floor = 2
    screen.frames(1)
    assert screen.ended[-1:] == [screen.loop.scheduler.now_s]


def test_a_small_trade_changes_only_its_bubbles_number(screen: Screen) -> None:
    screen.state.filters.layers = {"bubbles", "counts"}
    screen.trade(20)  # enough for a number inside
    screen.frames(40)
    screen.begun.clear()
    before = screen.numbers()
    screen.trade()
    screen.frames(10)
    assert not screen.begun
    shown = screen.numbers()
    assert not np.array_equal(shown, before)
    screen.loop.run_for_picture()
    assert screen.begun
    np.testing.assert_array_equal(screen.numbers(), shown)


def test_a_pause_soon_after_another_one_shows_the_number_of_its_moment(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: list[int] = []

    def noted(volume: int) -> str:
        numbers.append(volume)
        return str(volume)

    def toggle_pause() -> None:
        screen.state.toggle_pause(screen.time.wall_ns(), screen.frame.event_ns)

    monkeypatch.setattr(counts, "count_text", noted)
    toggle_pause()
    screen.frames(30)
    for between in (1, 2, 3, 1, 2, 3):
        screen.trade(30)
        screen.frames(5)
        toggle_pause()
        screen.frames(between)
        toggle_pause()
        screen.frames(60)
        chart = screen.charts[0]
        assert chart.scene is not None
        bubble = chart.scene.reader.open_bubble(chart.scene.lod)
        assert bubble is not None
        assert bubble["buy"] in numbers


def test_a_whole_choice_follows_soon_after_the_last_trade(screen: Screen) -> None:
    screen.state.filters.layers = {"bubbles", "counts"}
    screen.trade(20)
    screen.frames(40)
    screen.begun.clear()
    screen.trade()
    screen.frames(10)
    assert not screen.begun
    screen.frames(260)
    assert len(screen.begun) == 1
