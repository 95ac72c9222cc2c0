"""Mesa's cache of compiled shaders, which kills a program with a bus error where its disk is full.

Its index is a file with a hole, mapped: a page of it that is first written on a full disk cannot be had. So the cache
is switched off where its folder does not take the index, and what there is of it is given its place on the disk.
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
"""Bytes: the index (1.3 MB) and the shaders of one start."""


def prepare() -> None:
    """Switch the cache off where it cannot be kept. Before the first context of the process is made."""
    if not sys.platform.startswith("linux") or any(os.environ.get(name) for name in _SWITCHES):
        return
    folder = _folder()
    if folder is None or not all(_has_its_place(folder / name / "index") for name in _NAMES) or not _takes(folder):
        os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"


def settle() -> None:
    """Give the index that Mesa has made its place on the disk: it may be full when the next shader comes."""
    folder = _folder()
    if folder is not None and sys.platform.startswith("linux"):
        for name in _NAMES:
            _has_its_place(folder / name / "index")


def _folder() -> Path | None:
    """The folder that Mesa's cache is in; None where there is none."""
    for name in _FOLDERS:
        if os.environ.get(name):
            return Path(os.environ[name])
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path raises where there is none
    return home / ".cache" if home.is_absolute() else None


def _takes(folder: Path) -> bool:
    if any((folder / name).is_dir() for name in _NAMES):
        folder = next(folder / name for name in _NAMES if (folder / name).is_dir())
    return takes(folder, _ROOM)


def _has_its_place(index: Path) -> bool:
    """Whether each page of the index can be written; where it has holes they are filled."""
    if sys.platform != "linux":
        return True
    try:
        status = index.stat()
    except OSError:
        return True  # there is none
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
