"""Pictures and video of the view, written beside the frames: no frame waits for a file.

A video is in true time at a steady rate: frame k shows what was drawn last at k / fps seconds. Where drawing or
encoding is slower than that, frames are repeated, never squeezed together.
"""

import queue
import threading
from pathlib import Path
from typing import Final

import numpy as np

from flow_gl.core.errors import FlowError
from flow_gl.gl.capture import Picture, PixelReader, VideoWriter, read_picture, write_png
from flow_gl.gl.context import Surface

_WAITING: Final = 8
"""Pictures that wait for the encoder at most."""


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
        if self._folder is not None:
            return self._folder
        import platformdirs

        return platformdirs.user_pictures_path() / "flow_gl"

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

    def close(self) -> None:
        """Finish the file."""
        last = self._reader.finish()
        if last is not None and self._thread.is_alive():
            self._put(last, 1)
        self._waiting.put(None)
        self._thread.join()
        self._reader.release()
        if self._error is not None:
            raise self._error
        self._writer.close()

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
                for _ in range(0 if self._error else copies):
                    self._writer.add(picture)
            except FlowError as error:
                # Told at the next offer; what still comes is let go, so that nobody waits for this thread.
                self._error = error
