"""Errors that the user sees as one line and an exit code. Anything else that escapes is a fault of the program."""

import errno
from typing import Final

EXIT_OK: Final = 0
EXIT_FAULT: Final = 1
"""A fault of the program itself."""
EXIT_USAGE: Final = 2
"""A flag, a setting or a config file is wrong."""
EXIT_DATA: Final = 3
"""A file is missing, damaged or of the wrong kind."""
EXIT_FEED: Final = 4
"""The live feed refused: key, symbol, connection."""
EXIT_DISPLAY: Final = 5
"""No display, no OpenGL 3.3, no video encoder."""
EXIT_RESOURCE: Final = 6
"""Shared memory, disk or another resource of the machine is lacking."""
EXIT_INTERRUPTED: Final = 130
"""By Ctrl-C. Other signals end with 128 and their number (`core.system.interrupts`)."""
_LACKS: Final = "ENOSPC EDQUOT EFBIG EROFS EACCES EPERM EIO EMFILE ENFILE ENOMEM EAGAIN ENODEV ENXIO ENAMETOOLONG ELOOP"
_RESOURCES: Final = frozenset(getattr(errno, name, None) for name in _LACKS.split())


class FlowError(Exception):
    """An error with a cause that the user can mend. The message says what was expected, what came, and where."""

    exit_code: int = EXIT_RESOURCE


class UsageError(FlowError):
    exit_code = EXIT_USAGE


class DataError(FlowError):
    exit_code = EXIT_DATA


class FeedError(FlowError):
    exit_code = EXIT_FEED


class DisplayError(FlowError):
    exit_code = EXIT_DISPLAY


def lacking(error: OSError) -> str:
    """Say what the machine lacks, like "No space left on device"; "" where the error is not about a resource."""
    return (error.strerror or str(error)) if error.errno in _RESOURCES else ""
