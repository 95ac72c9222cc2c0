"""The average price is the exact quotient, rounded half to even, on every computation path."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from flow_gl.core.market.limits import MAX_PRICE, MAX_TICK
from flow_gl.engine.kernels.rollup import average_price_nb

TICKS = (1, 5_000_000, 10_000_000, 250_000_000, 1 << 28, (1 << 29) - 1, 1 << 29, 1_000_000_000)
MAX_VOLUME = 1 << 37


@st.composite
def bubbles(draw):
    """Draw a tick size, a number of contracts, and the sum of their tick numbers."""
    tick_size = draw(st.sampled_from(TICKS))
    most = min(MAX_TICK, MAX_PRICE // tick_size) - 1
    volume = draw(st.one_of(st.integers(1, 2000), st.integers(1, MAX_VOLUME)))
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
def test_the_average_is_the_exact_quotient_rounded_half_to_even(bubble):
    tick_size, volume, weighted = bubble
    low = weighted // volume * tick_size
    assert average_price_nb(wrapped(weighted), volume, tick_size, low) == round(Fraction(weighted * tick_size, volume))


def wrapped(total):
    """Wrap a sum to int64."""
    return (total + (1 << 63)) % (1 << 64) - (1 << 63)


@given(st.sampled_from(TICKS), st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, (1 << 32) - 1)), min_size=1))
def test_sizes_up_to_the_largest_give_the_exact_average(tick_size, trades):
    low_tick = min(MAX_TICK, MAX_PRICE // tick_size) - (1 << 21)
    volume = sum(size for _, size in trades)
    weighted = sum((low_tick + above) * size for above, size in trades)
    low = (low_tick + min(above for above, _ in trades)) * tick_size
    exact = round(Fraction(weighted * tick_size, volume))
    assert average_price_nb(wrapped(weighted), volume, tick_size, low) == exact
