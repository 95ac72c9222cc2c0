"""Where marks crowd, the strongest stay, wherever the view is; zooming out never shows a weaker one again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.units import SECOND_NS
from flow_gl.layers.marks.thinning import CELL_PX, cell_ns, strongest

events = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 9)), max_size=60).map(sorted)
cells = st.sampled_from([2**n for n in range(13)])


def shown(drawn: list[tuple[int, int]], cell: int, most: int) -> set[int]:
    times = np.array([t for t, _ in drawn], np.int64)
    strengths = np.array([s for _, s in drawn], np.float64)
    return set(strongest(times, strengths, cell, most).tolist())


@given(events, cells, st.integers(1, 3))
def test_a_cell_shows_its_strongest_events(drawn: list[tuple[int, int]], cell: int, most: int) -> None:
    expected = set()
    for number in {t // cell for t, _ in drawn}:
        inside = [at for at, (t, _) in enumerate(drawn) if t // cell == number]
        expected |= set(sorted(inside, key=lambda at: (-drawn[at][1], at))[:most])
    assert shown(drawn, cell, most) == expected


@given(events, cells, st.integers(1, 3))
def test_zooming_out_only_hides_events(drawn: list[tuple[int, int]], cell: int, most: int) -> None:
    assert shown(drawn, 2 * cell, most) <= shown(drawn, cell, most)


@given(st.floats(1e6, 3.6e12), st.floats(1.0, 3.0))
def test_a_cell_is_wide_enough_for_a_mark_and_cells_nest(ns_per_px: float, scale: float) -> None:
    cell = cell_ns(ns_per_px, scale)
    assert cell / ns_per_px >= CELL_PX * scale or cell == SECOND_NS
    assert (cell // SECOND_NS).bit_count() == 1
    assert cell <= max(SECOND_NS, 2 * CELL_PX * scale * ns_per_px)
