"""Makes the standard streams safe to use if the caller closed them, the disk is full, or a pipe has no reader."""

import os
import sys
from contextlib import suppress
from typing import Final, TextIO

_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_missing() -> None:
    """Open the null device in place of closed standard streams.

    Otherwise the next file or socket that the program opens would get the descriptor of a standard stream, and output
    to that stream would be written there.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # open() returns the lowest free descriptor, which is this one, because those below are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the end
            setattr(sys, name, stream)


def flush(stream: TextIO) -> None:
    """Flush a stream. Raises OSError if that fails; the buffered output is then dropped."""
    try:
        stream.flush()
    except OSError:
        silence(stream)
        raise


def silence(stream: TextIO) -> None:
    """Redirect a stream and its buffered output to the null device: Python flushes it again at exit."""
    with suppress(OSError, ValueError, AttributeError):
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
