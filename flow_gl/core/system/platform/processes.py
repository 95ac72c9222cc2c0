"""Child processes: start one without the terminal's signals, check whether it runs, and describe how it ended."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

_NT_STATUS: Final = {
    0xC0000005: "access violation",
    0xC0000017: "out of memory",
    0xC000001D: "illegal instruction",
    0xC00000FD: "stack overflow",
    0xC000013A: "Ctrl+C",
    0xC0000142: "a library failed to start",
    0xC0000374: "heap corruption",
    0xC0000409: "stack buffer overrun",
}
"""Exit statuses with which Windows ends a process (ntstatus.h)."""


def start(command: Sequence[str], *, environment: Mapping[str, str], errors: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start a process with pipes for its standard input and output. Ctrl-C in our terminal does not reach it.

    Parameters
    ----------
    environment : its complete environment
    errors : file for its standard error

    Raises
    ------
    OSError
        The process cannot be started.
    """
    own: dict[str, Any]
    if sys.platform == "win32":
        # It gets no console of its own either, because the view may have been started without one.
        own = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    else:
        own = {"start_new_session": True}
    return subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=dict(environment),
        bufsize=0,
        **own,
    )


def lower_priority(niceness: int) -> None:
    """Let others run first where cores are scarce: add `niceness` to this process's, on Linux to this thread's.

    Threads that are started later inherit it. No effect on Windows.
    """
    if sys.platform != "win32":
        with suppress(OSError):
            os.nice(niceness)


def last_words_file() -> IO[bytes]:
    """Open an unnamed temporary file for a process's standard error.

    If the temporary folder is not writable it is in memory, else the null device.
    """
    try:
        return tempfile.TemporaryFile()
    except OSError:
        if hasattr(os, "memfd_create"):
            return os.fdopen(os.memfd_create("flow_gl"), "w+b")
        return Path(os.devnull).open("w+b")


def is_running(pid: int) -> bool:
    """Return whether a process runs. On Windows always True: it is not used there, and signal 0 would send Ctrl+C."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def describe_end(exit_status: int) -> str:
    """Describe how a process ended: `was killed (SIGKILL)`, `ended with code 1`."""
    if exit_status < 0:
        try:
            name = signal.Signals(-exit_status).name
        except ValueError:
            name = f"signal {-exit_status}"
        return f"was killed ({name})"
    if exit_status in _NT_STATUS:
        return f"was ended by Windows ({_NT_STATUS[exit_status]})"
    return f"ended with code {exit_status}"


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
