"""Charts are added, closed and changed without touching the others."""

import pytest

from flow_gl.core.comparison import Comparison
from flow_gl.core.schema import FeedState
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.needed_symbols import NeededSymbols, needed
from flow_gl.ui.state.view_state import ViewState
from tests.kit.local_link import LocalLink


@pytest.fixture
def link() -> LocalLink:
    found = LocalLink("NQZ5", "ESZ5", bubbles=2)
    for market in found.markets:
        market.refresh()
    return found


@pytest.fixture
def state(link: LocalLink) -> ViewState:
    found = ViewState()
    chart_list.resolve(found, link.markets)
    return found


def link_rules(*rules: Rule) -> RuleBook:
    return RuleBook(rules)


def shown(state: ViewState, link: LocalLink) -> list[str]:
    link.engine.refresh()
    for market in link.markets:
        market.refresh()
    return [market.requested for market in chart_list.resolve(state, link.markets)]


def test_each_market_has_a_chart_until_the_user_chooses(state: ViewState, link: LocalLink) -> None:
    assert shown(state, link) == ["NQ.v.0", "ES.v.0"]
    link.bring("YMZ5")
    assert shown(state, link) == ["NQ.v.0", "ES.v.0", "YM.v.0"]
    assert len(state.charts) == 3


def test_a_market_has_several_charts_or_none(state: ViewState, link: LocalLink) -> None:
    first, second = state.charts
    assert chart_list.add(state, link.markets, "NQ.v.0") == ""
    assert shown(state, link) == ["NQ.v.0", "ES.v.0", "NQ.v.0"]
    assert [state.charts[0], state.charts[1]] == [first, second]
    assert state.charts[0] is first
    assert chart_list.close(state, chart_list.resolve(state, link.markets), 1) == ""
    assert shown(state, link) == ["NQ.v.0", "NQ.v.0"]
    assert state.charts[0] is first


def test_a_closed_chart_leaves_the_others_their_state(state: ViewState, link: LocalLink) -> None:
    second = state.charts[1]
    second.price.set(5.0, 1.0)
    assert chart_list.close(state, link.markets, 0) == ""
    assert shown(state, link) == ["ES.v.0"]
    assert state.charts == [second]
    assert state.charts[0] is second
    assert "only chart" in chart_list.close(state, chart_list.resolve(state, link.markets), 0)


def test_a_changed_chart_begins_afresh_and_the_others_stay(state: ViewState, link: LocalLink) -> None:
    first, second = state.charts
    first.cleared_before_ns = 7
    chart_list.change(state, link.markets, 0, "ES.v.0")
    assert shown(state, link) == ["ES.v.0", "ES.v.0"]
    assert state.charts[0].cleared_before_ns == 0
    assert state.charts[0] is not first
    assert state.charts[1] is second


def test_a_symbol_that_is_not_there_yet_waits_and_changes_nothing(state: ViewState, link: LocalLink) -> None:
    chart_list.close(state, link.markets, 1)
    assert shown(state, link) == ["NQ.v.0"]
    chart_list.add(state, chart_list.resolve(state, link.markets), "YM.v.0")
    assert shown(state, link) == ["NQ.v.0"]
    link.bring("YMZ5")
    assert shown(state, link) == ["NQ.v.0", "YM.v.0"]


def test_a_chart_is_added_to_those_that_are_seen_not_to_those_of_a_workspace(state: ViewState, link: LocalLink) -> None:
    chart_list.show(state, ["NQ.v.0", "YM.v.0"])
    assert shown(state, link) == ["NQ.v.0", "ES.v.0"]
    chart_list.add(state, link.markets, "YM.v.0")
    chart_list.add(state, link.markets, "NQ.v.0")
    link.bring("YMZ5")
    assert shown(state, link) == ["NQ.v.0", "ES.v.0", "YM.v.0", "NQ.v.0"]


def test_at_most_nine_charts(state: ViewState, link: LocalLink) -> None:
    for _ in range(7):
        assert chart_list.add(state, chart_list.resolve(state, link.markets), "NQ.v.0") == ""
    assert len(shown(state, link)) == 9
    assert chart_list.add(state, chart_list.resolve(state, link.markets), "NQ.v.0") == chart_list.FULL


def test_charts_of_a_market_that_the_feed_has_lost_return_with_it(state: ViewState, link: LocalLink) -> None:
    chart_list.show(state, ["ES.v.0", "ES.v.0", "NQ.v.0"])
    assert shown(state, link) == ["ES.v.0", "ES.v.0", "NQ.v.0"]
    lost = link.markets.pop()
    assert shown(state, link) == ["NQ.v.0"]
    link.markets.append(lost)
    assert shown(state, link) == ["ES.v.0", "ES.v.0", "NQ.v.0"]


def test_a_start_with_another_feed_shows_all_of_it() -> None:
    link = LocalLink("NQZ5", "ESZ5", bubbles=2)
    state = ViewState()
    chart_list.show(state, ["NQ.v.0"])
    state.left_feed = frozenset({"NQ.v.0"})
    assert shown(state, link) == ["NQ.v.0", "ES.v.0"]
    chart_list.show(state, ["NQ.v.0"])
    state.left_feed = frozenset({"NQ.v.0", "ES.v.0"})
    assert shown(state, link) == ["NQ.v.0"], "with the same feed a closed chart stays closed"


def test_a_start_with_the_same_feed_asks_again_for_the_symbols_that_were_added() -> None:
    link = LocalLink("NQZ5", bubbles=2)
    link.offered = ("NQ.v.0", "ES.v.0")
    state = ViewState()
    chart_list.show(state, ["ES.v.0"])
    state.left_feed = frozenset({"NQ.v.0"})
    assert shown(state, link) == ["NQ.v.0"]
    assert chart_list.request_missing(state, link.markets, link) == []
    assert link.asked == ["ES.v.0"]
    link.bring("ESZ5")
    assert shown(state, link) == ["ES.v.0"]
    assert state.first_feed == {"NQ.v.0"}, "what is added is not part of the feed that the next start is compared with"


@pytest.mark.parametrize("last", [{"NQ.v.0", "ES.v.0"}, {"YM.v.0"}])
def test_a_start_with_other_symbols_asks_for_none_of_the_last_run(last: set[str]) -> None:
    link = LocalLink("NQZ5", bubbles=2)
    link.offered = ("NQ.v.0", "ES.v.0")
    state = ViewState()
    chart_list.show(state, ["NQ.v.0", "ES.v.0"])
    state.left_feed = frozenset(last)
    for _ in range(2):
        assert shown(state, link) == ["NQ.v.0"]
        assert chart_list.request_missing(state, link.markets, link) == []
    assert link.asked == []


def test_the_chart_alone_stays_the_same_chart(state: ViewState, link: LocalLink) -> None:
    state.selected = 2
    chart_list.close(state, link.markets, 0)
    shown(state, link)
    assert state.selected == 1
    chart_list.add(state, chart_list.resolve(state, link.markets), "NQ.v.0")
    shown(state, link)
    assert state.selected == 2, "a new chart is seen"


def test_what_is_edited_or_selected_does_not_move_to_another_chart(state: ViewState, link: LocalLink) -> None:
    drawings = state.drawings
    drawings.edited = drawings.edited_shape = drawings.selected = 0, "NQ", "some drawing"
    assert chart_list.close(state, link.markets, 0) == ""
    assert shown(state, link) == ["ES.v.0"]
    assert (drawings.edited, drawings.edited_shape, drawings.selected) == (None, None, None)


def replaced(link: LocalLink, index: int, symbol: str) -> None:
    """Let another symbol take a market's place, as an engine does."""
    link.bring(symbol)
    link.markets[index] = link.markets.pop()
    link.markets[index].refresh()


def test_a_chart_whose_symbol_changes_gives_its_place_to_the_new_one(state: ViewState, link: LocalLink) -> None:
    kept = state.charts[1]
    chart_list.change(state, link.markets, 0, "YM.v.0")
    assert needed(state, link.markets, link, link_rules()) == {"YM.v.0", "ES.v.0"}
    assert shown(state, link) == ["NQ.v.0", "ES.v.0"]
    replaced(link, 0, "YMZ5")
    assert shown(state, link) == ["YM.v.0", "ES.v.0"]
    assert state.charts[1] is kept
    assert state.wanted_charts == ()


def test_charts_of_a_workspace_replace_those_that_are_shown_one_after_the_other(
    state: ViewState, link: LocalLink
) -> None:
    chart_list.show(state, ["YM.v.0", "RTY.v.0"])
    link.offered = ("YM.v.0", "RTY.v.0")
    link.set_status(state=FeedState.REPLAY)
    assert shown(state, link) == ["NQ.v.0", "ES.v.0"]
    assert chart_list.request_missing(state, link.markets, link) == []
    assert link.asked == ["YM.v.0", "RTY.v.0"]
    kept = state.charts[0]
    replaced(link, 1, "YMZ5")
    assert shown(state, link) == ["NQ.v.0"]
    assert state.charts == [kept], "no chart shows another symbol's rows"
    replaced(link, 0, "RTYZ5")
    assert shown(state, link) == ["YM.v.0", "RTY.v.0"]


def test_a_window_needs_the_symbols_of_charts_comparisons_and_alert_rules(state: ViewState, link: LocalLink) -> None:
    for symbol in ("YMZ5", "RTYZ5", "CLZ5"):
        link.bring(symbol)
    shown(state, link)
    for index in (4, 3, 2, 1):
        chart_list.close(state, chart_list.resolve(state, link.markets), index)
    assert needed(state, chart_list.resolve(state, link.markets), link, link_rules()) == {"NQ.v.0"}
    state.charts[0].comparison.show(Comparison("ES.v.0"))
    rules = link_rules(
        Rule(name="a", when="bubble", symbol="CL", least=10.0), Rule(name="b", when="bubble", least=10.0)
    )
    assert needed(state, chart_list.resolve(state, link.markets), link, rules) == {"NQ.v.0", "ES.v.0", "CL.v.0"}


def test_the_link_is_told_what_is_needed_after_each_change_only(state: ViewState, link: LocalLink) -> None:
    follow, rules = NeededSymbols(), link_rules()

    def frame() -> None:
        follow.follow(state, chart_list.resolve(state, link.markets), link, rules)

    for _ in range(3):
        frame()
    assert link.needed == [(0, {"NQ.v.0", "ES.v.0"})]
    chart_list.close(state, link.markets, 1)
    frame()
    state.charts[0].comparison.show(Comparison("ES.v.0"))
    frame()
    assert link.needed[1:] == [(0, {"NQ.v.0"}), (0, {"NQ.v.0", "ES.v.0"})]
