"""Errors that the user sees as one line and an exit code. Any other exception that escapes is a bug."""

import errno
from typing import Final

EXIT_OK: Final = 0
EXIT_FAULT: Final = 1
"""A bug in the program."""
EXIT_USAGE: Final = 2
"""A flag, a setting or a config file is wrong."""
EXIT_DATA: Final = 3
"""A file is missing, damaged or of the wrong kind."""
EXIT_FEED: Final = 4
"""The live feed refused: key, symbol, connection."""
EXIT_DISPLAY: Final = 5
"""No display, no OpenGL 3.3, no video encoder."""
EXIT_RESOURCE: Final = 6
"""Shared memory, disk or another resource of the machine is missing or exhausted."""
EXIT_INTERRUPTED: Final = 130
"""Ctrl-C. Other signals end with 128 plus their number (`core.system.interrupts`)."""
_LACKS: Final = "ENOSPC EDQUOT EFBIG EROFS EACCES EPERM EIO EMFILE ENFILE ENOMEM EAGAIN ENODEV ENXIO ENAMETOOLONG ELOOP"
_RESOURCES: Final = frozenset(getattr(errno, name, None) for name in _LACKS.split())


class FlowError(Exception):
    """An error that the user can fix. The message says what was expected, what was found, and where."""

    exit_code: int = EXIT_RESOURCE


class UsageError(FlowError):
    """A flag, a setting or the config file is invalid."""

    exit_code = EXIT_USAGE


class DataError(FlowError):
    """A file is missing, damaged or of the wrong type."""

    exit_code = EXIT_DATA


class FeedError(FlowError):
    """A live source refused the login, the symbol or the connection, or cannot be reached."""

    exit_code = EXIT_FEED


class DisplayError(FlowError):
    """There is no display, no OpenGL 3.3 or no video encoder."""

    exit_code = EXIT_DISPLAY


def lacking(error: OSError) -> str:
    """Return the missing resource in words, like "No space left on device"; "" if the error is not about a resource."""
    return (error.strerror or str(error)) if error.errno in _RESOURCES else ""
