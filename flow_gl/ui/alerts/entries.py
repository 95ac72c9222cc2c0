"""The entries of the alert log and their texts."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from flow_gl.core.alerts import Condition, Level
from flow_gl.core.event_kinds import EVENT_WORDS, EventKind
from flow_gl.core.units import format_price, price_decimals
from flow_gl.ui.alerts.rules import LEVEL_WORDS
from flow_gl.ui.alerts.sound import Voice

_WAYS: Final = {1: "bullish", -1: "bearish"}


@dataclass(slots=True)
class Entry:
    """An alert that fired."""

    chart: int
    """Index of the chart; -1 for the feed."""
    name: str
    """The chart's."""
    rule: str
    text: str
    ts_event: int
    price: int
    direction: int
    silence: str = ""
    """Why it did not sound although its rule requests a sound; "" otherwise."""
    voice: Voice | None = None

    @property
    def outcome(self) -> str:
        """The outcome of its sound: "sounded" only once the device has accepted it."""
        if self.silence:
            return self.silence
        if self.voice is None:
            return ""
        return "sounded" if self.voice.is_played else "no sound"


def text_of(alert: np.void, tick_size: int) -> str:  # noqa: PLR0911  # one per condition
    """Say what an alert (ALERT) found; `tick_size` gives the decimals of prices, 1e-9 units."""
    direction, value, detail = int(alert["direction"]), int(alert["value"]), int(alert["detail"])
    way = f"{_WAYS[direction]} " if direction in _WAYS else ""
    price = _price(int(alert["price"]), tick_size)
    match int(alert["condition"]):
        case Condition.EVENT:
            words = EVENT_WORDS[EventKind(detail)]
            strength = "" if detail == EventKind.ZERO_CROSS else f" {float(alert['strength']):,.4g}"
            return f"{way}{words}{strength} at {price}"
        case Condition.LEVEL:
            level = Level(detail).name.lower()
            side = "from below" if direction > 0 else "from above"
            return f"{price} reached {LEVEL_WORDS[level]} {_price(value, tick_size)} {side}"  # type: ignore[index]
        case Condition.CVD:
            return f"CVD {value:+,} at {price}".replace("-", "\u2212")
        case Condition.BUBBLE:
            return f"{way}bubble of {value:,} contracts at {price}"
        case Condition.SECOND_VOLUME:
            return f"{value:,} contracts in a second at {price}"
        case Condition.SECOND_DELTA:
            return f"delta of {value:+,} in a second at {price}".replace("-", "\u2212")
    return price


def _price(value: int, tick_size: int) -> str:
    return format_price(value, price_decimals(tick_size) if tick_size > 0 else 2)
