"""Download one part: its file is either complete or does not exist.

The client streams into NAME.new. If the stream breaks off, its complete records are added to NAME.part, and the rest is
requested from the last `ts_recv` on; the trades of that instant are dropped first, since some of them may be missing.
When the part is complete by Databento's own count, the file is renamed to its final name. An existing file is never
overwritten.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from flow_gl.core.clock import Clock
from flow_gl.core.errors import DataError, FlowError
from flow_gl.core.schema import TRADE
from flow_gl.dbn.layout import DBN_MAGIC, PRELUDE_BYTES, RECORD_START, TRADE_START
from flow_gl.download.client import Client, ConnectionLostError
from flow_gl.download.request import Part, Request

TRIES: Final = 5
_READ_BYTES: Final = 1 << 20
_LOOK_SECONDS: Final = 0.2

Progress = Callable[[int], None]
"""Called with how many bytes (uncompressed) of the remaining download have arrived."""


@dataclass(frozen=True, slots=True)
class PartialDownload:
    """The records of a part that earlier attempts received."""

    header: bytes
    rows: NDArray[np.void]
    """dtype TRADE, ordered by `ts_recv`, complete up to `resume_ns`."""
    resume_ns: int
    """`ts_recv` from which the rest is to be requested, ns."""


def is_there(part: Part, request: Request) -> bool:
    """Return whether a part's file already exists.

    Raises
    ------
    DataError
        A file of that name holds something else.
    """
    if not part.path.exists():
        return False
    import databento_dbn as dbn

    try:
        header, _ = _read(part.path, most_bytes=_READ_BYTES)
        metadata = dbn.Metadata.decode(header)
    except (OSError, DataError, dbn.DBNError, ValueError) as error:
        raise DataError(f"{part.path}: the file exists, but is not a flow-gl download ({error})") from None
    is_same = (metadata.dataset, str(metadata.schema)) == (request.dataset, "trades")
    if not is_same or not metadata.start <= part.start_ns < (metadata.end or part.end_ns):
        raise DataError(f"{part.path}: the file exists, but holds something other than the request")
    return True


def fetch(part: Part, request: Request, client: Client, *, clock: Clock, progress: Progress) -> int:
    """Download one part, resuming what earlier runs left and retrying after connection failures.

    Returns
    -------
    int : trades in the file

    Raises
    ------
    FlowError
        The message says which part was kept for the next run, if any.
    """
    new = part.path.with_name(f"{part.path.name}.new")
    old = part.path.with_name(f"{part.path.name}.part")
    with _named_errors(part.path):
        part.path.parent.mkdir(parents=True, exist_ok=True)
        expected = client.count(request, part.start_ns, part.end_ns)
        kept = _gather(old, new)
        before = kept.rows.nbytes if kept else 0
        for tried in range(1, TRIES + 1):
            try:
                with _watched(new, progress, already=kept.rows.nbytes - before if kept else 0):
                    client.fetch(request, kept.resume_ns if kept else part.start_ns, part.end_ns, new)
                break
            except ConnectionLostError:
                if tried == TRIES:
                    raise
                clock.sleep(2.0 ** (tried - 1))
                kept = _gather(old, new)
        return _finish(part, kept, old, new, expected)


def left(part: Part) -> int:
    """Return the `ts_recv` from which a part still has to be downloaded, ns. Raises DataError."""
    with _named_errors(part.path):
        kept = _gather(part.path.with_name(f"{part.path.name}.part"), part.path.with_name(f"{part.path.name}.new"))
    return kept.resume_ns if kept else part.start_ns


def _gather(old: Path, new: Path) -> PartialDownload | None:
    """Combine what earlier attempts brought; NAME.part then holds all trades before the instant to resume from."""
    header, kept = _read_if_there(old)
    new_header, rows = _read_if_there(new)
    if len(rows):
        resume_ns = int(rows["ts_recv"][-1])
        kept = np.concatenate([kept, rows[rows["ts_recv"] < resume_ns]])
        _write(old, header or new_header, kept)
    elif len(kept):
        resume_ns = int(kept["ts_recv"][-1]) + 1
    else:
        old.unlink(missing_ok=True)
    new.unlink(missing_ok=True)
    return PartialDownload(header or new_header, kept, resume_ns) if len(rows) or len(kept) else None


def _read_if_there(path: Path) -> tuple[bytes, NDArray[np.void]]:
    try:
        return _read(path)
    except (FileNotFoundError, DataError):
        return b"", np.empty(0, TRADE)


def _finish(part: Part, kept: PartialDownload | None, old: Path, new: Path, expected: int) -> int:
    """Rename the part to its final name, if it is complete."""
    header, rows = _read(new)
    if kept:
        rows = np.concatenate([kept.rows, rows])
        _write(old, kept.header or header, rows)
        new.unlink()
    else:
        new.replace(old)
    if len(rows) != expected:
        old.unlink()
        raise DataError(
            f"{part.path.name}: expected {expected:,} trades, got {len(rows):,}; they were discarded, try again"
        )
    if part.path.exists():
        raise DataError(f"{part.path}: the file appeared during the download; the download is kept as {old.name}")
    old.replace(part.path)
    return len(rows)


def _read(path: Path, *, most_bytes: int | None = None) -> tuple[bytes, NDArray[np.void]]:
    """Read header and complete trades of a file that may be truncated. Raises DataError if the header is incomplete."""
    content = bytearray()
    with path.open("rb") as file, suppress(zstandard.ZstdError):
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        while chunk := reader.read(_READ_BYTES):
            content += chunk
            if most_bytes and len(content) >= most_bytes:
                break
    length = PRELUDE_BYTES + int.from_bytes(content[4:PRELUDE_BYTES], "little")
    if content[:3] != DBN_MAGIC or len(content) < length:
        raise DataError(f"{path}: expected a DBN file")
    count = (len(content) - length) // TRADE.itemsize
    rows: NDArray[np.void] = np.frombuffer(content, TRADE, count=count, offset=length)
    is_trade = rows.view(RECORD_START)["start"] == TRADE_START
    if not is_trade.all():
        rows = rows[: int(is_trade.argmin())]
    return bytes(content[:length]), rows


def _write(path: Path, header: bytes, rows: NDArray[np.void]) -> None:
    """Write a file atomically: a temporary file, then a rename."""
    aside = path.with_name(f"{path.name}.tmp")
    with aside.open("wb") as file:
        compressor = zstandard.ZstdCompressor(write_checksum=True)
        with compressor.stream_writer(file, closefd=False) as writer:
            writer.write(header)
            writer.write(np.ascontiguousarray(rows).tobytes())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FlowError(f"cannot write {error.filename or path}: {error.strerror or error}") from error


@contextmanager
def _watched(path: Path, progress: Progress, *, already: int) -> Iterator[None]:
    """Report how far a file written by another thread has grown, in bytes of its decompressed content."""
    is_over = threading.Event()

    def watch() -> None:
        decompressor = zstandard.ZstdDecompressor()
        stream = decompressor.decompressobj(read_across_frames=True)
        position, done = 0, already
        while True:
            is_last = is_over.wait(_LOOK_SECONDS)
            with suppress(OSError, zstandard.ZstdError):  # missing or damaged: reported when it is read
                with path.open("rb") as file:
                    file.seek(position)
                    data = file.read()
                position += len(data)
                done += len(stream.decompress(data))
                progress(done)
            if is_last:
                return

    watcher = threading.Thread(target=watch, name="download progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
