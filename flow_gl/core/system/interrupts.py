"""Signals that ask the program to end: Ctrl-C, SIGTERM, and SIGHUP when a terminal is closed.

Before and after drawing, they raise `Interrupted` at any point of the program. While frames are drawn, they only set a
flag (`deferred`), so that the frame and a video are completed; a second signal then raises at once. A signal that the
program inherited as ignored (nohup, a background job) stays ignored.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Interrupted(BaseException):
    """A signal asks the program to end.

    Parameters
    ----------
    number : the signal's number
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number: Final = number

    @property
    def exit_code(self) -> int:
        """The exit code by the shells' convention: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.number


class Pending:
    """A signal that arrived while frames were drawn."""

    def __init__(self) -> None:
        self.number = 0
        """The signal's number; 0 if none has arrived."""

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.number:
            raise Interrupted(number)
        self.number = number


@contextmanager
def raised() -> Iterator[None]:
    """Make the signals raise `Interrupted` in the main thread."""
    with _handled(_raise):
        yield


@contextmanager
def deferred() -> Iterator[Pending]:
    """Only record the first signal, and raise `Interrupted` for it at the end of the block.

    Yields
    ------
    pending : the signal that has arrived, if any
    """
    pending = Pending()
    with _handled(pending._note):
        yield pending
    if pending.number:
        raise Interrupted(pending.number)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    with ExitStack() as restored:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name, None) for name in _NAMES):
                # None: a handler that was not installed from Python and cannot be restored.
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    restored.callback(signal.signal, number, signal.signal(number, handler))
        yield
