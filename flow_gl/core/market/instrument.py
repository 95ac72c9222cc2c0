"""What kind of instrument a symbol denotes, for instruments without a definition record.

CME's raw symbols are a root, a month code and a year of one or two digits (`NQZ5`, `NQZ25`); a calendar spread joins
two (`NQZ5-NQH6`); other strategies and options carry colons or spaces. A definition record's instrument class, where
there is one, decides before any symbol does.
"""

import re
from dataclasses import dataclass
from typing import Final

from flow_gl.core.schema import PRICE_SCALE, TickSource
from flow_gl.core.units import price_decimals

MONTH_CODES: Final = "FGHJKMNQUVXZ"
"""January to December."""
FUTURE_CLASS: Final = ord("F")
"""`instrument_class` of an outright future; every other class (S a spread of futures, C and P options ...) is none."""

_OUTRIGHT: Final = re.compile(rf"([A-Z0-9]{{1,4}}?)[{MONTH_CODES}]\d{{1,2}}", re.ASCII)
_CONTINUOUS: Final = re.compile(r"([A-Z0-9]{1,5})\.[cvn]\.\d{1,2}", re.ASCII)
_PARENT: Final = re.compile(r"([A-Z0-9]{1,5})\.(?:FUT|OPT)", re.ASCII)

_STANDS_FOR: Final = re.compile(rf"{_CONTINUOUS.pattern}|{_PARENT.pattern}", re.ASCII | re.IGNORECASE)

_POINT_VALUES: Final = {  # root: tick size (1e-9), currency per point and contract
    "NQ": (250_000_000, 20.0),
    "ES": (250_000_000, 50.0),
    "MNQ": (250_000_000, 2.0),
    "MES": (250_000_000, 5.0),
    "RTY": (100_000_000, 50.0),
    "M2K": (100_000_000, 5.0),
    "YM": (PRICE_SCALE, 5.0),
    "MYM": (PRICE_SCALE, 0.5),
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a chart must know of its instrument."""

    symbol: str
    """The contract: NQZ5."""
    tick_size: int
    """1e-9 units."""
    point_value: float | None = None
    """Currency per point and contract; None where unknown."""
    tick_source: TickSource = TickSource.TABLE

    @property
    def root(self) -> str:
        return root_of(self.symbol)

    @property
    def decimals(self) -> int:
        """Decimals that its prices are written with."""
        return price_decimals(self.tick_size)


def is_raw_symbol(name: str) -> bool:
    """Tell an exchange's own symbol (`NQZ5`, `NQZ5-NQH6`) from a continuous or parent symbol."""
    return bool(name) and _STANDS_FOR.fullmatch(name) is None


def is_parent_symbol(name: str) -> bool:
    """Tell a parent (`NQ.FUT`), which stands for many instruments at once."""
    return _PARENT.fullmatch(name.upper()) is not None


def roll_label(from_symbol: str, from_id: int, to_symbol: str, to_id: int) -> str:
    """Name a roll: `NQZ5 > NQH6`, or by the ids where the raw symbols are unknown or do not tell them apart."""
    if from_symbol and to_symbol and from_symbol != to_symbol:
        return f"{from_symbol} > {to_symbol}"
    return f"id {from_id} > id {to_id}"


def is_outright_symbol(symbol: str) -> bool:
    """Tell a future of its own (`NQZ5`, `NQZ25`, or a continuous `NQ.v.0`) from a spread, an option, a parent."""
    return _OUTRIGHT.fullmatch(symbol) is not None or _CONTINUOUS.fullmatch(symbol) is not None


def is_spread_symbol(symbol: str) -> bool:
    """Tell a spread of futures (`NQZ5-NQH6`, `NQ:BF Z5-H6-M6`): its price is a difference, often negative."""
    return ":" in symbol or (_OUTRIGHT.fullmatch(symbol.partition("-")[0]) is not None and "-" in symbol)


def root_of(symbol: str) -> str:
    """Name the product: `NQZ5`, `NQ.v.0`, `NQ.FUT` and the spread `NQZ5-NQH6` are all `NQ`; "" where untold."""
    for pattern in (_OUTRIGHT, _CONTINUOUS, _PARENT):
        match = pattern.fullmatch(symbol)
        if match:
            return match[1]
    leg, *others = re.split("[- ]", symbol, maxsplit=1)
    return root_of(leg) if others else ""


def builtin(symbol: str) -> Instrument | None:
    """Look an outright up in the built-in table; None where its root is not in it or it is no outright."""
    if not is_outright_symbol(symbol):
        return None
    entry = _POINT_VALUES.get(root_of(symbol))
    if entry is None:
        return None
    tick_size, point_value = entry
    return Instrument(symbol, tick_size, point_value)
