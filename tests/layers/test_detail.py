from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.market.lod import BASES_NS, widths_ns
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.detail import MIN_SPACING_PX, lod_for

WIDTHS = widths_ns(SECOND_NS)


@given(ns_per_px=st.floats(1e5, 1e13), bucket_ns=st.sampled_from(BASES_NS))
def test_bubbles_are_far_enough_apart_and_no_coarser_than_necessary(ns_per_px: float, bucket_ns: int) -> None:
    widths, lod = widths_ns(bucket_ns), lod_for(ns_per_px, bucket_ns)
    if lod < len(widths) - 1:
        assert widths[lod] / ns_per_px >= MIN_SPACING_PX * (1 - 1e-9)
    if lod > 0:
        assert widths[lod - 1] / ns_per_px < MIN_SPACING_PX


@given(ns_per_px=st.floats(1e7, 1e12), wiggle=st.floats(0.95, 1.05))
def test_a_small_zoom_back_and_forth_does_not_change_the_level_twice(ns_per_px: float, wiggle: float) -> None:
    first = lod_for(ns_per_px, SECOND_NS)
    second = lod_for(ns_per_px * wiggle, SECOND_NS, current=first)
    assert lod_for(ns_per_px, SECOND_NS, current=second) == second


@given(ns_per_px=st.floats(1e5, 1e13), locked=st.integers(-3, 20))
def test_a_locked_level_is_kept_at_every_zoom(ns_per_px: float, locked: int) -> None:
    assert lod_for(ns_per_px, SECOND_NS, current=5, locked=locked) == min(max(locked, 0), len(WIDTHS) - 1)


@given(ns_per_px=st.floats(1e5, 1e13), current=st.integers(0, len(WIDTHS) - 1))
def test_a_level_in_force_never_leaves_bubbles_too_close(ns_per_px: float, current: int) -> None:
    lod = lod_for(ns_per_px, SECOND_NS, current=current)
    assert lod >= lod_for(ns_per_px, SECOND_NS)
