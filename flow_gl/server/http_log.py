"""The logger of the HTTP server, without errors that clients cause.

aiohttp logs a traceback for each malformed request and for each client that disconnects before its response. Neither is
a fault of this program, and a hostile client could fill the disk with them.
"""

import logging

from aiohttp.http_exceptions import HttpProcessingError

from flow_gl.core.log import get_logger


def http_logger() -> logging.Logger:
    """Return the logger for aiohttp's runner."""
    logger = get_logger("http")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return not isinstance(error, HttpProcessingError | ConnectionError)
