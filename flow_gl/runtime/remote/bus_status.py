"""One status for all charts of a bus, from the statuses of the engines that publish them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from flow_gl.core.schema import FeedState
from flow_gl.protocol.messages import Status

_ADDED: Final = (
    "trades",
    "trades_per_second",
    "behind",
    "other_instruments",
    "feed_gaps",
    "lost",
    "reconnects",
    "damaged",
    "recorded",
    "unrecorded",
    "archived",
    "unarchived",
)
_LARGEST: Final = ("lag_ns", "tape_used", "unkept", "compiling")
_SMALLEST: Final = ("is_recording", "is_archiving")
"""Rules for combining fields of STATUS; all other fields are those of the engine that reported last."""
_WORST_FIRST: Final = tuple(
    state.name.lower()
    for state in (
        FeedState.FAILED,
        FeedState.RECONNECTING,
        FeedState.STARTING,
        FeedState.CONNECTING,
        FeedState.CATCHING_UP,
    )
)
_FINAL: Final = frozenset({"ended", "failed"})
"""After these states nothing more is expected of an engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartStatus:
    """The known state of a chart's publisher.

    Attributes
    ----------
    holder : identifies the engine; charts of one engine share it
    is_live : it was heard a moment ago
    """

    symbol: str
    holder: str
    status: Status
    is_live: bool

    @property
    def is_silent(self) -> bool:
        """Whether it should be heard and is not."""
        return not self.is_live and self.status.state not in _FINAL and self.status.engine not in _FINAL


def merged(charts: Sequence[ChartStatus]) -> Status:
    """Return the status of all charts: the worst state, and the numbers of all engines together."""
    live = [chart for chart in charts if chart.is_live] or list(charts)
    engines = list({chart.holder: chart.status for chart in live}.values())
    newest = max(engines, key=lambda status: status.sent_ns)
    numbers = dict(newest.numbers)
    for names, combine in ((_ADDED, sum), (_LARGEST, max), (_SMALLEST, min)):
        for name in names:
            numbers[name] = _combined([status.numbers.get(name) for status in engines], combine)
    if silent := [chart.symbol for chart in charts if chart.is_silent]:
        numbers |= {"attempt": 0, "retry_at": 0}
        which = ", ".join(silent) if len(silent) < len(charts) else "any chart"
        message = f"no engine publishes {which} now"
        return msgspec.structs.replace(newest, state="reconnecting", engine="running", message=message, numbers=numbers)
    worst = min(engines, key=_rank)
    return msgspec.structs.replace(
        newest, state=worst.state, engine=worst.engine, message=worst.message, numbers=numbers
    )


def _rank(status: Status) -> int:
    return _WORST_FIRST.index(status.state) if status.state in _WORST_FIRST else len(_WORST_FIRST)


def _combined(values: Iterable[Any], combine: Callable[[list[Any]], Any]) -> Any:
    known = [value for value in values if isinstance(value, int | float)]
    return combine(known) if known else 0
