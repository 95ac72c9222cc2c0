"""A cache of derived files, in the user's cache folder or, on request, beside the files they are derived from.

A name identifies everything that the content depends on, so files are never changed in place; they are written
atomically. When a folder exceeds its size limit, the least recently used files are removed.
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
MAX_BYTES: Final = 2 << 30
"""Size limit of a folder."""
_PART: Final = ".part"
_WRITABLE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_LOOKED_AT: Final = 1 << 16
"""Bytes at a file's beginning and end that identify it, together with its name, size and time."""


def identity(path: Path) -> str:
    """Return a string that identifies a file's present content: name, size, mtime, beginning, end. Raises OSError."""
    status = path.stat()
    digest = hashlib.blake2b(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(file.read(_LOOKED_AT))
        file.seek(max(0, status.st_size - _LOOKED_AT))
        digest.update(file.read(_LOOKED_AT))
    return digest.hexdigest()


class FileCache:
    """The cached files.

    Parameters
    ----------
    own : cache folder; None for the user's
    is_beside : store files in `.flow_gl` beside their sources; those that cannot be written there go to `own`
    most_bytes : size limit of a folder
    """

    def __init__(self, *, own: Path | None = None, is_beside: bool = False, most_bytes: int = MAX_BYTES) -> None:
        self._own: Final = own if own is not None else cache_dir() / "levels"
        self._is_beside: Final = is_beside
        self._most_bytes: Final = most_bytes

    def get(self, source: Path, name: str) -> bytes | None:
        """Return what is cached for a source under a name; None if there is nothing readable."""
        for folder in self._folders(source):
            path = folder / name
            with suppress(OSError):
                data = path.read_bytes()
                with suppress(OSError):
                    os.utime(path)  # for the least-recently-used rule
                if self._is_beside and folder == self._own:
                    self._put(name, data, self._folders(source)[:1])
                return data
        return None

    def put(self, source: Path, name: str, data: bytes) -> bool:
        """Store a file; False if it cannot be written anywhere. A folder that is marked read-only is left alone."""
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
    """Yield time of last use, size and path of every cached file in a folder."""
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
