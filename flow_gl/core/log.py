"""Quiet, structured logging: one line of `time level program logger message key=value ...` in the user's state folder.

Nothing is logged per trade or per frame. Secrets are masked wherever they would appear, tracebacks included: those
passed to `protect`, and anything that looks like a Databento key or like an access token of the server.
"""

import logging
import logging.handlers
import os
import re
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from flow_gl.core.outside import plain
from flow_gl.core.system.folders import state_dir

ROOT: Final = "flow_gl"
LEVELS: Final = ("debug", "info", "warning", "error")
MAX_BYTES: Final = 2_000_000
KEPT_FILES: Final = 3
LINE_CHARS: Final = 2_000
VALUE_CHARS: Final = 1_000
"""Maximum length of a message and of a value in characters: text from outside may be a megabyte long."""
_KEY_PATTERN: Final = re.compile(r"\bdb-[A-Za-z0-9]{8,}|flowgltoken_[A-Za-z0-9_-]{8,}")
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_protected: Final[set[str]] = set()
_hidden: Final[set[str]] = set()


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a part of the program. Values in `extra={...}` are written as key=value."""
    return logging.getLogger(f"{ROOT}.{name}")


def protect(secret: str) -> None:
    """Mask this text in all logs and messages from now on."""
    if secret:
        _protected.add(secret)


def protect_login(login: str) -> None:
    """Mask a login (USER:PASSWORD or a token) from now on: nothing of a password is shown."""
    _hidden.update(part for part in (login, unquote(login), *map(unquote, login.split(":", 1)[1:])) if part)


def mask(secret: str) -> str:
    """Return a secret as it may be shown: `****` and its last five characters; `****` alone if it is short."""
    return "****" + (secret[-5:] if len(secret) > 10 else "")


def masked(text: str) -> str:
    """Return the text with every secret in it masked."""
    for secret in _protected:
        text = text.replace(secret, mask(secret))
    for login in sorted(_hidden, key=len, reverse=True):
        text = text.replace(login, "****")
    return _KEY_PATTERN.sub(lambda match: mask(match.group()), text)


def start_log(program: str, *, level: str = "info", is_verbose: bool = False) -> Path | None:
    """Start logging to `<state folder>/<program>.log`.

    Parameters
    ----------
    program : "view" or "engine"
    level : lowest level that is written, one of `LEVELS`
    is_verbose : also write to standard error

    Returns
    -------
    The file, or None if it cannot be written: then nothing is logged, because a chart must not fail for its log.
    """
    root = logging.getLogger(ROOT)
    root.setLevel(level.upper())
    root.propagate = False
    # A log that cannot be written (a full disk, a closed terminal) must not fill the terminal with tracebacks.
    logging.raiseExceptions = False
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    formatter = _Formatter(program)
    if is_verbose:
        _add(root, logging.StreamHandler(sys.stderr), formatter)
    path = state_dir() / f"{program}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = SharedLog(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    except OSError as error:
        _add(root, logging.NullHandler(), formatter)
        root.warning("no log file", extra={"error": error})
        return None
    _add(root, handler, formatter)
    return path


class SharedLog(logging.handlers.RotatingFileHandler):
    """A rotating log file that several running programs write.

    The full file is copied and then emptied, not renamed: Windows does not rename a file that another program has open,
    and elsewhere the other program would keep writing to the renamed file.
    """

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the name of logging
        """Return whether the file has no room for a record. Its size counts, not this program's place in it."""
        self.stream = self.stream or self._open()
        size = os.fstat(self.stream.fileno()).st_size
        return size > 0 and self.maxBytes <= size + len(self.format(record).encode("utf-8", "replace")) + 1

    def rotate(self, source: str, dest: str) -> None:
        """Move the contents of `source` to `dest`; on a full disk they are dropped."""
        try:
            shutil.copyfile(source, dest)
        except OSError:
            with suppress(OSError):
                Path(dest).unlink()
        os.truncate(source, 0)


def _add(root: logging.Logger, handler: logging.Handler, formatter: logging.Formatter) -> None:
    handler.setFormatter(formatter)
    root.addHandler(handler)


class _Formatter(logging.Formatter):
    """Formats a record as one line, plus a traceback if any. Secrets are masked last, so none slips through."""

    def __init__(self, program: str) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(program)s %(name)s %(message)s")
        self.datefmt = "%Y-%m-%dT%H:%M:%S"
        self._program = program

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        record.program = self._program
        values: dict[str, Any] = {k: v for k, v in record.__dict__.items() if k not in _STANDARD and k != "program"}
        text = super().format(record)
        if values or not text.isprintable():
            trace = f"\n{record.exc_text}" if record.exc_text else ""
            head, newline, rest = plain(text.removesuffix(trace), LINE_CHARS), "\n" if trace else "", trace[1:]
            text = head + "".join(f" {key}={_value(value)}" for key, value in values.items()) + newline + rest
        return masked(text)


def _value(value: object) -> str:
    text = plain(str(value), VALUE_CHARS)
    return repr(text) if not text or any(c in text for c in ' "=') else text
