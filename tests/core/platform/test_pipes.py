"""Pipes to another process: nothing waits for it, and nothing is lost or mixed up."""

import os
import subprocess
import sys
import time
from typing import IO

import pytest

from flow_gl.core.system.platform.pipes import PipeReader, PipeWriter
from tests.kit.waiting import PATIENCE_S, until


def pipe() -> tuple[IO[bytes], IO[bytes]]:
    """Yield the reading and the writing end."""
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)


@pytest.fixture(autouse=True)
def old_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what Python 3.11 lacks on Windows."""
    monkeypatch.delattr(os, "set_blocking")


def test_messages_are_read_in_order_without_waiting() -> None:
    source, sink = pipe()
    reader, writer = PipeReader(source, name="reader"), PipeWriter(sink, name="writer")
    assert reader.take() == b""
    sent = [b"%d\n" % n * 1000 for n in range(200)]
    found = b""
    for message in sent:
        while not writer.offer(message):
            found += reader.take()
    writer.close()
    reader.wait_for_end(PATIENCE_S)
    assert reader.is_ended
    found += reader.take()
    assert found == b"".join(sent)
    writer.wait_for_end(PATIENCE_S)
    assert (source.closed, sink.closed) == (False, True)
    reader.close()
    assert source.closed


def test_a_stuck_reader_costs_messages_but_no_time() -> None:
    source, sink = pipe()
    writer = PipeWriter(sink, name="writer")
    taken = sum(
        writer.offer(bytes(4096)) for _ in range(2000)
    )  # without a reader: a writer that waits would never return
    assert 0 < taken < 2000
    writer.close()
    assert not writer.offer(b"x")
    source.close()  # the process is gone
    writer.wait_for_end(PATIENCE_S)
    assert sink.closed


def test_messages_for_a_process_that_has_ended_are_dropped() -> None:
    source, sink = pipe()
    source.close()
    writer = PipeWriter(sink, name="writer")
    writer.offer(b"x")
    until(lambda: not writer.offer(b"x"))
    writer.wait_for_end(PATIENCE_S)
    writer.close()
    assert sink.closed


def test_the_last_output_of_a_process_is_available_after_its_end() -> None:
    command = [sys.executable, "-c", "print('a' * 9_000_000)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        reader = PipeReader(process.stdout, name="reader")
        while process.poll() is None:
            reader.wait_for_end(0.05)
        reader.wait_for_end(PATIENCE_S)
        assert reader.take() == b"a" * 9_000_000 + b"\n"
        reader.close()


def test_a_flood_that_is_not_read_makes_the_sender_wait() -> None:
    source, sink = pipe()
    reader, writer = PipeReader(source, name="reader"), PipeWriter(sink, name="writer")
    kept = 0
    while writer.offer(bytes(1 << 20)) or kept < 30:
        kept += 1
        time.sleep(0.002)
        if kept > 400:
            break
    assert kept < 400, "a limit is met"
    reader.close()
    writer.close()
