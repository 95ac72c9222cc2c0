"""Guards against Mesa's shader cache, which crashes the process with a bus error on a full disk.

Mesa maps a sparse index file. Writing to a page that has no disk block raises SIGBUS if the disk is full. The cache is
therefore disabled if its folder has no room for the index, and an existing index gets its blocks allocated up front.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from flow_gl.core.system.files import takes

_SWITCHES: Final = ("MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DISABLE")
_FOLDERS: Final = ("MESA_SHADER_CACHE_DIR", "MESA_GLSL_CACHE_DIR", "XDG_CACHE_HOME")
_NAMES: Final = ("mesa_shader_cache", "mesa_shader_cache_db")
_ROOM: Final = 4 << 20
"""Bytes needed by the index (1.3 MB) and the shaders of one start."""


def prepare() -> None:
    """Disable the cache if it cannot be stored. Call it before the process creates its first context."""
    if not sys.platform.startswith("linux") or any(os.environ.get(name) for name in _SWITCHES):
        return
    folder = _folder()
    if folder is None or not all(_has_its_place(folder / name / "index") for name in _NAMES) or not _takes(folder):
        os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"


def settle() -> None:
    """Allocate the blocks of the index that Mesa has created: the disk may be full when the next shader is stored."""
    folder = _folder()
    if folder is not None and sys.platform.startswith("linux"):
        for name in _NAMES:
            _has_its_place(folder / name / "index")


def _folder() -> Path | None:
    """Return the folder of Mesa's cache; None if there is none."""
    for name in _FOLDERS:
        if os.environ.get(name):
            return Path(os.environ[name])
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path raises without a home
    return home / ".cache" if home.is_absolute() else None


def _takes(folder: Path) -> bool:
    if any((folder / name).is_dir() for name in _NAMES):
        folder = next(folder / name for name in _NAMES if (folder / name).is_dir())
    return takes(folder, _ROOM)


def _has_its_place(index: Path) -> bool:
    """Return whether each page of the index can be written; holes are allocated."""
    if sys.platform != "linux":
        return True
    try:
        status = index.stat()
    except OSError:
        return True  # no index yet
    if status.st_blocks * 512 >= status.st_size:
        return True
    with suppress(OSError):
        descriptor = os.open(index, os.O_RDWR)
        try:
            os.posix_fallocate(descriptor, 0, status.st_size)
        finally:
            os.close(descriptor)
        return True
    return False
