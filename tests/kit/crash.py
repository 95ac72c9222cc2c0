"""A process that dies, as far as a test can have it: the system closes its files, and nothing is put in order."""

import os
from contextlib import suppress
from pathlib import Path

MOST_DESCRIPTORS = 4096


def let_go(path: Path) -> None:
    """Close every descriptor that this process has on a file, as the system does when a process is gone."""
    file = path.stat()
    found = 0
    for descriptor in range(3, MOST_DESCRIPTORS):
        with suppress(OSError):
            held = os.fstat(descriptor)
            if (held.st_dev, held.st_ino) == (file.st_dev, file.st_ino):
                os.close(descriptor)
                found += 1
    assert found, f"nobody has {path} open"
