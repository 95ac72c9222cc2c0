"""Sinks for a stream's bytes: a file that grows as they arrive, or the newest seconds, kept for saving later."""

import os
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from flow_gl.core.errors import FlowError
from flow_gl.core.system import mp4
from flow_gl.view.video.fragments import Fragment, Splitter


class VideoFile:
    """A file that plays up to its last complete fragment, whatever ends the program.

    Raises
    ------
    FlowError
        if it cannot be written, also from `write`; what was written so far plays, and a file without a picture is
        removed
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor: Final = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666
            )
        except OSError as error:
            raise self._failure(error) from error

    def write(self, data: bytes) -> None:
        """Append bytes of the stream; they reach the disk's cache before this returns."""
        at = 0
        try:
            while at < len(data):
                at += os.write(self._descriptor, data[at:])
        except OSError as error:
            self.close()
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the file: cut after its last complete fragment, removed if there is none. Idempotent."""
        with suppress(OSError):
            os.close(self._descriptor)
        mp4.leave_whole(self.path)

    def _failure(self, error: OSError) -> FlowError:
        return FlowError(f"{self.path}: the video cannot be written: {error.strerror or error}")


class Newest:
    """The newest seconds of successive streams with the same encoding.

    Parameters
    ----------
    seconds : how much is kept, at least
    """

    def __init__(self, seconds: float) -> None:
        self._seconds: Final = seconds
        self._fragments: Final[deque[Fragment]] = deque()
        self._header = b""
        self._splitter = Splitter()
        self._begins = 0
        """Decode time of the stream's beginning, on the time line of all streams."""

    def take(self, data: bytes) -> None:
        """Take bytes of the stream."""
        for fragment in self._splitter.add(data):
            moved = replace(fragment, data=fragment.moved(-self._begins), begins=fragment.begins + self._begins)
            self._fragments.append(moved)
            self._header = self._splitter.header

    def next_stream(self, units: int) -> None:
        """Begin another stream, which continues the last one.

        Parameters
        ----------
        units : decode times that the last stream has taken
        """
        self._splitter = Splitter()
        self._begins += units

    def drop_old(self, units_per_second: int) -> None:
        """Drop what is older than the newest seconds; nothing while `units_per_second` is 0, not known yet."""
        kept = self._fragments
        while (
            units_per_second and len(kept) > 1 and kept[-1].begins - kept[1].begins >= self._seconds * units_per_second
        ):
            kept.popleft()

    def save(self, path: Path) -> int:
        """Write what is kept to a file; return its length in decode times. Raises FlowError, also if it is empty."""
        if not self._fragments:
            raise FlowError(f"{path}: there is nothing to save yet")
        file = VideoFile(path)
        file.write(self._header)
        first = self._fragments[0].begins
        for fragment in self._fragments:
            file.write(fragment.moved(first))
        file.close()
        return self._begins - first
