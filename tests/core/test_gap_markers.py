import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.market.gap_markers import GapMarker, parse_marker

times = st.integers(0, 2**63 - 1)


@given(ends=st.tuples(times, times), lost=st.integers(0, 10**18 - 1), is_recorders=st.booleans())
def test_a_marker_reads_back_as_it_was_written(ends: tuple[int, int], lost: int, is_recorders: bool) -> None:
    marker = GapMarker(min(ends), max(ends), lost, is_recorders)
    assert parse_marker(marker.text()) == marker
    assert len(marker.text()) < 300  # the size of a SystemMsg's text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Heartbeat",
        "flow_gl: lost by the feed: 1 trades, ts_event 2 to 1",
        "flow_gl: lost by the feed: 1 trades, ts_event 1 to 9999999999999999999",
        "flow_gl: lost by the feed: -1 trades, ts_event 1 to 2",
        "flow_gl: lost by the feed: 1 trades, ts_event 1 to 2 or so",
    ],
)
def test_any_other_text_is_not_a_marker(text: str) -> None:
    assert parse_marker(text) is None
