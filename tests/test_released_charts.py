"""A symbol that is added when all places are taken gets that of a chart that is not shown any more."""

import numpy as np

from flow_gl.core.commands import AddSymbol, SetReleasable
from flow_gl.core.items import Item, KnownSpan, Mapping, Trades
from flow_gl.core.schema import CHARTS
from flow_gl.core.spec import Answer, NotAdded
from flow_gl.store.market import MarketReader
from tests.kit.scripted_feed import START_NS, trades
from tests.test_runtime import GrowingFeed, Rig

NINE = tuple("ABCDEFGHI")


def named(symbol: str, *seconds: float) -> list[Item]:
    """Name a symbol's instrument (A is 1, B is 2 ..), and let it trade."""
    number = ord(symbol) - ord("A") + 1
    return [Mapping(number, symbol, symbol), trades(seconds, instrument_id=number)]


def span(symbol: str) -> dict[int, KnownSpan]:
    return {ord(symbol) - ord("A") + 1: KnownSpan(START_NS, START_NS)}


def of_chart(rig: Rig, symbol: str) -> tuple[np.ndarray, np.void]:
    """Return a chart's closed bubbles and its session."""
    store = rig.charts.stores()[rig.charts.requested.index(symbol)]
    reader = MarketReader(store)
    reader.refresh()
    return store.bubbles[0].rows[: store.bubbles[0].head], reader.session


def test_a_symbol_takes_the_place_of_a_released_one_only_when_it_comes() -> None:
    feed = GrowingFeed([[item for symbol in NINE for item in named(symbol, 1.0)]])
    answers: list[Answer] = []
    rig = Rig(feed, NINE, answer=answers.append)
    rig.turn(3)
    stores = rig.charts.stores()
    rig.commands.put(AddSymbol("J"))
    rig.turn()
    assert answers == [NotAdded("J", f"J: at most {CHARTS} symbols are possible")]
    rig.commands.put(SetReleasable(("C", "B")))
    rig.commands.put(AddSymbol("J"))
    rig.turn(2)
    assert rig.charts.stores() == stores, "the feed may still refuse it"
    rig.commands.put(SetReleasable(("B",)))
    feed.known_spans = span("J")
    feed.script += [named("J", 1.0, 2.5)]
    rig.turn(3)
    assert feed.asked == ["J"], "once"
    assert rig.charts.requested == ["A", "J", *"CDEFGHI"]
    assert feed.released == ["B"]
    assert [rig.charts.stores()[at] is stores[at] for at in range(3)] == [True, False, True]
    assert of_chart(rig, "J")[1]["trade_count"] == 2
    assert rig.status["charts"] == CHARTS


def test_a_released_symbol_is_charted_again_from_the_open_and_each_trade_counts_once() -> None:
    feed = GrowingFeed([[item for symbol in NINE for item in named(symbol, 1.0, 3.5)]])
    rig = Rig(feed, NINE)
    rig.commands.put(SetReleasable(("B",)))
    rig.commands.put(AddSymbol("J"))
    rig.turn(2)
    feed.script += [named("J", 1.0), [trades([4.5], instrument_id=2)], [trades([4.5], instrument_id=1)]]
    rig.turn(4)
    tape, counted = rig.engine.tape.head, rig.engine.trades
    assert counted == 2 * CHARTS + 3, "what has no chart is received too"
    rig.commands.put(SetReleasable(("A",)))
    rig.commands.put(AddSymbol("B"))
    rig.turn(2)
    feed.known_spans = span("B")
    again = Trades(trades([1.0, 3.5, 4.5], instrument_id=2).rows, is_repeated=True)
    feed.script += [[Mapping(2, "B", "B"), again, trades([6.5], instrument_id=2)]]
    rig.turn(4)
    assert rig.charts.requested == ["B", "J", *"CDEFGHI"]
    assert feed.released == ["B", "A"]
    bubbles, session = of_chart(rig, "B")
    assert bubbles["trade_count"].tolist() == [1, 1, 1]
    assert (session["trade_count"], session["late"]) == (4, 0)
    assert rig.engine.tape.head == tape + 1, "what is recorded already is not recorded again"
    assert rig.engine.trades == counted + 1


def test_a_symbol_whose_place_is_needed_again_before_it_comes_is_refused() -> None:
    feed = GrowingFeed([[item for symbol in NINE for item in named(symbol, 1.0)]])
    answers: list[Answer] = []
    rig = Rig(feed, NINE, answer=answers.append)
    rig.commands.put(SetReleasable(("B",)))
    rig.commands.put(AddSymbol("J"))
    rig.turn(2)
    rig.commands.put(SetReleasable(()))
    feed.script += [named("J", 1.0)]
    rig.turn(3)
    assert answers == [NotAdded("J", f"J: at most {CHARTS} symbols are possible")]
    assert rig.charts.requested == list(NINE)
    assert feed.released == ["J"], "if it is asked for again, its session must come again"
