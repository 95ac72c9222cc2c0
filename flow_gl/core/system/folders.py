"""The user's folders: where settings, recordings, caches and logs live. None is made before something is written.

A user without a home folder (no HOME, no entry of the system) has them among the temporary files; only what must be
kept is then refused.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

from flow_gl.core.errors import FlowError

APP: Final = "flow_gl"


def config_dir() -> Path:
    """Settings and preferences."""
    return _found(platformdirs.user_config_path)


def data_dir() -> Path:
    """What must be kept: recordings, the archive. Raises FlowError where the user has no home folder."""
    try:
        return platformdirs.user_data_path(APP)
    except RuntimeError:
        raise FlowError(
            "no home folder for recordings and the archive: set HOME, or choose their location"
            " with --record-dir and --archive"
        ) from None


def recordings_dir() -> Path:
    """Recordings of live sessions, where no other folder is asked for."""
    return data_dir() / "recordings"


def pictures_dir() -> Path:
    """Pictures of the chart that are saved with a key."""
    return _found(lambda app: platformdirs.user_pictures_path() / app)


def cache_dir() -> Path:
    """What can be made again: compiled kernels, session calendars."""
    return _found(platformdirs.user_cache_path)


def state_dir() -> Path:
    """Logs."""
    return _found(platformdirs.user_state_path)


def _found(of_app: Callable[[str], Path]) -> Path:
    try:
        return of_app(APP)
    except RuntimeError:
        user = os.getuid() if hasattr(os, "getuid") else 0
        return Path(tempfile.gettempdir()) / f"{APP}-{user}"
