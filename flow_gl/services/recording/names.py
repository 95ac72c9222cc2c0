"""The records of a recording other than trades: instrument names, definitions, and gaps."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from flow_gl.core.items import Definition, FeedGap, Mapping
from flow_gl.core.market.gap_markers import GapMarker
from flow_gl.core.market.instrument import is_parent_symbol
from flow_gl.core.market.names import NameBook
from flow_gl.core.sessions import Session
from flow_gl.core.units import DAY_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import INSTRUMENT_ID, MAPPING_KIND, VERSION
from flow_gl.dbn.records import definition_record, mapping_record, read_mapping

Name = Mapping | Definition | bytes
"""A name to be recorded; bytes: a complete DBN record (SymbolMappingMsg, InstrumentDefMsg), written unchanged."""
Notice = Name | FeedGap
"""An item of a recording between trades."""


def marker_of(gap: FeedGap) -> GapMarker | None:
    """Return the marker of a permanent gap; None for one that is still open or was filled."""
    return GapMarker(gap.start, gap.end, gap.lost) if 0 < gap.start <= gap.end and not gap.filled else None


def key_of(notice: Name) -> tuple[str, int, str]:
    """Return the kind, instrument and requested name: a later name with the same key replaces it.

    An instrument may have been requested by several names; each of them is kept.
    """
    if isinstance(notice, Mapping):
        return "mapping", notice.instrument_id, notice.requested
    if isinstance(notice, Definition):
        return "definition", notice.instrument_id, ""
    if notice[1] == MAPPING_KIND:
        with suppress(DamageError, ValueError):
            return key_of(read_mapping(notice, VERSION))
    return f"rtype {notice[1]}", int.from_bytes(notice[INSTRUMENT_ID], "little"), ""


def record_of(notice: Name, session: Session) -> bytes:
    """Encode a name as the DBN record for a recording of this session.

    Names are valid for the session's complete UTC days, because readers look them up by the date of a trade.
    """
    if isinstance(notice, bytes):
        return notice
    if isinstance(notice, Definition):
        return definition_record(
            notice.instrument_id,
            notice.symbol,
            tick_size=notice.tick_size,
            point_value=notice.point_value,
            is_outright=notice.is_outright,
            ts_event=session.open,
        )
    return mapping_record(
        notice.instrument_id,
        notice.symbol,
        notice.requested,
        ts_event=notice.ts_event or session.open,
        start_ns=session.open // DAY_NS * DAY_NS,
        end_ns=(session.next_open // DAY_NS + 1) * DAY_NS,
    )


class HeldNames:
    """The names that a recording holds, and what each means at its end.

    A name that comes back to an earlier instrument is a new statement; one that repeats the current one is not.
    """

    def __init__(self) -> None:
        self._book = NameBook()
        self._others: dict[tuple[str, int, str], bytes] = {}

    def add(self, records: Iterable[bytes]) -> None:
        """Note records that the file holds, in file order."""
        for record in records:
            mapping = _mapping_of(record)
            if mapping:
                self._book.take(mapping)
            else:
                self._others[key_of(record)] = record

    def take_new(self, records: Sequence[bytes]) -> list[bytes]:
        """Return the records that must be written so that the file says what `records` say in order, and note them."""
        mappings = [_mapping_of(record) for record in records]
        last = {mapping.requested: index for index, mapping in enumerate(mappings) if mapping}
        new = []
        for index, (record, mapping) in enumerate(zip(records, mappings, strict=True)):
            if mapping is None:
                is_new = self._others.get(key_of(record)) != record
            else:
                is_replaced = index != last[mapping.requested] and not is_parent_symbol(mapping.requested)
                is_known = self._book.symbol(mapping.instrument_id) == mapping.symbol
                is_new = bool(self._book.touches(mapping)) and not (is_replaced and is_known)
            if is_new:
                self.add([record])
                new.append(record)
        return new


def _mapping_of(record: bytes) -> Mapping | None:
    if record[1] == MAPPING_KIND:
        with suppress(DamageError, ValueError):
            return read_mapping(record, VERSION)
    return None
