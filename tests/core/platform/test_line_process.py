"""A child process that is told lines and answers with lines."""

import os
import sys

from flow_gl.core.system.platform.line_process import LineProcess
from tests.kit.waiting import PATIENCE_S, until

ECHO = [sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: sys.stdout.write(line * 2)"]


def test_lines_are_heard_whole_and_in_order_in_the_reading_thread() -> None:
    heard: list[bytes] = []
    process = LineProcess(ECHO, environment=dict(os.environ), name="echo", on_line=heard.append)
    sent = [b"%d" % number * 5000 for number in range(40)]
    for line in sent:
        until(lambda line=line: process.send(line + b"\n"), "the line was not taken")
    expected = [line for line in sent for _ in range(2)]
    until(lambda: len(heard) == len(expected), "lines are missing")
    assert heard == expected
    assert process.lines() == []
    process.end(PATIENCE_S)
    process.close()


def test_after_the_end_all_lines_were_heard() -> None:
    heard: list[bytes] = []
    process = LineProcess(ECHO, environment=dict(os.environ), name="echo", on_line=heard.append)
    process.send(b"last\n")
    process.end(PATIENCE_S)
    process.lines()
    assert heard == [b"last", b"last"]
    process.close()
