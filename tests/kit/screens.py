"""A virtual display for tests with a real window on a machine without a screen."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


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
