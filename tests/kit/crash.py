"""Simulates the death of a process within a test: its files are closed without any cleanup."""

import os
from contextlib import suppress
from pathlib import Path

MAX_DESCRIPTORS = 4096


def close_descriptors(path: Path) -> None:
    """Close every descriptor that this process has open on a file, as the system does when a process dies."""
    file = path.stat()
    found = 0
    for descriptor in range(3, MAX_DESCRIPTORS):
        with suppress(OSError):
            held = os.fstat(descriptor)
            if (held.st_dev, held.st_ino) == (file.st_dev, file.st_ino):
                os.close(descriptor)
                found += 1
    assert found, f"no descriptor is open on {path}"
