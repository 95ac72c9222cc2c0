"""The videos of one run of the program: the one of the command line, those of the key, and the newest seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flow_gl.core.clock import Clock
from flow_gl.core.errors import FlowError
from flow_gl.core.stderr import print_message
from flow_gl.core.system.folders import pictures_dir
from flow_gl.gl.surface.context import Surface
from flow_gl.ui.state.options import ViewOptions
from flow_gl.ui.state.picture_options import SAVING

if TYPE_CHECKING:
    from flow_gl.view.video.recorder import Recorder

KEEP_S: Final = 60
"""Number of seconds that are kept if the setting `keep_video` is not given."""
FINISH_SAID_NS: Final = 150_000_000
"""Finishing a video is reported if it takes longer than this."""


class VideoSession:
    """Handles the program's videos.

    Parameters
    ----------
    surface : what is drawn
    note : shows the user a line
    cursor : returns where the mouse is, px from the top left; None where it is not over the window
    """

    def __init__(
        self,
        surface: Surface,
        options: ViewOptions,
        clock: Clock,
        note: Callable[[str], None],
        cursor: Callable[[], tuple[int, int] | None],
    ) -> None:
        self._surface: Final = surface
        self._options: Final = options
        self._clock: Final = clock
        self._note: Final = note
        self._cursor: Final = cursor
        self._recorder: Recorder | None = None
        self._keep_s = float(options.settings.keep_video)
        self._error: FlowError | None = None
        """Why the video of the command line ended."""
        if options.video is not None or self._keep_s:
            self._start()

    @property
    def is_on(self) -> bool:
        """Whether frames are needed even if nothing moves."""
        return self._recorder is not None and self._recorder.is_on

    @property
    def sign(self) -> str:
        """The header's text, like "video 1:05, 3 dropped", or while a file is completed; "" otherwise."""
        recorder = self._recorder
        if recorder is None:
            return ""
        if recorder.path is None:
            return SAVING if recorder.is_working else ""
        minutes, seconds = divmod(int(recorder.seconds), 60)
        dropped = f", {recorder.dropped:,} dropped" if recorder.dropped else ""
        return f"video {minutes}:{seconds:02}{dropped}"

    def offer(self, now_ns: int, *, is_feed_up: bool) -> None:
        """Read the current picture back if a video needs it. Raises FlowError without a window.

        Parameters
        ----------
        now_ns : monotonic
        is_feed_up : the video of the command line may begin
        """
        recorder, options = self._recorder, self._options
        if recorder is None:
            return
        for line in recorder.news():
            self._note(line)
        if options.video is not None and self._error is None:
            self._error = recorder.error
            if self._error is not None and options.headless:
                raise self._error
            if is_feed_up and recorder.path is None and not recorder.is_asked:
                if options.headless:
                    recorder.wait_ready()
                recorder.record(options.video)
        recorder.offer(now_ns)

    def toggle(self, name: str) -> None:
        """Begin a recording of this name, or end the one that is running."""
        recorder = self._ready("recording")
        if recorder is None:
            return
        if recorder.path is not None:
            recorder.stop()
            return
        path = self._place() / f"{name}.mp4"
        recorder.record(path)
        self._note(f"recording {path}")

    def save_newest(self, name: str) -> None:
        """Write the newest seconds to a file of this name."""
        if not self._keep_s:
            self.toggle_keeping()
            return
        recorder = self._ready("saving")
        if recorder is not None:
            recorder.save(self._place() / f"{name}_newest.mp4")

    def toggle_keeping(self) -> None:
        """Start or stop keeping the newest seconds."""
        recorder = self._recorder
        if recorder is not None and (recorder.path is not None or recorder.is_working):
            self._note("a video is being recorded: stop it first")
            return
        self._keep_s = 0.0 if self._keep_s else float(self._options.settings.keep_video or KEEP_S)
        self.close()  # the encoder must be restarted: how much it keeps is set at its start
        if not self._keep_s:
            self._note("the newest seconds of video are no longer kept")
        elif self._ready("keeping of video") is None:
            self._keep_s = 0.0
        else:
            self._note(f"the newest {self._keep_s:.0f} s of video are now kept and can be saved at any time")

    @property
    def is_keeping(self) -> bool:
        """Whether the newest seconds are kept."""
        return self._keep_s > 0.0

    def finish(self, *, is_urgent: bool, draw: Callable[[], None]) -> None:
        """Complete the files. Raises FlowError where the video of the command line could not be written.

        Parameters
        ----------
        is_urgent : the user is waiting: report that the video is being finished if it takes long
        draw : draws a frame
        """
        recorder = self._recorder
        if recorder is not None:
            recorder.stop()
            asked_ns, is_said = self._clock.monotonic_ns(), False
            while recorder.is_working:
                recorder.poll()
                self._clock.sleep(0.005)
                if is_urgent and not is_said and self._clock.monotonic_ns() - asked_ns > FINISH_SAID_NS:
                    is_said = True
                    print_message("finishing the video")
                    self._note("finishing the video")
                    draw()
            self._error = self._error or (recorder.error if self._options.video is not None else None)
        if self._error is not None:
            raise self._error

    def rescue(self) -> None:
        """Complete the files after the window is lost."""
        if self._recorder is not None:
            self._recorder.rescue()

    def close(self) -> None:
        """Complete the files and end the encoder. Idempotent."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def _ready(self, doing: str) -> "Recorder | None":
        """Return the recorder, started if needed; None, after a note, if there is none."""
        if self._recorder is None or self._recorder.is_gone:
            try:
                self.close()
                self._start()
            except FlowError as error:
                self._note(f"no {doing}: {error}")
        return self._recorder

    def _start(self) -> None:
        from flow_gl.view.video.recorder import Recorder

        settings = self._options.settings
        self._recorder = Recorder(
            self._surface,
            fps=settings.video_fps,
            keep_s=self._keep_s,
            cursor=self._cursor,
        )

    def _place(self) -> Path:
        return self._options.screenshot_dir or pictures_dir()
