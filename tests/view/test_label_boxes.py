"""At every size, with one to nine charts and in every state, no text overlaps another and none is cut."""

from dataclasses import dataclass
from itertools import combinations, product

import pytest

from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.gl.view import Rect
from tests.view.label_matrix import (
    ALL_STATES,
    COUNTS,
    SYMBOLS,
    TEXT_SIZES,
    WINDOWS,
    State,
    partial,
    problems,
    problems_of_cases,
    sample,
    screen_of,
)

WHITE = (1.0, 1.0, 1.0)


@pytest.mark.parametrize("state", ALL_STATES, ids=lambda state: state.__name__)
def test_no_text_overlaps_another_and_none_is_cut(state: State) -> None:
    assert problems_of_cases([case for case in sample() if case.state is state]) == []


def test_the_sample_has_every_pair_of_two_values() -> None:
    values = (ALL_STATES, WINDOWS, TEXT_SIZES, COUNTS)
    cases = list(sample())
    for one, other in combinations(range(len(values)), 2):
        found = {(case[one], case[other]) for case in cases}
        assert found == set(product(values[one], values[other]))


@pytest.mark.parametrize("count", range(1, 10))
def test_tables_with_a_column_for_each_chart_show_all_of_it(count: int) -> None:
    with screen_of(count, bubbles=20) as screen:
        for window, text_size in ((WINDOWS[1], 1.0), (WINDOWS[2], 1.0), (WINDOWS[2], 1.5), (WINDOWS[3], 1.0)):
            screen.fit(window, text_size)
            for panel in ("session", "feed"):
                screen.state.open_panels = {panel}
                boxes = [box for box in screen.texts() if box.window]
                assert problems(boxes, window[:2]) == []
                slot = screen.frame.panels.slot_of(panel)
                assert slot is not None
                assert all(slot.rect.x <= box.rect.x and box.rect.right <= slot.rect.right for box in boxes)
                # Instruments for which there is no room side by side follow below, beyond the window's end at worst.
                shown = [name for name in SYMBOLS[:count] if any(box.text == name for box in boxes)]
                assert shown == list(SYMBOLS[: len(shown)])
                assert len(shown) >= 2 or count == 1


@pytest.mark.parametrize(("count", "is_noted"), [(1, True), (9, False)])
def test_a_partial_session_is_noted_over_the_chart_only_where_the_chart_is_high(count: int, is_noted: bool) -> None:
    with screen_of(count) as screen:
        partial(screen)
        texts = [box.text for box in screen.texts()]
        assert sum("data from" in text or text == "partial" for text in texts) >= count, "each header says so"
        assert any(text.startswith(("partial session", "* data")) for text in texts) is is_noted


@dataclass(frozen=True, slots=True)
class Case:
    """Return whether two texts are reported as overlapping."""

    x: float
    is_met: bool


@pytest.mark.parametrize("case", [Case(0.0, True), Case(38.0, True), Case(41.0, False)])
def test_overlapping_texts_are_detected(case: Case) -> None:
    boxes = [
        LabelBox("a", Rect(0.0, 0.0, 40.0, 10.0), WHITE),
        LabelBox("b", Rect(case.x, 4.0, 40.0, 10.0), WHITE),
    ]
    assert bool(overlaps(boxes)) is case.is_met


def test_a_text_that_extends_beyond_its_pane_is_reported_as_cut() -> None:
    pane = Rect(0.0, 0.0, 100.0, 50.0)
    assert LabelBox("a", Rect(80.0, 10.0, 30.0, 10.0), WHITE, within=pane).is_cut
    assert not LabelBox("a", Rect(60.0, 10.0, 30.0, 10.0), WHITE, within=pane).is_cut
