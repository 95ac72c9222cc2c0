"""The start screen: the keyboard alone and the mouse alone open a feed; a failed choice says why."""

from collections.abc import Iterator

import pytest

from flow_gl.ui.link import LinkState
from flow_gl.ui.start import Choice, Offer, StartScreen
from tests.kit.pilot import HeadlessPilot

FILES = Choice("files", ("/data/day.csv",))


class Program(HeadlessPilot):
    """A program without a feed.

    Attributes
    ----------
    chosen : choices, in order
    answer : how the next one ends: "" or a reason
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size=size, has_picture=True)
        self.link.markets, self.link.engine, self.link.state = [], None, LinkState.STARTING
        self.chosen: list[Choice] = []
        self.answer = ""
        self.screen = StartScreen(self._open, live=("NQ.v.0",), recent=[Offer("day.csv", "/data", FILES)])
        self.state.start = self.screen
        self.frames(6)

    def _open(self, choice: Choice) -> str:
        self.chosen.append(choice)
        return self.answer


@pytest.fixture
def program() -> Iterator[Program]:
    found = Program((1024, 600))
    yield found
    found.close()


def test_enter_opens_the_demo_and_the_arrows_reach_the_live_feed(program: Program) -> None:
    program.answer = "no"
    program.press("enter")
    program.press("down_arrow", "enter")
    assert program.chosen == [Choice("demo"), Choice("live")]


def test_a_click_opens_a_recent_file_and_the_screen_goes_away(program: Program) -> None:
    shown = program.picture()
    program.click((700.0, 143.0))
    assert program.chosen == [FILES]
    assert not program.screen.is_open
    program.frames(6)
    assert (program.picture() != shown).any()


def test_a_typed_path_is_opened_and_a_failure_leaves_the_screen_with_the_reason(program: Program) -> None:
    program.answer = "x.csv: there is no such file"
    program.press("down_arrow", "down_arrow", "enter")
    program.type_text("x.csv")
    program.press("enter")
    assert program.chosen == [Choice("files", ("x.csv",))]
    assert program.screen.is_open
    assert program.screen.problem == "x.csv: there is no such file"


@pytest.mark.parametrize("is_late", [False, True], ids=["refused at once", "found out later"])
def test_a_path_that_cannot_be_opened_is_corrected_by_typing_on(program: Program, *, is_late: bool) -> None:
    palette = program.state.palette
    program.answer = "" if is_late else "no.csv: there is no such file"
    program.press("down_arrow", "down_arrow", "enter")
    program.type_text("no.csv")
    program.press("enter")
    program.frames(6)
    if is_late:
        program.screen.fail("no.csv: line 1: columns are missing")
        program.frames(6)
    program.type_text("t.csv")
    program.press("enter")
    assert program.state.palette is palette
    assert [choice.kind for choice in program.chosen] == ["files", "files"]
    assert "t.csv" in program.chosen[-1].values[0]


def test_keys_of_the_chart_do_nothing_here_and_the_palette_changes(program: Program) -> None:
    before = program.state.palette
    program.press("c", "d", "t")
    assert program.state.pause is None
    assert not program.state.open_panels
    assert program.state.palette is not before
