"""The recorder: pictures go through pixel buffers and shared memory to the encoder's process, and all arrive."""

import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from flow_gl.gl.api import clear
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.store.mapped import FOLDER
from flow_gl.store.shm import Segment
from flow_gl.view.video import messages
from flow_gl.view.video import recorder as module
from flow_gl.view.video.encoding import Encoding
from flow_gl.view.video.messages import PIXEL_BYTES, Begin, Picture, Record
from flow_gl.view.video.readback import PixelRing
from flow_gl.view.video.recorder import Recorder
from tests.kit.waiting import PATIENCE_S
from tests.view.video.test_files import shades_of, times_of

FPS = 10
FRAME_NS = 10**9 // FPS


def wait(holds: Callable[[], bool], recorder: Recorder) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s
        recorder.poll()
        time.sleep(0.002)


@pytest.fixture
def recorder(surface: HeadlessContext) -> Iterator[Recorder]:
    pytest.importorskip("av")
    with closing(Recorder(surface, fps=FPS, keep_s=2.0)) as found:
        found.wait_ready()
        yield found


def draw(surface: HeadlessContext, recorder: Recorder, frames: range, *, step: int = 1) -> None:
    """Draw frames of a growing shade, each when a frame of the video is due."""
    for frame in frames:
        surface.begin()
        clear((frame / 255, frame / 255, frame / 255))
        dropped = recorder.dropped
        while True:
            recorder.offer(frame * step * FRAME_NS)
            if recorder.dropped == dropped:
                break
            dropped = recorder.dropped
            time.sleep(0.002)


def test_pixels_are_delivered_once_and_in_order(surface: HeadlessContext) -> None:
    ring, seen = PixelRing(*surface.size), []
    for shade in range(9):
        surface.begin()
        clear((shade / 255, 0.0, 0.0))
        while not ring.ask(lambda pixels: seen.append(int(pixels[0, 0, 0]))):
            time.sleep(0.001)
    ring.release()
    assert seen == list(range(9))


def test_every_picture_is_in_the_file_and_a_missed_one_is_repeated(
    surface: HeadlessContext, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.record(tmp_path / "a.mp4")
    draw(surface, recorder, range(20, 50))
    recorder.stop()
    recorder.record(tmp_path / "b.mp4")
    draw(surface, recorder, range(60, 70), step=2)
    recorder.stop()
    wait(lambda: not recorder.is_working, recorder)
    assert np.allclose(shades_of(tmp_path / "a.mp4"), np.arange(20, 50), atol=2)
    assert np.allclose(shades_of(tmp_path / "b.mp4"), np.repeat(np.arange(60, 70), 2)[:19], atol=2)
    assert np.allclose(np.diff(times_of(tmp_path / "b.mp4")), 1 / FPS, atol=1e-3)
    assert [line.split(" (")[0] for line in recorder.news()] == [
        f"saved {tmp_path / 'a.mp4'}",
        f"saved {tmp_path / 'b.mp4'}",
    ]


def test_the_newest_seconds_are_saved_while_a_recording_continues(
    surface: HeadlessContext, recorder: Recorder, tmp_path: Path
) -> None:
    draw(surface, recorder, range(50))
    recorder.record(tmp_path / "a.mp4")
    draw(surface, recorder, range(50, 60))
    recorder.save(tmp_path / "newest.mp4")
    draw(surface, recorder, range(60, 70))
    recorder.stop()
    wait(lambda: not recorder.is_working, recorder)
    newest = shades_of(tmp_path / "newest.mp4")
    assert 20 <= len(newest) <= 55, "two seconds, and what was in the encoder"
    assert np.allclose(newest, np.arange(60 - len(newest), 60), atol=2)
    assert np.allclose(shades_of(tmp_path / "a.mp4"), np.arange(50, 70), atol=2)


class Resized:
    """A window whose size changes; a part of the real surface."""

    def __init__(self, surface: HeadlessContext) -> None:
        self._surface = surface
        self.size = surface.size

    def begin(self) -> None:
        self._surface.begin()


def test_a_smaller_window_keeps_its_top_left_corner(surface: HeadlessContext, tmp_path: Path) -> None:
    window = Resized(surface)
    with closing(Recorder(window, fps=FPS)) as recorder:  # type: ignore[arg-type]
        recorder.wait_ready()
        recorder.record(tmp_path / "a.mp4")
        window.size = (100, 60)
        draw(surface, recorder, range(200, 210))
        recorder.stop()
        wait(lambda: not recorder.is_working, recorder)
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4")) as clip:
        last = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)][-1]
    assert last.shape == (90, 160, 3)
    assert last[:56, :96].mean() > 150
    assert last[64:].mean() < 20
    assert last[:, 104:].mean() < 20


def test_without_a_free_slot_a_frame_is_dropped_and_counted(
    surface: HeadlessContext, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.record(tmp_path / "a.mp4")
    pid = recorder.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        for frame in range(30):
            surface.begin()
            clear((frame / 255, 0.0, 0.0))
            recorder.offer(frame * FRAME_NS)
        assert 30 - module.SLOTS <= recorder.dropped <= 30
    finally:
        os.kill(pid, signal.SIGCONT)
    recorder.stop()
    wait(lambda: not recorder.is_working, recorder)
    assert 0 < len(times_of(tmp_path / "a.mp4")) <= 30


def test_an_encoder_that_dies_is_reported_and_its_file_plays(
    surface: HeadlessContext, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.record(tmp_path / "a.mp4")
    draw(surface, recorder, range(40))
    wait(lambda: (tmp_path / "a.mp4").exists() and (tmp_path / "a.mp4").stat().st_size > 2000, recorder)
    os.kill(recorder.pid, signal.SIGKILL)
    wait(lambda: recorder.error is not None, recorder)
    assert str(recorder.error) == "the video encoder has ended"
    assert not recorder.is_on
    recorder.offer(10**10)  # does nothing
    assert len(times_of(tmp_path / "a.mp4")) >= FPS


def test_a_view_that_is_killed_leaves_a_complete_file(
    surface: HeadlessContext, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.record(tmp_path / "a.mp4")
    draw(surface, recorder, range(25))
    recorder.rescue()  # the encoder's input ends, as after SIGKILL
    assert len(times_of(tmp_path / "a.mp4")) >= 20


class Unheard(io.RawIOBase):
    """The pipe to a view that was killed."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise BrokenPipeError


def test_what_a_killed_view_has_asked_of_a_late_encoder_is_still_recorded(tmp_path: Path) -> None:
    pytest.importorskip("av")
    slots, width, height = 4, 160, 90
    with closing(Segment.create("late", slots * width * height * PIXEL_BYTES)) as segment:
        asked = [Begin(segment.name, width, height, slots, FPS, 2.0), Picture(0, 0), Record(str(tmp_path / "a.mp4"))]
        asked += [Picture(slot, 4) for slot in range(1, slots)]
        Encoding(io.BytesIO(b"".join(map(messages.line, asked))), io.BufferedWriter(Unheard())).run()
    assert len(times_of(tmp_path / "a.mp4")) == 1 + 5 * (slots - 2)  # before the first there is nothing to repeat


def test_a_file_that_cannot_be_written_is_one_line_and_the_next_one_works(
    surface: HeadlessContext, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    recorder.record(tmp_path / "file" / "a.mp4")
    wait(lambda: recorder.error is not None, recorder)
    assert recorder.path is None
    (line,) = recorder.news()
    assert "the video cannot be written" in line
    recorder.record(tmp_path / "b.mp4")
    draw(surface, recorder, range(10))
    recorder.stop()
    wait(lambda: not recorder.is_working, recorder)
    assert recorder.error is None
    assert len(times_of(tmp_path / "b.mp4")) == 10


def test_nothing_is_left_in_shared_memory(surface: HeadlessContext) -> None:
    pytest.importorskip("av")
    before = set(FOLDER.iterdir()) if FOLDER.is_dir() else set()
    one = Recorder(surface, fps=FPS)
    one.wait_ready()
    one.close()
    one.close()
    assert FOLDER.is_dir()
    assert not {path for path in FOLDER.iterdir() if f"_{os.getpid()}_video" in path.name} - before
