"""The program around the frames: durations, pictures, videos, ends; headless, over a local engine."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from flow_gl.app import ViewOptions, run_view
from flow_gl.core.clock import SYSTEM, ManualClock
from flow_gl.core.errors import FlowError
from flow_gl.core.schema import FeedState
from flow_gl.gl.capture import VideoWriter
from flow_gl.ui import prefs
from flow_gl.ui.link import LinkState
from flow_gl.view.pacing import Pacer
from tests.ui.local import LocalLink

SIZE = {"width": 480, "height": 270}


class RunningLink(LocalLink):
    """Beats with the clock; changes its state after so many polls."""

    def __init__(self, *symbols, ends_after=None, fails_after=None, **more):
        super().__init__(*symbols, wall_ns=SYSTEM.wall_ns(), **more)
        self._ends_after, self._fails_after = ends_after, fails_after

    def poll(self):
        super().poll()
        self.beat(SYSTEM.wall_ns())
        if self.polls == self._ends_after:
            self.say(state=FeedState.ENDED, rate=0.0)
        if self.polls == self._fails_after:
            self.state, self.message, self.exit_code = LinkState.FAILED, "no such file", 3
        return self.state


def options(tmp_path, **more):
    return ViewOptions(headless=True, preferences=tmp_path / "view.json", **{**SIZE, **more})


def read_png(path):
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def test_a_run_ends_after_its_duration_with_a_picture_of_the_chart(tmp_path):
    link = RunningLink("NQZ5")
    path = tmp_path / "chart.png"
    assert run_view(options(tmp_path, duration_s=0.4, screenshot=path), link) == 0
    picture = read_png(path)
    assert picture.shape == (270, 480, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 200, "a chart has more colours than an empty pane"
    assert not (tmp_path / "view.json").exists(), "a picture without a window neither knows nor leaves preferences"


def test_the_duration_does_not_count_the_engines_start(tmp_path):
    link = RunningLink("NQZ5", ends_after=10_000)
    link.say(compiling=1)
    polls_while_starting = 12
    poll = link.poll

    def starting():
        if link.polls == polls_while_starting:
            link.say(compiling=0)
        return poll()

    link.poll = starting
    assert run_view(options(tmp_path, duration_s=0.1), link) == 0
    assert link.polls > polls_while_starting


def test_without_a_duration_a_picture_is_taken_when_the_file_has_ended(tmp_path):
    path = tmp_path / "end.png"
    assert run_view(options(tmp_path, screenshot=path), RunningLink("NQZ5", ends_after=5)) == 0
    assert path.exists()


def test_an_engine_that_cannot_run_ends_a_headless_view_with_its_exit_code(tmp_path):
    assert run_view(options(tmp_path), RunningLink("NQZ5", fails_after=3)) == 3


def test_a_picture_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match="picture cannot be written") as caught:
        run_view(options(tmp_path, duration_s=0.05, screenshot=tmp_path / "file" / "x.png"), RunningLink("NQZ5"))
    assert "\n" not in str(caught.value)


def test_a_video_is_in_true_time_at_a_steady_rate(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "chart.mp4"
    run_view(options(tmp_path, duration_s=1.0, record=path, record_fps=20), RunningLink("NQZ5"))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (480, 270)
        times = [frame.time for frame in container.decode(stream)]
    assert np.allclose(np.diff(times), 1 / 20, atol=1e-3)
    assert times[-1] == pytest.approx(1.0, abs=0.12)


def test_a_full_disk_ends_a_recording_with_one_clear_line(tmp_path, monkeypatch):
    def full(self, _picture):
        raise FlowError(f"{self.path}: the video cannot be written: No space left on device")

    monkeypatch.setattr(VideoWriter, "add", full)
    with pytest.raises(FlowError, match="No space left"):
        run_view(options(tmp_path, duration_s=2.0, record=tmp_path / "x.mp4"), RunningLink("NQZ5"))


def test_two_charts_with_panels_are_drawn(tmp_path):
    link = RunningLink("NQZ5", "ESZ5")
    assert run_view(options(tmp_path, duration_s=0.1, panels=("controls", "help")), link) == 0


def test_a_window_remembers_and_a_damaged_file_is_replaced(tmp_path, x_display):
    assert x_display
    (tmp_path / "view.json").write_text("{")
    where = replace(options(tmp_path, duration_s=0.2, panels=("feed",)), headless=False)
    assert run_view(where, RunningLink("NQZ5")) == 0
    remembered, warning = prefs.load(tmp_path / "view.json")
    assert (warning, remembered.panels) == ("", ["feed"])
    assert (remembered.width, remembered.height) == (480, 270)
    assert remembered.span_s == pytest.approx(180.0)


def test_the_collector_is_left_as_it_was_found(tmp_path):
    run_view(options(tmp_path, duration_s=0.1), RunningLink("NQZ5"))
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_link_without_an_engine_yet_is_drawn_and_can_be_ended(tmp_path):
    link = RunningLink(fails_after=6)
    link.engine, link.state = None, LinkState.STARTING
    assert run_view(options(tmp_path), link) == 3


def test_a_cap_is_kept_by_sleeping_and_its_mean_is_right():
    clock = ManualClock()
    pacer = Pacer(clock, refresh_hz=144.0, cap_fps=30.0, is_synced=True)
    start = clock.monotonic_ns()
    for _ in range(90):
        clock.advance(4_000_000)
        clock.sleep(pacer.wait_s())
    assert (clock.monotonic_ns() - start) / 1e9 == pytest.approx(3.0, abs=0.05)


def test_a_driver_that_ignores_the_swap_interval_is_found_out():
    clock = ManualClock()
    pacer = Pacer(clock, refresh_hz=60.0, cap_fps=None, is_synced=True)
    for _ in range(100):
        clock.advance(1_000_000)
        clock.sleep(pacer.wait_s())
    assert pacer.period_ns == pytest.approx(1e9 / 60, rel=1e-6)


def test_a_monitor_that_waits_is_not_waited_for_twice():
    clock = ManualClock()
    pacer = Pacer(clock, refresh_hz=60.0, cap_fps=None, is_synced=True)
    for _ in range(200):
        clock.advance(16_600_000)
        assert pacer.wait_s() == 0.0
