"""A virtual display, and a window manager on it, for tests with a real window on a machine without a screen."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.waiting import until


@contextmanager
def virtual_display(
    width: int = 1920, height: int = 1080, *, is_killed: bool = False
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run Xvfb and yield its DISPLAY and process. Skips the test if Xvfb is not installed.

    Parameters
    ----------
    is_killed : kill Xvfb at the end, like a display that dies
    """
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (make test installs it on Debian and Ubuntu)")
    reader, writer = os.pipe()
    size = f"{width}x{height}x24"
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.close(writer)
        with os.fdopen(reader) as answer:
            number = answer.readline().strip()
        if not number:
            pytest.fail(f"Xvfb did not start: exit code {server.wait()}")
        yield f":{number}", server
    finally:
        if is_killed:
            server.kill()
        else:
            server.terminate()
        server.wait()


@contextmanager
def window_manager(display: str, folder: Path) -> Iterator[None]:
    """Run a window manager on a display. Skips the test if jwm is not installed.

    Parameters
    ----------
    folder : for its configuration: no panel, one desktop
    """
    if shutil.which("jwm") is None:
        pytest.skip("jwm is not installed (make test installs it on Debian and Ubuntu)")
    config = folder / "jwmrc"
    config.write_text("<?xml version='1.0'?><JWM><Desktops width='1' height='1'/></JWM>", encoding="utf-8")
    environment = {**os.environ, "DISPLAY": display}
    manager = subprocess.Popen(
        ["jwm", "-f", str(config)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _is_managed(environment), "jwm did not start")
        yield
    finally:
        manager.terminate()
        manager.wait()


def _is_managed(environment: dict[str, str]) -> bool:
    command = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)
    return "window id" in said.stdout
