"""Truncate an interrupted fragmented MP4 file after its last complete fragment.

Such a file is a sequence of boxes: `ftyp`, `moov`, then `moof` and `mdat` for each fragment. A box begins with its
length (uint32, big-endian; 1: a uint64 follows the name) and its four-letter name (ISO/IEC 14496-12, 4.2).
"""

import os
import stat
import struct
from contextlib import suppress
from pathlib import Path


def leave_whole(path: Path) -> None:
    """Truncate a file after its last complete fragment, or remove it if it has none. Other kinds of file are kept."""
    with suppress(OSError):
        if not stat.S_ISREG(path.stat().st_mode):
            return
        end = whole_length(path)
        if end:
            os.truncate(path, end)
        else:
            path.unlink()


def whole_length(path: Path) -> int:
    """Return the offset of the end of the last complete fragment; 0 if there is none. Raises OSError."""
    size, at, whole = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while at + 16 <= size:
            file.seek(at)
            length, name, large = struct.unpack(">I4sQ", file.read(16))
            step = large if length == 1 else length
            at += step
            if step < 8 or at > size:
                break
            if name == b"mdat":
                whole = at
    return whole
