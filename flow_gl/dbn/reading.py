"""Read DBN: a stream of bytes in, trades and notices out, in file order.

About 32 thousand trades are read at a time, so memory is bounded and the caller stays responsive. A chunk that holds
only trades, as in every file of the `trades` schema, is viewed as an array in place. From the first record of another
kind on, the rest of the chunk is walked record by record by the length byte, and its trades are gathered with one
NumPy call. Every record's kind and length are checked; the first invalid one ends the reading, since no later record's
start is certain. Complete records of unknown kinds are skipped and counted.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Item, Trades
from flow_gl.core.schema import TRADE
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.dated import Dated
from flow_gl.dbn.header import Header, read_header
from flow_gl.dbn.layout import (
    DBN_MAGIC,
    DEFINITION_KIND,
    HEADER_LIMIT,
    KIND_NAMES,
    MAPPING_KIND,
    PRELUDE_BYTES,
    RECORD_HEADER_WORDS,
    RECORD_START,
    SYSTEM_KIND,
    TRADE_KIND,
    TRADE_START,
    TRADE_WORDS,
    VERSIONS,
    words_by_kind,
)
from flow_gl.dbn.records import read_definition, read_gap, read_mapping
from flow_gl.dbn.trade_checks import GLOBEX, check

CHUNK_TRADES: Final = 1 << 15
_CHUNK_BYTES: Final = CHUNK_TRADES * TRADE.itemsize
_READ_KINDS: Final = (TRADE_KIND, DEFINITION_KIND, MAPPING_KIND)
_JOINED_LENGTH, _JOINED_KIND, _N = DBN_MAGIC
"""The header of a second file, read as a record: what plain concatenation of DBN files leaves behind."""

Places = Sequence[int] | NDArray[np.int64]


class DbnReader:
    """One pass over a DBN stream.

    Attributes
    ----------
    header : the file's header
    kinds : number of records read, by known kind
    unknown_kinds : number of records skipped, by unknown kind
    doubtful : number of CME records with a price or size that no CME market has
    trades : number of trades yielded
    last_ts : `ts_event` of the last trade yielded, ns; 0 before the first
    """

    def __init__(self, chunks: Iterator[bytes], *, offset_unit: str = "byte") -> None:
        """Read the header.

        Parameters
        ----------
        chunks : the stream; it may raise DamageError
        offset_unit : how error messages name an offset: "byte" or "decompressed byte"

        Raises
        ------
        DamageError
            Not DBN, an unsupported version, or a damaged header.
        """
        self._chunks = chunks
        self._unit = offset_unit
        self._pending = bytearray()
        self._is_exhausted = False
        self._offset = 0
        self._records = 0
        self.kinds: Counter[int] = Counter()
        self.unknown_kinds: Counter[int] = Counter()
        self.doubtful = 0
        self.trades = 0
        self.last_ts = 0
        self.header: Final[Header] = self._read_header()
        self._words = words_by_kind(self.header.version, has_ts_out=self.header.has_ts_out)
        self._trade_start = TRADE_START
        if self.header.has_ts_out:  # its trades are longer than TRADE: none can be viewed in place
            self._trade_start = -1

    def items(self) -> Iterator[Item]:
        """Yield the header's mappings, then trades and notices in file order.

        Raises
        ------
        DamageError
            After everything before the damage was yielded.
        """
        names = Dated(self.header.mappings)
        has_begun = False
        for item in self._read():
            if not has_begun:
                yield from names.in_force(item.rows[:1]) if isinstance(item, Trades) else names.first_day()
                has_begun = True
            if isinstance(item, Trades):
                yield from names.place(item)
            else:
                yield item
        if not has_begun:
            yield from names.first_day()

    def describe_kinds(self) -> str:
        """Describe the records that were read: "20 symbol mapping, 9 statistics"."""
        return ", ".join(f"{count:,} {KIND_NAMES[kind]}" for kind, count in self.kinds.most_common())

    def _read_header(self) -> Header:
        self._fill(PRELUDE_BYTES)
        prelude = bytes(self._pending[:PRELUDE_BYTES])
        if prelude[:3] != DBN_MAGIC:
            raise DamageError(self._place(0), f"expected a DBN header, got {prelude[:4].hex(' ') or 'nothing'}")
        if len(prelude) < PRELUDE_BYTES:
            raise DamageError(self._place(len(prelude)), "the file ends inside its DBN header: it is cut off")
        if prelude[3] not in VERSIONS:
            raise DamageError(self._place(3), f"expected DBN version 1, 2 or 3, got {prelude[3]}")
        size = PRELUDE_BYTES + int.from_bytes(prelude[4:], "little")
        if size > HEADER_LIMIT:
            raise DamageError(self._place(4), f"the DBN header is damaged: it claims {size:,} bytes")
        self._fill(size)
        if len(self._pending) < size:
            raise DamageError(self._place(len(self._pending)), "the file ends inside its DBN header: it is cut off")
        header = read_header(bytes(self._pending[:size]))
        self._pending = self._pending[size:]
        self._offset = size
        return header

    def _fill(self, count: int) -> None:
        """Read until this many bytes are pending or the stream ends; what precedes a DamageError stays pending."""
        while len(self._pending) < count and not self._is_exhausted:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._is_exhausted = True
            else:
                self._pending += chunk

    def _read(self) -> Iterator[Item]:
        damage: DamageError | None = None
        while damage is None and not (self._is_exhausted and not self._pending):
            try:
                self._fill(_CHUNK_BYTES)
            except DamageError as raised:
                damage = raised
            data, self._pending = self._pending, bytearray()
            used = yield from self._chunk(data)
            self._pending = data[used:]
            self._offset += used
            if self._is_exhausted and self._pending:
                raise self._damage(0, f"the file ends {len(self._pending)} bytes into a record: it is cut off")
        if damage is not None:
            raise damage

    def _chunk(self, data: bytearray) -> Generator[Item, None, int]:
        """Yield the complete records of a chunk, which begins with one. Returns how many bytes they take."""
        count = len(data) // TRADE.itemsize
        is_trade = np.frombuffer(data, RECORD_START, count)["start"] == self._trade_start
        run = count if is_trade.all() else int(np.argmin(is_trade))
        if run:
            self.kinds[TRADE_KIND] += run
            places = range(0, run * TRADE.itemsize, TRADE.itemsize)
            yield from self._trades(np.frombuffer(data, TRADE, run), places, range(run))
            self._records += run
        used = run * TRADE.itemsize
        # Usually only the beginning of a record is left, whose rest comes with the next chunk: nothing to do then.
        is_cut_off = used < len(data) and RECORD_HEADER_WORDS * 4 <= data[used] * 4 > len(data) - used
        if used < len(data) and not is_cut_off:
            used = yield from self._mixed(data, used)
        return used

    def _trades(self, rows: NDArray[np.void], places: Places, numbers: Places) -> Iterator[Item]:
        """Check and yield trades at byte offsets `places` of the chunk, which are its records `numbers`."""
        checked = check(rows, self.last_ts, is_globex=self.header.dataset == GLOBEX)
        good = len(checked.rows)
        self.doubtful += checked.doubtful
        if good:
            self.trades += good
            self.last_ts = checked.last_ts
            yield Trades(checked.rows)
        if checked.fault:
            raise self._damage(int(places[good]), checked.fault, number=int(numbers[good]))

    def _mixed(self, data: bytearray, start: int) -> Generator[Item, None, int]:
        """Yield records of several kinds from `start` on. Returns where the last complete one ends."""
        places, end = _walk(data, start)
        octets = np.frombuffer(data, np.uint8)
        lengths, kinds = octets[places], octets[places + 1]
        expected = self._words[kinds]
        is_ours = np.isin(kinds, _READ_KINDS)
        is_wrong = (lengths < expected) | (is_ours & (lengths != expected))
        is_wrong |= (kinds == _JOINED_KIND) & (lengths == _JOINED_LENGTH) & (octets[np.minimum(places + 2, end)] == _N)
        good = int(np.argmax(is_wrong)) if is_wrong.any() else len(places)
        words = np.frombuffer(data, "<u4", len(data) // 4)

        for kind, count in zip(*np.unique(kinds[:good], return_counts=True), strict=True):
            (self.kinds if kind in KIND_NAMES else self.unknown_kinds)[int(kind)] += int(count)
        is_trade = kinds[:good] == TRADE_KIND
        notices = np.flatnonzero((is_ours[:good] & ~is_trade) | (kinds[:good] == SYSTEM_KIND))
        since = 0
        for until in (*notices.tolist(), good):
            numbers = since + np.flatnonzero(is_trade[since:until])
            if len(numbers):
                rows = words[places[numbers, None] // 4 + np.arange(TRADE_WORDS)].view(TRADE).reshape(-1)
                rows["length"] = TRADE_WORDS
                yield from self._trades(rows, places[numbers], numbers)
            notice = self._notice(data, int(places[until]), until) if until < good else None
            if notice is not None:
                yield notice
            since = until + 1
        self._records += good
        if good < len(places):
            position = int(places[good])
            raise self._damage(position, self._kind_fault(int(kinds[good]), int(lengths[good])))
        if end < len(data) and data[end] < RECORD_HEADER_WORDS:
            raise self._damage(end, f"expected a record of at least 16 bytes, got a length of {data[end] * 4}")
        return end

    def _notice(self, data: bytearray, position: int, number: int) -> Item | None:
        record = bytes(data[position : position + data[position] * 4])
        try:
            if record[1] == MAPPING_KIND:
                return read_mapping(record, self.header.version)
            if record[1] == SYSTEM_KIND:
                return read_gap(record)
            return read_definition(record, self.header.version)
        except DamageError as damage:
            raise self._damage(position, damage.what, number=number) from None

    def _kind_fault(self, kind: int, length: int) -> str:
        if kind == _JOINED_KIND:
            return "a second DBN header begins here: give files that were joined one by one"
        expected = int(self._words[kind]) * 4
        return f"a record of {KIND_NAMES[kind]} takes {expected} bytes, its length says {length * 4}"

    def _place(self, position: int) -> str:
        return f"{self._unit} {self._offset + position:,}"

    def _damage(self, position: int, what: str, *, number: int = 0) -> DamageError:
        return DamageError(f"{self._place(position)} (record {self._records + number + 1:,})", what)


def _walk(data: bytearray, position: int) -> tuple[NDArray[np.int64], int]:
    """Return the offsets (int64) at which complete records begin, and the offset at which the last one ends."""
    places: list[int] = []
    end = len(data)
    while position < end:
        length = data[position]
        if length < RECORD_HEADER_WORDS or position + length * 4 > end:
            break
        places.append(position)
        position += length * 4
    return np.array(places, np.int64), position
