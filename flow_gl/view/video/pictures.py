"""Saves screenshots on background threads; no frame waits for a file."""

import queue
import threading
from datetime import datetime
from pathlib import Path
from typing import Final

from flow_gl.core.errors import FlowError
from flow_gl.core.system.folders import pictures_dir
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.capture import Picture, read_picture, write_png
from flow_gl.gl.surface.context import Surface
from flow_gl.ui.overlays.frame import Frame


def save_picture(surface: Surface, path: Path) -> None:
    """Write the current picture as PNG. Raises FlowError if it cannot be written."""
    surface.begin()
    write_png(path, read_picture(*surface.size))


def picture_name(frame: Frame | None, wall_ns: int) -> str:
    """Return the file name of a picture or video without its ending: its charts and the local time."""
    names = "-".join(chart.name for chart in frame.charts if chart.market) if frame else ""
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in names)
    taken = datetime.fromtimestamp(wall_ns // SECOND_NS)
    return f"flow_gl_{safe or 'chart'}_{taken:%Y-%m-%d_%H%M%S}"


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
