"""A user adds, changes and closes charts by key, menu and the list of symbols."""

from collections.abc import Iterator

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.store.market import MarketReader
from flow_gl.ui.workspaces.manager import WorkspaceManager, manager_of
from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", size=(1200, 700), bubbles=60)
    found.link.offered = ("NQ.v.0", "ES.v.0", "YM.v.0", "RTY.v.0")
    found.frames(3)
    yield found
    found.close()


def names(pilot: HeadlessPilot) -> list[str]:
    return [chart.name for chart in pilot.charts]


def notes(pilot: HeadlessPilot) -> str:
    return " ".join(text for text, _ in pilot.loop.overlays.notes.lines(pilot.frame.steady_s))


def choose(pilot: HeadlessPilot, key: str, letters: str) -> None:
    pilot.press(key)
    pilot.until(lambda: imgui.get_io().want_text_input, "the list of symbols did not open")
    pilot.type_text(letters)
    pilot.press("enter")
    pilot.frames(3)


def test_a_chart_of_a_charted_symbol_is_added_at_once(pilot: HeadlessPilot) -> None:
    choose(pilot, "ctrl+n", "es")
    assert names(pilot) == ["NQZ5", "ESZ5", "ESZ5"]
    assert all(chart.scene is not None for chart in pilot.charts)
    assert pilot.link.asked == []


def test_charts_of_one_market_have_their_own_axes(pilot: HeadlessPilot) -> None:
    choose(pilot, "ctrl+n", "es")
    pilot.frames(3)
    axis = pilot.charts[2].layout.price_axis
    pilot.scroll(3, (axis.x + 0.5 * axis.width, axis.y + 0.5 * axis.height))
    scenes = [chart.scene for chart in pilot.charts]
    assert scenes[1] is not None
    assert scenes[2] is not None
    assert scenes[1].reader is scenes[2].reader
    assert scenes[2].price_view.y_per_px < 0.8 * scenes[1].price_view.y_per_px


def test_the_focused_chart_gets_another_symbol(pilot: HeadlessPilot) -> None:
    pane = pilot.charts[1].layout.price
    pilot.move((pane.x + 50.0, pane.y + 50.0))
    before = pilot.charts[0].market
    choose(pilot, "f2", "nq")
    assert names(pilot) == ["NQZ5", "NQZ5"]
    assert pilot.charts[0].market is before


def test_a_symbol_without_a_market_is_asked_of_the_feed_and_comes_without_affecting_the_others(
    pilot: HeadlessPilot,
) -> None:
    kept = [pilot.state.charts[0], pilot.state.charts[1]]
    choose(pilot, "ctrl+n", "ym")
    assert pilot.link.asked == ["YM.v.0"]
    assert "YM.v.0 is being read" in notes(pilot)
    assert names(pilot) == ["NQZ5", "ESZ5"]
    pilot.link.bring("YMZ5")
    pilot.until(lambda: len(pilot.charts) == 3, "the market came and has no chart")
    assert names(pilot) == ["NQZ5", "ESZ5", "YMZ5"]
    assert all(now is before for now, before in zip(pilot.state.charts, kept, strict=False))


def test_a_chart_that_is_added_during_a_pause_comes_during_the_pause(pilot: HeadlessPilot) -> None:
    pilot.press("space")
    choose(pilot, "ctrl+n", "ym")
    pilot.link.bring("YMZ5")
    pilot.link.markets[-1] = MarketReader(pilot.link.stores[-1])  # as the link makes it: not read yet
    pilot.frames(3)
    assert pilot.state.pause is not None
    assert names(pilot) == ["NQZ5", "ESZ5", "YMZ5"]


def test_a_symbol_that_the_feed_refuses_is_reported_and_the_charts_stay(pilot: HeadlessPilot) -> None:
    choose(pilot, "ctrl+n", "ym")
    choose(pilot, "ctrl+n", "rty")
    pilot.link.refused.append(("YM.v.0", "YM.v.0: the gateway does not know it"))
    pilot.frames(3)
    assert "YM.v.0: the gateway does not know it" in notes(pilot)
    assert names(pilot) == ["NQZ5", "ESZ5"]
    pilot.link.bring("RTYZ5")
    pilot.until(lambda: names(pilot) == ["NQZ5", "ESZ5", "RTYZ5"], "the other one does not come")


def test_a_chart_keeps_its_symbol_if_the_one_it_was_to_show_is_refused(pilot: HeadlessPilot) -> None:
    pane = pilot.charts[1].layout.price
    pilot.move((pane.x + 50.0, pane.y + 50.0))
    kept = [pilot.state.charts[0], pilot.state.charts[1]]
    choose(pilot, "f2", "ym")
    pilot.link.refused.append(("YM.v.0", "YM.v.0: not now"))
    pilot.frames(3)
    assert names(pilot) == ["NQZ5", "ESZ5"]
    assert all(now is before for now, before in zip(pilot.state.charts, kept, strict=True))
    choose(pilot, "f2", "rty")
    pilot.link.bring("RTYZ5")
    pilot.until(lambda: names(pilot) == ["NQZ5", "RTYZ5"], "a later choice does not come")


def test_any_typed_symbol_is_requested_from_a_live_feed(pilot: HeadlessPilot) -> None:
    pilot.link.addable_stype = "continuous"
    choose(pilot, "ctrl+n", "cl")
    assert pilot.link.asked == ["CL.v.0"]
    choose(pilot, "ctrl+n", "GC.c.1")
    assert pilot.link.asked == ["CL.v.0", "GC.c.1"]


def test_a_workspace_requests_missing_symbols_and_reports_those_that_the_feed_does_not_have(
    pilot: HeadlessPilot,
) -> None:
    width_px = pilot.charts[0].layout.price.width
    manager = WorkspaceManager(pilot.state, width_px, symbols=["NQ.v.0", "ES.v.0", "YM.v.0"])
    manager.save_as("three")
    manager.state.workspaces.current = ""
    pilot.link.offered = ()
    manager.switch("three")
    pilot.frames(3)
    assert "YM.v.0 is not in this feed; its symbols: NQ.v.0, ES.v.0" in notes(pilot)
    assert names(pilot) == ["NQZ5", "ESZ5"]
    assert pilot.link.asked == []
    pilot.link.offered = ("NQ.v.0", "ES.v.0", "YM.v.0")
    manager.state.workspaces.current = ""
    manager.switch("three")
    pilot.frames(3)
    assert pilot.link.asked == ["YM.v.0"], "once"
    pilot.link.bring("YMZ5")
    pilot.until(lambda: names(pilot) == ["NQZ5", "ESZ5", "YMZ5"], "the workspace's chart does not come")


def test_a_chart_is_closed_from_its_header_and_the_picture_of_the_rest_is_right(pilot: HeadlessPilot) -> None:
    header = pilot.charts[0].layout.header
    pilot.click((header.x + 0.6 * header.width, header.y + 5.0), button=1)
    pilot.choose("Close the chart")
    pilot.until(lambda: names(pilot) == ["ESZ5"], "the menu did not close the chart")
    assert "NQZ5 closed" in notes(pilot)
    pilot.press("ctrl+delete")
    assert names(pilot) == ["ESZ5"], "the last chart stays"


def test_a_workspace_has_its_charts(pilot: HeadlessPilot) -> None:
    choose(pilot, "ctrl+n", "es")
    manager = manager_of(pilot.state, pilot.frame)
    manager.save_as("three")
    pilot.press("ctrl+delete", "ctrl+delete")
    pilot.frames(3)
    assert names(pilot) == ["NQZ5"]
    manager_of(pilot.state, pilot.frame).save_as("one")
    pilot.press("ctrl+2")
    pilot.until(lambda: names(pilot) == ["NQZ5", "ESZ5", "ESZ5"], "the workspace has other charts")
    pilot.press("ctrl+1")
    pilot.until(lambda: names(pilot) == ["NQZ5"], "the workspace has other charts")


def test_nine_charts_of_two_markets_are_drawn() -> None:
    pilot = HeadlessPilot("NQZ5", "ESZ5", size=(900, 600), bubbles=60, has_picture=True)
    try:
        with pilot.unseen():
            pilot.frames(3)
            for _ in range(7):
                choose(pilot, "ctrl+n", "nq")
            assert len(pilot.charts) == 9
            pilot.frames(30)
        picture = pilot.picture()
        for chart in pilot.charts:
            pane = chart.layout.price
            part = picture[int(pane.y) : int(pane.bottom), int(pane.x) : int(pane.right)]
            assert len(np.unique(part.reshape(-1, 3), axis=0)) > 30, f"chart {chart.index + 1} is empty"
    finally:
        pilot.close()


def test_no_symbol_is_requested_before_the_feed_has_a_chart_because_it_would_become_a_second_one() -> None:
    pilot = HeadlessPilot(size=(1200, 700))
    try:
        pilot.link.markets.clear()
        pilot.link.addable_stype = "continuous"
        pilot.frames(3)
        choose(pilot, "f2", "cl")
        assert pilot.link.asked == []
        assert "CL.v.0: the feed is starting; try again in a moment" in notes(pilot)
    finally:
        pilot.close()
