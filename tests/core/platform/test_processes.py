"""How processes are started and their ends described, on each system."""

import signal
import subprocess
import sys
import tempfile
from typing import Any

import pytest

from flow_gl.core.system.platform import processes


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with code 0"),
        (3, "ended with code 3"),
        (-9, "was killed (SIGKILL)"),
        (-signal.SIGTERM, "was killed (SIGTERM)"),
        (-200, "was killed (signal 200)"),
        (0xC0000005, "was ended by Windows (access violation)"),
        (0xC000013A, "was ended by Windows (Ctrl+C)"),
        (0xC0001234, "ended with code 3221230132"),
    ],
)
def test_the_end_of_a_process_is_described(status: int, words: str) -> None:
    assert processes.describe_end(status) == words


class Recorded:
    """A fake `subprocess.Popen`."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self.command, self.options = command, options


def started(monkeypatch: pytest.MonkeyPatch, platform: str) -> dict[str, Any]:
    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x8000000, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    with tempfile.TemporaryFile() as errors:
        process: Any = processes.start(("engine",), environment={"A": "1"}, errors=errors)
        assert process.command == ["engine"]
        assert process.options["stderr"] is errors
    assert process.options["env"] == {"A": "1"}
    assert process.options["stdin"] == process.options["stdout"] == subprocess.PIPE
    return dict(process.options)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_process_gets_its_own_session(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    options = started(monkeypatch, platform)
    assert options["start_new_session"] is True
    assert "creationflags" not in options


def test_on_windows_a_process_gets_its_own_group_and_no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    options = started(monkeypatch, "win32")
    assert options["creationflags"] == 0x8000200
    assert "start_new_session" not in options


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no niceness")
def test_a_lowered_priority_adds_to_the_niceness() -> None:
    code = "import os; from flow_gl.core.system.platform.processes import lower_priority as lower; was = os.nice(0); "
    code += "lower(3); print(os.nice(0) - was)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "3\n"
