import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.schema import PROFILE
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Style
from flow_gl.layers.discs import radius_of
from flow_gl.layers.labels.count_discs import count_text
from flow_gl.layers.labels.legend import legend_sizes
from flow_gl.layers.labels.words import bucket_text, contracts_text, length_text, price_text
from flow_gl.layers.profile_bars import merged_rows
from tests.kit.markets import TICK, make_seconds, profile_of


@settings(max_examples=40)
@given(seed=st.integers(0, 500), rows_per_bar=st.sampled_from([1, 2, 4, 16, 64]))
def test_merged_profile_rows_conserve_contracts_and_lie_on_fixed_multiples(seed: int, rows_per_bar: int) -> None:
    record = profile_of(make_seconds(120, seed=seed)[0])[0]
    numbers, bars = merged_rows(record, rows_per_bar)
    assert (np.diff(numbers) > 0).all()
    assert bars.sum() == record["total"]
    base, count = int(record["base"]) // TICK, int(record["count"])
    for column, side in enumerate(("buy", "sell", "unsided")):
        for number, bar in zip(numbers.tolist(), bars[:, column].tolist(), strict=True):
            inside = (base + record["row"][:count]) // rows_per_bar == number
            assert bar == record[side][:count][inside].sum()


def test_a_profile_below_zero_is_merged_on_the_same_grid() -> None:
    record = np.zeros(1, PROFILE)[0]
    record["count"], record["base"], record["tick_size"], record["ticks_per_row"] = 4, -5 * TICK, TICK, 1
    record["row"][:4], record["buy"][:4] = [0, 1, 2, 4_000_000], [1, 2, 4, 8]
    numbers, bars = merged_rows(record, 4)
    assert numbers.tolist() == [-2, -1, 999_998]
    assert bars[:, 0].tolist() == [1, 6, 8]


@pytest.mark.parametrize(
    ("volume", "text"),
    [
        (1, "1"),
        (41, "41"),
        (1250, "1,250"),
        (12_340, "12.3k"),
        (2_000_000, "2.0M"),
        (999_999_999, "1000.0M"),
        (2**32 - 1, "4.3B"),
        (717 * 10**12, "717.0T"),
    ],
)
def test_counts_stay_short(volume: int, text: str) -> None:
    assert count_text(volume) == text


@pytest.mark.parametrize(
    ("reference", "sizes"), [(43, [2, 10, 43]), (100, [5, 20, 100]), (1, [1]), (3000, [200, 500, 3000])]
)
def test_the_legend_shows_round_numbers_and_the_reference(reference: int, sizes: list[int]) -> None:
    assert legend_sizes(reference) == sizes


def test_area_grows_with_volume_up_to_the_reference() -> None:
    style = Style(radius_min_px=3.0, radius_max_px=40.0)
    assert radius_of(0, 100, style, 1.0) == 3.0
    assert radius_of(100, 100, style, 1.0) == radius_of(500, 100, style, 1.0) == 40.0
    assert radius_of(50, 100, style, 2.0) == pytest.approx(2 * ((9 + 1600) / 2) ** 0.5)


def test_texts_use_the_terms_of_the_trade() -> None:
    assert price_text(25_380_250_000_000, TICK) == "25,380.25"
    assert contracts_text(-1250) == "\u22121,250"
    assert length_text(42 * SECOND_NS) == "42 s"
    assert length_text(200 * SECOND_NS) == "3 min 20 s"
    assert length_text(646 * 60 * SECOND_NS) == "10 h 46 min"
    assert length_text(3600 * SECOND_NS) == "1 h"
    assert length_text(38_759 * SECOND_NS) == "10 h 46 min"
    assert length_text(51 * 3600 * SECOND_NS) == "2 d 3 h"
    assert bucket_text(SECOND_NS // 10) == "0.1 s"
    assert bucket_text(SECOND_NS << 12) == "4096 s"
