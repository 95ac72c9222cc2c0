"""POC and value area from traded prices alone agree with the definition's table and with the engine's kernels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.market.value_area import point_of_control, value_area
from flow_gl.engine.kernels.profile import point_of_control_nb, value_area_nb

WORKED = (
    ("1 4 10 4 1", 2, (2, 3, 14), (2, 4, 15)),
    ("5 20 30 60 100 55 40 10 5 3", 4, (3, 6, 255), (2, 6, 285)),
    ("10 0 0 0 50 100 60 0 0 40", 5, (4, 6, 210), (4, 6, 210)),
    ("30 34 70 150 90 80 50 50", 3, (2, 5, 390), (1, 5, 424)),
    ("5 40 80 40 5 3 5 40 90 40 5", 8, (2, 10, 308), (2, 10, 308)),
    ("1 2 3 10", 3, (2, 3, 13), (1, 3, 15)),
    ("10 0 0 0 0 10 0 0 0 0 0 5", 5, (0, 5, 20), (0, 5, 20)),
    ("7", 0, (0, 0, 7), (0, 0, 7)),
)


def found(dense, step, parts=700_000):
    dense = np.array(dense, np.int64)
    rows = np.flatnonzero(dense)
    totals = dense[rows]
    poc = point_of_control(rows, totals)
    low, high, held = value_area(rows.tolist(), totals.tolist(), poc, step=step, parts=parts)
    return int(rows[poc]), (int(rows[low]), int(rows[high]), held)


@pytest.mark.parametrize(("volumes", "poc", "one", "two"), WORKED)
def test_the_worked_examples_of_the_definition(volumes, poc, one, two):
    dense = [int(word) for word in volumes.split()]
    assert found(dense, 1) == (poc, one)
    assert found(dense, 2) == (poc, two)


_volume = st.one_of(st.just(0), st.just(0), st.integers(0, 5), st.integers(0, 300))


@given(
    st.lists(_volume, max_size=40).map(lambda inner: [1, *inner, 2]),
    st.sampled_from([1, 2]),
    st.sampled_from([1, 333_333, 700_000, 1_000_000]),
)
def test_the_same_as_the_kernels(dense, step, parts):
    totals = np.array(dense, np.int64)
    poc = int(point_of_control_nb(totals))
    assert found(dense, step, parts) == (poc, tuple(map(int, value_area_nb(totals, poc, step, parts))))


def test_a_price_far_away_takes_no_time():
    low, high, held = value_area([0, 1, 2, 2**40], [5, 9, 5, 3], 1, step=2, parts=1_000_000)
    assert (low, high, held) == (0, 3, 22)
