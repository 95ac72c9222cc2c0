"""The average price is the exact quotient, rounded half to even, whichever way it is worked out."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from flow_gl.engine.fold import average_price_nb
from flow_gl.engine.layout import MAX_TICK

TICKS = (1, 5_000_000, 10_000_000, 250_000_000, 1 << 28, (1 << 29) - 1, 1 << 29, 1_000_000_000)
MOST_PRICE = 1 << 56
MOST_VOLUME = 1 << 37


@st.composite
def bubbles(draw):
    """A tick size, the contracts, and the sum of their tick numbers."""
    tick_size = draw(st.sampled_from(TICKS))
    most = min(MAX_TICK, MOST_PRICE // tick_size) - 1
    volume = draw(st.one_of(st.integers(1, 2000), st.integers(1, MOST_VOLUME)))
    average = draw(st.integers(-most, most))
    return tick_size, volume, average * volume + draw(st.integers(0, volume - 1))


@given(bubbles())
@example((250_000_000, 1, 100_000))
@example((250_000_000, 7, 700_000))
@example((250_000_000, 2, 200_001))
@example((1, 2, 3))
@example((1, 2, 5))
@example((5_000_000, 2, -3))
@example(((1 << 29) - 1, 3, (1 << 33) - 1))
@example((250_000_000, 1 << 36, ((1 << 36) * 99_999) + 1))
def test_it_is_the_exact_quotient_rounded_half_to_even(bubble):
    tick_size, volume, weighted = bubble
    assert average_price_nb(weighted, volume, tick_size) == round(Fraction(weighted * tick_size, volume))
