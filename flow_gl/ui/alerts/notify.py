"""Desktop notifications, sent by a thread of their own; desktop-notifier is imported for the first one only."""

import queue
import threading
from typing import Any, Final

from flow_gl.core.log import get_logger

SEND_S: Final = 5.0
"""A desktop that has not answered by then has no notifications."""
MOST_WAITING: Final = 3
"""Notifications that may wait; of more, only the number is shown."""


class Notifier:
    """Sends desktop notifications one after the other."""

    def __init__(self) -> None:
        self._waiting: Final[queue.SimpleQueue[tuple[str, str] | None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
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
        with asyncio.Runner() as runner:
            try:
                notifier = runner.run(_made(DesktopNotifier))
            except Exception as error:
                self._fail(error)
                return
            while (message := self._waiting.get()) is not None:
                title, text = message
                more = max(0, self._waiting.qsize() - MOST_WAITING)
                for _ in range(more):
                    if self._waiting.get() is None:
                        return
                if more:
                    text = f"{text}\nand {more} more"
                try:
                    runner.run(asyncio.wait_for(notifier.send(title=title, message=text), SEND_S))
                    self.problem = ""
                    self.sent += 1
                except Exception as error:  # the desktop's own errors: no message bus, no service, a refusal
                    self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.problem = "the desktop shows no notifications"
        get_logger("view").info("no notification", extra={"error": error})


async def _made(of: Any) -> Any:
    """Create the notifier inside the loop that will run it."""
    return of(app_name="flow_gl")
