"""The instruments and times that a file of trades covers, from the names in its header."""

from collections.abc import Iterable
from typing import Final

from flow_gl.core.items import Mapping, Spans
from flow_gl.core.market.instrument import is_parent_symbol

_FOREVER: Final = 2**63 - 1
ALWAYS: Final = ((0, _FOREVER),)


def covers_of(mappings: Iterable[Mapping]) -> Spans:
    """Return the intervals of time in which any name denotes an instrument; {} without names.

    Parameters
    ----------
    mappings : the header's, in order of time. The last one of each name has no end
    """
    meant: dict[tuple[str, int], tuple[int, int]] = {}
    spans: dict[int, list[tuple[int, int]]] = {}
    for mapping in mappings:
        name, instrument_id = mapping.requested or mapping.symbol, mapping.instrument_id
        key = name, instrument_id if is_parent_symbol(name) else 0
        before, since = meant.get(key, (0, 0))
        if before and (before != instrument_id or mapping.is_end):
            spans.setdefault(before, []).append((since, mapping.ts_event))
            del meant[key]
        if not mapping.is_end and (before != instrument_id or key not in meant):
            meant[key] = instrument_id, mapping.ts_event
    for instrument_id, since in meant.values():
        spans.setdefault(instrument_id, []).append((since, _FOREVER))
    return {instrument_id: _joined(of_it) for instrument_id, of_it in spans.items()}


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join intervals that touch or overlap."""
    joined: list[tuple[int, int]] = []
    for since, until in sorted(spans):
        if joined and since <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(until, joined[-1][1])
        else:
            joined.append((since, until))
    return tuple(joined)
