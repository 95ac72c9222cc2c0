"""Standard streams that are full, closed or unread, and signals: an exit code, at most one line, never a traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flow_gl.cli import streams
from flow_gl.core.system import interrupts

PROGRAM = f"{sys.executable} -m flow_gl"
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a POSIX shell and /dev/full")


def shell(line: str) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", line], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["--help", "sessions", "bench", "--version"])
@pytest.mark.parametrize(
    ("redirection", "code", "lines"),
    [(">/dev/full", 6, 1), (">&-", 0, 0), ("2>&-", 0, 0), ("<&- >&- 2>&-", 0, 0), ("| head -c 1", 0, 0)],
)
def test_a_standard_output_that_accepts_nothing_is_reported(
    command: str, redirection: str, code: int, lines: int
) -> None:
    found, err = shell(f"{PROGRAM} {command} {redirection}; exit ${{PIPESTATUS[0]}}")
    assert (found, err.count("\n")) == (code, lines), err
    assert "Traceback" not in err
    if lines:
        assert err == "flow-gl: error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2>&1 | true"])
def test_an_error_that_cannot_be_printed_keeps_its_exit_code(redirection: str) -> None:
    assert shell(f"{PROGRAM} demo --fps 0 {redirection}; exit ${{PIPESTATUS[0]}}") == (2, "")


def test_no_file_gets_the_descriptor_of_a_closed_stream() -> None:
    code = "from flow_gl.cli import streams; streams.open_missing(); f = open('/dev/zero'); exit(f.fileno() < 3)"
    assert shell(f'{sys.executable} -c "{code}" <&- >&- 2>&-') == (0, "")


def test_a_silenced_stream_drops_its_buffered_output() -> None:
    with Path("/dev/full").open("w") as stream:
        stream.write("lost")
        with pytest.raises(OSError, match="No space"):
            streams.flush(stream)
        stream.write("and this")
        streams.flush(stream)


def raise_signals(*names: str) -> None:
    for name in names:
        os.kill(os.getpid(), getattr(signal, name))
        time.sleep(0.01)


def while_raised(*names: str) -> None:
    with interrupts.raised():
        raise_signals(*names)


def while_deferred(*names: str, seen: list[int]) -> None:
    with interrupts.deferred() as pending:
        for name in names:
            raise_signals(name)
            seen.append(pending.number)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_the_command_and_sets_the_exit_code(name: str, code: int) -> None:
    before = signal.getsignal(getattr(signal, name))
    with pytest.raises(interrupts.Interrupted) as caught:
        while_raised(name)
    assert caught.value.exit_code == code
    assert signal.getsignal(getattr(signal, name)) is before


def test_while_frames_are_drawn_a_signal_is_noted_and_a_second_one_ends_immediately() -> None:
    seen: list[int] = []
    with pytest.raises(interrupts.Interrupted):
        while_deferred("SIGTERM", seen=seen)
    assert seen == [signal.SIGTERM], "noted, and raised at the end"
    with pytest.raises(interrupts.Interrupted) as caught:
        while_deferred("SIGTERM", "SIGINT", seen=seen)
    assert (len(seen), caught.value.exit_code) == (2, 130)


def test_a_signal_ignored_by_the_caller_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        while_raised("SIGHUP")
    finally:
        signal.signal(signal.SIGHUP, before)
