from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.gl.view import Rect
from flow_gl.layers.labels.count_boxes import NO_RINGS, Discs, Kind, Place, Rings
from flow_gl.layers.labels.count_places import ALWAYS_SHARE, RING_PX, NumberPlaces
from tests.layers.number_oracle import box_of, choose, crosses_ring, overlap, touches

PANE = Rect(0.0, 40.0, 900.0, 500.0)
LABELS = [Rect(0.0, 200.0, 120.0, 20.0), Rect(700.0, 300.0, 90.0, 18.0)]


def make_discs(seed: int, count: int, *, spacing: float = 8.0, largest: float = 40.0, first: int = 0) -> Discs:
    """Make discs along a random walk, oldest first."""
    random = np.random.default_rng(seed)
    radius = np.minimum(3.0 + largest * random.pareto(1.8, count) / 6.0, largest)
    volume = np.maximum(1, radius * radius * 0.7).astype(np.int64)
    digits = np.array([len(str(one)) for one in volume.tolist()])
    return Discs(
        ids=first + np.arange(count, dtype=np.int64),
        volume=volume,
        x=np.cumsum(random.uniform(0.3, 2 * spacing, count)),
        y=290.0 + np.cumsum(random.normal(0.0, 5.0, count)),
        radius=radius,
        half_width=3.1 * digits,
        half_height=np.full(count, 4.0),
    )


def moved(discs: Discs, dx: float = 0.0, dy: float = 0.0, stretch: float = 1.0) -> Discs:
    return discs._replace(x=discs.x + dx, y=290.0 + (discs.y - 290.0) * stretch + dy)


def newest(discs: Discs, begin: int, end: int) -> Discs:
    return Discs(*(column[begin:end] for column in discs))


def assert_nothing_overlaps(discs: Discs, places: dict[int, Place]) -> None:
    at_of = {one: at for at, one in enumerate(discs.ids.tolist())}
    boxes = [(one, box_of(discs, at_of[one], place)) for one, place in places.items()]
    for (a, its_box), (b, other) in combinations(boxes, 2):
        assert not overlap(its_box, other), f"the numbers of {a} and {b} overlap"
    for one, place in places.items():
        at = at_of[one]
        if place.kind <= Kind.INSIDE:
            left, top, right, bottom = box_of(discs, at, place)
            corners = np.hypot([left, right] - discs.x[at], [top, bottom] - discs.y[at])
            assert (corners < discs.radius[at]).all()
            assert not any(touches(discs, newer, (left, top, right, bottom)) for newer in range(at + 1, len(discs.x)))


def always_numbered(discs: Discs) -> set[int]:
    """Return the bucket ids of the largest twentieth of the discs in the pane."""
    inside = [at for at in range(len(discs.x)) if PANE.contains(float(discs.x[at]), float(discs.y[at]))]
    largest = sorted(inside, key=lambda at: (-int(discs.volume[at]), at))
    return {int(discs.ids[at]) for at in largest[: -(-len(inside) // ALWAYS_SHARE)]}


def make_rings(discs: Discs, seed: int, count: int) -> Rings:
    """Make rings of large trades: each near a disc, a little smaller or larger."""
    random = np.random.default_rng(seed)
    at = random.integers(0, len(discs.x), count)
    off = random.normal(0.0, 4.0, (2, count))
    return Rings(discs.x[at] + off[0], discs.y[at] + off[1], discs.radius[at] * random.uniform(0.3, 1.2, count) + 4.0)


def update(
    numbers: NumberPlaces,
    discs: Discs,
    pane: Rect,
    *,
    taken: Sequence[Rect],
    scale: float,
    view: object,
    rings: Rings = NO_RINGS,
) -> None:
    """Run all steps of a choice."""
    for _ in numbers.steps(discs, pane, taken=taken, scale=scale, view=view, rings=rings):
        pass


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 160),
    spacing=st.sampled_from([0.6, 3.0, 8.0, 25.0]),
    ring_count=st.integers(0, 12),
)
def test_a_first_choice_equals_the_rule_applied_disc_by_disc(
    seed: int, count: int, spacing: float, ring_count: int
) -> None:
    discs = make_discs(seed, count, spacing=spacing)
    rings, numbers = make_rings(discs, seed, ring_count), NumberPlaces()
    update(numbers, discs, PANE, taken=LABELS, scale=1.0, view=0, rings=rings)
    expected = choose(discs, PANE, taken=LABELS, scale=1.0, rings=list(zip(*rings, strict=True)))
    assert {one: place.kind for one, place in numbers.places.items()} == {
        one: place.kind for one, place in expected.items()
    }
    for one, place in numbers.places.items():
        assert place == pytest.approx(expected[one], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), spacing=st.sampled_from([0.6, 3.0, 8.0]), view=st.lists(st.booleans(), min_size=6))
def test_numbers_never_overlap_and_the_largest_always_have_theirs(seed: int, spacing: float, view: list[bool]) -> None:
    discs = make_discs(seed, 260, spacing=spacing)
    numbers = NumberPlaces()
    key = 0
    for step, is_new_view in enumerate(view):
        key += is_new_view
        shown = newest(moved(discs, dx=-3.3 * step, stretch=1.0 + 0.01 * key), 4 * step, 200 + 5 * step)
        update(numbers, shown, PANE, taken=LABELS, scale=1.0, view=key)
        assert_nothing_overlaps(shown, numbers.places)
        assert always_numbered(shown) <= numbers.places.keys()


@pytest.mark.parametrize("spacing", [0.6, 3.0, 8.0, 25.0])
def test_moving_by_fractions_of_a_pixel_changes_no_number(spacing: float) -> None:
    for seed in range(12):
        discs = make_discs(seed, 150, spacing=spacing)
        numbers = NumberPlaces()
        update(numbers, discs, PANE, taken=[], scale=1.0, view=0)
        first = dict(numbers.places)
        edges = np.abs(discs.x - PANE.x).min(), np.abs(discs.x - PANE.right).min()
        for dx in np.linspace(0.0, min(0.9, *edges), 8, endpoint=False):
            update(numbers, moved(discs, dx=-dx), PANE, taken=[], scale=1.0, view=0)
            assert numbers.places == first


@pytest.mark.parametrize("spacing", [0.6, 3.0, 8.0])
def test_a_number_does_not_flicker_when_the_axis_jitters(spacing: float) -> None:
    for seed in range(12):
        discs = make_discs(seed, 150, spacing=spacing)
        numbers = NumberPlaces()
        for step in range(4):
            update(numbers, moved(discs, stretch=1.0 + 0.002 * (step % 2)), PANE, taken=[], scale=1.0, view=step)
        settled = dict(numbers.places)
        for step in range(4, 10):
            update(numbers, moved(discs, stretch=1.0 + 0.002 * (step % 2)), PANE, taken=[], scale=1.0, view=step)
            assert numbers.places == settled


def test_a_new_choice_of_the_same_discs_is_the_same() -> None:
    for seed in range(20):
        discs = make_discs(seed, 200, spacing=4.0)
        numbers = NumberPlaces()
        update(numbers, discs, PANE, taken=LABELS, scale=1.0, view=0)
        first = dict(numbers.places)
        for view in (0, 0, 1, 2):
            update(numbers, discs, PANE, taken=LABELS, scale=1.0, view=view)
            assert numbers.places == first


def test_numbers_beside_a_disc_are_inside_the_pane_and_avoid_other_labels() -> None:
    beside = 0
    for seed in range(20):
        discs = make_discs(seed, 140, spacing=5.0)
        numbers = NumberPlaces()
        update(numbers, discs, PANE, taken=LABELS, scale=1.0, view=0)
        for one, place in numbers.places.items():
            if place.kind < Kind.BESIDE:
                continue
            beside += 1
            box = box_of(discs, one, place)
            assert box[0] >= PANE.x
            assert box[1] >= PANE.y
            assert box[2] <= PANE.right
            assert box[3] <= PANE.bottom
            assert not any(overlap(box, (label.x, label.y, label.right, label.bottom)) for label in LABELS)
    assert beside > 100


@pytest.mark.parametrize("spacing", [0.6, 3.0, 8.0, 25.0])
def test_no_ring_crosses_a_number_however_the_chart_moves(spacing: float) -> None:
    crossed = total = 0
    for seed in range(12):
        discs = make_discs(seed, 200, spacing=spacing)
        numbers, before = NumberPlaces(), NumberPlaces()
        for step in range(6):
            shown = moved(discs, dx=-3.3 * step, stretch=1.0 + 0.01 * (step // 2))
            rings = make_rings(shown, seed, 1 + step)
            update(numbers, shown, PANE, taken=LABELS, scale=1.0, view=step, rings=rings)
            update(before, shown, PANE, taken=LABELS, scale=1.0, view=step)
            for one, place in numbers.places.items():
                for ring in zip(*rings, strict=True):
                    assert not crosses_ring(box_of(shown, one, place), ring, RING_PX - 1e-9)
            crossed += sum(
                crosses_ring(box_of(shown, one, place), ring, RING_PX)
                for one, place in before.places.items()
                for ring in zip(*rings, strict=True)
            )
            total += len(numbers.places.keys() & always_numbered(shown))
            assert len(always_numbered(shown) - numbers.places.keys()) <= 1, "beside the ring there is room"
    assert crossed > 20, "without the rule they would be crossed"
    assert total > 100


def test_no_discs_have_no_numbers() -> None:
    numbers = NumberPlaces()
    update(numbers, make_discs(1, 20), PANE, taken=[], scale=1.0, view=0)
    assert numbers.places
    update(numbers, newest(make_discs(1, 20), 0, 0), PANE, taken=[], scale=1.0, view=0)
    assert not numbers.places
