"""Fuzzy search finds what a user means by a few letters."""

import pytest

from flow_gl.ui.input.actions import ACTIONS
from flow_gl.ui.input.fuzzy import match


def best(query: str) -> str:
    """Return the title that matches a query best, as in the command palette: of equals, the shorter one."""
    hits = ((match(query, action.title), action.title) for action in ACTIONS)
    return max((hit.score, -len(title), title) for hit, title in hits if hit is not None)[2]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("pause", "Pause the chart, or the replay"),
        ("sshot", "Save a screenshot"),
        ("light", "Palette light"),
        ("colblind", "Palette colour-blind"),
        ("cvdcand", "CVD as candles"),
        ("candles cvd", "CVD as candles"),
        ("full", "Full screen"),
        ("span 1 h", "Span 1 h"),
        ("npoc", "Show Naked POCs"),
    ],
)
def test_a_few_letters_find_the_command(query: str, title: str) -> None:
    assert best(query) == title


def test_letters_must_come_in_their_order_and_the_places_are_theirs() -> None:
    found = match("pch", "Pause the chart")
    assert found is not None
    assert [("Pause the chart"[place]).lower() for place in found.places] == ["p", "c", "h"]
    assert found.places == (0, 10, 11)
    assert match("hcp", "Pause the chart") is None
    assert match("pausez", "Pause the chart") is None
    assert match("", "anything") == (0, ())
