"""Signals that ask the program to end: Ctrl-C, SIGTERM, and SIGHUP where a terminal is closed.

Before and after drawing they raise `Interrupted`, wherever the program is. While frames are drawn they only set a
flag (`deferred`), so that the frame is completed and a video is finished; a second signal then raises at once.
A signal that the caller has the program ignore (nohup, a job in the background) stays ignored.
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
    number : of the signal
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number: Final = number

    @property
    def exit_code(self) -> int:
        """As shells count: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.number


class Pending:
    """A signal that came while frames were drawn."""

    def __init__(self) -> None:
        self.number = 0
        """Its number; 0 while none came."""

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.number:
            raise Interrupted(number)
        self.number = number


@contextmanager
def raised() -> Iterator[None]:
    """Have the signals raise `Interrupted` in the main thread."""
    with _handled(_raise):
        yield


@contextmanager
def deferred() -> Iterator[Pending]:
    """Have the first signal only noted; raise `Interrupted` for it at the end, when all is finished.

    Yields
    ------
    pending : whether one came
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
