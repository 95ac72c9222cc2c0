"""The user's folders: where settings, recordings, caches and logs live. None is made before something is written."""

from pathlib import Path
from typing import Final

import platformdirs

APP: Final = "flow_gl"


def config_dir() -> Path:
    """Settings and preferences."""
    return platformdirs.user_config_path(APP)


def data_dir() -> Path:
    """What must be kept: recordings, the archive."""
    return platformdirs.user_data_path(APP)


def recordings_dir() -> Path:
    """Recordings of live sessions, where no other folder is asked for."""
    return data_dir() / "recordings"


def cache_dir() -> Path:
    """What can be made again: compiled kernels, session calendars."""
    return platformdirs.user_cache_path(APP)


def state_dir() -> Path:
    """Logs."""
    return platformdirs.user_state_path(APP)
