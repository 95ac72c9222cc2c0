"""Bucket widths and what depends on them."""

from itertools import pairwise

import pytest

from flow_gl.core.market.lod import BASES_NS, REFERENCE_STEPS, reference_at, threshold_at, widths_ns
from flow_gl.core.schema import MAX_LODS
from flow_gl.core.units import SECOND_NS


def test_a_base_of_one_second_has_the_usual_widths() -> None:
    seconds = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 14_400)
    assert widths_ns(SECOND_NS) == tuple(second * SECOND_NS for second in seconds)


@pytest.mark.parametrize("base_ns", BASES_NS)
def test_each_width_divides_the_next_by_a_step_of_at_most_five_up_to_four_hours(base_ns: int) -> None:
    widths = widths_ns(base_ns)
    assert widths[0] == base_ns
    assert widths[-1] == 4 * 3600 * SECOND_NS
    assert all(wider % width == 0 and 2 <= wider // width <= 5 for width, wider in pairwise(widths))


def test_the_store_has_room_for_the_levels_of_every_base() -> None:
    assert max(len(widths_ns(base_ns)) for base_ns in BASES_NS) == MAX_LODS


def test_the_threshold_falls_with_the_fourth_root_of_the_width_beyond_a_second() -> None:
    percents = [
        round(100 * threshold_at(0.15, width * SECOND_NS // 10), 1) for width in (1, 10, 50, 600, 3_000, 36_000)
    ]
    assert percents == [15.0, 15.0, 10.0, 5.4, 3.6, 1.9]


def test_the_size_reference_grows_with_the_width_in_steps_of_the_legend() -> None:
    assert reference_at(50, SECOND_NS, SECOND_NS) == 50
    assert reference_at(50, SECOND_NS, 5 * SECOND_NS) == 300
    assert reference_at(7, SECOND_NS, 60 * SECOND_NS) == 500
    assert reference_at(70 * 10**8, SECOND_NS, 14_400 * SECOND_NS) == 70 * 10**8 * 14_400
    assert reference_at(61, SECOND_NS, SECOND_NS) == 61, "a reference of the user's own"
    assert all(reference_at(step, SECOND_NS, SECOND_NS) == step for step in REFERENCE_STEPS)
