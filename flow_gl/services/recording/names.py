"""What a recording holds besides trades: instrument names, their definitions, and gaps."""

from flow_gl.core.items import Definition, FeedGap, Mapping
from flow_gl.core.market.marks import Mark
from flow_gl.core.sessions import Session
from flow_gl.core.units import DAY_NS
from flow_gl.dbn.records import definition_record, mapping_record

Name = Mapping | Definition | bytes
"""A name to be recorded; bytes: a complete DBN record (SymbolMappingMsg, InstrumentDefMsg), written unchanged."""
Notice = Name | FeedGap
"""What may come between trades."""


def mark_of(gap: FeedGap) -> Mark | None:
    """Return the mark of a permanent gap; None for one that is still open or was filled."""
    return Mark(gap.start, gap.end, gap.lost) if 0 < gap.start <= gap.end and not gap.filled else None


def key_of(notice: Name) -> tuple[str, int]:
    """Return the kind and instrument of a name: a later name with the same key replaces it."""
    if isinstance(notice, bytes):
        return f"rtype {notice[1]}", int.from_bytes(notice[4:8], "little")
    kind = "definition" if isinstance(notice, Definition) else "mapping"
    return kind, notice.instrument_id


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
