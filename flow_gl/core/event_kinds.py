"""The kinds of detectors' events: the one table, without numpy. A kind's detector is a module of `engine.detectors`."""

from enum import IntEnum
from typing import Final


class EventKind(IntEnum):
    """The kind of an event, as in `core.schema.EVENT`. The detector's module describes `strength` and `value`.

    The number is stored and sent, so it never changes. Users write the name in lower case.
    """

    ZERO_CROSS = 1
    ABSORPTION = 2
    DIVERGENCE = 3
    STACKED_IMBALANCE = 4
    LARGE_TRADE = 5


EVENT_WORDS: Final = {
    EventKind.ZERO_CROSS: "CVD zero cross",
    EventKind.LARGE_TRADE: "large trade",
    EventKind.ABSORPTION: "absorption",
    EventKind.DIVERGENCE: "delta divergence",
    EventKind.STACKED_IMBALANCE: "stacked imbalance",
}
"""Every kind in words, in the order in which lists show them."""
EVENT_KINDS: Final = {kind.name.lower(): kind for kind in EVENT_WORDS}
"""Kinds by the name that users write."""
EVENT_NAMES: Final = tuple(EVENT_KINDS)
