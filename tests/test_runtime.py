"""The engine's turns with a scripted feed: what it counts, when buckets close, what commands do."""

import queue
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.commands import AddSymbol, Command, Configure, Retry, SetSpeed, Stop
from flow_gl.core.errors import UsageError
from flow_gl.core.items import Definition, FeedGap, Item, KnownSpan, Mapping, Trades
from flow_gl.core.schema import CHARTS, FeedState
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import (
    Answer,
    EngineSpec,
    Failure,
    FilesSpec,
    Hello,
    NotAdded,
    decode_answer,
    decode_spec,
    encode,
)
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.feed.base import FeedStatus
from flow_gl.runtime.charts import Charts
from flow_gl.runtime.engine_loop import BATCH, STATUS_NS, TAPE_CAPACITY, Engine
from flow_gl.runtime.meters import Rate, StatusBoard
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from tests.kit.scripted_feed import START_NS, ScriptedFeed, trades


class Rig:
    """An engine with stores in this process, driven turn by turn."""

    def __init__(
        self,
        feed: ScriptedFeed,
        symbols: Sequence[str] = ("A",),
        *,
        calendar: SessionCalendar | None = None,
        persistence: Any = None,
        answer: Callable[[Answer], None] = lambda _: None,
        **charts: Any,
    ) -> None:
        self.feed, self.clock = feed, ManualClock(START_NS)
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.stores: list[MarketStore] = []
        self.store = EngineStore.local()
        self.pipeline = Pipeline(sessions=calendar)
        self.charts = Charts(
            symbols,
            attach=self.pipeline.chart,
            release=self.pipeline.release,
            make_store=self._make,
            bucket_ns=SECOND_NS,
            **charts,
        )
        self.engine = Engine(
            feed=feed,
            pipeline=self.pipeline,
            charts=self.charts,
            board=StatusBoard(self.store),
            clock=self.clock,
            commands=self.commands,
            persistence=persistence,
            answer=answer,
        )

    def _make(self, _tag: str) -> MarketStore:
        self.stores.append(MarketStore.local(base_capacity=1 << 10))
        return self.stores[-1]

    def turn(self, times: int = 1) -> float:
        pause = 0.0
        for _ in range(times):
            pause = self.engine.turn()
            self.clock.advance(25_000_000)
        return pause

    @property
    def status(self) -> np.void:
        reader = EngineReader(self.store)
        reader.refresh()
        return reader.status

    def chart(self, index: int = 0) -> MarketReader:
        reader = MarketReader(self.stores[index])
        reader.refresh()
        return reader


def named(*items: Item, instrument_id: int = 1, symbol: str = "A") -> list[Item]:
    return [Mapping(instrument_id, symbol, symbol), *items]


def test_every_trade_is_in_the_tape_the_numbers_and_the_status() -> None:
    batches = [trades([0.1, 0.2]), trades([1.5]), trades([2.5, 2.6, 3.5])]
    rig = Rig(ScriptedFeed([named(batches[0]), [], [batches[1]], [batches[2]]]))
    rig.turn(8)
    assert rig.status["trades"] == 6
    assert rig.status["behind"] == 0
    assert rig.engine.tape.head == 6
    first, rows = rig.engine.tape.read(0, 6)
    assert first == 0
    assert (rows == np.concatenate([batch.rows for batch in batches])).all()
    chart = rig.chart()
    assert chart.session["trade_count"] == 6
    assert chart.heads[0] == 4  # at the feed's end the last bucket is closed as well
    assert rig.status["state"] == FeedState.ENDED


def test_the_status_is_ended_only_after_the_last_trade_is_in_the_numbers() -> None:
    rig = Rig(ScriptedFeed([named(trades(np.linspace(0, 50, 3 * BATCH).tolist()))]))
    # Each turn aggregates until its deadline, so this clock jumps whenever it is read.
    rig.clock.monotonic_ns = _jumping(rig.clock)  # type: ignore[method-assign]
    seen = []
    while not seen or seen[-1][0] != FeedState.ENDED:
        rig.turn()
        seen.append((FeedState(int(rig.status["state"])), int(rig.status["trades"])))
    assert len(seen) >= 3
    assert seen[-1][1] == 3 * BATCH
    assert all(state is FeedState.REPLAY for state, count in seen if count < 3 * BATCH)


def _jumping(clock: ManualClock) -> Callable[[], int]:
    looks = [0]

    def look() -> int:
        looks[0] += 5_000_000
        return looks[0] + clock.wall_ns() - START_NS

    return look


def test_a_flood_of_trades_waits_in_order_and_is_reported_as_behind() -> None:
    rig = Rig(ScriptedFeed([named(trades(np.linspace(0, 9, 5 * BATCH).tolist())), [trades([9.5])]], is_endless=True))
    rig.clock.monotonic_ns = _jumping(rig.clock)  # type: ignore[method-assign]
    rig.turn()
    assert rig.status["behind"] > 0
    assert rig.status["behind"] + rig.status["trades"] == 5 * BATCH
    assert rig.feed.polls == 1, "what has not been taken up yet is not asked for more"
    rig.turn(10)
    assert (rig.status["behind"], rig.status["trades"]) == (0, 5 * BATCH + 1)


@pytest.mark.parametrize(("vouches", "is_partial"), [(False, 1), (True, 0)])
def test_a_session_is_partial_unless_the_feed_vouches_for_its_open(
    vouches: bool, is_partial: int, tmp_path: Path
) -> None:
    calendar = SessionCalendar(cache=tmp_path)
    opened = calendar.session_at(START_NS).open
    late_s = (opened - START_NS) / SECOND_NS + 300
    feed = ScriptedFeed([[], named(trades([late_s]))], is_endless=True)
    rig = Rig(feed, calendar=calendar)
    feed.known_from = opened if vouches else 0
    rig.turn(5)
    assert rig.chart().session["partial"] == is_partial


def test_the_clock_closes_a_bucket_only_as_far_as_the_feed_vouches() -> None:
    feed = ScriptedFeed([named(trades([0.5]))], is_endless=True)
    rig = Rig(feed)
    rig.clock.advance(10 * SECOND_NS)
    rig.turn(5)
    feed.known_until = START_NS + SECOND_NS + 249_000_000
    rig.turn(5)
    assert rig.chart().heads[0] == 0
    feed.known_until = START_NS + SECOND_NS + 250_000_000
    rig.turn(5)
    assert rig.chart().heads[0] == 1


def test_a_bucket_interrupted_by_a_stalled_connection_is_complete_once_the_rest_arrives() -> None:
    feed = ScriptedFeed([named(trades([0.2]))], is_endless=True)
    rig = Rig(feed)
    rig.turn(2)
    feed.known_until = START_NS + 200_000_000
    rig.clock.advance(30 * SECOND_NS)
    rig.turn(3)
    feed.script.append([trades([0.4, 0.6, 40.0])])
    rig.turn(3)
    first = rig.chart().store.bubbles[0].rows[0]
    assert (first["trade_count"], first["id"]) == (3, START_NS // SECOND_NS)
    assert rig.chart().session["late"] == 0


def test_the_clock_does_not_advance_without_a_poll() -> None:
    # Two batches of a replay: while the first waits the feed is not polled, so its clock must not be used.
    feed = ScriptedFeed([named(trades(np.linspace(0, 1, 2 * BATCH).tolist())), [trades([30.0])]], is_endless=True)
    feed.state = FeedState.REPLAY
    rig = Rig(feed)
    feed.anchor = type(feed.anchor)(anchor_wall=START_NS, anchor_event=START_NS, rate=1000.0)
    rig.clock.monotonic_ns = _jumping(rig.clock)  # type: ignore[method-assign]
    rig.turn(20)
    assert rig.chart().session["late"] == 0
    assert rig.chart().store.bubbles[0].rows[:2]["trade_count"].sum() == 2 * BATCH


def test_an_empty_chart_exists_from_the_start_with_the_requested_symbol() -> None:
    rig = Rig(ScriptedFeed([], is_endless=True), ("NQ.v.0", "ES.v.0"))
    assert [rig.chart(n).requested for n in (0, 1)] == ["NQ.v.0", "ES.v.0"]
    assert rig.chart().bucket_ns == SECOND_NS


def test_mappings_assign_charts_in_the_requested_order() -> None:
    script: list[Item] = [
        Mapping(7, "ESZ5", "ES.v.0"),
        Mapping(5, "NQZ5", "NQ.v.0"),
        Mapping(6, "NQH6", ""),
        trades([0.5], instrument_id=5),
        trades([0.6], instrument_id=7),
        trades([0.7], instrument_id=6),
    ]
    rig = Rig(ScriptedFeed([script]), ("NQ.v.0", "ES.v.0"))
    rig.turn(3)
    assert [rig.chart(n).symbol for n in (0, 1)] == ["NQZ5", "ESZ5"]
    assert [rig.chart(n).session["trade_count"] for n in (0, 1)] == [1, 1]
    assert rig.status["other_instruments"] == 1


class GrowingFeed(ScriptedFeed):
    """A feed that takes symbols, and what a test lets it refuse."""

    def __init__(self, script: Sequence[list[Item]]) -> None:
        super().__init__(script, is_endless=True)
        self.asked: list[str] = []
        self.released: list[str] = []
        self.refused: list[tuple[str, str]] = []
        self.known_spans: dict[int, KnownSpan] = {}

    def add(self, symbol: str) -> None:
        if symbol == "NQ.FUT":
            raise UsageError("not this one")
        self.asked.append(symbol)

    def release(self, symbol: str) -> None:
        self.released.append(symbol)

    def refusals(self) -> list[tuple[str, str]]:
        refused, self.refused = self.refused, []
        return refused

    def status(self) -> FeedStatus:
        return replace(super().status(), known_spans=self.known_spans)


def test_a_chart_of_an_added_symbol_comes_behind_the_others_once_the_feed_names_it() -> None:
    feed = GrowingFeed([named(trades([1.0, 20.0]))])
    rig = Rig(feed)
    rig.turn(2)
    rig.commands.put(AddSymbol("B"))
    rig.turn(2)
    assert feed.asked == ["B"]
    assert rig.status["charts"] == 1, "it is not known yet what it means"
    feed.known_until, feed.known_from = START_NS + 30 * SECOND_NS, START_NS - SECOND_NS
    feed.known_spans = {2: KnownSpan(START_NS, START_NS + 3 * SECOND_NS)}
    gap = FeedGap(START_NS + 21 * SECOND_NS)
    feed.script += [named(trades([2.0, 3.0], instrument_id=2), instrument_id=2, symbol="B"), [gap]]
    rig.turn(4)
    assert rig.status["charts"] == 2
    assert (rig.chart(1).requested, rig.chart(1).open_bubble(0)["trade_count"]) == ("B", 1)
    assert rig.chart(0).open_bubble(0) is None, "the clock has closed it"
    assert len(rig.chart(0).gaps) == 1
    assert len(rig.chart(1).gaps) == 0, "the others' gap is not its gap"
    feed.known_spans, feed.known_until = {}, feed.known_until + SECOND_NS
    rig.turn(2)
    assert rig.chart(1).open_bubble(0) is None


def test_a_symbol_that_will_not_come_is_answered_and_may_be_asked_for_again() -> None:
    feed = GrowingFeed([named(trades([1.0]))])
    answers: list[Answer] = []
    rig = Rig(feed, answer=answers.append)
    for symbol in ("B", "NQ.FUT", "A", "B"):
        rig.commands.put(AddSymbol(symbol))
    rig.turn(2)
    assert feed.asked == ["B"]
    said = [(one.symbol, one.reason) for one in answers if isinstance(one, NotAdded)]
    assert said == [
        ("NQ.FUT", "NQ.FUT: not this one"),
        ("A", "A already has a chart"),
        ("B", "B already has a chart"),
    ]
    feed.refused.append(("B", "it is unknown"))
    rig.turn()
    assert answers[-1] == NotAdded("B", "B: it is unknown")
    feed.script.append(named(trades([5.0], instrument_id=2), instrument_id=2, symbol="B"))
    rig.turn(2)
    assert rig.status["charts"] == 1, "nothing is expected any more"
    for number in range(CHARTS):
        rig.commands.put(AddSymbol(f"X{number}"))
    rig.turn()
    assert len(feed.asked) == CHARTS, "one chart is there"
    assert answers[-1] == NotAdded(f"X{CHARTS - 1}", f"X{CHARTS - 1}: at most {CHARTS} symbols are possible")


def test_a_feed_that_takes_no_symbol_is_reported() -> None:
    answers: list[Answer] = []
    rig = Rig(ScriptedFeed([named(trades([1.0]))], is_endless=True), answer=answers.append)
    rig.commands.put(AddSymbol("B"))
    rig.turn()
    assert answers == [NotAdded("B", "B: this feed cannot add symbols while it runs")]


def test_a_chart_continues_with_a_new_contract_after_a_roll_that_no_sum_crosses() -> None:
    rig = Rig(
        ScriptedFeed(
            [
                [Mapping(1, "NQZ5", "NQ.v.0"), trades([0.5, 1.5], instrument_id=1)],
                [Mapping(2, "NQH6", "NQ.v.0"), trades([2.5], instrument_id=2, price=200)],
            ]
        ),
        ("NQ.v.0",),
    )
    rig.turn(4)
    (store,) = rig.stores
    chart = rig.chart()
    assert (chart.symbol, chart.session["trade_count"], chart.session["cvd"]) == ("NQH6", 1, 1)
    assert chart.session["last_price"] == 200 * SECOND_NS
    assert store.bubbles[0].rows[:3]["close"].tolist() == [100 * SECOND_NS, 100 * SECOND_NS, 200 * SECOND_NS]
    for lod in range(1, 4):
        rows = store.bubbles[lod].rows[: store.bubbles[lod].head]
        assert rows["trade_count"].sum() == 3
        assert not ((rows["low"] < 150 * SECOND_NS) & (rows["high"] > 150 * SECOND_NS)).any()
    (roll,) = chart.rolls
    assert (roll["from_symbol"], roll["to_symbol"], roll["from_id"], roll["to_id"]) == (b"NQZ5", b"NQH6", 1, 2)
    assert (roll["last_ts"], roll["first_ts"]) == (START_NS + 1_500_000_000, START_NS + 2_500_000_000)


def test_a_parent_symbol_waits_for_the_session_so_far_and_charts_the_busiest_outright() -> None:
    feed = ScriptedFeed(
        [
            [
                Mapping(1, "NQZ5", "NQ.FUT"),
                Mapping(2, "NQH6", "NQ.FUT"),
                Mapping(3, "NQZ5-NQH6", "NQ.FUT"),
                Definition(3, "NQZ5-NQH6", 50_000_000, None, is_outright=False),
                trades([0.1], instrument_id=2, size=5),
            ],
            [trades([0.2, 0.3], instrument_id=1, size=4), trades([0.4], instrument_id=3, size=900)],
            [trades([1.5], instrument_id=1)],
        ],
        is_endless=True,
    )
    feed.state = FeedState.CATCHING_UP
    rig = Rig(feed, ("NQ.FUT",), are_parents=True)
    rig.turn(3)
    assert rig.status["trades"] == 0
    feed.state = FeedState.LIVE
    rig.turn(3)
    assert rig.chart().symbol == "NQZ5"
    assert rig.chart().session["trade_count"] == 3, "its chart begins with the session's first trade"
    assert rig.status["trades"] == 5


def test_commands_reach_the_pipeline_and_the_feed_between_batches() -> None:
    feed = ScriptedFeed([named(trades([0.5], size=9))], is_endless=True)
    rig = Rig(feed)
    rig.turn(2)
    assert rig.chart().profile["step"] == 2
    for command in (SetSpeed(60.0), Retry(), Configure({"value_area_step": 1})):
        rig.commands.put(command)
    rig.turn(2)
    assert rig.chart().profile["step"] == 1
    assert (feed.speed, feed.retries) == (60.0, 1)
    rig.commands.put(SetSpeed(None))
    rig.turn()
    assert feed.speed == float("inf")


def test_a_changed_parameter_replaces_the_events_even_after_the_end() -> None:
    rig = Rig(ScriptedFeed([named(trades(np.linspace(0, 900, 200_000).tolist(), size=9))]))
    rig.turn(60)
    assert rig.status["state"] == FeedState.ENDED
    log = rig.stores[0].events
    assert log.current.epoch == 0
    assert log.head < 100, "no order has ten contracts"
    rig.commands.put(Configure({"large_trade_threshold": 9}))
    turns = 1
    while rig.engine.turn() == 0.0:
        turns += 1
    assert turns <= 5, "a slice per turn, without a pause"
    assert log.current.epoch == 1
    assert log.head > 100_000


def test_a_command_out_of_range_is_refused_and_the_engine_continues() -> None:
    rig = Rig(ScriptedFeed([named(trades([0.5]))], is_endless=True))
    rig.commands.put(Configure({"arm": 0}))
    rig.turn(3)
    assert rig.status["trades"] == 1
    assert b"arm" in bytes(rig.status["message"])


def test_gaps_are_counted_once_however_often_they_are_reported() -> None:
    gap = [FeedGap(START_NS + SECOND_NS), FeedGap(START_NS + SECOND_NS, START_NS + 5 * SECOND_NS)]
    rig = Rig(ScriptedFeed([named(trades([0.5])), gap[:1], gap[1:], [trades([6.0])]], is_endless=True))
    rig.turn(6)
    assert rig.status["feed_gaps"] == 1
    assert len(rig.chart().gaps) == 1


def test_a_gap_is_published_before_the_feeds_new_status() -> None:
    gap = [FeedGap(START_NS + SECOND_NS), FeedGap(START_NS + SECOND_NS, filled=True)]
    feed = ScriptedFeed([named(trades([0.5])), [trades([0.6])], gap[:1], [], gap[1:]], is_endless=True)
    rig = Rig(feed)
    # The numbers were published half a millisecond before the status is due: the status must not precede the new ones.
    for after_ns, state, gaps in (
        *((0, FeedState.LIVE, 0), (STATUS_NS - 500_000, FeedState.LIVE, 0), (500_000, FeedState.RECONNECTING, 1)),
        *((STATUS_NS - 500_000, FeedState.RECONNECTING, 1), (500_000, FeedState.LIVE, 0)),
    ):
        rig.clock.advance(after_ns)
        feed.state = state
        rig.engine.turn()
        assert (rig.status["state"], len(rig.chart().gaps)) == (state, gaps)


def test_a_notice_is_processed_with_the_trades_before_it_even_if_they_took_the_whole_turn() -> None:
    batch = trades(np.linspace(0, 9, BATCH).tolist())
    rig = Rig(ScriptedFeed([named(batch, batch, FeedGap(START_NS + SECOND_NS))], is_endless=True))
    rig.clock.monotonic_ns = _jumping(rig.clock)  # type: ignore[method-assign]
    counts = [(0, 0)]
    while counts[-1][0] < 2 * BATCH:
        rig.turn()
        counts.append((rig.engine.trades, len(rig.chart().gaps)))
    assert counts[-2:] == [(BATCH, 0), (2 * BATCH, 1)]


def test_a_flood_of_notices_does_not_delay_commands() -> None:
    storm = [Mapping(instrument_id, f"A{instrument_id}") for instrument_id in range(2, 1000)]
    rig = Rig(ScriptedFeed([[*storm, *named(trades([0.5]))]], is_endless=True))
    rig.clock.monotonic_ns = _jumping(rig.clock)  # type: ignore[method-assign]
    turns = 0
    while rig.engine.trades == 0:
        rig.turn()
        turns += 1
        assert turns < 2000
    assert turns > 50, "some notices a turn"


def test_stop_ends_the_run_with_everything_published() -> None:
    rig = Rig(ScriptedFeed([named(trades([0.5]))], is_endless=True))
    rig.turn()
    rig.commands.put(Stop())
    rig.engine.run()
    assert rig.status["trades"] == 1
    assert rig.chart().open_bubble(0) is not None


class SlowPersistence:
    """A recorder that has read nothing of the tape yet, with a given backlog."""

    def __init__(self, before: int) -> None:
        self.before, self.rig = before, None

    def waiting(self) -> int:
        return self.before + self.rig.engine.tape.head  # type: ignore[attr-defined]

    def note(self, _item: object) -> None: ...

    def keep_charts(self, _stores: object) -> None: ...

    def publish(self, _board: object) -> None: ...


def test_the_tape_waits_for_a_recorder_that_must_not_lose_a_trade() -> None:
    persistence = SlowPersistence(TAPE_CAPACITY - 100)
    rig = Rig(ScriptedFeed([named(trades([0.1] * 300))], is_endless=True), persistence=persistence)
    persistence.rig = rig  # type: ignore[assignment]
    rig.turn(3)
    assert (rig.engine.tape.head, int(rig.status["behind"])) == (100, 200)
    persistence.before -= 1000
    rig.turn(2)
    assert rig.engine.tape.head == 300


def test_the_rate_covers_the_last_second() -> None:
    rate = Rate()
    assert rate.per_second(0) == 0
    for tick in range(200):
        rate.add(10, tick * 10_000_000)
    assert rate.per_second(1_990_000_000) == pytest.approx(1000, rel=0.06)
    assert rate.per_second(2_500_000_000) == pytest.approx(500, rel=0.15)
    assert rate.per_second(9_000_000_000) == 0


@pytest.mark.parametrize(("text", "shown"), [("plain", "plain"), ("é" * 300, "é" * 118 + "…")])
def test_a_status_text_is_cut_between_characters(text: str, shown: str) -> None:
    store = EngineStore.local()
    board, reader = StatusBoard(store), EngineReader(store)
    board.text("message", text)
    board.publish(1)
    reader.refresh()
    assert reader.text("message") == shown


def test_specs_and_answers_survive_the_pipe() -> None:
    spec = EngineSpec(feed=FilesSpec(paths=("a", "b"), speed=None), aggregation=AggregationSettings(arm=5))
    assert decode_spec(encode(spec)) == spec
    for answer in (Hello(pid=1, store="x"), Failure(error="no", exit_code=3)):
        assert decode_answer(encode(answer)) == answer
    assert encode(spec).count(b"\n") == 1
    assert Trades in Item.__args__
