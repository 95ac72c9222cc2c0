"""The log of the HTTP server, without what clients do wrong.

aiohttp logs a traceback for each request that is no HTTP and for each client that has gone before its answer. Neither
is a fault of this program, and a hostile client could fill the disk with them.
"""

import logging

from aiohttp.http_exceptions import HttpProcessingError

from flow_gl.core.log import get_logger


def http_logger() -> logging.Logger:
    """Return the logger to give to aiohttp's runner."""
    logger = get_logger("http")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return not isinstance(error, HttpProcessingError | ConnectionError)
