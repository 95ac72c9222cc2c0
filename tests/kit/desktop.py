"""A D-Bus session with a notification service, as a desktop has it."""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple

import pytest

from tests.kit.waiting import PATIENCE_S

Answer = Literal["accepts", "refuses", "is silent", "waits"]
_NAME: Final = "org.freedesktop.Notifications"
_XML: Final = f"""<node><interface name="{_NAME}">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{{sv}}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
</interface></node>"""


class Shown(NamedTuple):
    """A notification that the service was asked to show."""

    app: str
    title: str
    text: str


@contextmanager
def session_bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a message bus and make it this process's session bus; yield its address.

    Skips the test if dbus-daemon is not installed.
    """
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed (make test installs it on Debian and Ubuntu)")
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert daemon.stdout is not None
        address = daemon.stdout.readline().strip()
        assert address, f"dbus-daemon did not start: exit code {daemon.wait()}"
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address
    finally:
        daemon.terminate()
        daemon.wait()
        assert daemon.stdout is not None
        daemon.stdout.close()


class NotificationService:
    """A notification service on a session bus, in a thread of its own.

    Attributes
    ----------
    shown : what it was asked to show, in order
    answer : how it answers; one that waits answers once it is told to `release`
    """

    def __init__(self, address: str, *, answer: Answer = "accepts") -> None:
        self.shown: Final[list[Shown]] = []
        self.answer = answer
        self._held: Final[list[Any]] = []
        self._bus: Any = None
        self._address: Final = address
        self._loop: Final = asyncio.new_event_loop()
        self._is_up: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name="notification service", daemon=True)
        self._thread.start()
        assert self._is_up.wait(PATIENCE_S), "the notification service did not start"

    def release(self) -> None:
        """Accept what waits for an answer, and whatever comes next."""
        self._loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self.answer = "accepts"
        for answer in self._held:
            self._bus.send(answer)
        self._held.clear()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)

    def _run(self) -> None:
        bus = self._bus = self._loop.run_until_complete(self._serve())
        self._is_up.set()
        self._loop.run_forever()
        bus.disconnect()
        self._loop.run_until_complete(bus.wait_for_disconnect())
        self._loop.close()

    async def _serve(self) -> Any:
        from dbus_fast.aio import MessageBus

        bus = await MessageBus(bus_address=self._address).connect()
        bus.add_message_handler(self._handle)
        await bus.request_name(_NAME)
        return bus

    def _handle(self, message: Any) -> Any:
        from dbus_fast import Message, MessageType

        if message.message_type is not MessageType.METHOD_CALL or message.path != "/org/freedesktop/Notifications":
            return None
        match message.member:
            case "Introspect":
                return Message.new_method_return(message, "s", [_XML])
            case "GetCapabilities":
                return Message.new_method_return(message, "as", [["body"]])
            case "GetServerInformation":
                return Message.new_method_return(message, "ssss", ["test", "flow_gl", "1", "1.2"])
            case "Notify":
                return self._notify(message)
        return None

    def _notify(self, message: Any) -> Any:
        from dbus_fast import Message

        app, _, _, title, text, *_ = message.body
        self.shown.append(Shown(app, title, text))
        if self.answer == "refuses":
            return Message.new_error(message, f"{_NAME}.Error.ExcessNotificationGeneration", "too many")
        if self.answer == "is silent":
            return True
        accepted = Message.new_method_return(message, "u", [len(self.shown)])
        if self.answer == "waits":
            self._held.append(accepted)
            return True
        return accepted
