"""Decompress gzip in pieces; damage is reported with its offset."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Final

from flow_gl.dbn.damage import DamageError

MAGIC: Final = b"\x1f\x8b"
_PIECE_BYTES: Final = 1 << 20


def decompressed(file: io.BufferedReader) -> Iterator[bytes]:
    """Yield the content of all members of a file.

    Raises
    ------
    DamageError
        After everything before the damage was yielded.
    """
    stream = gzip.GzipFile(fileobj=file, mode="rb")
    while True:
        try:
            piece = stream.read1(_PIECE_BYTES)
        except EOFError:
            raise DamageError(f"compressed byte {file.tell():,}", "the gzip stream is cut off") from None
        except (zlib.error, gzip.BadGzipFile) as error:
            raise DamageError(f"compressed byte {file.tell():,}", f"the gzip stream is damaged: {error}") from None
        if not piece:
            return
        yield piece
