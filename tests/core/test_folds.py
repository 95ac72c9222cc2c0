"""Folded time: the map is monotonic, invertible, and equal to plain time outside folds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.folds import NO_FOLDS, UNFOLDED, FoldedTime, Folds
from flow_gl.core.units import SECOND_NS

NOW = 1_764_340_200_000_000_000


@st.composite
def folded_times(draw: st.DrawFn) -> FoldedTime:
    at, starts, ends = NOW, [], []
    for open_ns, closed_ns in draw(st.lists(st.tuples(st.integers(0, 10**14), st.integers(1, 10**15)), max_size=6)):
        starts.append(at + open_ns)
        ends.append(starts[-1] + closed_ns)
        at = ends[-1]
    return FoldedTime(starts, ends, draw(st.integers(1, 10**13)))


times = st.integers(NOW - 10**13, NOW + 7 * 10**15)


@given(folded_times(), times, times)
def test_positions_never_decrease_with_time(folded: FoldedTime, a: int, b: int) -> None:
    assert folded.position(min(a, b)) <= folded.position(max(a, b))


@given(folded_times(), times)
def test_each_position_maps_to_the_earliest_time_at_it(folded: FoldedTime, position: int) -> None:
    t_ns = folded.time(position)
    assert folded.position(t_ns) == position
    assert folded.position(t_ns - 1) < position


@given(folded_times(), times)
def test_times_outside_folds_are_recovered_from_their_positions(folded: FoldedTime, t_ns: int) -> None:
    is_inside = any(start <= t_ns < end for start, end in zip(folded.starts, folded.ends, strict=True))
    if not is_inside:
        assert folded.time(folded.position(t_ns)) == t_ns


@given(folded_times(), times, times)
def test_the_axis_is_shorter_than_time_by_what_the_folds_between_remove(folded: FoldedTime, a: int, b: int) -> None:
    first, last = min(a, b), max(a, b)
    ends = zip(folded.starts, folded.ends, strict=True)
    inside = [(max(start, first), min(end, last), end - start) for start, end in ends]
    removed = sum((end - start) * (1 - folded.kept_ns / length) for start, end, length in inside if end > start)
    assert abs(folded.between(first, last) - (last - first - removed)) <= 2 + removed * 1e-9


@given(folded_times(), st.lists(times, min_size=1, max_size=20))
def test_an_array_of_times_gives_the_same_positions_as_single_times(folded: FoldedTime, some: list[int]) -> None:
    expected = np.array([folded.position(t_ns) for t_ns in some])
    assert np.abs(folded.positions(np.array(some)) - expected).max() <= 1 + folded.kept_ns // 10**12


@given(folded_times(), times, st.sampled_from([SECOND_NS, 60 * SECOND_NS, 4 * 3600 * SECOND_NS]))
def test_a_bubble_is_in_the_middle_of_its_bucket_and_never_inside_a_fold(
    folded: FoldedTime, t_ns: int, width_ns: int
) -> None:
    bubble_id = t_ns // width_ns
    middle, place = bubble_id * width_ns + width_ns // 2, folded.bubble_time(bubble_id, width_ns)
    around = [(a, b) for a, b in zip(folded.starts, folded.ends, strict=True) if a <= middle < b]
    assert place in around[0] if around else place == middle


def test_an_interval_shorter_than_a_band_keeps_its_length() -> None:
    folds = Folds([NOW], [NOW + 3600 * SECOND_NS], band_px=20)
    assert folds.at(1e9).between(NOW, NOW + 3600 * SECOND_NS) == 20 * SECOND_NS
    assert folds.at(3600e9) is UNFOLDED


def test_an_interval_that_overlaps_the_previous_one_is_left_out() -> None:
    folds = Folds([0, 5, 20], [10, 15, 30], band_px=1)
    assert (folds.starts, folds.ends) == ((0, 20), (10, 30))
    assert NO_FOLDS.at(1.0) is UNFOLDED
