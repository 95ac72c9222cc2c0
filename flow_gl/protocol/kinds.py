"""The kinds of rows that a server sends, with their row types."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import ALERT
from flow_gl.core.market.footprint import FOOTPRINT
from flow_gl.core.schema import (
    BUBBLE,
    CVD_POINT,
    EVENT,
    FINISHED_SESSION,
    GAP,
    LEVELS,
    MAX_LODS,
    MINUTE_LEVELS,
    ORDER,
    ORDER_CVD,
    PROFILE,
    ROLL,
    SESSION,
)
from flow_gl.core.units import MINUTE_NS, SECOND_NS

CVD_FIELDS: Final = ("open", "high", "low", "close")
BUBBLE_FIELDS: Final = tuple(BUBBLE.names or ())
CHART_FIELDS: Final = (*BUBBLE_FIELDS, *(f"cvd_{name}" for name in CVD_FIELDS))

CHART_ROW: Final = np.dtype([(name, "<i8") for name in CHART_FIELDS])
"""A BUBBLE and the CVD_POINT of the same bucket, which share `id` and `ts_event`: 16 int64."""

_HEAD_FIELDS: Final = tuple(name for name in PROFILE.names or () if name not in ("row", "buy", "sell", "unsided"))
PROFILE_HEAD: Final = np.dtype([(name, PROFILE[name]) for name in _HEAD_FIELDS])
"""A PROFILE without its rows."""

PROFILE_ROW: Final = np.dtype([("row", "<i8"), ("buy", "<i8"), ("sell", "<i8"), ("unsided", "<i8")])
"""One row of a PROFILE that has volume."""


FOOTPRINT_HEAD: Final = np.dtype([("bucket", "<i8"), ("head", "<i8", (MAX_LODS,)), ("count", "<i8")])
"""An OPEN_FOOTPRINT without its rows. `head`: sequences."""


class Kind(IntEnum):
    """The kind of rows in a message."""

    BUBBLE = 1
    """Closed bubbles with their CVD points. Sequence: position in the level's ring."""
    OPEN = 2
    """The open bubble and CVD point, or no row. Sequence: the position that they will have once closed."""
    PROFILE = 3
    """The profile's levels. Sequence: version."""
    PROFILE_ROWS = 4
    """The profile's rows. Sequence: version of the profile that they belong to."""
    SESSION = 5
    LEVELS = 6
    EVENT = 7
    GAP = 8
    """Sequence: number of the gap. A gap that grew is sent again."""
    ROLL = 9
    FINISHED_SESSION = 10
    MINUTE_LEVELS = 11
    ORDER_CVD = 12
    ALERT = 13
    ORDER = 14
    FOOTPRINT = 15
    """Contracts by price of closed bubbles. Sequence: position in the level's ring."""
    OPEN_FOOTPRINT = 16
    """The open base bucket, and the number of closed rows at the same moment. Sequence: version."""
    OPEN_FOOTPRINT_ROWS = 17
    """That bucket's contracts by price. Sequence: version."""


class Part(IntEnum):
    """The relation of rows to those that the client has."""

    INCREMENT = 0
    """They follow those rows."""
    NEWEST = 1
    """They replace all earlier rows. Older rows follow as HISTORY."""
    HISTORY = 2
    """They directly precede the client's rows."""
    RESUMED = 3
    """They follow the client's rows: the rows that it missed."""


class Cause(IntEnum):
    """Why a snapshot is sent."""

    NONE = 0
    SUBSCRIBED = 1
    SLOW = 2
    """The client read too slowly; `missed` rows were dropped from its queue."""
    NEW_EPOCH = 3
    """The client's position belongs to another run of the engine."""
    LAPPED = 4
    """The rows at the client's position have been overwritten; `missed` rows are lost."""
    REPLACED = 5
    """The engine recomputed the rows with other parameters."""


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of rows: how they are encoded, where they come from, and who receives them."""

    name: str
    """The `type` of its JSON message."""
    dtype: np.dtype
    prices: frozenset[str] = frozenset()
    """Fields that are usually multiples of the tick size."""
    time_unit: int = 1
    """The usual unit of `ts_event`, ns."""
    source: str = ""
    """Attribute of `store.market.MarketStore` that holds the rows; of a kind per level, a list with one for each."""
    is_appended: bool = False
    """The rows never change, so a client can resume from a position. Otherwise they are a record or a list."""
    is_per_level: bool = False
    """There are rows at each level of detail. Other kinds exist once per symbol, with level 0."""
    is_default: bool = False
    """Sent to a client that names no kinds."""
    is_of_record: bool = False
    """The rows of a record of another kind, which directly follow it. A client does not subscribe to them."""
    is_mirrored: bool = True
    """Received by charts of this server elsewhere (`flow-gl connect`, the bus)."""


FORMS: Final = {
    Kind.BUBBLE: Form("Bubble", CHART_ROW, source="bubbles", is_appended=True, is_per_level=True, is_default=True),
    Kind.FOOTPRINT: Form(
        "Footprint", FOOTPRINT, frozenset({"price"}), source="footprints", is_appended=True, is_per_level=True
    ),
    Kind.OPEN: Form("Open", CHART_ROW, is_per_level=True, is_default=True),
    Kind.PROFILE: Form("VolumeProfile", PROFILE_HEAD, is_default=True),
    Kind.PROFILE_ROWS: Form("ProfileRows", PROFILE_ROW, is_of_record=True),
    Kind.SESSION: Form("Session", SESSION, source="session", is_default=True),
    Kind.LEVELS: Form("Levels", LEVELS, source="levels", is_default=True),
    Kind.EVENT: Form("Event", EVENT, frozenset({"price"}), source="events", is_appended=True, is_default=True),
    Kind.GAP: Form("Gap", GAP, source="gaps", is_default=True),
    Kind.ROLL: Form("Roll", ROLL, source="rolls", is_default=True),
    Kind.FINISHED_SESSION: Form("FinishedSession", FINISHED_SESSION, source="sessions"),
    Kind.MINUTE_LEVELS: Form(
        "MinuteLevels",
        MINUTE_LEVELS,
        frozenset({"poc", "vah", "val"}),
        time_unit=MINUTE_NS,
        source="minutes",
        is_appended=True,
    ),
    Kind.ORDER_CVD: Form("OrderCVD", ORDER_CVD, time_unit=SECOND_NS, source="order_cvd", is_appended=True),
    # A user's alerts belong to the engine that the user runs.
    Kind.ALERT: Form("Alert", ALERT, frozenset({"price"}), source="alerts", is_appended=True, is_mirrored=False),
    Kind.OPEN_FOOTPRINT: Form("OpenFootprint", FOOTPRINT_HEAD),
    Kind.OPEN_FOOTPRINT_ROWS: Form("OpenFootprintRows", FOOTPRINT, frozenset({"price"}), is_of_record=True),
    Kind.ORDER: Form("Order", ORDER, frozenset({"first", "last"}), source="orders", is_appended=True),
}
"""The one table of kinds. Server, bus, `flow-gl connect` and the JSON messages follow it."""
KIND_OF_NAME: Final = {form.name: kind for kind, form in FORMS.items() if not form.is_of_record}
"""Kinds by their names in subscriptions."""
DEFAULT_KINDS: Final = tuple(form.name for form in FORMS.values() if form.is_default)
"""Names of the kinds sent to a client that names none."""
BUBBLES: Final = frozenset(kind for kind, form in FORMS.items() if form.dtype is CHART_ROW)
"""Kinds whose rows are encoded by `chart_rows`."""
PER_LEVEL: Final = frozenset(kind for kind, form in FORMS.items() if form.is_per_level)
APPENDED: Final = frozenset(kind for kind, form in FORMS.items() if form.is_appended)


def join(bubbles: NDArray[np.void], points: NDArray[np.void]) -> NDArray[np.void]:
    """Return CHART_ROW rows of BUBBLE rows and the CVD_POINT rows of the same buckets."""
    rows = np.empty(len(bubbles), CHART_ROW)
    words = words_of(rows, len(CHART_FIELDS))
    words[:, : len(BUBBLE_FIELDS)] = words_of(bubbles, len(BUBBLE_FIELDS))
    words[:, len(BUBBLE_FIELDS) :] = words_of(points, 2 + len(CVD_FIELDS))[:, 2:]
    return rows


def split(rows: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return the BUBBLE rows and the CVD_POINT rows of CHART_ROW rows."""
    words = words_of(rows, len(CHART_FIELDS))
    bubbles = np.ascontiguousarray(words[:, : len(BUBBLE_FIELDS)]).view(BUBBLE).reshape(len(rows))
    points = np.concatenate([words[:, :2], words[:, len(BUBBLE_FIELDS) :]], axis=1)
    return bubbles, points.view(CVD_POINT).reshape(len(rows))


def words_of(rows: NDArray[np.void], count: int) -> NDArray[np.int64]:
    """Return rows of `count` int64 fields as an array of shape (rows, count); a view if the rows are contiguous."""
    return np.ascontiguousarray(rows).view("<i8").reshape(len(rows), count)
