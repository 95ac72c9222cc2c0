"""Saves screenshots, or copies them to the clipboard, on background threads; no frame waits for a file."""

import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from flow_gl.core.errors import FlowError
from flow_gl.core.system.folders import pictures_dir
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.caption import below
from flow_gl.gl.capture import Picture, png_of, read_picture, write_png
from flow_gl.gl.view import Rect
from flow_gl.ui.overlays.caption import caption
from flow_gl.ui.overlays.frame import Frame
from flow_gl.view.frame_loop import FrameLoop

NO_CLIPBOARD: Final = "a picture is copied by wl-copy (Wayland) or xclip (X11); neither is installed"
_COPY_S: Final = 10.0


def save_picture(loop: FrameLoop, path: Path) -> None:
    """Write the current picture as PNG, with its caption. Raises FlowError if it cannot be written."""
    write_png(path, _captured(loop, None))


def picture_name(frame: Frame | None, wall_ns: int, chart: int | None = None) -> str:
    """Return the file name of a picture or video without its ending: its charts, or one, and the local time."""
    charts = [one for one in frame.charts if one.market and chart in (None, one.index)] if frame else []
    names = "-".join(one.name for one in charts)
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in names)
    taken = datetime.fromtimestamp(wall_ns // SECOND_NS)
    return f"flow_gl_{safe or 'chart'}_{taken:%Y-%m-%d_%H%M%S}"


def chart_area(frame: Frame | None, chart: int) -> Rect | None:
    """Return where a chart is in a picture; None if it is not shown."""
    shown = frame.charts if frame is not None else []
    return next((one.layout.outer for one in shown if one.index == chart), None)


def clipboard_command() -> list[str] | None:
    """Return the command that takes a PNG on its standard input to the clipboard; None if none is installed.

    The window's own library can copy text alone.
    """
    if os.environ.get("WAYLAND_DISPLAY") and (found := shutil.which("wl-copy")):
        return [found, "--type", "image/png"]
    found = shutil.which("xclip") if os.environ.get("DISPLAY") else None
    return [found, "-selection", "clipboard", "-t", "image/png"] if found else None


def _captured(loop: FrameLoop, chart: int | None) -> Picture:
    """Return the current picture, or that of a chart, with its caption."""
    surface = loop.surface
    surface.begin()
    picture = read_picture(*surface.size)
    area = None if chart is None else chart_area(loop.frame, chart)
    if area is not None:
        rows, columns = slice(round(area.y), round(area.bottom)), slice(round(area.x), round(area.right))
        picture = picture[rows, columns]
    return below(picture, caption(loop.frame, loop.state, picture.shape[1], chart))


class PictureSaver:
    """Writes pictures on background threads and reports the results."""

    def __init__(self, folder: Path | None) -> None:
        self._folder: Final = folder
        self._done: Final[queue.SimpleQueue[str]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def save(self, loop: FrameLoop, name: str, chart: int | None = None) -> None:
        """Capture the current picture, or that of a chart, and write it as `name` in the background."""
        self._begin(self._write, self._place() / name, _captured(loop, chart))

    def copy(self, loop: FrameLoop, chart: int | None = None) -> None:
        """Capture the current picture, or that of a chart, and put it onto the clipboard in the background."""
        command = clipboard_command()
        if command is None:
            self._done.put(NO_CLIPBOARD)
            return
        self._begin(self._copy, command, _captured(loop, chart))

    def _begin(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, name="picture")
        thread.start()
        self._threads.append(thread)

    def _copy(self, command: list[str], picture: Picture) -> None:
        try:
            # The program keeps running in the background and serves the picture until something else is copied.
            subprocess.run(
                command,
                input=png_of(picture),
                check=True,
                timeout=_COPY_S,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError) as error:
            self._done.put(f"{command[0]} did not take the picture: {error}")
        else:
            self._done.put("copied the picture")

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
