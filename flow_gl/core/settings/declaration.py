"""The declaration of a setting, and how the declarations of a class are read."""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

# Headings of the flags in the command line's help, in order.
FEED: Final = "Feed"
KEPT: Final = "Storage"
SHOW: Final = "Picture"
MARKET: Final = "Numbers"
DETECTORS: Final = "Detectors"
LEVELS: Final = "Levels and lines"
SERVE: Final = "Server"
LOGS: Final = "Settings and logs"
HEADINGS: Final = (FEED, KEPT, SHOW, MARKET, DETECTORS, LEVELS, SERVE, LOGS)

ENGINES: Final = ("demo", "replay", "live")
"""The commands that draw the chart of their own engine."""
DRAWING: Final = (*ENGINES, "connect")
"""The commands that draw a chart."""
NUMBERS: Final = (*ENGINES, "export")
"""The commands that run the engine."""


Names = tuple[str, ...]
"""A list of names, which a user separates by commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The declaration of a setting, besides its field's name, type and default."""

    help: str
    """Description with the range: the help of the flag, the line in `.env.example`, and the tooltip in a panel."""
    commands: tuple[str, ...]
    """The commands that use it, and therefore have its flag."""
    heading: str
    """The heading under which the help of these commands lists it."""
    metavar: str = ""
    name: str = ""
    """The user's name for it, if different from the field's."""
    flag: str = ""
    """The pair of flags of a switch."""
    unset: str = ""
    """The meaning of None, in words."""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    check: Callable[[Any], Any] | None = None
    """Applied to the user's input after the checks of type and range; returns the value or raises ValueError."""
    given_as: Any = None
    """The type of the user's input, if different from the field's; `check` converts it."""
    words: Mapping[str, float] = field(default_factory=dict)
    """Words accepted in place of a number."""
    written: str = ""
    """The default in the user's notation, if different from its text."""
    allowed: str = ""
    """The range in words, for the engine's error message."""
    label: str = ""
    """Its name in a panel."""
    while_running: bool = False
    """True if it may change while the engine runs."""

    def is_in_range(self, value: float) -> bool:
        """Return whether a number is within the declared range."""
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting with its declaration."""

    name: str
    """The user's name: the key in TOML (`absorption.sd` is `sd` in the table `[absorption]`) and, in another spelling,
    the flag and the environment variable."""
    field: str
    type: Any
    """Type of the value, without None."""
    default: Any
    setting: Setting
    is_aggregation: bool
    """True for a field of AggregationSettings."""

    @property
    def key(self) -> str:
        """The name as an identifier: `absorption_sd`."""
        return self.name.replace(".", "_")

    @property
    def flag(self) -> str:
        """The flag in the user's notation: `--value-area`, or `--cache/--no-cache`."""
        return self.setting.flag or f"--{self.key.replace('_', '-')}"

    @property
    def default_text(self) -> str:
        """The default in the user's notation; "" if there is none."""
        if self.setting.written or self.default is None:
            return self.setting.written
        if isinstance(self.default, tuple):
            return ",".join(self.default)
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)

    def is_valid(self, value: Any) -> bool:
        """Return whether a value of the right type is within the range and among the choices."""
        if get_origin(self.type) is Literal:
            return value in get_args(self.type)
        if not isinstance(value, int | float):
            return True
        if not self.setting.is_in_range(value):
            return False
        try:
            if self.setting.check and self.setting.given_as is None:
                self.setting.check(value)
        except ValueError:
            return False
        return True


def declared_in(kind: type, *, is_aggregation: bool) -> dict[str, Declared]:
    """Return the declared settings of a class, by field."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for one in fields(kind):
        value_type, *more = get_args(hints[one.name]) if get_origin(hints[one.name]) is Annotated else (None,)
        if not more:
            continue
        setting: Setting = more[0]
        if get_origin(value_type) in (Union, types.UnionType):
            (value_type,) = (part for part in get_args(value_type) if part is not type(None))
        found[one.name] = Declared(
            name=setting.name or one.name,
            field=one.name,
            type=value_type,
            default=one.default,
            setting=setting,
            is_aggregation=is_aggregation,
        )
    return found
