"""Charts of several windows are linked: each change arrives once, and what arrives is not sent back."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from flow_gl.core.units import SECOND_NS
from flow_gl.layers.rows.extent import PriceScale
from flow_gl.store.shm import Segment
from flow_gl.ui.state.axes import FixedTime, Live
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.links import MAX_SLOTS, CrosshairLink, GroupLink, TimeLink, WindowLinks
from flow_gl.ui.state.price_links import Linked, follow
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.windows.link_board import LinkBoard
from tests.kit.pilot import HeadlessPilot

NOW_NS = 1_700_000_000 * SECOND_NS


class FakeWindow:
    """A window's state and its place on the board, with frames that do what moves linked charts."""

    def __init__(self, segment: Segment, slot: int, *references: float, width_px: float = 1000.0) -> None:
        self.state = ViewState()
        self.width_px = width_px
        self.references = references
        self.state.charts = [ChartState(link=1) for _ in references]
        self.woken: list[str] = []
        self.board = LinkBoard(segment, slot)
        self.loop: Any = SimpleNamespace(state=self.state, frame=None, wake=self.woken.append)
        self.state.links = self.board.links
        self.fit()

    def fit(self) -> None:
        self.state.time.fit(self.width_px, NOW_NS)

    def frame(self) -> None:
        """Do what a frame does with links."""
        self.board.exchange(self.loop)
        self.fit()
        for own, reference in zip(self.state.charts, self.references, strict=True):
            own.price_seen = own.price_seen or PriceScale(reference * 0.99, reference * 1.01)
            low, high = own.linked_seen or (own.price_seen.low, own.price_seen.high)
            own.price.fit(low, high, height_px=400.0, least_span=1.0, dt_s=1.0)
        follow(self.linked(), self.state.link_unit, self.state.links)

    def linked(self) -> list[Linked]:
        return [Linked(own, 400.0, at) for own, at in zip(self.state.charts, self.references, strict=True)]

    def ends(self, index: int = 0) -> tuple[float, float]:
        """Return the lowest and highest price of a pane, relative to its reference."""
        axis, reference = self.state.charts[index].price, self.references[index]
        top = axis.top(400.0)
        return (top - 400.0 * axis.per_px) / reference - 1.0, top / reference - 1.0


@pytest.fixture
def segment() -> Iterator[Segment]:
    made = Segment.create("test_links", LinkBoard.nbytes())
    yield made
    made.close()


@pytest.fixture
def windows(segment: Segment) -> list[FakeWindow]:
    """Return a window with NQ and ES, and narrower ones with ES and CL alone; all charts are in group 1."""
    found = [
        FakeWindow(segment, 0, 100_000.0, 27_000.0),
        FakeWindow(segment, 1, 27_000.0, width_px=600.0),
        FakeWindow(segment, 2, 6_500.0, width_px=800.0),
    ]
    frames(found)
    return found


def frames(windows: list[FakeWindow], count: int = 6) -> None:
    for _ in range(count):
        for window in windows:
            window.frame()


def records(windows: list[FakeWindow]) -> list[WindowLinks]:
    return [window.board.links.own for window in windows]


def spans(windows: list[FakeWindow]) -> list[float]:
    return [window.state.time.shown_ns for window in windows]


def test_the_span_and_the_place_of_the_time_axis_are_those_of_all_windows(windows: list[FakeWindow]) -> None:
    for number, mover in enumerate(windows):
        mover.state.time.set_span((200.0 + number) * SECOND_NS, mover.width_px)
        mover.state.time.go_to(NOW_NS - 60 * SECOND_NS - number, NOW_NS)
        frames(windows)
        assert spans(windows) == pytest.approx([(200.0 + number) * SECOND_NS] * 3)
        assert {window.state.time.anchor for window in windows} == {FixedTime(NOW_NS - 60 * SECOND_NS - number)}
    windows[1].state.time.follow()
    frames(windows)
    assert all(isinstance(window.state.time.anchor, Live) for window in windows)


def test_folding_belongs_to_the_time_axis(windows: list[FakeWindow]) -> None:
    windows[2].state.folding = "all"
    frames(windows)
    assert [window.state.folding for window in windows] == ["all"] * 3


def test_a_window_that_is_resized_keeps_the_span_and_changes_no_other(windows: list[FakeWindow]) -> None:
    before, stamps = spans(windows), [one.time.stamp for one in records(windows)]
    for step in range(30):
        windows[0].width_px = 999.0 - 17.3 * step
        frames(windows, 2)
    assert spans(windows) == pytest.approx(before)
    assert [one.time.stamp for one in records(windows)] == stamps


def test_a_span_that_does_not_fit_into_a_window_is_not_sent_back(windows: list[FakeWindow]) -> None:
    windows[1].width_px = 5.0
    frames(windows)
    windows[0].state.time.set_span(100.0 * 3600 * SECOND_NS, 1000.0)  # an hour a pixel shows five hours in window 1
    frames(windows)
    assert windows[0].state.time.shown_ns == pytest.approx(100.0 * 3600 * SECOND_NS)
    assert windows[1].state.time.shown_ns < windows[0].state.time.shown_ns
    frozen = records(windows)
    frames(windows)
    assert records(windows) == frozen


def test_a_window_with_its_own_time_leaves_the_others_alone_until_it_is_linked_again(
    windows: list[FakeWindow],
) -> None:
    own, state = windows[1], windows[1].state
    state.is_time_linked = False
    own.state.time.set_span(3600.0 * SECOND_NS, own.width_px)
    frames(windows)
    windows[0].state.time.set_span(100.0 * SECOND_NS, windows[0].width_px)
    frames(windows)
    assert spans(windows) == pytest.approx([100e9, 3600e9, 100e9])
    state.is_time_linked = True
    frames(windows)
    assert spans(windows) == pytest.approx([100e9] * 3)


def test_two_windows_stay_linked_after_the_one_that_was_moved_has_ended(
    windows: list[FakeWindow], segment: Segment
) -> None:
    windows[2].state.time.set_span(77.0 * SECOND_NS, windows[2].width_px)
    frames(windows)
    windows[0].board.clear(2)
    frames(windows[:2])
    late = [*windows[:2], FakeWindow(segment, 3, 5_000.0)]
    frames(late)
    assert spans(late) == pytest.approx([77e9] * 3), "a new window takes the span of the others"


def test_the_unit_of_linked_prices_is_that_of_all_windows(windows: list[FakeWindow]) -> None:
    windows[1].state.link_unit = "ticks"
    frames(windows)
    assert [window.state.link_unit for window in windows] == ["ticks"] * 3
    per_px = {round(own.price.per_px, 9) for window in windows for own in window.state.charts}
    assert len(per_px) == 1


def all_ends(windows: list[FakeWindow]) -> list[tuple[float, float]]:
    return [window.ends(index) for window in windows for index in range(len(window.references))]


def assert_equal_moves(windows: list[FakeWindow]) -> None:
    first, *others = all_ends(windows)
    for ends in others:
        assert ends == pytest.approx(first, rel=1e-7)


def test_automatic_axes_of_a_group_show_what_is_in_view_in_any_window(windows: list[FakeWindow]) -> None:
    windows[2].state.charts[0].price_seen = PriceScale(6_500.0 * 0.9, 6_500.0)
    frames(windows, 60)
    assert_equal_moves(windows)
    low, high = windows[0].ends()
    assert low < -0.1
    assert high > 0.01


def test_the_axis_that_was_moved_last_in_any_window_leads(windows: list[FakeWindow]) -> None:
    for mover in (windows[1], windows[2], windows[0], windows[1]):
        for step in (1, 2):
            mover.state.charts[-1].price.pan(20.0 * step)
            mover.state.charts[-1].price.zoom(0.9, 100.0, 400.0)
            moved = mover.state.charts[-1].price.fixed
            frames(windows)
            assert mover.state.charts[-1].price.fixed == moved, "its own axis does not move by itself"
            assert_equal_moves(windows)
    fixed = [own.price.fixed is not None for window in windows for own in window.state.charts]
    assert fixed == [False, False, True, False]


def test_an_axis_made_automatic_in_any_window_is_that_of_the_group(windows: list[FakeWindow]) -> None:
    for mover in windows:
        for other in windows:
            mover.state.charts[0].price.zoom(0.5, 100.0, 400.0)
            frames(windows)
            other.state.charts[-1].price.reset()
            frames(windows, 60)
            assert all(own.price.is_auto for window in windows for own in window.state.charts)
            assert_equal_moves(windows)
            assert windows[0].ends()[0] < -0.01


def test_groups_are_independent_and_a_chart_that_leaves_is_free(windows: list[FakeWindow]) -> None:
    windows[2].state.charts[0].link = 2
    frames(windows)
    before = windows[2].ends()
    windows[0].state.charts[0].price.zoom(0.5, 100.0, 400.0)
    frames(windows)
    assert windows[2].ends() == before
    windows[1].state.charts[0].link = 0
    frames(windows)
    assert not windows[1].board.links.own.groups[0].has_charts


@pytest.mark.parametrize("unit", ["percent", "ticks"])
def test_linked_windows_come_to_rest(windows: list[FakeWindow], unit: str) -> None:
    windows[0].state.link_unit = unit  # type: ignore[assignment]
    windows[1].state.charts[0].price.zoom(0.3, 50.0, 400.0)
    windows[2].state.time.set_span(50.0 * SECOND_NS, 800.0)
    frames(windows, 60)
    before = records(windows)
    for window in windows:
        window.woken.clear()
    frames(windows, 20)
    assert records(windows) == before
    assert [window.woken for window in windows] == [[], [], []], "none wakes another one for nothing"


def test_no_two_windows_give_the_same_stamp(windows: list[FakeWindow]) -> None:
    given = [window.board.links.stamp() for window in windows for _ in range(3)]
    assert len(set(given)) == len(given)
    assert all(stamp % MAX_SLOTS == index // 3 for index, stamp in enumerate(given))


def test_a_record_survives_the_board(segment: Segment) -> None:
    writer, reader = LinkBoard(segment, 4), LinkBoard(segment, 5)
    sent = WindowLinks(
        TimeLink(20, 1.5, 1 << 60, True, 2),
        writer.links.own.unit,
        CrosshairLink(36, 1 << 60, 3, 0.25),
        (GroupLink(52, True, True, -0.5, 0.5, 0.1, 1.25), GroupLink(), GroupLink(68, True)),
    )
    state = ViewState(charts=[ChartState(link=1)])
    writer.links.groups[:] = sent.groups
    writer.links.own = sent
    state.time.fit(100.0)
    state.is_time_linked = False
    loop: Any = SimpleNamespace(state=state, frame=None, wake=lambda _: None)
    writer.exchange(loop)
    reader.exchange(SimpleNamespace(state=ViewState(), frame=None, wake=lambda _: None))  # type: ignore[arg-type]
    assert reader.links.axes(1, 0) == [(4, sent.groups[0])]
    assert reader.links.axes(2, 0) == []
    assert reader.links.axes(1, 1) == [], "its moves are in another unit"


@pytest.fixture(scope="module")
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", size=(900, 500))
    found.frames(3)
    yield found
    found.close()


def test_the_crosshair_is_shown_in_the_charts_of_other_windows(pilot: HeadlessPilot, segment: Segment) -> None:
    here, there = LinkBoard(segment, 0), LinkBoard(segment, 1)
    for own in pilot.state.charts:
        own.link = 2
    rect = pilot.charts[0].layout.price
    pilot.move((rect.x + 0.75 * rect.width, rect.y + 0.25 * rect.height))
    here.exchange(pilot.loop)
    sent = here.links.own.crosshair
    scene = pilot.charts[0].scene
    assert scene is not None
    assert sent.at_ns == scene.price_view.time_at(int(rect.x + 0.75 * rect.width))
    assert (sent.group, sent.height) == (2, pytest.approx(0.25, abs=2.0 / rect.height))
    pilot.move((-1000.0, -1000.0))
    here.exchange(pilot.loop)
    assert here.links.own.crosshair.at_ns == 0
    there.links.see({0: WindowLinks(crosshair=sent)})
    pilot.state.links = there.links
    pilot.state.charts[1].link = 0
    pilot.frames(1)
    for chart in pilot.charts:
        assert chart.scene is not None
        assert chart.scene.crosshair_px is not None
        x, y = chart.scene.crosshair_px
        assert x == pytest.approx(chart.scene.price_view.screen_x(sent.at_ns), abs=1.0)
        pane = chart.scene.price_view.rect
        is_same_height = y == pytest.approx(pane.y + sent.height * pane.height)
        assert is_same_height == (chart.index == 0), "without the group it is at the last price until then"
    there.exchange(pilot.loop)
    assert there.links.own.crosshair.at_ns == 0, "it is not this window's own"
    there.links.see({0: WindowLinks(crosshair=sent._replace(at_ns=sent.at_ns - 86_400 * SECOND_NS))})
    pilot.frames(1)
    assert all(chart.scene is not None and chart.scene.crosshair_px is None for chart in pilot.charts)
    pilot.state.links = None


def test_the_mouse_of_this_window_overrides_another_ones(pilot: HeadlessPilot, segment: Segment) -> None:
    links = LinkBoard(segment, 0).links
    links.see({1: WindowLinks(crosshair=CrosshairLink(17, pilot.link.now_ns - 40 * SECOND_NS, 1, 0.5))})
    pilot.state.links = links
    rect = pilot.charts[1].layout.price
    place = float(int(rect.x + 0.75 * rect.width)), float(int(rect.y + 40))
    pilot.move(place)
    assert pilot.charts[1].scene is not None
    assert pilot.charts[1].scene.crosshair_px == place
    pilot.state.links = None
