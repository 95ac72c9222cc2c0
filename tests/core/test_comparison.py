"""The difference and the ratio of two prices are exact, and rounded once."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.comparison import (
    MAX_THOUSANDTHS,
    MINUS,
    Comparison,
    factor_from_text,
    factor_text,
    value_text,
)

TICK = 250_000_000
ES, NQ = 6_812_250_000_000, 25_367_000_000_000
prices = st.integers(-(2**62), 2**62)
factors = st.integers(1, MAX_THOUSANDTHS)


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Round a fraction half to even in decimal arithmetic of many digits."""
    with localcontext() as context:
        context.prec = 120
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)


@given(prices, prices, factors, st.integers(0, 9))
def test_a_difference_is_exact_and_rounded_half_to_even(own: int, other: int, factor: int, decimals: int) -> None:
    found = Comparison("B", "difference", factor).value(own, other, decimals)
    assert found is not None
    exact = Fraction(own, 10**9) - Fraction(factor, 1000) * Fraction(other, 10**9)
    assert Decimal(found).scaleb(-decimals) == rounded(exact, decimals)


@given(prices, prices.filter(bool), st.integers(0, 9))
def test_a_ratio_is_exact_and_rounded_half_to_even(own: int, other: int, decimals: int) -> None:
    found = Comparison("B", "ratio").value(own, other, decimals)
    assert found is not None
    assert Decimal(found).scaleb(-decimals) == rounded(Fraction(own, other), decimals)


@given(st.lists(st.tuples(st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53)), min_size=1), factors)
def test_what_is_drawn_is_what_is_written_to_a_millionth_of_a_tick(pairs: list[tuple[int, int]], factor: int) -> None:
    own, other = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    for rule in (Comparison("B", "difference", factor), Comparison("B", "ratio")):
        for drawn, (a, b) in zip(rule.values(own, other).tolist(), pairs, strict=True):
            exact = (
                Fraction(a) - Fraction(factor, 1000) * b if rule.kind == "difference" else b and Fraction(a, b) * 10**9
            )
            if rule.kind == "ratio" and not b:
                assert np.isnan(drawn)
                continue
            reach = 1e-15 * (abs(a) + factor * abs(b) / 1000) if rule.kind == "difference" else 1e-15 * abs(exact)
            assert abs(Fraction(drawn) - exact) <= reach


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Comparison("B"), "18,554.75"),
        (Comparison("B", "difference", 4_000), f"{MINUS}1,882.00"),
        (Comparison("B", "difference", 500), "21,960.875"),
        (Comparison("B", "difference", 1), "25,360.18775"),
        (Comparison("B", "ratio"), "3.72373"),
    ],
)
def test_values_have_the_decimals_that_their_steps_need(rule: Comparison, text: str) -> None:
    assert rule.text(NQ, ES, rule.decimals(TICK, TICK, ES)) == text


@given(st.integers(1, 10**12), st.integers(1, 2**60))
def test_a_tick_shows_in_a_ratio(tick: int, other: int) -> None:
    rule = Comparison("B", "ratio")
    decimals = rule.decimals(tick, tick, other)
    step = Fraction(tick, other)
    assert step >= Fraction(1, 10**decimals) or decimals == 9
    assert decimals == 0 or step < Fraction(1, 10 ** (decimals - 1))


def test_a_price_of_zero_has_no_ratio() -> None:
    assert Comparison("B", "ratio").value(5, 0, 2) is None
    assert Comparison("B", "ratio").text(5, 0, 2) == ""


@given(factors)
def test_a_factor_is_read_back_from_its_text(factor: int) -> None:
    assert factor_from_text(factor_text(factor)) == factor


@pytest.mark.parametrize("text", ["", "0", "es", "1.2345", "1001", "-4", "1e3", "4x", "\u0664", "0.0001", "."])
def test_anything_else_is_no_factor(text: str) -> None:
    assert factor_from_text(text) is None


def test_names() -> None:
    assert Comparison("ES.v.0").name("NQZ5", "ESZ5") == f"NQZ5 {MINUS} ESZ5"
    assert Comparison("ES.v.0", "difference", 2_500).name("NQZ5", "ESZ5") == f"NQZ5 {MINUS} 2.5 \u00d7 ESZ5"
    assert Comparison("ES.v.0", "ratio", 2_500).name("NQZ5", "ESZ5") == "NQZ5 / ESZ5"
    assert value_text(-2_070_000_000, 2) == f"{MINUS}2.07"
