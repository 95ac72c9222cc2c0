"""The program's own voice: lines on standard error."""

import sys
from contextlib import suppress


def say(text: str) -> None:
    """Write one line to standard error; if that fails, the line is dropped."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"flow-gl: {text}", file=sys.stderr, flush=True)  # noqa: T201 - what it is for
