"""POC, value area and nodes against the definition's own table, a literal twin, and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.kernels.profile import (
    levels_of,
    nodes_of,
    point_of_control_nb,
    smoothed_nb,
    value_area_nb,
)
from tests.engine.twin import point_of_control, value_area

TABLE = [
    ("1 4 10 4 1", 2, (2, 3, 14), (2, 4, 15)),
    ("5 20 30 60 100 55 40 10 5 3", 4, (3, 6, 255), (2, 6, 285)),
    ("10 0 0 0 50 100 60 0 0 40", 5, (4, 6, 210), (4, 6, 210)),
    ("30 34 70 150 90 80 50 50", 3, (2, 5, 390), (1, 5, 424)),
    ("5 40 80 40 5 3 5 40 90 40 5", 8, (2, 10, 308), (2, 10, 308)),
    ("1 2 3 10", 3, (2, 3, 13), (1, 3, 15)),
    ("10 0 0 0 0 10 0 0 0 0 0 5", 5, (0, 5, 20), (0, 5, 20)),
    ("7", 0, (0, 0, 7), (0, 0, 7)),
]

volumes = st.lists(st.one_of(st.just(0), st.integers(0, 40)), min_size=1, max_size=60).map(
    lambda inner: np.array([1, *inner, 2], np.int64)
)


@pytest.mark.parametrize(("text", "poc", "single", "double"), TABLE)
def test_every_row_of_the_table_in_the_definitions_is_reproduced(text, poc, single, double):
    totals = np.array(text.split(), np.int64)
    assert point_of_control_nb(totals) == poc == point_of_control(totals.tolist())
    for step, expected in ((1, single), (2, double)):
        assert value_area_nb(totals, poc, step, 700_000) == expected
        assert value_area(totals.tolist(), poc, step, 0.70) == expected


@settings(max_examples=150)
@given(volumes, st.sampled_from([1, 2]), st.sampled_from([0.5, 0.68, 0.7, 0.99]))
def test_the_value_area_equals_the_twins_on_any_profile(totals, step, share):
    poc = point_of_control(totals.tolist())
    assert point_of_control_nb(totals) == poc
    levels = levels_of(totals, AggregationSettings(value_area=share, value_area_step=step), most_nodes=64)
    assert (levels.low, levels.high, levels.held) == value_area(totals.tolist(), poc, step, share)
    assert totals[levels.low] > 0 < totals[levels.high]


@settings(max_examples=150)
@given(volumes, st.sampled_from([1, 3, 5, 9]))
def test_smoothing_is_a_centred_sum_with_zeros_beyond_the_range(totals, width):
    padded = np.pad(totals, width // 2)
    assert smoothed_nb(totals, width).tolist() == np.convolve(padded, np.ones(width, int), "valid").tolist()


@settings(max_examples=300)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.sampled_from([0.5, 1, 2, 3.5]))
def test_nodes_are_scipys_peaks_with_the_required_prominence(values, least):
    curve = np.array(values, np.int64)
    expected, _ = find_peaks(curve, prominence=least)
    assert nodes_of(curve, float(least), 64).tolist() == expected.tolist()
    expected, _ = find_peaks(-curve, prominence=least)
    assert nodes_of(-curve, float(least), 64).tolist() == expected.tolist()


@settings(max_examples=200)
@given(volumes, st.sampled_from([0.25, 0.1]), st.sampled_from([0.4, 0.7, 1.0]))
def test_low_volume_nodes_are_prominent_and_low_and_high_ones_prominent_and_high(totals, prominence, share):
    profile = AggregationSettings(lvn_prominence=prominence, lvn_volume=share)
    levels = levels_of(totals, profile, most_nodes=10_000)
    curve = smoothed_nb(totals, 5)
    least, limit = prominence * curve.max(), share * curve.max()
    expected, _ = find_peaks(-curve, prominence=least, height=-limit)
    assert levels.lvn.tolist() == expected.tolist()
    expected, _ = find_peaks(curve, prominence=least, height=limit)
    assert levels.hvn.tolist() == expected.tolist()


def test_a_dip_beside_the_point_of_control_is_not_a_low_volume_node():
    totals = np.array([10] * 3 + [100] * 5 + [60] * 6 + [95] * 5 + [10] * 3, np.int64)
    assert levels_of(totals, AggregationSettings(), most_nodes=9).lvn.tolist() == []
    assert levels_of(totals, AggregationSettings(lvn_volume=0.7), most_nodes=9).lvn.tolist() == [10]


def test_with_too_many_nodes_the_most_prominent_are_kept_in_order_of_price():
    curve = np.zeros(41, np.int64)
    curve[1::2] = np.arange(20) + 1
    assert nodes_of(curve, 0.5, 3).tolist() == [35, 37, 39]
    curve[1::2] = 5
    assert nodes_of(curve, 0.5, 3).tolist() == [1, 3, 5]
