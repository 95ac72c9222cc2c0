"""The program around the frames: durations, pictures, videos and how it ends; headless, over a local engine."""

import gc
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.clock import SYSTEM, ManualClock
from flow_gl.core.errors import FlowError
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import Settings
from flow_gl.core.system.interrupts import Interrupted
from flow_gl.ui.link import LinkState
from flow_gl.ui.overlays.notices import Notes
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces import workspace_file
from flow_gl.ui.workspaces.apply import gather, override
from flow_gl.ui.workspaces.saved import SavedWorkspaces
from flow_gl.ui.workspaces.tree import Look, Memory, WindowPlace, Workspace
from flow_gl.view.pacing import Pacer
from flow_gl.view.program import ViewOptions, run_view
from tests.kit.local_link import LocalLink
from tests.kit.screens import virtual_display
from tests.kit.waiting import PATIENCE_S

SIZE = "480x270"


class RunningLink(LocalLink):
    """A link whose heartbeat follows the clock. After a number of polls its state changes, or a signal comes."""

    def __init__(self, *symbols, ends_after=None, fails_after=None, killed_after=None, **more):
        super().__init__(*symbols, wall_ns=SYSTEM.wall_ns(), **more)
        self._ends_after, self._fails_after, self._killed_after = ends_after, fails_after, killed_after

    def poll(self):
        super().poll()
        self.beat(SYSTEM.wall_ns())
        if self.polls == self._ends_after:
            self.set_status(state=FeedState.ENDED, rate=0.0)
        if self.polls == self._killed_after:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.polls == self._fails_after:
            self.state, self.message, self.exit_code = LinkState.FAILED, "no such file", 3
        return self.state


def options(tmp_path, *, panels=None, video_fps=60, video_overlays=True, caption=True, **more):
    settings = Settings(size=SIZE, panels=panels, video_fps=video_fps, video_overlays=video_overlays, caption=caption)
    return ViewOptions(settings, headless=True, workspaces=tmp_path / "workspaces", **more)


def read_png(path):
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def test_a_run_ends_after_its_duration_with_a_picture_of_the_chart(tmp_path):
    link = RunningLink("NQZ5")
    path = tmp_path / "chart.png"
    assert run_view(options(tmp_path, duration_s=0.4, screenshot=path), link) == 0
    picture = read_png(path)
    assert picture.shape[1] == 480
    assert picture.shape[0] > 270, "a caption is below it"
    picture = picture[:270]
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 200, "a chart has more colours than an empty pane"
    assert not (tmp_path / "workspaces").exists(), "a picture without a window neither reads nor leaves a workspace"


def test_the_duration_does_not_count_the_engines_start(tmp_path):
    link = RunningLink("NQZ5", ends_after=10_000)
    link.set_status(compiling=1)
    polls_while_starting = 12
    poll = link.poll

    def starting():
        if link.polls == polls_while_starting:
            link.set_status(compiling=0)
        return poll()

    link.poll = starting
    assert run_view(options(tmp_path, duration_s=0.1), link) == 0
    assert link.polls > polls_while_starting


def test_without_a_duration_a_picture_is_taken_when_the_file_has_ended(tmp_path):
    path = tmp_path / "end.png"
    assert run_view(options(tmp_path, screenshot=path), RunningLink("NQZ5", ends_after=5)) == 0
    assert path.exists()


def test_a_picture_without_a_caption_has_the_size_that_was_asked_for(tmp_path):
    path = tmp_path / "plain.png"
    assert run_view(options(tmp_path, screenshot=path, caption=False), RunningLink("NQZ5", ends_after=5)) == 0
    assert read_png(path).shape == (270, 480, 3)


@pytest.mark.parametrize("video_overlays", [True, False])
def test_a_video_has_header_and_panels_or_the_charts_alone(tmp_path, video_overlays):
    av = pytest.importorskip("av")
    path = tmp_path / "x.mp4"
    asked = options(tmp_path, duration_s=0.5, video=path, panels=("help",), video_overlays=video_overlays)
    assert run_view(asked, RunningLink("NQZ5")) == 0
    with av.open(str(path)) as clip:
        *_, last = (frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0))
    # The plate of the last price, at the right, is the only large bright area; the panel covers it.
    assert ((last[40:160, 390:470].min(axis=2) > 150).sum() > 800) != video_overlays


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
    began = time.monotonic()
    run_view(options(tmp_path, duration_s=1.0, video=path, video_fps=20), RunningLink("NQZ5"))
    took_s = time.monotonic() - began
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (480, 270)
        times = [frame.time for frame in container.decode(stream)]
    assert np.allclose(np.diff(times), 1 / 20, atol=1e-3)
    # On a busy machine the last frame may be late, and the video lasts until then.
    assert 0.88 <= times[-1] <= took_s


def test_a_full_disk_ends_a_video_with_one_clear_line(tmp_path):
    with pytest.raises(FlowError, match="No space left"):
        run_view(options(tmp_path, duration_s=20.0, video=Path("/dev/full")), RunningLink("NQZ5"))


def test_two_charts_with_panels_are_drawn(tmp_path):
    link = RunningLink("NQZ5", "ESZ5")
    assert run_view(options(tmp_path, duration_s=0.1, panels=("controls", "help")), link) == 0


def test_a_window_saves_its_view_and_keeps_a_damaged_file_aside(tmp_path, x_display):
    assert x_display
    folder = tmp_path / "workspaces"
    folder.mkdir()
    (folder / "last.toml").write_text("{")
    where = replace(options(tmp_path, duration_s=0.2, panels=("feed",)), headless=False)
    assert run_view(where, RunningLink("NQZ5")) == 0
    remembered, warning = SavedWorkspaces(folder).load_last()
    assert (warning, remembered.panels.open) == ("", ["feed"])
    assert (remembered.window.width, remembered.window.height) == (480, 270)
    assert remembered.time.span_s == pytest.approx(180.0)
    assert (folder / "last.toml.damaged").read_text() == "{"


def leave(tmp_path, workspace):
    """Leave a view behind, as a run of the program does."""
    assert SavedWorkspaces(tmp_path / "workspaces").save_last(workspace, Memory()) == ""


def windowed(tmp_path, *, size=None, **more):
    return ViewOptions(Settings(size=size), workspaces=tmp_path / "workspaces", duration_s=0.2, **more)


@pytest.mark.parametrize(("asked", "expected"), [(None, (700, 400)), (SIZE, (480, 270)), ("1600x900", (1600, 900))])
def test_a_requested_size_overrides_the_remembered_one(tmp_path, x_display, asked, expected):
    assert x_display
    leave(tmp_path, Workspace(window=WindowPlace(width=700, height=400), look=Look(palette="light")))
    assert run_view(windowed(tmp_path, size=asked), RunningLink("NQZ5")) == 0
    remembered, _ = SavedWorkspaces(tmp_path / "workspaces").load_last()
    found = remembered.window.width, remembered.window.height, remembered.look.palette
    assert found == (*expected, "light")


@pytest.mark.parametrize(("asked", "pixels"), [(None, (1400, 800)), ("800x600", (800, 600))])
def test_a_size_is_in_pixels_on_a_scaled_monitor_too(tmp_path, x_display, monkeypatch, asked, pixels):
    seen = []

    def save(loop, _path):
        seen.append(loop.surface.size)

    leave(tmp_path, Workspace(window=WindowPlace(width=700, height=400)))
    monkeypatch.setattr("flow_gl.view.video.pictures.save_picture", save)
    scaling = ["xprop", "-root", "-f", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER"]
    environment = {**os.environ, "DISPLAY": x_display}
    subprocess.run([*scaling, "Xft.dpi:\t192\n"], env=environment, check=True)
    try:
        run_view(windowed(tmp_path, screenshot=tmp_path / "x.png", size=asked), RunningLink("NQZ5"))
    finally:
        subprocess.run([*scaling, "Xft.dpi:\t96\n"], env=environment, check=True)
    assert seen == [pixels]


def test_a_workspace_accepts_every_value_of_a_setting(tmp_path):
    state = ViewState()
    asked = Settings(size_scale=0.1, size_floor=1_000_000, threshold=1.0, span="60d")
    override(state, asked)
    state.time.fit(1000.0)
    found = gather(state, window=WindowPlace(width=16_384, height=16_384), plot_width_px=1000.0)
    assert workspace_file.write(tmp_path / "x.toml", found) == ""
    assert workspace_file.read(tmp_path / "x.toml") == (found, "")


def test_in_a_window_the_chart_survives_its_video_and_the_end_reports_it(tmp_path, x_display):
    assert x_display
    link = RunningLink("NQZ5")
    started = time.monotonic()
    with pytest.raises(FlowError, match="No space left"):
        run_view(replace(windowed(tmp_path, video=Path("/dev/full"), size=SIZE), duration_s=1.5), link)
    assert time.monotonic() - started > 1.5


def test_a_signal_completes_picture_and_video(tmp_path):
    link = RunningLink("NQZ5", killed_after=60)
    asked = options(tmp_path, video=tmp_path / "x.mp4", screenshot=tmp_path / "x.png")
    with pytest.raises(Interrupted) as caught:
        run_view(asked, link)
    assert caught.value.exit_code == 143
    assert read_png(tmp_path / "x.png").shape[1] == 480
    with pytest.importorskip("av").open(str(tmp_path / "x.mp4")) as clip:
        assert sum(1 for _ in clip.decode(video=0)) > 5


@pytest.mark.parametrize(("restarts", "is_said"), [(0, False), (1, True)])
def test_a_restarted_engine_is_mentioned_only_if_it_was_restarted(tmp_path, monkeypatch, restarts, is_said):
    class Replaced(RunningLink):
        def poll(self):
            if self.polls == 10:
                self.generation += 1
                self.restarts += restarts
            return super().poll()

    said = []
    monkeypatch.setattr(Notes, "add", lambda _notes, text, _now_s, **_: said.append(text))
    assert run_view(options(tmp_path), Replaced("NQZ5", fails_after=30)) == 3
    assert any("restarted" in text for text in said) == is_said


def test_a_display_that_dies_ends_the_program_with_one_line():
    if not sys.platform.startswith("linux"):
        pytest.skip("an X display is Linux's")
    program = (
        "import sys, time\nfrom imgui_bundle import imgui\nfrom flow_gl.core.stderr import print_message\n"
        "from flow_gl.gl.surface.context import Window, WindowOptions\n"
        "from flow_gl.gl.surface.lost_display import watched\n"
        "window = Window(WindowOptions(width=320, height=240, is_vsync=False))\n"
        "with watched(lambda: print_message('error: the display is gone'), exit_code=5):\n"
        "    print('up', flush=True)\n"
        "    while True:\n        window.poll(0.01)\n        window.swap()\n"
    )
    with virtual_display(640, 480, is_killed=True) as (display, _):
        view = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "DISPLAY": display},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert view.stdout is not None
        assert view.stdout.readline() == "up\n"
    _, err = view.communicate(timeout=PATIENCE_S)
    assert (view.returncode, err) == (5, "flow-gl: error: the display is gone\n")


def test_the_collector_is_left_as_it_was_found(tmp_path):
    run_view(options(tmp_path, duration_s=0.1), RunningLink("NQZ5"))
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_link_without_an_engine_is_drawn_and_can_be_closed(tmp_path):
    link = RunningLink(fails_after=6)
    link.engine, link.state = None, LinkState.STARTING
    assert run_view(options(tmp_path), link) == 3


def test_a_frame_cap_is_kept_on_average_by_sleeping():
    clock = ManualClock()
    pacer = Pacer(clock, refresh_hz=144.0, cap_fps=30.0, is_synced=True)
    start = clock.monotonic_ns()
    for _ in range(90):
        clock.advance(4_000_000)
        clock.sleep(pacer.wait_s())
    assert (clock.monotonic_ns() - start) / 1e9 == pytest.approx(3.0, abs=0.05)


def test_a_driver_that_ignores_the_swap_interval_is_detected():
    clock = ManualClock()
    pacer = Pacer(clock, refresh_hz=60.0, cap_fps=None, is_synced=True)
    for _ in range(100):
        clock.advance(1_000_000)
        clock.sleep(pacer.wait_s())
    assert pacer.period_ns == pytest.approx(1e9 / 60, rel=1e-6)


def test_with_vertical_sync_there_is_no_second_wait():
    clock = ManualClock()
    pacer = Pacer(clock, refresh_hz=60.0, cap_fps=None, is_synced=True)
    for _ in range(200):
        clock.advance(16_600_000)
        assert pacer.wait_s() == 0.0
