"""Alert rules as the user keeps them: a condition, a cool-down, and what the alert does.

`core.alerts` has the part that the engine evaluates; this module adds names, switches and actions, and says in one
sentence what a rule waits for.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal, get_args

import msgspec

from flow_gl.core.alerts import CONDITION_NAMES, LEVEL_NAMES, Condition, Direction, EngineRule, Level
from flow_gl.core.event_kinds import EVENT_KINDS, EVENT_WORDS
from flow_gl.core.market.instrument import known_decimals
from flow_gl.core.schema import PRICE_SCALE
from flow_gl.core.units import SECOND_NS

When = Literal["event", "level", "cvd", "bubble", "second_volume", "second_delta", "feed"]
LevelName = Literal[
    "custom",
    "poc",
    "vah",
    "val",
    "vwap",
    "prior_high",
    "prior_low",
    "overnight_high",
    "overnight_low",
    "initial_high",
    "initial_low",
]
FeedName = Literal["lost", "live", "closed", "any"]
Way = Literal["both", "bullish", "bearish"]
Act = Literal["sound", "flash", "notify", "log"]
ACTS: Final[tuple[Act, ...]] = get_args(Act)
WAYS: Final[dict[Way, Direction]] = {"both": 0, "bullish": 1, "bearish": -1}

LEVEL_WORDS: Final[dict[LevelName, str]] = {
    "custom": "custom level",
    "poc": "POC",
    "vah": "VAH",
    "val": "VAL",
    "vwap": "VWAP",
    "prior_high": "prior high",
    "prior_low": "prior low",
    "overnight_high": "overnight high",
    "overnight_low": "overnight low",
    "initial_high": "initial balance high",
    "initial_low": "initial balance low",
}
EVENT_CHOICES: Final = {"any": "any detector event"} | {name: EVENT_WORDS[kind] for name, kind in EVENT_KINDS.items()}
"""What an event rule may wait for: its name in the file, and in words."""
WHEN_WORDS: Final[dict[When, str]] = {
    "event": "detector event",
    "level": "price reaches a level",
    "cvd": "CVD beyond a value",
    "bubble": "large bubble",
    "second_volume": "volume of a second",
    "second_delta": "delta of a second",
    "feed": "feed state",
}
FEED_WORDS: Final[dict[FeedName, str]] = {
    "lost": "the connection is lost",
    "live": "the feed is live again",
    "closed": "the market closes",
    "any": "the feed's state changes",
}
ACT_WORDS: Final[dict[Act, str]] = {
    "sound": "sound",
    "flash": "flash",
    "notify": "desktop notification",
    "log": "log",
}


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule, named as in the file."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    on: bool = True
    when: When
    event: str = "any"
    """Any, or a name of `core.event_kinds`."""
    level: LevelName = "custom"
    price: Decimal | None = None
    """Points, of a custom level."""
    least: Annotated[float, msgspec.Meta(ge=0, le=1e12)] = 0.0
    """Least strength or contracts; the value that CVD goes beyond."""
    direction: Way = "both"
    state: FeedName = "lost"
    symbol: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """Root, contract or symbol as requested; "" for all charts."""
    cool_down_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 10.0
    do: tuple[Act, ...] = ("sound", "flash", "log")
    drawing: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """Id of the custom level (`core.drawings`) whose price the rule follows; "" for other rules."""

    def __post_init__(self) -> None:
        if self.event not in EVENT_CHOICES:
            raise ValueError(f"`event` must be one of {', '.join(EVENT_CHOICES)}, was {self.event!r}")
        if self.when == "level" and self.level == "custom" and self.price is None:
            raise ValueError("a custom level needs a `price`")
        if self.price is not None and not self.price.is_finite():
            raise ValueError(f"`price` must be a number, was {self.price}")
        if self.when in ("cvd", "bubble", "second_volume", "second_delta") and self.least <= 0:
            raise ValueError("`least` must be above 0 contracts")

    def for_engine(self, number: int) -> EngineRule | None:
        """Return the part that the engine evaluates, under an id; None if the view evaluates it."""
        if self.when == "feed":
            return None
        is_event, is_level = self.when == "event", self.when == "level"
        return EngineRule(
            id=number,
            condition=CONDITION_NAMES[self.when],
            symbol=self.symbol,
            event=None if not is_event or self.event == "any" else EVENT_KINDS[self.event],
            level=LEVEL_NAMES[self.level] if is_level else Level.CUSTOM,
            price=round(self.price * PRICE_SCALE) if is_level and self.price is not None else 0,
            least=0.0 if is_level else self.least,
            direction=WAYS[self.direction],
            name=self.name,
            cool_down_ns=round(self.cool_down_s * SECOND_NS),
        )

    @property
    def sentence(self) -> str:
        """The rule's condition in words."""
        way = "" if self.direction == "both" else f"{self.direction} "
        least = f"{self.least:,.10g}"
        match self.when:
            case "event":
                floor = f" of at least {least}" if self.least else ""
                text = f"{way}{EVENT_CHOICES[self.event]}{floor}"
            case "level":
                to = _price_text(self.price, self.symbol) if self.level == "custom" else LEVEL_WORDS[self.level]
                side = {"both": "", "bullish": " from below", "bearish": " from above"}[self.direction]
                text = f"price reaches {to}{side}"
            case "cvd":
                bounds = {
                    "both": f"beyond \u00b1{least}",
                    "bullish": f"above +{least}",
                    "bearish": f"below \u2212{least}",
                }
                text = f"CVD goes {bounds[self.direction]}"
            case "bubble":
                text = f"{way}bubble of at least {least} contracts"
            case "second_volume":
                text = f"{way}second of at least {least} contracts"
            case "second_delta":
                text = f"{way}second with a delta of at least {least}"
            case "feed":
                text = FEED_WORDS[self.state]
        return f"{self.symbol}: {text}" if self.symbol else text


class RuleBook:
    """The current rules, each with an id that stays while the program runs."""

    def __init__(self, rules: Iterable[Rule] = (), *, volume: float = 0.6) -> None:
        self._rules: dict[int, Rule] = dict(enumerate(rules, 1))
        self._next = len(self._rules) + 1
        self.volume = volume
        """Of sounds, 0 to 1."""
        self.version = 0
        """Changes with every edit."""

    def replace(self, rules: Mapping[int, Rule], *, volume: float) -> None:
        """Take over the rules of another book, with their ids."""
        self._rules = dict(rules)
        self._next = max([self._next, *(number + 1 for number in rules)])
        self.volume = volume
        self.version += 1

    def set_volume(self, volume: float) -> None:
        if volume != self.volume:
            self.volume = volume
            self.version += 1

    def items(self) -> list[tuple[int, Rule]]:
        """Return ids and rules in the user's order."""
        return list(self._rules.items())

    def rules(self) -> list[Rule]:
        return list(self._rules.values())

    def get(self, number: int) -> Rule | None:
        """Return the rule with an id; None if it was deleted."""
        return self._rules.get(number)

    def add(self, rule: Rule) -> int:
        """Add a rule at the end; return its id."""
        number, self._next = self._next, self._next + 1
        self.put(number, rule)
        return number

    def put(self, number: int, rule: Rule) -> None:
        """Replace the rule with an id."""
        self._rules[number] = rule
        self.version += 1

    def delete(self, number: int) -> None:
        if self._rules.pop(number, None) is not None:
            self.version += 1

    def for_engine(self) -> tuple[EngineRule, ...]:
        """Return the engine's part of the rules that are on."""
        found = (rule.for_engine(number) for number, rule in self._rules.items() if rule.on)
        return tuple(rule for rule in found if rule is not None)

    @property
    def wants_sound(self) -> bool:
        return any(rule.on and "sound" in rule.do for rule in self._rules.values())


def _price_text(price: Decimal | None, symbol: str) -> str:
    """Return a price with its instrument's decimals, if they are known and enough for it."""
    decimals = known_decimals(symbol)
    if price is None or decimals is None or price != round(price, decimals):
        return f"{price:,}"
    return f"{price:,.{decimals}f}"


def condition_of(rule: Rule) -> Condition:
    """Return the condition of a rule, by which its sound is chosen."""
    return CONDITION_NAMES[rule.when]
