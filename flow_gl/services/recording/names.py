"""What stands in a recording besides trades: names of instruments, what their definitions say, and gaps."""

from flow_gl.core.items import Definition, FeedGap, Mapping
from flow_gl.core.market.marks import Mark
from flow_gl.core.sessions import Session
from flow_gl.core.units import DAY_NS
from flow_gl.dbn.records import definition_record, mapping_record

Name = Mapping | Definition | bytes
"""A name that goes into the recording; bytes: a whole DBN record (SymbolMappingMsg, InstrumentDefMsg), as it is."""
Notice = Name | FeedGap
"""What may stand between trades."""


def mark_of(gap: FeedGap) -> Mark | None:
    """The mark of a gap that stays: None for one that is still open, or was filled."""
    return Mark(gap.start, gap.end, gap.lost) if 0 < gap.start <= gap.end and not gap.filled else None


def key_of(notice: Name) -> tuple[str, int]:
    """What a later notice must share with this one to replace it: its kind and instrument."""
    if isinstance(notice, bytes):
        return f"rtype {notice[1]}", int.from_bytes(notice[4:8], "little")
    kind = "definition" if isinstance(notice, Definition) else "mapping"
    return kind, notice.instrument_id


def record_of(notice: Name, session: Session) -> bytes:
    """Encode a notice as the DBN record that a recording of this session holds.

    Names are valid for the session's whole days (UTC): a reader looks them up by the date of a trade.
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
