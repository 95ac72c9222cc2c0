"""A headless Chromium, driven over its DevTools protocol: open a page, evaluate, press, touch, take a picture.

One event loop in a thread of its own serves the browser's WebSocket, so that tests call plain functions. WebGL is drawn
by the browser's software rasteriser on every machine.
"""

import asyncio
import base64
import io
import itertools
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.kit.waiting import PATIENCE_S

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--remote-debugging-port=0",
)


def find_browser() -> str | None:
    """Return the path of Chromium; None if it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser with one page, and the messages of its console."""

    def __init__(self, width: int = 640, height: int = 400) -> None:
        path = find_browser()
        assert path is not None, "Chromium is not installed: scripts/setup.sh test"
        self._folder = tempfile.mkdtemp(prefix="flow_gl_browser.")
        self.console: list[str] = []
        """Errors and warnings of the page, oldest first."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._process = subprocess.Popen(
            [path, *_FLAGS, f"--user-data-dir={self._folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[str, int] = {}
        self._run(self._connect())
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _connect(self) -> None:
        port_file, end = Path(self._folder, "DevToolsActivePort"), time.monotonic() + PATIENCE_S
        while not port_file.is_file() or "\n" not in port_file.read_text():
            assert self._process.poll() is None, f"Chromium ended with {self._process.returncode}"
            assert time.monotonic() < end, "Chromium did not start"
            await asyncio.sleep(0.02)
        port = port_file.read_text().split("\n")[0]
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(one for one in await answer.json(content_type=None) if one["type"] == "page")
        self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame.data)
            if "id" in message:
                future = self._answers.pop(message["id"])
                if not future.done():
                    future.set_result(message)
                continue
            self._note(message["method"], message["params"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        self._events[method] = self._events.get(method, 0) + 1
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            parts = (one.get("description", str(one.get("value", ""))) for one in params["args"])
            self.console.append(" ".join(parts))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.console.append(params["entry"]["text"])

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""

        async def work() -> Any:
            number = next(self._numbers)
            future = self._answers[number] = self._loop.create_future()
            await self._socket.send_json({"id": number, "method": method, "params": params})
            return await future

        answer = self._run(work())
        assert "error" not in answer, f"{method}: {answer['error']}"
        found: dict[str, Any] = answer["result"]
        return found

    def resize(self, width: int, height: int, *, scale: float = 1.0, is_phone: bool = False) -> None:
        """Set the size of the page in CSS pixels, and how many pixels of the screen one is."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=is_phone
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=is_phone)

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        loads = self._events.get("Page.loadEventFired", 0)
        self.call("Page.navigate", url=url)
        end = time.monotonic() + PATIENCE_S
        while self._events.get("Page.loadEventFired", 0) == loads:
            assert time.monotonic() < end, f"{url} did not load"
            time.sleep(0.005)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def app(self, expression: str) -> Any:
        """Return the value of an expression over the page's `app`, the object that main.js exports."""
        return self.evaluate(f"import('/main.js').then(({{ app }}) => {{ return {expression}; }})")

    def until(self, expression: str, *, patience_s: float = PATIENCE_S) -> None:
        """Wait until an expression over `app` is true."""
        end = time.monotonic() + patience_s
        while not self.app(expression):
            assert time.monotonic() < end, f"waited in vain for {expression}; console: {self.console[-5:]}"
            time.sleep(0.02)

    def picture(self) -> NDArray[np.uint8]:
        """Take a picture of the page: uint8, shape (height, width, 3)."""
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Send a mouse event: mousePressed, mouseReleased, mouseMoved, mouseWheel."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag with the left button."""
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        self.mouse("mousePressed", *start, **held)
        for step in (0.5, 1.0):
            x, y = (a + (b - a) * step for a, b in zip(start, end, strict=True))
            self.mouse("mouseMoved", x, y, button="left", buttons=1)
        self.mouse("mouseReleased", *end, **held)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Send a touch event (touchStart, touchMove, touchEnd) with all fingers that are down."""
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=touches)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key, named as `KeyboardEvent.key`."""
        held = {"text": key} if len(key) == 1 else {}
        held |= {"modifiers": 8} if shift else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **held)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def close(self) -> None:
        with suppress(Exception):
            self.call("Browser.close")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        with suppress(Exception):
            self._run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        shutil.rmtree(self._folder, ignore_errors=True)
