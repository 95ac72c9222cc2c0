"""The difference or ratio of two symbols' prices, computed exactly in integers.

Prices are int64 in 1e-9 units; the factor of a difference is a whole number of thousandths.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from math import gcd
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.units import PRICE_SCALE, format_price, price_decimals

Kind = Literal["difference", "ratio"]
THOUSANDTHS: Final = 1000
MAX_THOUSANDTHS: Final = 1_000_000
"""The largest factor is 1,000."""
MINUS: Final = "\u2212"
_TIMES: Final = "\u00d7"
_MAX_DECIMALS: Final = 9
_UNKNOWN_TICK: Final = 10_000_000
_FACTOR: Final = re.compile(r"\d{1,4}(\.\d{0,3})?|\.\d{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of a chart's price A with the price B of another symbol.

    Attributes
    ----------
    symbol : the other symbol, as requested
    kind : "difference" is A - k B, "ratio" is A / B
    thousandths : the factor k of a difference, 1 to `MAX_THOUSANDTHS`
    """

    symbol: str
    kind: Kind = "difference"
    thousandths: int = THOUSANDTHS

    def name(self, own: str, other: str) -> str:
        """Format the comparison's name, like `NQZ5 - 4 x ESZ5` (with a true minus and times sign) or `NQZ5 / ESZ5`."""
        if self.kind == "ratio":
            return f"{own} / {other}"
        factor = "" if self.thousandths == THOUSANDTHS else f"{factor_text(self.thousandths)} {_TIMES} "
        return f"{own} {MINUS} {factor}{other}"

    def decimals(self, own_tick: int, other_tick: int, other_price: int) -> int:
        """Return the number of decimals that the values need, 0 to 9.

        A difference shows the steps of both prices exactly. A ratio shows a change by one tick of A.

        Parameters
        ----------
        own_tick, other_tick : tick sizes of A and B, 1e-9; 0 where unknown
        other_price : a price of B, 1e-9
        """
        own_tick, other_tick = own_tick or _UNKNOWN_TICK, other_tick or _UNKNOWN_TICK
        if self.kind == "ratio":
            at = 0
            while at < _MAX_DECIMALS and own_tick * 10**at < abs(other_price):
                at += 1
            return at
        # In units of 1e-12: a thousandth of a tick of B counts.
        step = gcd(own_tick * THOUSANDTHS, other_tick * self.thousandths)
        return price_decimals(step // THOUSANDTHS) if step % THOUSANDTHS == 0 else _MAX_DECIMALS

    def min_step(self, own_tick: int, other_price: int) -> float:
        """Return the change of the value per tick of A, 1e-9."""
        own_tick = own_tick or _UNKNOWN_TICK
        return float(own_tick) if self.kind == "difference" else own_tick * PRICE_SCALE / max(1, abs(other_price))

    def value(self, own: int, other: int, decimals: int) -> int | None:
        """Return the value in units of the last decimal, rounded half to even; None for a ratio where B is 0.

        Parameters
        ----------
        own, other : prices of A and B, 1e-9
        """
        if self.kind == "ratio":
            return _rounded(own * 10**decimals, other) if other else None
        return _rounded((own * THOUSANDTHS - other * self.thousandths) * 10**decimals, THOUSANDTHS * PRICE_SCALE)

    def text(self, own: int, other: int, decimals: int) -> str:
        """Return the value as text; "" if there is no value."""
        found = self.value(own, other, decimals)
        return "" if found is None else value_text(found * 10 ** (_MAX_DECIMALS - decimals), decimals)

    def values(self, own: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return approximate values for drawing, 1e-9: float64, shape (n,); nan for a ratio where B is 0.

        Parameters
        ----------
        own, other : prices of A and B, 1e-9, int64, shape (n,)
        """
        if self.kind == "ratio":
            found: NDArray[np.float64] = np.full(len(own), np.nan)
            np.divide(own * float(PRICE_SCALE), other, out=found, where=other != 0)
            return found
        # Each price is exact up to 2^53; in integers the product could overflow.
        return own.astype(np.float64) - other.astype(np.float64) * self.thousandths / THOUSANDTHS


def value_text(value: int, decimals: int) -> str:
    """Format a value in 1e-9 with a number of decimals."""
    return format_price(value, decimals).replace("-", MINUS)


def factor_text(thousandths: int) -> str:
    """Format a factor: 4, 0.25."""
    whole, rest = divmod(thousandths, THOUSANDTHS)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)


def factor_from_text(text: str) -> int | None:
    """Parse a factor from 0.001 to 1,000 into thousandths, exactly; return None for any other text."""
    if _FACTOR.fullmatch(text) is None:
        return None
    found = int(Decimal(text) * THOUSANDTHS)
    return found if 1 <= found <= MAX_THOUSANDTHS else None


def _rounded(dividend: int, divisor: int) -> int:
    if divisor < 0:
        dividend, divisor = -dividend, -divisor
    whole, rest = divmod(dividend, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))
