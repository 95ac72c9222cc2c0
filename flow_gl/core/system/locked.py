"""A lock between programs while they change a file that each of them replaces."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flow_gl.core.system.platform import held_files

_POLL_S: Final = 0.01


@contextmanager
def locked(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock on changes of a file: a file beside it, `NAME.lock`, which stays. The folder is created.

    Parameters
    ----------
    wait_s : how long to wait for a program that holds it, seconds

    Raises
    ------
    BlockingIOError : another program still holds it
    OSError : the folder cannot be written to
    """
    beside = path.with_name(f"{path.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    give_up = time.monotonic() + wait_s
    try:
        while True:
            try:
                held_files.lock(descriptor, beside)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)
