"""Under which name a chart's drawings are kept."""

import pytest

from flow_gl.core.drawings import drawing_key


@pytest.mark.parametrize(
    ("symbol", "requested", "key"),
    [
        ("NQZ5", "NQ.v.0", "NQ"),
        ("NQH6", "NQH6", "NQ"),
        ("", "NQ.c.1", "NQ"),
        ("MNQZ5", "MNQ.v.0", "MNQ"),
        ("NQZ5-NQH6", "NQ.v.0", "NQZ5-NQH6"),
        ("NQZ5 C25000", "NQZ5 C25000", "NQZ5 C25000"),
        ("", "4916", "4916"),
        ("", "", ""),
    ],
)
def test_contracts_of_one_root_share_their_drawings_and_spreads_and_options_do_not(symbol, requested, key):
    assert drawing_key(symbol, requested) == key
