"""What a child process with an event loop obeys: its parent's lines on standard input, and signals.

The parent's half is `core.system.platform.line_process`.
"""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress


def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    """Call `stop` in the loop on SIGTERM and SIGINT. On Windows both end the process at once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)


def read_lines(
    loop: asyncio.AbstractEventLoop, take: Callable[[bytes], object], *, at_end: Callable[[], object]
) -> None:
    """Start a thread that reads standard input.

    Parameters
    ----------
    take : called in the loop with each line
    at_end : called in the loop once the parent has closed the pipe or ended
    """

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended
            for line in sys.stdin.buffer:
                loop.call_soon_threadsafe(take, line)
            loop.call_soon_threadsafe(at_end)

    threading.Thread(target=read, name="parent", daemon=True).start()
