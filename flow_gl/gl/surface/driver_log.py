"""Keeps one line of Mesa's off the terminal.

Asked for its own thread (`gl.api`), Mesa before 23 says so unless MESA_DEBUG is "silent"; later ones always do, with or
without a thread. The line is written while a context is made, by C code, so it is caught at the file descriptor. All
else that is written meanwhile is passed on.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LINE: Final = b"option mesa_glthread overridden by environment"
_STDERR: Final = 2


@contextmanager
def without_thread_notice(*, is_expected: bool) -> Iterator[None]:
    """Pass on all that is written to standard error within, but for that line.

    Parameters
    ----------
    is_expected : whether it may come; if not, standard error stays as it is
    """
    if not is_expected or not sys.platform.startswith("linux"):
        yield
        return
    try:
        before = os.dup(_STDERR)
    except OSError:  # standard error is closed
        yield
        return
    kept = os.memfd_create("flow_gl_driver_log")
    try:
        os.dup2(kept, _STDERR)
        yield
    finally:
        os.dup2(before, _STDERR)
        os.close(before)
        size = os.lseek(kept, 0, os.SEEK_CUR)
        lines = os.pread(kept, size, 0).splitlines(keepends=True)
        os.close(kept)
        _write(b"".join(line for line in lines if _LINE not in line))


def _write(content: bytes) -> None:
    try:
        while content:
            content = content[os.write(_STDERR, content) :]
    except OSError:  # its reader has gone
        return
