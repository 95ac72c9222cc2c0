"""A user arranges the charts by key, menu and mouse."""

from collections.abc import Iterator

import pytest

from flow_gl.ui.state.arrangement import KINDS
from tests.kit.pilot import HeadlessPilot

SIZE = (1600, 900)


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", "RTYZ5", "YMZ5", size=SIZE, bubbles=40)
    found.frames(3)
    yield found
    found.close()


def outers(pilot: HeadlessPilot) -> list[tuple[float, float]]:
    return [(chart.layout.outer.x, chart.layout.outer.y) for chart in pilot.charts]


def test_a_key_steps_through_the_layouts(pilot: HeadlessPilot) -> None:
    seen = []
    for _ in KINDS:
        pilot.press("ctrl+l")
        pilot.frames(2)
        seen.append((pilot.state.arrangement.kind, tuple(outers(pilot))))
    assert [kind for kind, _ in seen] == [*list(KINDS)[1:], "auto"]
    assert len({places for _, places in seen}) == len(KINDS) - 1, "four charts are a grid by their number too"


def test_the_menu_of_a_header_arranges_the_charts(pilot: HeadlessPilot) -> None:
    header = pilot.charts[2].layout.header
    pilot.click((header.x + 0.5 * header.width, header.y + 0.5 * header.height), button=1)
    pilot.choose("Layout", "Charts in rows")
    pilot.until(lambda: len({y for _, y in outers(pilot)}) == 4, "the menu did not put the charts into rows")


def test_a_dragged_border_moves_the_charts_and_a_double_click_puts_it_back(pilot: HeadlessPilot) -> None:
    assert outers(pilot)[1] == (800.0, 0.0)
    pilot.drag((799.0, 200.0), (600.0, 200.0), (500.0, 210.0))
    assert outers(pilot)[1] == (501.0, 0.0)
    assert outers(pilot)[3] == (501.0, 450.0), "the rows of a grid keep their columns aligned"
    assert pilot.state.cursor_px is None or pilot.state.time.is_live, "the drag moved no chart"
    pilot.drag((300.0, 449.0), (300.0, 300.0))
    assert outers(pilot)[2][1] == 301.0
    pilot.click((500.0, 200.0))
    pilot.click()
    pilot.until(lambda: outers(pilot)[1] == (800.0, 0.0), "a double click did not put the border back")


def test_one_chart_alone_has_no_border(pilot: HeadlessPilot) -> None:
    pilot.press("1")
    pilot.drag((799.0, 200.0), (500.0, 210.0))
    assert pilot.state.arrangement.shares == ()
