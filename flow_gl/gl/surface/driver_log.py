"""Filters one message of Mesa from standard error.

When its driver thread is enabled (`gl.surface.loading`), Mesa before 23 logs that unless MESA_DEBUG is "silent"; later
versions always log it. C code writes the line while a context is created, so it is caught at the file descriptor.
Everything else written in the meantime is passed on.
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
    """Drop that line from standard error inside this context and pass on the rest.

    Parameters
    ----------
    is_expected : whether the line may appear; if not, standard error is left alone
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
    except OSError:  # the reader has closed its end
        return
