"""Files that can be made again, kept in the user's cache folder or, if asked for, beside the files they are made from.

A name tells all that the content depends on, so nothing is ever changed in place: a file is written whole under
another name and then given its own. A folder that grows beyond its size loses what was not used for the longest.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from flow_gl.core.system.folders import cache_dir

FOLDER: Final = ".flow_gl"
MOST_BYTES: Final = 2 << 30
"""A folder is kept below this."""
_PART: Final = ".part"
_WRITABLE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_LOOKED_AT: Final = 1 << 16
"""Bytes at a file's beginning and at its end that tell it apart, beside its name, size and time."""


def identity(path: Path) -> str:
    """What tells a file as it is now: its name, size, time of change, beginning and end. Raises OSError."""
    status = path.stat()
    digest = hashlib.blake2b(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(file.read(_LOOKED_AT))
        file.seek(max(0, status.st_size - _LOOKED_AT))
        digest.update(file.read(_LOOKED_AT))
    return digest.hexdigest()


class Shelf:
    """Kept files.

    Parameters
    ----------
    own : folder of the kept files; None for the user's cache folder
    is_beside : keep a file in `.flow_gl` beside its source; what cannot be written there goes to `own`
    most_bytes : size that a folder is kept below
    """

    def __init__(self, *, own: Path | None = None, is_beside: bool = False, most_bytes: int = MOST_BYTES) -> None:
        self._own: Final = own if own is not None else cache_dir() / "levels"
        self._is_beside: Final = is_beside
        self._most_bytes: Final = most_bytes

    def get(self, source: Path, name: str) -> bytes | None:
        """What was kept for a source under a name; None where there is nothing that can be read."""
        for folder in self._folders(source):
            path = folder / name
            with suppress(OSError):
                data = path.read_bytes()
                with suppress(OSError):
                    os.utime(path)  # it was used
                if self._is_beside and folder == self._own:
                    self._put(name, data, self._folders(source)[:1])
                return data
        return None

    def put(self, source: Path, name: str, data: bytes) -> bool:
        """Keep a file; False where it can be written nowhere. A folder that is marked read-only is left alone."""
        return self._put(name, data, self._folders(source))

    def _put(self, name: str, data: bytes, folders: Sequence[Path]) -> bool:
        for folder in folders:
            with suppress(OSError):
                if folder != self._own and not folder.parent.stat().st_mode & _WRITABLE:
                    continue  # an administrator's process could, and should not
                _write(folder / name, data)
                self._prune(folder)
                return True
        return False

    def _folders(self, source: Path) -> tuple[Path, ...]:
        return (source.absolute().parent / FOLDER, self._own) if self._is_beside else (self._own,)

    def _prune(self, folder: Path) -> None:
        with suppress(OSError):
            kept = sorted(_kept(folder), reverse=True)
            size = 0
            for _, nbytes, path in kept:
                size += nbytes
                if size > self._most_bytes:
                    path.unlink(missing_ok=True)


def _kept(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Time of last use, size and path of all files of a folder of ours."""
    for path in folder.iterdir():
        status = path.stat()
        yield status.st_mtime_ns, status.st_size, path


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}{_PART}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
