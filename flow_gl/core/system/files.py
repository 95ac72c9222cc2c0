"""Atomic writing of files, and checks: whether a folder can take a file, and whether a file has changed."""

import itertools
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_numbers: Final = itertools.count()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically: a temporary file, then a rename. Nothing is left behind on failure.

    A symbolic link is followed; a pipe or device is written to directly. The folder is created. Raises OSError.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".flow_gl-{os.getpid()}-{next(_numbers)}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def stamp(path: Path) -> tuple[int, ...]:
    """Return what differs once a file was changed, replaced or protected otherwise; () if there is none."""
    try:
        info = path.stat()
    except OSError:
        return ()
    return info.st_mtime_ns, info.st_size, info.st_ino, info.st_mode, info.st_uid


def takes(folder: Path, nbytes: int) -> bool:
    """Return whether a folder, which is created, can hold a file of this size now. Never raises."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, nbytes)
            else:
                file.write(bytes(nbytes))
                file.flush()
    except OSError:
        return False
    return True
