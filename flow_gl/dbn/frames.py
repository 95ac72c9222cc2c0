"""Decompress zstd block by block, across frames, keeping every byte before any damage.

Each block states its length, so the decompressor is fed one complete block (at most 128 KiB) at a time: its output is
complete up to that block, and an error has an exact offset in the file. Reading in bulk would lose everything that the
failing call had already decompressed. A frame's optional checksum follows its last block, so damage that only the
checksum detects is reported after the frame's bytes were yielded, and the message says so. Without a checksum, damaged
bytes may decompress to plausible ones; then only the record checks (`trade_checks`) can find the damage.
"""

from collections.abc import Iterator
from io import BufferedIOBase
from typing import Final

import zstandard

from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import ZSTD_MAGIC

BLOCK_HEADER_BYTES: Final = 3
RLE_BLOCK: Final = 1
RESERVED_BLOCK: Final = 3
_SKIPPABLE: Final = b"\x2a\x4d\x18"  # bytes 1-3; byte 0 is 0x50 to 0x5f
_BLOCK_LIMIT: Final = 1 << 17


def is_skippable(magic: bytes) -> bool:
    """Recognise a skippable frame (and Databento's old DBZ files, which begin with one) by its first four bytes."""
    return len(magic) == 4 and magic[1:] == _SKIPPABLE and magic[0] & 0xF0 == 0x50


def header_bytes_after(descriptor: int) -> int:
    """Return how many bytes of a frame's header follow its descriptor byte (RFC 8878, 3.1.1.1)."""
    is_single_segment = descriptor >> 5 & 1
    content_size_bytes = (is_single_segment, 2, 4, 8)[descriptor >> 6]
    return (1 - is_single_segment) + (0, 1, 2, 4)[descriptor & 3] + content_size_bytes


def decompressed(file: BufferedIOBase) -> Iterator[bytes]:
    """Decompress a file from its current position to its end.

    Yields
    ------
    bytes
        The next bytes, never empty, at most 128 KiB.

    Raises
    ------
    DamageError
        After everything that could be decompressed was yielded; `where` is an offset in the compressed file.
    """
    while True:
        start = file.tell()
        magic = file.read(4)
        if not magic:
            return
        if is_skippable(magic):
            size = int.from_bytes(_exactly(file, 4, "a skippable frame"), "little")
            _skip(file, size)
        elif magic == ZSTD_MAGIC:
            yield from _frame(file, start)
        else:
            raise DamageError(_at(start), f"expected a zstd frame (28 b5 2f fd), got {magic.hex(' ')}")


def _frame(file: BufferedIOBase, start: int) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    descriptor = _exactly(file, 1, "a frame's header")
    header = descriptor + _exactly(file, header_bytes_after(descriptor[0]), "a frame's header")
    _feed(decompressor, ZSTD_MAGIC + header, start)
    is_last = False
    while not is_last:
        place = file.tell()
        block = _exactly(file, BLOCK_HEADER_BYTES, "a block's header")
        field = int.from_bytes(block, "little")
        is_last, kind, size = bool(field & 1), field >> 1 & 3, field >> 3
        if kind == RESERVED_BLOCK or size > _BLOCK_LIMIT:
            raise DamageError(_at(place), "no zstd block begins here: the block header is damaged")
        content = file.read(1 if kind == RLE_BLOCK else size)
        data = _feed(decompressor, block + content, place)
        if data:
            yield data
        if kind != RLE_BLOCK and len(content) < size:
            raise DamageError(
                _at(place + BLOCK_HEADER_BYTES + len(content)), "the file ends inside a zstd block: it is cut off"
            )
    if descriptor[0] & 4:
        place = file.tell()
        checksum = _exactly(file, 4, "a frame's checksum")
        try:
            decompressor.decompress(checksum)
        except zstandard.ZstdError:
            since = f"what was read since compressed byte {start:,} may be wrong"
            raise DamageError(_at(place), f"the checksum of a zstd frame does not match, {since}") from None
    if not decompressor.eof:
        raise DamageError(_at(file.tell()), "the zstd frame does not end where its last block does")


def _feed(decompressor: "zstandard.ZstdDecompressionObj", data: bytes, place: int) -> bytes:
    try:
        return decompressor.decompress(data)
    except zstandard.ZstdError as error:
        cause = str(error).removeprefix("zstd decompressor error: ")
        raise DamageError(_at(place), f"zstd: {cause}") from None


def _exactly(file: BufferedIOBase, count: int, what: str) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise DamageError(_at(file.tell()), f"the file ends inside {what}: it is cut off")
    return data


def _skip(file: BufferedIOBase, count: int) -> None:
    place = file.tell()
    file.seek(0, 2)
    if place + count > file.tell():
        raise DamageError(_at(file.tell()), "the file ends inside a skippable frame: it is cut off")
    file.seek(place + count)


def _at(offset: int) -> str:
    return f"compressed byte {offset:,}"
