"""A child process hears its parent's lines in its event loop, and ends with its parent or at a signal."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

CHILD = """
import asyncio
from flow_gl.core.system import parent

async def main():
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    parent.stop_on_signals(loop, lambda: (print("signal", flush=True), ended.set()))
    take = lambda line: print(line.decode().strip(), flush=True)
    parent.read_lines(loop, take, at_end=lambda: (print("end", flush=True), ended.set()))
    print("ready", flush=True)
    await ended.wait()

asyncio.run(main())
import os
os._exit(3)  # not at the end of the interpreter, which would wait for the reader's lock of standard input
"""


@pytest.fixture
def child() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_each_line_is_taken_in_order_and_the_closed_pipe_ends_it(child: "subprocess.Popen[str]") -> None:
    out, _ = child.communicate("one\ntwo\n", timeout=20)
    assert (out, child.returncode) == ("one\ntwo\nend\n", 3)


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends the process at once")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_its_own_time(child: "subprocess.Popen[str]", number: int) -> None:
    assert child.stdout is not None
    child.send_signal(number)
    assert child.stdout.readline() == "signal\n"
    assert child.wait(20) == 3
