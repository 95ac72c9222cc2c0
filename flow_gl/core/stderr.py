"""The program's messages on standard error."""

import sys
from contextlib import suppress


def print_message(text: str) -> None:
    """Write one line to standard error, after the program's name; if that fails, the line is dropped."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"flow-gl: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints to it
