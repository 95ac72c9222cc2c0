"""Pictures and video of the view, written beside the frames: no frame waits for a file.

A video is in true time at a steady rate: frame k shows what was drawn last at k / fps seconds. Where drawing or
encoding is slower than that, frames are repeated, never squeezed together.
"""

import queue
import threading
from pathlib import Path
from typing import Final

import numpy as np

from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FlowError
from flow_gl.core.system.folders import pictures_dir
from flow_gl.gl.capture import Picture, PixelReader, VideoWriter, read_picture, write_png
from flow_gl.gl.surface.context import Surface

_WAITING: Final = 8
"""Pictures that wait for the encoder at most."""
FINISH_NS: Final = 1_000_000_000
"""So long pictures that wait are still written once the end is asked for."""


def save_picture(surface: Surface, path: Path) -> None:
    """Write what was drawn as PNG, now. Raises FlowError where it cannot be written."""
    surface.begin()
    write_png(path, read_picture(*surface.size))


class PictureSaver:
    """Writes pictures on a thread of its own and says how it went."""

    def __init__(self, folder: Path | None) -> None:
        self._folder: Final = folder
        self._done: Final[queue.SimpleQueue[str]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def save(self, surface: Surface, name: str) -> None:
        """Take what was drawn and have it written under `name`."""
        surface.begin()
        picture = read_picture(*surface.size)
        thread = threading.Thread(target=self._write, args=(self._place() / name, picture), name="picture")
        thread.start()
        self._threads.append(thread)

    def news(self) -> list[str]:
        """One line for each picture that was written, or could not be, since the last call."""
        found = []
        while not self._done.empty():
            found.append(self._done.get())
        return found

    def close(self) -> None:
        """Wait for what is still being written."""
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


class Recording:
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
        """Take what was drawn, if a frame of the video is due at this (steady) time."""
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
        """The file is complete, or cannot be written to: `close` does not wait."""
        return not self._thread.is_alive()

    def finish(self, *, is_urgent: bool = False) -> None:
        """Take the last picture, and have the file completed meanwhile. Idempotent.

        Parameters
        ----------
        is_urgent : the user waits: pictures are no longer repeated, and what waits for long is given up
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
        """Finish the file without its last picture, where the surface is gone."""
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
        """The window has another size now: go on with a reader of that size."""
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
                # Told at the next offer; what still comes is let go, so that nobody waits for this thread.
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
