"""Classification of instruments by symbol, for instruments without a definition record.

CME's raw symbols are a root, a month code and a year of one or two digits (`NQZ5`, `NQZ25`); a calendar spread joins
two (`NQZ5-NQH6`); other strategies and options contain colons or spaces. If there is a definition record, its
instrument class takes precedence over the symbol.
"""

import re
from dataclasses import dataclass
from typing import Final

from flow_gl.core.schema import PRICE_SCALE, TickSource
from flow_gl.core.units import price_decimals

MAX_RAW_CHARS: Final = 22
"""Characters of a raw symbol that a user types."""
MONTH_CODES: Final = "FGHJKMNQUVXZ"
"""January to December."""
FUTURE_CLASS: Final = ord("F")
"""`instrument_class` of an outright future; other classes are, for example, S (futures spread), C and P (options)."""

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

KNOWN_ROOTS: Final = tuple(_POINT_VALUES)
"""Roots of the built-in table."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """The properties of an instrument that a chart needs."""

    symbol: str
    """The contract, for example NQZ5."""
    tick_size: int
    """1e-9 units."""
    point_value: float | None = None
    """Currency per point and contract; None if unknown."""
    tick_source: TickSource = TickSource.TABLE

    @property
    def root(self) -> str:
        return root_of(self.symbol)

    @property
    def decimals(self) -> int:
        """Number of decimals in its prices."""
        return price_decimals(self.tick_size)


def is_raw_symbol(name: str) -> bool:
    """Return whether a name is a raw symbol (`NQZ5`, `NQZ5-NQH6`), not a continuous or parent symbol."""
    return bool(name) and _STANDS_FOR.fullmatch(name) is None


def symbol_from(text: str, stype_in: str) -> str:
    """Return the symbol that a user means who types this, for example CL.v.0 by `cl`; "" if it can be none.

    Parameters
    ----------
    stype_in : "continuous", "raw_symbol" or "instrument_id"; "" for none
    """
    typed = text.strip().upper() if stype_in else ""
    if stype_in == "instrument_id":
        return typed if typed.isdecimal() else ""
    if stype_in == "raw_symbol":
        return typed if typed.isascii() and typed.isprintable() and len(typed) <= MAX_RAW_CHARS else ""
    root, dot, rule = typed.partition(".")
    symbol = f"{root}.{rule.lower() if dot else 'v.0'}"
    return symbol if _CONTINUOUS.fullmatch(symbol) else ""


def is_continuous_symbol(name: str) -> bool:
    """Return whether a name is a continuous symbol (`NQ.v.0`), which denotes one instrument after another."""
    return bool(name) and not is_raw_symbol(name) and not is_parent_symbol(name)


def is_parent_symbol(name: str) -> bool:
    """Return whether a name is a parent symbol (`NQ.FUT`), which denotes many instruments at once."""
    return _PARENT.fullmatch(name.upper()) is not None


def roll_label(from_symbol: str, from_id: int, to_symbol: str, to_id: int) -> str:
    """Format a roll: `NQZ5 > NQH6`, or with the ids if the raw symbols are unknown or equal."""
    if from_symbol and to_symbol and from_symbol != to_symbol:
        return f"{from_symbol} > {to_symbol}"
    return f"id {from_id} > id {to_id}"


def is_outright_symbol(symbol: str) -> bool:
    """Return whether a symbol denotes an outright (`NQZ5`, `NQZ25`, `NQ.v.0`), not a spread, option or parent."""
    return _OUTRIGHT.fullmatch(symbol) is not None or _CONTINUOUS.fullmatch(symbol) is not None


def is_spread_symbol(symbol: str) -> bool:
    """Return whether a symbol is a futures spread (`NQZ5-NQH6`, `NQ:BF Z5-H6-M6`), whose price may be negative."""
    return ":" in symbol or (_OUTRIGHT.fullmatch(symbol.partition("-")[0]) is not None and "-" in symbol)


def root_of(symbol: str) -> str:
    """Return the root: `NQZ5`, `NQ.v.0`, `NQ.FUT` and the spread `NQZ5-NQH6` all give `NQ`; "" if unknown."""
    for pattern in (_OUTRIGHT, _CONTINUOUS, _PARENT):
        match = pattern.fullmatch(symbol)
        if match:
            return match[1]
    leg, *others = re.split("[- ]", symbol, maxsplit=1)
    return root_of(leg) if others else ""


def known_decimals(name: str) -> int | None:
    """Return the decimals of a root's prices by the built-in table, given any of its symbols or the root itself."""
    entry = _POINT_VALUES.get(root_of(name) or name)
    return None if entry is None else price_decimals(entry[0])


def builtin(symbol: str) -> Instrument | None:
    """Look up an outright in the built-in table; None if its root is not there or it is not an outright."""
    if not is_outright_symbol(symbol):
        return None
    entry = _POINT_VALUES.get(root_of(symbol))
    if entry is None:
        return None
    tick_size, point_value = entry
    return Instrument(symbol, tick_size, point_value)
