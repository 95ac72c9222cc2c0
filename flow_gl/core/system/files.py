"""Files written whole or not at all, and whether a folder takes them."""

import itertools
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_numbers: Final = itertools.count()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name and then give it its own; nothing is left of it where that fails.

    A link is followed; what is no file (a pipe, /dev/null) is written to. The folder is made. Raises OSError.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".flow_gl-{os.getpid()}-{next(_numbers)}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def takes(folder: Path, nbytes: int) -> bool:
    """Try whether a folder, which is made, takes a file of this size now. Never raises."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, nbytes)
            else:
                file.write(bytes(nbytes))
                file.flush()
    except OSError:
        return False
    return True
