"""The program's videos: what a user begins to keep while it runs can be saved."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flow_gl.core.clock import SYSTEM
from flow_gl.core.settings import Settings
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.ui.state.options import ViewOptions
from flow_gl.view.video.session import VideoSession
from tests.kit.waiting import PATIENCE_S
from tests.view.video.test_files import times_of


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def session(surface: HeadlessContext, notes: list[str], tmp_path: Path) -> Iterator[VideoSession]:
    pytest.importorskip("av")
    options = ViewOptions(Settings(video_fps=30), screenshot_dir=tmp_path)
    with closing(VideoSession(surface, options, SYSTEM, notes.append, lambda: None)) as found:
        yield found


def run(session: VideoSession, is_so: Callable[[], bool]) -> None:
    """Offer frames until something is so."""
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s
        session.offer(SYSTEM.monotonic_ns(), is_feed_up=True)
        time.sleep(0.01)


def test_saving_what_is_not_kept_yet_begins_to_keep_it(session: VideoSession, notes: list[str], tmp_path: Path) -> None:
    assert not session.is_keeping
    session.save_newest("a")
    assert session.is_keeping
    assert "newest 60 s" in notes[-1]
    while not any("saved /" in note for note in notes):  # at first there may be no picture yet
        before = len(notes)
        session.save_newest("a")
        run(session, lambda before=before: len(notes) > before)
    assert len(times_of(tmp_path / "a_newest.mp4")) >= 1
    session.toggle_keeping()
    assert not session.is_keeping
    assert "no longer kept" in notes[-1]


def test_while_a_video_is_recorded_the_keeping_stays_as_it_is(
    session: VideoSession, notes: list[str], tmp_path: Path
) -> None:
    session.toggle("b")
    assert session.sign.startswith("video 0:00")
    session.toggle_keeping()
    assert not session.is_keeping
    assert "stop it first" in notes[-1]
    run(session, lambda: session.sign >= "video 0:01")
    session.toggle("b")
    assert session.sign == "saving video"
    run(session, lambda: any("saved /" in note for note in notes))
    assert session.sign == ""
    assert len(times_of(tmp_path / "b.mp4")) > 1
