"""Read and encode the header of a DBN file: its version, dataset and schema, and the names of its instruments."""

from dataclasses import dataclass
from datetime import date

import databento_dbn

from flow_gl.core.items import Mapping
from flow_gl.core.units import DAY_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import VERSION


@dataclass(frozen=True, slots=True)
class Header:
    """The contents of a DBN header that are used."""

    version: int
    dataset: str
    schema: str
    """ "trades", "mbp-1" ..; "" if the file holds several kinds of record."""
    has_ts_out: bool
    mappings: tuple[Mapping, ...]
    """Ordered by the first day on which each is valid (`ts_event` is that day's midnight, UTC)."""
    requested: tuple[int, int] | None = None
    """Beginning and end of the time range that was requested, ns; None if the header does not give both."""


def encode_header(dataset: str, start_ns: int) -> bytes:
    """Encode the header of a file of mixed records (no schema) that begins at `start_ns` (ns since the epoch)."""
    metadata = databento_dbn.Metadata(
        dataset=dataset,
        start=start_ns,
        stype_in=None,
        stype_out=databento_dbn.SType("instrument_id"),
        schema=None,
        version=VERSION,
    )
    return metadata.encode()


def read_header(data: bytes) -> Header:
    """Parse a complete DBN header, including its 8-byte prelude. Raises DamageError."""
    try:
        metadata = databento_dbn.Metadata.decode(data)
        return Header(
            version=data[3],
            dataset=metadata.dataset,
            schema=str(metadata.schema or ""),
            has_ts_out=metadata.ts_out,
            mappings=_header_mappings(metadata),
            requested=(metadata.start, metadata.end) if metadata.start and metadata.end else None,
        )
    except Exception as error:  # the decoder's exceptions share no base class
        raise DamageError("byte 0", f"the DBN header is damaged: {error}") from None


def _header_mappings(metadata: databento_dbn.Metadata) -> tuple[Mapping, ...]:
    """Return instrument names ordered by date, whether the request mapped ids to names or names to ids.

    Mappings that begin on the same day keep the order of the request. Where a name has no instrument on days that
    other names cover, the end of its last mapping is reported too; after the last covered day every mapping persists.
    """
    order = {name: at for at, name in enumerate(metadata.symbols)}
    found: list[tuple[int, bool, int, str, Mapping]] = []
    intervals = [
        (order.get(name, len(order)), name, _days_ns(one["start_date"]), _days_ns(one["end_date"]), one["symbol"])
        for name, of_name in metadata.mappings.items()
        for one in of_name
    ]
    last = max((until for _, _, _, until, _ in intervals), default=0)
    intervals = [one for one in intervals if one[4]]  # in an interval without a target the name refers to no instrument
    following: dict[tuple[str, int], tuple[int, str]] = {}
    later: dict[str, tuple[int, str]] = {}
    for _, name, since, _, target in sorted(intervals, key=lambda one: -one[2]):
        if name in later:
            following[name, since] = later[name]
        later[name] = since, target
    for place, name, since, until, target in intervals:
        if target.isdecimal():
            found.append((since, True, place, name, Mapping.of(int(target), name, since)))
            then, then_target = following.get((name, since), (last, ""))
            if until < last and until < then and target != then_target:
                found.append((until, False, place, name, Mapping.of(int(target), name, until, is_end=True)))
        elif name.isdecimal() and target:
            found.append((since, True, place, name, Mapping.of(int(name), target, since)))
    return tuple(mapping for *_, mapping in sorted(found, key=lambda one: (*one[:4], one[4].instrument_id)))


def _days_ns(day: date | int | str) -> int:
    return (_date(day) - date(1970, 1, 1)).days * DAY_NS


def _date(value: date | int | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
