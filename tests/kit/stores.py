"""Compares what two stores hold."""

from flow_gl.store.market import MarketReader


def difference(ours: MarketReader, theirs: MarketReader) -> str:
    """Return which numbers of two charts are not the same, "" if all are. Alerts and single orders are left out."""
    for reader in (ours, theirs):
        reader.refresh()
    levels = len(theirs.widths_ns)
    if ours.widths_ns != theirs.widths_ns:
        return "levels of detail"
    for level in range(levels):
        for name in ("bubbles", "cvd", "footprints"):
            one, other = (getattr(reader.store, name)[level] for reader in (ours, theirs))
            if one.read(0, one.head)[1].tobytes() != other.read(0, other.head)[1].tobytes():
                return f"{name} at level {level}: {one.head} and {other.head} rows"
        for name in ("open_bubble", "open_cvd"):
            one, other = (getattr(reader, name)(level) for reader in (ours, theirs))
            if (None if one is None else one.tobytes()) != (None if other is None else other.tobytes()):
                return f"{name} at level {level}"
    for name in ("events", "minutes", "order_cvd"):
        one, other = (getattr(reader.store, name) for reader in (ours, theirs))
        if one.read(one.oldest, one.head)[1].tobytes() != other.read(other.oldest, other.head)[1].tobytes():
            return f"{name}: {one.head} and {other.head} rows"
    for name in ("session", "profile", "levels", "gaps", "rolls", "sessions"):
        if getattr(ours, name).tobytes() != getattr(theirs, name).tobytes():
            return name
    return ""
