"""Split a fragmented MP4 stream into its header and fragments, and move fragments in time.

Such a stream is a sequence of boxes: `ftyp` and `moov` (the header), then `moof` and `mdat` for each fragment, which
begins with a keyframe. A box begins with its length (uint32, big-endian; 1: a uint64 follows the name) and its
four-letter name (ISO/IEC 14496-12, 4.2). A file from the header and any run of fragments plays.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HEADER: Final = (b"ftyp", b"moov")
_CONTAINERS: Final = (b"moof", b"traf")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A `moof` with its `mdat`, and the decode time of its first frame in the stream's time scale."""

    data: bytes
    begins: int

    def moved(self, by: int) -> bytes:
        """Return the fragment earlier by `by`, so that a file may begin with it."""
        if not by:
            return self.data
        at, size = _find(self.data, b"tfdt")
        data = bytearray(self.data)
        struct.pack_into(">Q" if size == 8 else ">I", data, at, self.begins - by)
        return bytes(data)


class Splitter:
    """Collects the bytes of a stream.

    Attributes
    ----------
    header : `ftyp` and `moov`; complete once the first fragment has been returned
    """

    def __init__(self) -> None:
        self.header = b""
        self._data = bytearray()
        self._moof = b""

    def add(self, data: bytes) -> list[Fragment]:
        """Take the next bytes; return the fragments that are now complete."""
        self._data += data
        found = []
        while (size := _size(self._data, 0)) and size <= len(self._data):
            box, name = bytes(self._data[:size]), bytes(self._data[4:8])
            del self._data[:size]
            if name in _HEADER:
                self.header += box
            elif name == b"moof":
                self._moof = box
            elif name == b"mdat":
                found.append(Fragment(self._moof + box, _begins(self._moof)))
        return found


def _size(data: bytes | bytearray, at: int) -> int:
    """Return the length of the box at an offset; 0 if its beginning is not complete."""
    if len(data) - at < 16:
        return 0
    length, _, large = struct.unpack_from(">I4sQ", data, at)
    return int(large if length == 1 else length)


def _begins(moof: bytes) -> int:
    at, size = _find(moof, b"tfdt")
    return int(struct.unpack_from(">Q" if size == 8 else ">I", moof, at)[0])


def _find(data: bytes, wanted: bytes) -> tuple[int, int]:
    """Return the offset of the decode time in a fragment, and its size in bytes. Raises ValueError."""
    for name, at in _boxes(data, 0, len(data)):
        if name == wanted:
            return at + 12, 8 if data[at + 8] == 1 else 4
    raise ValueError(f"a fragment without {wanted.decode()}")


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield name and offset of each box, those within containers too."""
    while at + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, at)
        size = length if length > 1 else _size(data, at)
        if size < 8:
            return
        yield name, at
        if name in _CONTAINERS:
            yield from _boxes(data, at + 8, min(end, at + size))
        at += size
