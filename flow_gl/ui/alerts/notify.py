"""Desktop notifications, sent by a separate thread; desktop-notifier is imported for the first one only.

The library raises nothing when a notification cannot be delivered: it logs a warning and returns. So a notification
counts as sent only if the desktop has answered, and what the library logs goes to the program's log, not to the
terminal. After a failure the next notification connects again.
"""

import logging
import queue
import threading
from contextlib import suppress
from typing import Any, Final

from flow_gl.core.log import get_logger

SEND_S: Final = 5.0
"""A desktop that has not answered by then has no notifications."""
MAX_WAITING: Final = 3
"""Notifications that may wait; of more, only the number is shown."""
_LIBRARY: Final = "desktop_notifier"


class _Heard(logging.Handler):
    """Keeps why the library could not deliver a notification."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reason: object = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.reason = record.exc_info[1] if record.exc_info and record.exc_info[1] else record.getMessage()


class Notifier:
    """Sends desktop notifications one after the other."""

    def __init__(self) -> None:
        self._waiting: Final[queue.SimpleQueue[tuple[str, str] | None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._heard: Final = _Heard()
        self.problem = ""
        """Why nothing can be shown, a few words; "" if it can, or if that is not known yet."""
        self.sent = 0
        """Notifications that the desktop has accepted."""

    def send(self, title: str, text: str) -> None:
        """Show a notification soon. Never blocks."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
            self._thread.start()
        self._waiting.put((title, text))

    def close(self) -> None:
        """End the thread once its current notification is out."""
        self._waiting.put(None)

    def _run(self) -> None:
        import asyncio

        try:
            from desktop_notifier import DesktopNotifier
        except ImportError:
            self.problem = "desktop-notifier is not installed: pip install flow_gl[alerts]"
            return
        library = logging.getLogger(_LIBRARY)
        library.addHandler(self._heard)
        library.propagate = False
        with asyncio.Runner() as runner:
            notifier: Any = None
            while (message := self._next()) is not None:
                try:
                    notifier = notifier or runner.run(_made(DesktopNotifier))
                    runner.run(asyncio.wait_for(self._deliver(notifier, *message), SEND_S))
                    self.problem = ""
                    self.sent += 1
                except Exception as error:  # no message bus, no service, a refusal, no answer
                    self._fail(error)
                    notifier = runner.run(_closed(notifier))
            runner.run(_closed(notifier))

    def _next(self) -> tuple[str, str] | None:
        """Wait for the next notification; None at the end. If many are waiting, it says how many are left out."""
        message = self._waiting.get()
        if message is None:
            return None
        more = 0
        while self._waiting.qsize() > MAX_WAITING:
            if self._waiting.get() is None:
                self._waiting.put(None)
                break
            more += 1
        return (message[0], f"{message[1]}\nand {more} more") if more else message

    async def _deliver(self, notifier: Any, title: str, text: str) -> None:
        """Hand a notification to the desktop. Raises RuntimeError if it was not accepted."""
        accepted: list[bool] = []
        self._heard.reason = ""
        await notifier.send(title=title, message=text, on_dispatched=lambda: accepted.append(True))
        if self._heard.reason or not accepted:
            raise RuntimeError(str(self._heard.reason) or "the desktop did not accept it")

    def _fail(self, error: BaseException) -> None:
        self.problem = "the desktop does not show notifications"
        get_logger("view").info("no notification", extra={"error": str(error) or type(error).__name__})


async def _closed(notifier: Any) -> None:
    """Close the connection to the message bus, for which the library has no method."""
    import asyncio

    bus = getattr(getattr(notifier, "_backend", None), "bus", None)
    if bus is not None:
        with suppress(Exception):  # it may have ended already, in several ways
            bus.disconnect()
            await asyncio.wait_for(bus.wait_for_disconnect(), SEND_S)


async def _made(of: Any) -> Any:
    """Create the notifier inside the loop that will run it."""
    return of(app_name="flow_gl")
