"""The suite can be collected on Windows: no test module imports a POSIX module."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLLECT = """
import sys
sys.modules.update(dict.fromkeys(("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog")))
import pytest
sys.exit(pytest.main(["--collect-only", "-qq", "tests"]))
"""


def test_every_test_module_is_imported_without_posix() -> None:
    command = [sys.executable, "-c", COLLECT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
