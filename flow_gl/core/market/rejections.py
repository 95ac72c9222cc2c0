"""The reasons for rejecting a record: one counter per reason, from the kernels to the message shown to the user.

The counters are fields of STATE and SESSION, listed only here. To add a reason, add a line to `REASONS` and a field of
the same name to both row types, and count it where the record is rejected, together with `rejected`, their sum.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

REASONS: Final = {
    "rejected_action": "no trade (action other than T)",
    "rejected_no_price": "without a price",
    "rejected_no_size": "of size 0",
    "rejected_time": "without a valid time",
    "rejected_price": "at a price that does not fit this market",
}
"""Field and description of each reason, in the order of the message."""


def counts_of(session: NDArray[np.void] | np.void) -> dict[str, int]:
    """Return the counters of one SESSION or STATE record by field, without reasons that never occurred."""
    record: Any = session
    return {field: count for field in REASONS if (count := int(record[field]))}


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of several sets of counters, by field."""
    summed: dict[str, int] = {}
    for each in counts:
        for field, count in each.items():
            summed[field] = summed.get(field, 0) + count
    return {field: summed[field] for field in REASONS if field in summed}


def describe(counts: Mapping[str, int]) -> str:
    """Describe in one line how many records were rejected and why; "" if none were."""
    rejected = sum(counts.values())
    if not rejected:
        return ""
    reasons = [f"{count:,} {REASONS[field]}" for field, count in counts.items() if count]
    noun = "record" if rejected == 1 else "records"
    if len(reasons) == 1:
        return f"not charted: {rejected:,} {noun} {reasons[0].partition(' ')[2]}"
    return f"not charted: {rejected:,} {noun}: {', '.join(reasons)}"
