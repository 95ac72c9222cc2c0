"""The standard streams, whatever the caller has left of them: closed, full, or a pipe that nobody reads any more."""

import os
import sys
from contextlib import suppress
from typing import Final, TextIO

_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_missing() -> None:
    """Open the null device in place of standard streams that are closed.

    Else the next file or socket of the program would get the number of a standard stream, and what is written to the
    stream would end up there.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given: this one, for those below are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the end
            setattr(sys, name, stream)


def flush(stream: TextIO) -> None:
    """Write what a stream holds back; drop it where it cannot be written. Raises OSError."""
    try:
        stream.flush()
    except OSError:
        silence(stream)
        raise


def silence(stream: TextIO) -> None:
    """Lead a stream to the null device, with what it still holds back: Python flushes it once more at its end."""
    with suppress(OSError, ValueError, AttributeError):
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
