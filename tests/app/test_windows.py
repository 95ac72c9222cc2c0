"""Several windows of one program over one engine, under a window manager, driven by a real keyboard."""

import os
import signal
from collections.abc import Callable, Collection, Iterator

import pytest

from flow_gl.core.schema import FeedState
from flow_gl.ui.windows import MAX_WINDOWS
from flow_gl.ui.workspaces.manager import manager_of
from flow_gl.ui.workspaces.tree import Panels, WindowState, Workspace
from tests.kit.main_window import SMALL, MainWindow, main_window

pytestmark = pytest.mark.window


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainWindow]:
    with main_window(tmp_path_factory.mktemp("program")) as first:
        yield first


@pytest.fixture
def two(program: MainWindow) -> MainWindow:
    """Return the main window, with a second one that shows the feed and is small."""
    if len(program.opener.states()) != 1:
        program.open(WindowState(window=SMALL))
    program.state.pause, program.state.is_muted = None, False
    program.frames(3)
    return program


def in_second(program: MainWindow, key: str, holds: Callable[[], object]) -> None:
    program.press_in("(2)", key)
    program.until(holds, f"{key} in the second window has changed nothing here")


def test_a_pause_is_that_of_all_windows_whichever_began_or_ends_it(two: MainWindow) -> None:
    in_second(two, "space", lambda: two.state.pause is not None)
    in_second(two, "space", lambda: two.state.pause is None)
    two.press_in("flow_gl", "space")
    two.until(lambda: two.state.pause is not None, "Space in the main window did nothing")
    two.frames(20)
    in_second(two, "space", lambda: two.state.pause is None)


def test_speed_mute_and_levels_of_a_secondary_window_are_those_of_all(two: MainWindow) -> None:
    before = float(two.link.engine.status["speed"])
    in_second(two, "bracketright", lambda: float(two.link.engine.status["speed"]) > before)
    in_second(two, "m", lambda: two.state.is_muted)
    book = two.state.drawings.book
    two.press_in("(2)", "u", "i", "Return")  # a crosshair by keys, and a custom level there
    two.until(lambda: book.levels("NQ"), "the level that was placed in the second window is not here")
    two.press("ctrl+z")
    two.until(lambda: not book.levels("NQ"), "Ctrl+Z in the second window did not take it back here")
    two.press("Escape", "bracketleft")


def test_what_a_workspace_keeps_of_a_window_is_what_it_shows_now(two: MainWindow) -> None:
    in_second(two, "n", lambda: "session" in two.opener.states()[0].panels.open)
    kept = two.opener.states()[0]
    assert (kept.window.width, kept.window.height) == (SMALL.width, SMALL.height)
    assert [one.symbol for one in kept.chart] == ["NQ.v.0"]
    assert not two.state.open_panels, "panels are the window's own"
    in_second(two, "n", lambda: not two.opener.states()[0].panels.open)


def test_a_workspace_has_the_windows_and_switching_opens_them(two: MainWindow) -> None:
    manager = manager_of(two.state, two.frame)
    assert manager.save_as("two windows") == "workspace two windows saved"
    bare = Workspace(panels=Panels(open=["feed"]))
    assert two.state.workspaces.save("one window", bare) == ""
    assert manager.switch("one window") == "workspace one window"
    two.until(lambda: not two.opener.states(), "the second window is still there")
    manager = manager_of(two.state, two.frame)
    assert manager.switch("two windows") == "workspace two windows"
    two.until(lambda: len(two.opener.states()) == 1 and two.reads(2), "the second window did not come back")
    assert two.opener.states()[0].window.width == SMALL.width


def test_a_secondary_window_switches_the_workspace_of_all(two: MainWindow) -> None:
    look = two.opener.states()[0]
    other = Workspace(panels=Panels(open=["feed"]), secondary_window=[look])
    assert two.state.workspaces.save("a", other) == ""
    two.frames(10)
    two.state.open_panels.clear()
    in_second(two, "ctrl+1", lambda: two.state.open_panels == {"feed"})
    assert two.state.workspaces.current == "a"
    two.state.open_panels.clear()
    assert two.state.workspaces.delete("a") == ""


def test_a_window_that_did_not_answer_for_a_while_is_sent_everything_again(two: MainWindow) -> None:
    pid = two.opener.pid(2)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    for _ in range(4_000):  # more than the pipe and the queue before it hold
        two.state.is_muted = not two.state.is_muted
        two.opener.exchange()
    assert not two.opener.is_in_sync(2)
    two.state.is_muted = True
    two.frames(2)
    os.kill(pid, signal.SIGCONT)
    two.until(lambda: two.opener.is_in_sync(2), "it is still behind")
    in_second(two, "m", lambda: not two.state.is_muted)


def test_a_window_that_is_killed_harms_no_other_and_is_reported(two: MainWindow) -> None:
    os.kill(two.opener.pid(2), signal.SIGKILL)
    two.until(lambda: not two.opener.states(), "the killed window still counts")
    assert "window 2 was killed (SIGKILL)" in two.notes()
    before = int(two.link.markets[0].session["trade_count"])
    two.until(lambda: int(two.link.markets[0].session["trade_count"]) > before, "the feed does not go on")


def test_a_window_that_the_user_closes_disappears_without_a_note(two: MainWindow) -> None:
    two.until(lambda: "window 2" not in two.notes(), "an earlier note stays")
    in_second(two, "ctrl+F4", lambda: not two.opener.states())
    assert "window 2" not in two.notes()


def test_a_new_engine_is_shown_by_all_windows(two: MainWindow) -> None:
    died = two.link.engine.name
    os.kill(two.link.pid, signal.SIGKILL)
    two.until(lambda: two.link.engine.name != died, "no other engine took over")
    two.until(lambda: two.reads(2), "the second window still shows the engine that died")
    in_second(two, "bracketright", lambda: FeedState(int(two.link.engine.status["state"])) is FeedState.DEMO)


def test_a_symbol_that_a_secondary_window_adds_is_shown_there_alone(two: MainWindow) -> None:
    two.press_in("(2)", "ctrl+n")
    two.frames(10)
    two.type_text("es")
    two.press("Return")
    two.until(lambda: len(two.link.markets) == 2, "the feed has no other market")
    two.until(lambda: len(two.opener.states()[0].chart) == 2, "the second window has no other chart")
    two.frames(3)
    assert len(two.frame.markets) == 1


def test_the_link_knows_which_symbols_another_window_needs_until_it_closes(
    two: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed: dict[int, set[str]] = {}

    def need(symbols: Collection[str], *, window: int = 0) -> None:
        needed[window] = set(symbols)

    monkeypatch.setattr(two.link, "need", need)
    two.press_in("(2)", "ctrl+n", "r", "t", "y", "Return")
    two.until(lambda: "RTY.v.0" in needed.get(2, ()), "the other window's charts may be released")
    two.press_in("(2)", "ctrl+F4")
    two.until(lambda: not two.opener.states() and needed.get(2) == set(), "a closed window needs nothing")
    assert "RTY.v.0" not in needed.get(0, ())


def test_quit_in_a_secondary_window_ends_the_program(two: MainWindow) -> None:
    assert not two.opener.must_close
    in_second(two, "ctrl+q", lambda: two.opener.must_close)


def test_closing_the_main_window_needs_a_confirmation_while_others_are_open(two: MainWindow) -> None:
    assert not two.opener.may_close()
    assert "quits the program and closes the other window" in two.notes()
    assert two.opener.may_close()


def test_there_are_at_most_eight_windows(program: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flow_gl.view.windows.opener.MAX_WINDOWS", 2)
    program.opener.show([])
    program.until(lambda: not program.opener.states(), "a window is left")
    program.opener.open_window()
    assert len(program.opener.states()) == 1
    program.opener.open_window()
    assert len(program.opener.states()) == 1
    assert "at most 2 windows are possible" in program.notes()
    assert MAX_WINDOWS == 8
