"""The picture of the browser page beside the program: one engine, three screens within seconds.

The program saves its picture when it ends; a headless Chromium shows the page at the size of a desktop and of a phone.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.kit.browser import Browser

NAME = "page"
_SIZE = 900, 700
_PHONE = 390, 760
_GAP_PX = 16
_PORT = 18_123
_PATIENCE_S = 90.0
_BEFORE_END_S = 3.0
"""How long before the program's picture the page's are taken: the time that the browser needs to draw."""


def take_page(*, duration_s: float = 35.0) -> Image.Image:
    """Run the demo with a server and return the three screens side by side."""
    width, height = _SIZE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.png")
        command = [sys.executable, "-m", "flow_gl", "demo", "--headless", "--serve", "--port", str(_PORT)]
        command += ["--symbols", "NQ", "--seed", "11", "--size", f"{width}x{height}"]
        command += ["--duration", str(duration_s), "--no-caption", "--screenshot", str(path)]
        began = time.monotonic()
        process = subprocess.Popen(command, env={**os.environ, "EGL_PLATFORM": "surfaceless"})
        try:
            screens = _page_screens(began + duration_s - _BEFORE_END_S)
            process.wait(duration_s)
        finally:
            process.kill()
            process.wait()
        screens.insert(0, Image.open(path).convert("RGB"))
    picture = Image.new("RGB", (sum(one.width for one in screens) + 2 * _GAP_PX, height), "white")
    x = 0
    for screen in screens:
        picture.paste(screen, (x, 0))
        x += screen.width + _GAP_PX
    return picture


def _page_screens(at_s: float) -> list[Image.Image]:
    """Return pictures of the page on a desktop and on a phone, of equal height, taken at a monotonic time (s)."""
    browser = Browser(*_SIZE)
    try:
        for _ in range(100):
            browser.open(f"http://127.0.0.1:{_PORT}/")
            if browser.evaluate("document.querySelector('canvas') !== null"):
                break
            time.sleep(0.3)
        browser.until("app?.market?.hasTrades", patience_s=_PATIENCE_S)
        time.sleep(max(0.0, at_s - time.monotonic()))
        desk = Image.fromarray(browser.picture())
        browser.resize(*_PHONE, scale=2.0, is_phone=True)
        time.sleep(1.0)
        phone = Image.fromarray(browser.picture())
    finally:
        browser.close()
    return [
        desk,
        phone.resize((round(phone.width * desk.height / phone.height), desk.height), Image.Resampling.LANCZOS),
    ]
