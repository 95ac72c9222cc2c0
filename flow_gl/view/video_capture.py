"""Saves pictures and video on background threads; no frame waits for a file.

A video has a constant frame rate in real time: frame k shows the picture at k / fps seconds. If drawing or encoding is
slower, frames are repeated.
"""

import queue
import threading
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FlowError
from flow_gl.core.system.folders import pictures_dir
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.capture import Picture, PixelReader, VideoWriter, read_picture, write_png
from flow_gl.gl.surface.context import Surface
from flow_gl.ui.overlays.frame import Frame

_WAITING: Final = 8
"""Maximum number of pictures waiting for the encoder."""
FINISH_NS: Final = SECOND_NS
"""How long waiting pictures are still written after an urgent end was requested."""


def save_picture(surface: Surface, path: Path) -> None:
    """Write the current picture as PNG. Raises FlowError if it cannot be written."""
    surface.begin()
    write_png(path, read_picture(*surface.size))


def picture_name(frame: Frame | None, wall_ns: int) -> str:
    """Return the file name of a picture: its charts and the local time."""
    names = "-".join(chart.name for chart in frame.charts if chart.market) if frame else ""
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in names)
    taken = datetime.fromtimestamp(wall_ns // SECOND_NS)
    return f"flow_gl_{safe or 'chart'}_{taken:%Y-%m-%d_%H%M%S}.png"


class PictureSaver:
    """Writes pictures on background threads and reports the results."""

    def __init__(self, folder: Path | None) -> None:
        self._folder: Final = folder
        self._done: Final[queue.SimpleQueue[str]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def save(self, surface: Surface, name: str) -> None:
        """Capture the current picture and write it as `name` in the background."""
        surface.begin()
        picture = read_picture(*surface.size)
        thread = threading.Thread(target=self._write, args=(self._place() / name, picture), name="picture")
        thread.start()
        self._threads.append(thread)

    def news(self) -> list[str]:
        """Return one line per picture that was written, or failed, since the last call."""
        found = []
        while not self._done.empty():
            found.append(self._done.get())
        return found

    def close(self) -> None:
        """Wait for pictures that are still being written."""
        for thread in self._threads:
            thread.join()

    def _place(self) -> Path:
        return self._folder if self._folder is not None else pictures_dir()

    def _write(self, path: Path, picture: Picture) -> None:
        try:
            write_png(path, picture)
        except FlowError as error:
            self._done.put(str(error))
        else:
            self._done.put(f"saved {path}")


class VideoCapture:
    """A video of a surface.

    Parameters
    ----------
    surface : what is drawn; its size now is the video's, later sizes are cut or padded
    fps : frames a second of the video

    Raises
    ------
    DisplayError
        where there is no video encoder
    FlowError
        where the file cannot be written; also from `offer` and `close`
    """

    def __init__(self, surface: Surface, path: Path, *, fps: int) -> None:
        self._surface: Final = surface
        self._fps: Final = fps
        self._size: Final = surface.size
        self._writer: Final = VideoWriter(path, *self._size, frames_per_second=fps)
        self._reader = PixelReader(*self._size)
        self._start_ns: int | None = None
        self._asked = -1
        """Number of the frame whose pixels were asked for last; -1 before the first."""
        self._waiting: Final[queue.Queue[tuple[Picture, int] | None]] = queue.Queue(_WAITING)
        self._error: FlowError | None = None
        self._finish_by_ns = 0
        """Pictures that wait are given up after this time; 0 where nobody waits for the end."""
        self._is_finishing = False
        self._thread: Final = threading.Thread(target=self._encode, name="video")
        self._thread.start()

    def offer(self, now_ns: int) -> None:
        """Capture the current picture if a video frame is due at `now_ns` (monotonic)."""
        if self._error is not None:
            raise self._error
        if self._start_ns is None:
            self._start_ns = now_ns
        # Half a frame of grace: a picture drawn a little early is the one that is due.
        number = int((now_ns - self._start_ns) * self._fps / 1e9 + 0.5)
        if number <= self._asked or self._waiting.full():
            return
        self._surface.begin()
        if self._surface.size != (self._reader.width, self._reader.height):
            self._change_size(number)
            return
        before = self._reader.read()
        if before is not None:
            self._put(before, number - self._asked)
        self._asked = number

    @property
    def is_finished(self) -> bool:
        """Whether the file is complete or has failed; `close` then does not wait."""
        return not self._thread.is_alive()

    def finish(self, *, is_urgent: bool = False) -> None:
        """Capture the last picture and complete the file in the background. Idempotent.

        Parameters
        ----------
        is_urgent : the user is waiting: pictures are no longer repeated, and old ones are dropped
        """
        if self._is_finishing:
            return
        self._is_finishing = True
        last = self._reader.finish()
        self._reader.release()
        if is_urgent:
            self._finish_by_ns = SYSTEM.monotonic_ns() + FINISH_NS
        if last is not None and self._thread.is_alive():
            self._put(last, 1)
        self._waiting.put(None)

    def rescue(self) -> None:
        """Finish the file without its last picture, after the surface is lost."""
        self._finish_by_ns = SYSTEM.monotonic_ns() + FINISH_NS
        if not self._is_finishing:
            self._is_finishing = True
            self._waiting.put(None)
        self._thread.join()

    def close(self) -> None:
        """Finish the file. Idempotent."""
        self.finish()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _change_size(self, number: int) -> None:
        """Continue with a reader for the new size of the window."""
        last = self._reader.finish()
        if last is not None:
            self._put(last, number - self._asked)
        self._reader.release()
        self._reader = PixelReader(*self._surface.size)
        self._reader.read()
        self._asked = number

    def _put(self, picture: Picture, copies: int) -> None:
        width, height = self._size
        if picture.shape != (height, width, 3):
            whole = np.zeros((height, width, 3), np.uint8)
            part = picture[:height, :width]
            whole[: part.shape[0], : part.shape[1]] = part
            picture = whole
        self._waiting.put((picture, copies))

    def _encode(self) -> None:
        while (item := self._waiting.get()) is not None:
            picture, copies = item
            try:
                if self._error is None:
                    self._write(picture, copies)
            except FlowError as error:
                # Raised by the next `offer`. Later pictures are discarded, so that the queue never blocks.
                self._error = error
        try:
            if self._error is None:
                self._writer.close()
        except FlowError as error:
            self._error = error

    def _write(self, picture: Picture, copies: int) -> None:
        """Write a picture as often as it is due, one at a time: the user may ask for the end meanwhile."""
        if self._finish_by_ns and SYSTEM.monotonic_ns() > self._finish_by_ns:
            self._writer.skip(copies)
            return
        self._writer.add(picture)
        for done in range(1, copies):
            if self._finish_by_ns:
                self._writer.skip(copies - done)
                return
            self._writer.repeat()
