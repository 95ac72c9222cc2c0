"""Limits of the synthetic market's parameters. Cheap to import, because the command line checks its flags first."""

from collections.abc import Sequence
from math import inf, isinf, isnan
from typing import Final

from flow_gl.core.errors import UsageError
from flow_gl.feed.synthetic.contracts import contracts_of

RATE_MAX: Final = 1_000_000.0
BURST_MAX: Final = 1000.0


def check(
    *,
    seed: int,
    rate: float | None,
    symbols: Sequence[str],
    halts: Sequence[tuple[float, float]],
    bursts: Sequence[tuple[float, float, float]],
) -> None:
    """Check the parameters of SyntheticFeed with these names. Raises UsageError for the first invalid one."""
    if seed < 0:
        raise UsageError(f"seed must be 0 or more, was {seed}")
    if rate is not None and not 0 < rate <= RATE_MAX:
        raise UsageError(f"rate must be above 0 and at most {RATE_MAX:,.0f} trades a second, was {rate:,.10g}")
    contracts_of(tuple(symbols))
    for at_s, seconds in halts:
        _check_spell(at_s, seconds, "halt")
    for at_s, seconds, factor in bursts:
        _check_spell(at_s, seconds, "burst")
        if not 0 < factor <= BURST_MAX:
            raise UsageError(f"a burst's factor must be above 0 and at most {BURST_MAX:,.0f}, was {factor:,.10g}")


def _check_spell(at_s: float, seconds: float, what: str) -> None:
    if isnan(at_s) or isinf(at_s) or not 0 < seconds < inf:
        raise UsageError(
            f"a {what} must begin at a finite time and last over 0 seconds, was {at_s:g} s for {seconds:g} s"
        )
