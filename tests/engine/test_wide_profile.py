"""Levels of a profile with prices far apart: those of all its rows, at the cost of the traded ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.settings import AggregationSettings
from flow_gl.engine import wide_profile
from flow_gl.engine.kernels.profile import levels_of, moments_nb, traded_rows_nb, vwap_of
from flow_gl.engine.wide_profile import levels_of_rows

_runs = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 6), st.integers(0, 60), st.integers(200, 3000)),
        st.lists(st.one_of(st.just(0), st.integers(0, 40)), min_size=1, max_size=12),
    ),
    max_size=6,
)


def dense_of(runs) -> np.ndarray:
    """Return volume by row: each run after its number of empty rows."""
    values = [3]
    for empty, volumes in runs:
        values += [0] * empty + volumes
    return np.array([*values, 2], np.int64)


def numbers_of(levels) -> tuple[object, ...]:
    return levels.poc, levels.low, levels.high, levels.held, levels.lvn.tolist(), levels.hvn.tolist()


@settings(max_examples=300, deadline=None)
@given(
    _runs.map(dense_of),
    st.sampled_from([1, 3, 5, 21, 99]),
    st.sampled_from([1, 2]),
    st.sampled_from([(0.25, 0.4), (0.05, 1.0), (0.001, 0.9)]),
    st.sampled_from([3, 64]),
)
def test_the_levels_are_those_of_all_rows(totals, smooth, step, nodes, most):
    prominence, volume = nodes
    rule = AggregationSettings(lvn_smooth=smooth, value_area_step=step, lvn_prominence=prominence, lvn_volume=volume)
    rows = np.flatnonzero(totals)
    expected = levels_of(totals, rule, most_nodes=most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wide_profile, "WIDE_ROWS", 0)
        found = levels_of_rows(rows + 1000, totals[rows], rule, most_nodes=most)
    assert numbers_of(found) == numbers_of(expected)


def test_a_price_a_million_rows_away_is_not_laid_out(monkeypatch):
    laid_out = []
    smoothed = wide_profile.smoothed_nb
    monkeypatch.setattr(
        wide_profile, "smoothed_nb", lambda totals, width: laid_out.append(len(totals)) or smoothed(totals, width)
    )
    monkeypatch.setattr(wide_profile, "levels_of", lambda *_, **__: pytest.fail("a range was laid out row by row"))
    rows = np.array([*range(400), 1_000_000], np.int64)
    totals = np.abs(200 - np.arange(401)) + 1
    found = levels_of_rows(rows, totals, AggregationSettings(), most_nodes=64)
    assert found.poc == 0
    assert laid_out == [400 + 2 * (2 + 4) + 1]


def test_the_moments_of_traded_rows_are_those_of_all_rows():
    totals = dense_of([(3, [5, 0, 7]), (2000, [1])])
    rows, middle = np.flatnonzero(totals), len(totals) // 2
    assert moments_nb(rows, totals[rows], middle) == moments_nb(np.arange(len(totals)), totals, middle)
    by_price = np.repeat((70 + rows) * 0.25, totals[rows])
    mean, deviation = vwap_of(rows, totals[rows], row0=70, tick_size=250_000_000)
    assert mean == pytest.approx(by_price.mean())
    assert deviation == pytest.approx(by_price.std())


def test_rows_with_any_side_are_traded():
    profile = np.zeros((6, 4), np.int64)
    profile[1, 0], profile[3, 1], profile[4, 2], profile[5, 3] = 1, 2, 3, 4
    assert traded_rows_nb(profile.reshape(-1)).tolist() == [1, 3, 4]
    assert traded_rows_nb(np.zeros(0, np.int64)).tolist() == []
