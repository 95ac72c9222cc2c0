"""One file of trades in any supported format, which is recognised by its content.

A file that cannot be used at all (missing, unknown format, wrong schema) raises DataError when opened. A file that is
damaged further on yields what precedes the damage, ends there, and reports it in `damage`.
"""

import io
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flow_gl.core.errors import DataError
from flow_gl.core.items import Item, Mapping
from flow_gl.core.units import format_price
from flow_gl.dbn import frames as zstd_frames
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import DBN_MAGIC, ERROR_KIND, ZSTD_MAGIC
from flow_gl.dbn.reading import DbnReader
from flow_gl.feed.files import gzip_stream
from flow_gl.feed.files.read_ahead import read_ahead

if TYPE_CHECKING:
    from flow_gl.feed.files.csv_trades import CsvReader

_READ_BYTES: Final = 1 << 20
_READ_AHEAD_BYTES: Final = 1 << 18
"""Smaller files are decompressed without a thread: starting one would take longer."""
_DEFINITION: Final = "definition"
_READ_SCHEMAS: Final = ("", "trades", _DEFINITION)
_HINTS: Final = {
    b"PK": "it is a zip archive: unpack it first",
    b"PAR1": "it is Parquet: DBN or CSV is read",
}


class TradeFile:
    """An open file of trades.

    Attributes
    ----------
    path : the path as given
    damage : one line on where and why reading ended early; "" if no damage was found
    """

    def __init__(self, path: Path) -> None:
        """Open a file and read its header. Raises DataError."""
        self.path: Final = path
        self.damage = ""
        self._size, self._file = _open(path)
        self._ahead: Generator[bytes] | None = None
        try:
            self._reader = self._sniff()
        except DamageError as damage:
            self.close()
            raise DataError(f"{path}: {damage.where}: {damage.what}") from None
        except OSError as error:
            self.close()
            raise DataError(f"{path}: it cannot be read ({error.strerror})") from None
        except BaseException:
            self.close()
            raise

    def _sniff(self) -> "DbnReader | CsvReader":
        magic = self._file.peek(12)[:12]
        if zstd_frames.is_skippable(magic[:4]) and magic[8:11] == b"DBZ":
            raise DataError(
                f"{self.path}: the file is DBZ, the predecessor of DBN: convert it with Databento's dbn tool"
            )
        is_gzip = magic.startswith(gzip_stream.MAGIC)
        is_compressed = is_gzip or magic[:4] == ZSTD_MAGIC or zstd_frames.is_skippable(magic[:4])
        decompressed = gzip_stream.decompressed if is_gzip else zstd_frames.decompressed
        chunks = decompressed(self._file) if is_compressed else _plain(self._file)
        first = next(chunks, b"")
        while first and len(first) < len(DBN_MAGIC) and (more := next(chunks, b"")):
            first += more
        if not first:
            raise DataError(f"{self.path}: it decompresses to nothing")
        if is_compressed and self._size > _READ_AHEAD_BYTES:
            self._ahead = chunks = read_ahead(chunks)
        chunks = chain((first,), chunks)
        if first.startswith(DBN_MAGIC):
            reader = DbnReader(chunks, offset_unit="decompressed byte" if is_compressed else "byte")
            self._check_schema(reader.header.schema)
            return reader
        if not _is_text(first[:512].partition(b"\n")[0]):
            hint = next((hint for magic, hint in _HINTS.items() if first.startswith(magic)), "")
            hint = hint or f"its content begins with {first[:4].hex(' ')}"
            raise DataError(f"{self.path}: expected DBN or Databento's CSV, plain, zstd or gzip; {hint}")
        from flow_gl.feed.files.csv_trades import CsvReader

        return CsvReader(chunks, default_symbol=self.path.name.partition(".")[0])

    @property
    def is_definitions(self) -> bool:
        """Whether it is a file of the definition schema, which must be read before the trades."""
        return isinstance(self._reader, DbnReader) and self._reader.header.schema == _DEFINITION

    @property
    def dataset(self) -> str:
        """Dataset, such as GLBX.MDP3; "" if the file does not give it."""
        return self._reader.header.dataset if isinstance(self._reader, DbnReader) else ""

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """The header's mappings, including those dated after the last trade."""
        return self._reader.header.mappings if isinstance(self._reader, DbnReader) else ()

    @property
    def requested(self) -> tuple[int, int] | None:
        """Beginning and end of the time range that the file was requested for, ns; None if it does not say."""
        return self._reader.header.requested if isinstance(self._reader, DbnReader) else None

    @property
    def trades(self) -> int:
        """Number of trades yielded so far."""
        return self._reader.trades

    @property
    def last_ts(self) -> int:
        """`ts_event` of the last trade yielded, ns; 0 before the first."""
        return self._reader.last_ts

    @property
    def progress(self) -> float:
        """Share of the file's bytes read, 0..1."""
        return 1.0 if self._file.closed else self._file.tell() / self._size

    def items(self) -> Iterator[Item]:
        """Yield the file's items, in file order, once.

        Raises
        ------
        DataError
            Damaged before its first trade.
        """
        try:
            yield from self._reader.items()
        except DamageError as damage:
            self._end_early(damage.where, damage.what)
        except OSError as error:
            self._end_early(f"byte {self._file.tell():,}", f"reading failed ({error.strerror})")

    def notes(self) -> list[str]:
        """Return one line for each kind of omission or doubt that is not damage."""
        reader, name = self._reader, self.path.name
        if not isinstance(reader, DbnReader):
            tiny = f"{name}: prices are whole numbers, read in units of 1e-9 as Databento writes them: {{}} is {{}}"
            largest = reader.largest_price
            return [tiny.format(largest, format_price(largest, 9))] if reader.are_prices_tiny else []
        lines = []
        if reader.unknown_kinds:
            kinds = ", ".join(f"0x{kind:02x}" for kind in sorted(reader.unknown_kinds))
            lines.append(f"{name}: records of unknown kind ({kinds}) skipped: {reader.unknown_kinds.total():,}")
        if reader.doubtful:
            many = f"{name}: implausible prices or sizes for a CME market: {reader.doubtful:,}"
            lines.append(f"{many} (charted anyway; the file may be damaged)")
        if reader.kinds[ERROR_KIND]:
            lines.append(f"{name}: error messages of the gateway in it: {reader.kinds[ERROR_KIND]:,}")
        return lines

    def describe(self) -> str:
        """Describe the contents of a file without trades."""
        held = self._reader.describe_kinds() if isinstance(self._reader, DbnReader) else ""
        return f"{held} records" if held else "no records"

    def close(self) -> None:
        if self._ahead:
            self._ahead.close()
        self._file.close()

    def _end_early(self, where: str, what: str) -> None:
        if not self.trades:
            raise DataError(f"{self.path}: {where}: {what}; no trade precedes it") from None
        self.damage = f"{self.path.name}: damaged at {where}: {what}; the {self.trades:,} trades before it are kept"

    def _check_schema(self, schema: str) -> None:
        if schema not in _READ_SCHEMAS:
            raise DataError(f"{self.path}: it holds the schema {schema}; trades is needed")


def _open(path: Path) -> tuple[int, io.BufferedReader]:
    try:
        if path.is_dir():
            raise DataError(f"{path}: expected a file, this is a directory: name the files in it")
        if not path.exists():
            raise DataError(f"{path}: no such file")
        if not path.is_file():
            raise DataError(f"{path}: expected a regular file")
        size = path.stat().st_size
        if not size:
            raise DataError(f"{path}: it is empty")
        return size, io.BufferedReader(path.open("rb", buffering=0), _READ_BYTES)
    except OSError as error:
        raise DataError(f"{path}: it cannot be read ({error.strerror})") from None
    except ValueError:  # a NUL in the name
        raise DataError(f"{str(path)!r}: no such file") from None


def _plain(file: io.BufferedReader) -> Iterator[bytes]:
    while chunk := file.read(_READ_BYTES):
        yield chunk


def _is_text(data: bytes) -> bool:
    return not data.translate(None, bytes(range(32, 127)) + b"\t\r\n\xef\xbb\xbf")
