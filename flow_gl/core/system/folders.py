"""The user's folders for settings, recordings, caches and logs. None is created before something is written to it.

For a user without a home folder (no HOME and no entry in the system's user database) they are temporary folders, except
for data that must be kept, for which an error is raised.
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
    """Return the folder of settings and preferences."""
    return _found(platformdirs.user_config_path)


def data_dir() -> Path:
    """Return the folder of data to keep: recordings, the archive. Raises FlowError if the user has no home folder."""
    try:
        return platformdirs.user_data_path(APP)
    except RuntimeError:
        raise FlowError(
            "no home folder for recordings and the archive: set HOME, or choose their location"
            " with --record-dir and --archive"
        ) from None


def recordings_dir() -> Path:
    """Return the default folder of recordings of live sessions."""
    return data_dir() / "recordings"


def pictures_dir() -> Path:
    """Return the folder of screenshots that are saved with a key."""
    return _found(lambda app: platformdirs.user_pictures_path() / app)


def cache_dir() -> Path:
    """Return the folder of data that can be recreated: compiled kernels, session calendars."""
    return _found(platformdirs.user_cache_path)


def state_dir() -> Path:
    """Return the folder of logs."""
    return _found(platformdirs.user_state_path)


def _found(of_app: Callable[[str], Path]) -> Path:
    try:
        return of_app(APP)
    except RuntimeError:
        user = os.getuid() if hasattr(os, "getuid") else 0
        return Path(tempfile.gettempdir()) / f"{APP}-{user}"
