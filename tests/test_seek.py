"""A seek gives the numbers of a run from the beginning: every row of every ring, every table, at random instants."""

import itertools
import queue
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.alerts import Condition, EngineRule
from flow_gl.core.clock import ManualClock
from flow_gl.core.commands import Command, Configure, OpenTimeline, Play, Seek, SetAlerts, SetLoop, SetSpeed, Step
from flow_gl.core.errors import DataError
from flow_gl.core.items import Trades
from flow_gl.core.schema import EVENT, FeedState
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import EngineSpec, FilesSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.feed.files.replay import read_items
from flow_gl.runtime import charts
from flow_gl.runtime.charts import Charts
from flow_gl.runtime.engine_loop import REPLAY_DISORDER_NS, Engine
from flow_gl.runtime.launch import Session
from flow_gl.runtime.meters import StatusBoard
from flow_gl.runtime.seek import filling, indexing, spare
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from tests.kit.waiting import PATIENCE_S
from tests.test_replay_snapshots import TABLES, some_days, write_cut

SYMBOLS = ("NQZ5", "NQH6")
RULES = (EngineRule(1, Condition.BUBBLE, least=20),)
CAPACITY = 1 << 9
"""Of the smallest rings: these files fill them several times over."""


class SmallCharts(Charts):
    """Make charts in this process's memory from the start."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("make_store", lambda _tag: MarketStore.local(base_capacity=CAPACITY))
        super().__init__(*arguments, **options)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small rings, many checkpoints, several segments of each file."""
    monkeypatch.setattr(charts, "Charts", SmallCharts)
    monkeypatch.setattr(MarketStore, "create", lambda _tag: MarketStore.local(base_capacity=CAPACITY))
    monkeypatch.setattr(indexing, "POINT_TRADES", 150)
    monkeypatch.setattr(indexing, "SEGMENT_TRADES", 700)
    monkeypatch.setattr(indexing, "BATCH", 64)


class Rig:
    """A replay of files, driven turn by turn."""

    def __init__(self, paths: Sequence[Path], *, rules: tuple[EngineRule, ...] = RULES, **feed: Any) -> None:
        self.paths = paths
        self.store = EngineStore.local()
        options = {"symbols": SYMBOLS, "speed": 1.0, "cache": True, "cache_beside": True, **feed}
        self.spec = EngineSpec(
            feed=FilesSpec(paths=tuple(map(str, paths)), **options),
            aggregation=AggregationSettings(arm=40),
            alerts=rules,
        )
        self.clock = ManualClock(1_800_000_000 * SECOND_NS)
        self.session = Session(self.spec, self.clock, StatusBoard(self.store))
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.session.prepare()
        self.engine: Engine = self.session.open(self.commands)
        self.engine._show_charts()

    @property
    def status(self) -> np.void:
        reader = EngineReader(self.store)
        reader.refresh()
        return reader.status

    def turn(self, times: int = 1, *, step_ns: int = 25_000_000) -> None:
        for _ in range(times):
            self.engine.turn()
            self.clock.advance(step_ns)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Run turns until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, (self.engine._refusal, bytes(self.status["message"]))
            self.turn(step_ns=1_000_000)
            time.sleep(0.002)
        self.clock.advance(25_000_000)

    def send(self, command: Command) -> None:
        self.commands.put(command)

    def go(self, command: Command) -> int:
        """Seek or step, and return the instant that was reached."""
        before = int(self.status["seeks"])
        self.send(command)
        self.wait(lambda: int(self.status["seeks"]) > before)
        self.turn()
        return int(self.status["seek_to"])

    @property
    def stores(self) -> list[MarketStore]:
        return self.engine._charts.stores()

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def rigs() -> Iterator[list[Rig]]:
    opened: list[Rig] = []
    yield opened
    for rig in opened:
        rig.close()


def twin(rig: Rig, until_ns: int, **changed: Any) -> list[MarketStore]:
    """Run a pipeline from the beginning over the trades before the first one after `until_ns`."""
    settings = AggregationSettings(**{"arm": 40, **changed})
    pipeline = Pipeline(settings, sessions=SessionCalendar())
    pipeline.set_alerts(rig.spec.alerts)
    assert isinstance(rig.spec.feed, FilesSpec)
    made = Charts(
        rig.spec.feed.symbols,
        attach=pipeline.chart,
        bucket_ns=settings.bucket_ns,
        make_store=lambda _: MarketStore.local(base_capacity=CAPACITY),
    )
    with closing(read_items(rig.paths)) as items:
        for item in items:
            rows = item.rows if isinstance(item, Trades) else None
            is_later = np.zeros(0, bool) if rows is None else rows["ts_event"] > until_ns
            if rows is not None and is_later.any():
                pipeline.take(Trades(rows[: int(is_later.argmax())]))
                break
            pipeline.take(item)
            made.take(item)
    pipeline.advance(until_ns - REPLAY_DISORDER_NS)
    pipeline.publish()
    return made.stores()


def assert_same(stores: Sequence[MarketStore], others: Sequence[MarketStore]) -> None:
    for chart, (store, other) in enumerate(zip(stores, others, strict=True)):
        for kind in ("bubbles", "cvd", "footprints", "logs"):
            for number, (ring, expected) in enumerate(zip(getattr(store, kind), getattr(other, kind), strict=True)):
                assert ring.head == expected.head, (chart, kind, number)
                first, rows = ring.read(ring.oldest, ring.head)
                first_expected, rows_expected = expected.read(expected.oldest, expected.head)
                assert first == first_expected, (chart, kind, number)
                assert rows.tobytes() == rows_expected.tobytes(), (chart, kind, number)
        for name in TABLES:
            assert _content(store, name) == _content(other, name), (chart, name)
        assert orders_of(store) == orders_of(other), chart


def _content(store: MarketStore, name: str) -> bytes:
    table = getattr(store, name)
    record: NDArray[np.void] = np.zeros(1, table.dtype)
    table.read(record)
    row = record[0]
    lists = {"gaps": "gap", "rolls": "roll", "sessions": "session", "footprint": "row"}
    if name in lists:  # what lies behind the count has no meaning
        rows = row[lists[name]][: int(row["count"])]
        others = [row[field].tobytes() for field in record.dtype.names if field != lists[name]]
        return b"".join([*others, np.ascontiguousarray(rows).tobytes()])
    if name == "open":
        counts = row["bubble"]["trade_count"] > 0
        return row["bubble"][counts].tobytes() + row["cvd"][counts].tobytes()
    if name == "profile":
        count = int(row["count"])
        columns = [row[field][:count].tobytes() for field in ("row", "buy", "sell", "unsided")]
        numbers = [row[field].tobytes() for field in ("count", "base", "poc", "vah", "val", "total", "value_area")]
        return b"".join([*columns, *numbers])
    return record.tobytes()


def orders_of(store: MarketStore) -> tuple[int, bytes]:
    """Return the orders of a chart's tape, and the position of the first."""
    first, rows = store.orders.read(store.orders.oldest, store.orders.head)
    return first, rows.tobytes()


def files_of(folder: Path, seed: int = 3) -> tuple[list[Path], NDArray[np.void]]:
    rows = some_days(seed)
    return write_cut(folder, rows, [700, 1_900]), rows


def test_a_seek_gives_the_rows_and_tables_of_a_run_from_the_beginning(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    rig.send(Play(is_playing=False))
    rng = random.Random(5)
    times = rows["ts_event"]
    instants = [int(rng.choice(times)) + rng.choice([0, -1, 1, 3 * SECOND_NS]) for _ in range(12)]
    first, last = int(times.min()), int(times.max())
    for instant in (*instants, first - SECOND_NS, last + SECOND_NS, first):
        reached = rig.go(Seek(instant))
        assert reached == min(max(instant, first), last)
        assert int(rig.status["anchor_event"]) == reached
        assert_same(rig.stores, twin(rig, reached))
        assert sum(int(np.sum(store.session.dtype.itemsize)) for store in rig.stores)
        session = [_session(store) for store in rig.stores]
        total = sum(int(one["total_trades"]) for one in session)
        # What the charts count is what the trades before the instant are.
        ahead = int(np.argmax(times > reached)) if (times > reached).any() else len(times)
        ids = [int(_instrument(store)["instrument_id"]) for store in rig.stores]
        assert total == int(np.isin(rows["instrument_id"][:ahead], ids).sum())
        assert int(rig.status["trades"]) == ahead


@pytest.mark.parametrize("loaded", [0, 1 << 10])
@pytest.mark.parametrize("cut_after", [0, 7, 1_000])
def test_seeks_over_sessions_into_stores_filled_ahead_give_the_same_numbers(
    tmp_path: Path, rigs: list[Rig], cut_after: int, loaded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare, "LOADED", loaded)
    monkeypatch.setattr(spare, "_STEP_POINTS", 1)
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    rig.send(Play(is_playing=False))
    rig.send(OpenTimeline())
    rig.wait(lambda: rig.status["indexed"] == 1.0)
    index, rng, taken = rig.engine._transport.index, random.Random(cut_after), []
    monkeypatch.setattr(index, "prefetch", lambda _: None)  # the test fills the stores itself
    filled = itertools.count()

    def fill(*arguments: Any, **more: Any) -> set[int]:
        if more.get("is_hidden") and next(filled) >= cut_after > 0:
            raise DataError("not all rings are filled when a seek comes")
        return filling.fill(*arguments, **more)

    monkeypatch.setattr(spare, "fill", fill)
    take = index.spares.take
    monkeypatch.setattr(index.spares, "take", lambda: taken.append(take()) or taken[-1])
    sessions = rig.engine._transport.index.lookup.session_starts(0)
    assert len(sessions) > 2
    times = rows["ts_event"]
    for instant in [int(sessions[-1]), int(sessions[0]) + SECOND_NS, *map(int, rng.choices(times, k=8))]:
        filled = itertools.count()
        index.spares.prepare(index.place_before(int(rng.choice(times))))
        reached = rig.go(Seek(instant))
        assert_same(rig.stores, twin(rig, reached))
        assert [one.store for one in taken[-1]] == rig.stores
    rig.send(SetSpeed(None))
    rig.send(Play(is_playing=True))
    rig.wait(lambda: rig.status["state"] == FeedState.ENDED)
    unbroken = Rig(paths, speed=None)
    rigs.append(unbroken)
    unbroken.wait(lambda: unbroken.status["state"] == FeedState.ENDED)
    assert_same(rig.stores, unbroken.stores)


def test_a_loop_over_the_border_of_a_session_plays_again_and_again(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    rig.send(OpenTimeline())
    rig.wait(lambda: rig.status["indexed"] == 1.0)
    border = int(rig.engine._transport.index.lookup.session_starts(0)[1])
    before = int(rows["ts_event"][rows["ts_event"] < border].max())
    start, end = before - 3 * SECOND_NS, border + 3 * SECOND_NS
    rig.go(Seek(start))
    rig.send(SetSpeed((end - start) / SECOND_NS / 2))  # two seconds for the section, with the hours between
    rig.send(SetLoop(start, end))
    dates = set()
    for _ in range(800):
        rig.turn()
        dates.add(int(_session(rig.stores[0])["trade_date"]))
    assert int(rig.status["seeks"]) >= 4
    assert len(dates) == 2, "both sessions were shown"
    rig.send(Play(is_playing=False))
    rig.turn(2)
    assert_same(rig.stores, twin(rig, rig.engine._feed.position))


def _session(store: MarketStore) -> np.void:
    reader = MarketReader(store)
    reader.refresh()
    return reader.session.copy()


def _instrument(store: MarketStore) -> np.void:
    reader = MarketReader(store)
    reader.refresh()
    return reader.instrument.copy()


def test_continuing_after_a_seek_gives_the_numbers_of_an_unbroken_run(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    middle, last = int(rows["ts_event"][1_500]), int(rows["ts_event"].max())
    rig.go(Seek(last))
    rig.go(Seek(middle))
    rig.send(SetSpeed(None))
    rig.wait(lambda: rig.status["state"] == FeedState.ENDED)
    unbroken = Rig(paths, speed=None)
    rigs.append(unbroken)
    unbroken.wait(lambda: unbroken.status["state"] == FeedState.ENDED)
    assert_same(rig.stores, unbroken.stores)
    rig.send(Play(is_playing=False))
    rig.go(Seek(middle))  # also after the end
    assert rig.status["state"] == FeedState.REPLAY
    assert_same(rig.stores, twin(rig, middle))


def test_the_index_of_an_earlier_run_is_used_again(
    tmp_path: Path, rigs: list[Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, rows = files_of(tmp_path)
    first = Rig(paths)
    rigs.append(first)
    first.send(OpenTimeline())
    first.wait(lambda: first.status["indexed"] == 1.0)
    first.close()
    monkeypatch.setattr(indexing.Indexing, "_read", None)  # nothing may be read again
    rig = Rig(paths)
    rigs.append(rig)
    instant = int(rows["ts_event"][2_500])
    rig.go(Seek(instant))
    assert_same(rig.stores, twin(rig, instant))
    starts = rig.engine._transport.index.lookup.session_starts(0)
    assert len(starts) > 2


def test_an_index_that_was_only_begun_is_continued(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    first = Rig(paths)
    rigs.append(first)
    first.send(OpenTimeline())
    first.wait(lambda: first.status["indexed"] == 1.0)
    first.close()
    kept = sorted((tmp_path / ".flow_gl").glob("*.seek"), key=lambda path: path.stat().st_mtime_ns)
    assert len(kept) > 4
    for path in kept[-2:]:
        path.unlink()
    kept[0].touch()
    rig = Rig(paths)
    rigs.append(rig)
    instant = int(rows["ts_event"][2_900])
    rig.go(Seek(instant))
    assert_same(rig.stores, twin(rig, instant))


@pytest.mark.parametrize("cache", [True, False])
def test_a_seek_needs_no_folder_to_write_to(
    tmp_path: Path, rigs: list[Rig], monkeypatch: pytest.MonkeyPatch, cache: bool
) -> None:
    monkeypatch.setattr("flow_gl.services.replay_cache.file_cache.FileCache._put", lambda *_: False)
    paths, rows = files_of(tmp_path)
    rig = Rig(paths, cache=cache)
    rigs.append(rig)
    rig.send(Play(is_playing=False))
    for at in (2_000, 400):
        instant = int(rows["ts_event"][at])
        rig.go(Seek(instant))
        assert_same(rig.stores, twin(rig, instant))


def test_a_changed_setting_applies_after_a_seek_as_if_it_had_always_been_set(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    instant = int(rows["ts_event"][2_000])
    rig.go(Seek(instant))
    assert rig.engine._transport is not None
    segments = rig.engine._transport.index.segments
    rig.send(Configure({"arm": 15, "value_area_step": 1}))
    rig.send(SetAlerts(()))
    rig.spec = EngineSpec(feed=rig.spec.feed, alerts=())
    rig.turn(3)
    earlier = int(rows["ts_event"][1_200])
    rig.go(Seek(earlier))
    assert rig.engine._transport.index.segments is not segments, (
        "rows, checkpoints and blocks are those of the old settings"
    )
    assert_same(rig.stores, twin(rig, earlier, arm=15, value_area_step=1))


def test_a_paused_replay_stops_and_a_played_one_runs(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    rig.turn(40)
    rig.send(Play(is_playing=False))
    rig.turn(3)
    at, trades = int(rig.status["anchor_event"]), int(rig.status["trades"])
    assert rig.status["is_held"] == 1
    assert rig.status["rate"] == 0.0
    rig.turn(200)
    assert (int(rig.status["anchor_event"]), int(rig.status["trades"])) == (at, trades)
    rig.send(Play(is_playing=True))
    rig.turn(200)  # five seconds
    assert rig.status["is_held"] == 0
    assert int(rig.status["trades"]) > trades
    assert 0 < rig.engine._feed.position - at <= 6 * SECOND_NS
    assert rows["ts_event"][0] <= at


def test_a_paused_replay_stops_even_at_the_highest_speed(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths, speed=None)
    rigs.append(rig)
    instant = int(rows["ts_event"][900]) + 5
    rig.send(Play(is_playing=False))
    rig.go(Seek(instant))
    rig.turn(20)
    assert int(rig.status["trades"]) == int(np.argmax(rows["ts_event"] > instant))
    assert int(rig.status["anchor_event"]) == instant


def test_steps_lead_from_bubble_to_bubble_and_back(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    own = rows[rows["instrument_id"] == NQZ5]
    buckets = np.unique(own["ts_event"] // SECOND_NS)
    at = int(own["ts_event"][600])
    rig.go(Seek(at))
    seen = [rig.go(Step("bubble", by)) for by in (1, 1, 1, -1, -1)]
    later = (buckets[buckets * SECOND_NS + SECOND_NS - 1 > at][:3] + 1) * SECOND_NS - 1
    assert seen == [*later.tolist(), int(later[1]), int(later[0])]
    assert rig.status["is_held"] == 1
    assert_same(rig.stores, twin(rig, seen[-1]))
    assert rig.go(Step("second", -1)) == seen[-1] - SECOND_NS


def test_a_step_to_an_event_shows_it_and_none_after_it(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    rig.go(Seek(int(rows["ts_event"].max())))
    store = rig.stores[0]
    every = store.events.read(store.events.oldest, store.events.head)[1]
    rig.go(Seek(int(rows["ts_event"][0])))
    heads = []
    for _ in range(4):
        at = rig.go(Step("event", 1))
        head = rig.stores[0].events.head
        heads.append(head)
        shown = rig.stores[0].events.read(0, head)[1]
        assert (shown["ts_event"] <= at).all()
        assert shown.tobytes() == every[:head].astype(EVENT).tobytes()
    assert heads == sorted(set(heads))
    assert heads[0] >= 1
    back = rig.go(Step("event", -1))
    assert rig.stores[0].events.head == heads[-2]
    assert back < at


def test_steps_lead_to_the_sessions_first_trades(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    own = rows[rows["instrument_id"] == NQZ5]
    calendar = SessionCalendar()
    opens = np.array([calendar.session_of_trade(int(ts)).open for ts in own["ts_event"]])
    firsts = [int(own["ts_event"][opens == one].min()) for one in dict.fromkeys(opens.tolist())]
    rig.go(Seek(int(own["ts_event"][0])))
    assert [rig.go(Step("session", 1)) for _ in firsts[1:]] == firsts[1:]
    assert rig.go(Step("session", -1)) == firsts[-2]


def test_a_loop_plays_its_section_again_and_again(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    start = int(rows["ts_event"][800])
    end = start + 4 * SECOND_NS
    rig.send(SetLoop(start, end))
    rig.wait(lambda: int(rig.status["seeks"]) == 1)
    places = []
    for _ in range(600):  # fifteen seconds
        rig.turn()
        places.append(rig.engine._feed.position)
    assert int(rig.status["seeks"]) >= 3
    assert min(places) >= start
    assert max(places) <= end + 2 * SECOND_NS
    assert (int(rig.status["loop_start"]), int(rig.status["loop_end"])) == (start, end)
    rig.send(SetLoop(0, 0))
    rig.turn(400)
    assert rig.engine._feed.position > end + SECOND_NS


def test_a_loop_of_nothing_is_refused_with_a_reason(tmp_path: Path, rigs: list[Rig]) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths)
    rigs.append(rig)
    rig.send(SetLoop(int(rows["ts_event"][5]), int(rows["ts_event"][5]) + 7))
    rig.turn(3)
    assert b"loop: expected at least a second" in bytes(rig.status["message"])
    assert rig.status["loop_end"] == 0


NQZ5 = 158704


@pytest.mark.parametrize("from_time", ["", "2025-11-23T18:02"])
def test_a_replay_may_begin_paused_and_shows_what_was_before(tmp_path: Path, rigs: list[Rig], from_time: str) -> None:
    paths, rows = files_of(tmp_path)
    rig = Rig(paths, is_held=True, from_time=from_time)
    rigs.append(rig)
    rig.turn(100)
    start = 1_763_938_920 * SECOND_NS if from_time else int(rows["ts_event"][0]) + 1
    assert int(rig.status["trades"]) == int(np.argmax(rows["ts_event"] >= start))
    assert rig.status["is_held"] == 1
    assert int(rig.status["anchor_event"]) >= int(rows["ts_event"][0])
