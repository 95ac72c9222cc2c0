"""A fragmented MP4 file whose writing ended in the middle: cut to what is whole.

Such a file is a row of boxes: `ftyp`, `moov`, then `moof` and `mdat` for each fragment. A box begins with its length
(uint32, big endian; 1: a uint64 follows the name) and its name of four letters (ISO/IEC 14496-12, 4.2).
"""

import os
import stat
import struct
from contextlib import suppress
from pathlib import Path


def leave_whole(path: Path) -> None:
    """Cut a file behind its last whole fragment; remove it where it has none. What is no file is left alone."""
    with suppress(OSError):
        if not stat.S_ISREG(path.stat().st_mode):
            return
        end = whole_length(path)
        if end:
            os.truncate(path, end)
        else:
            path.unlink()


def whole_length(path: Path) -> int:
    """Bytes up to the end of the last whole fragment; 0 where there is none. Raises OSError."""
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
