"""Replays: every trade once and never early, a clock that never runs ahead, several files, results of a scan."""

import gzip
import itertools
import math
from itertools import pairwise
from pathlib import Path

import databento_dbn as dbn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_files import (
    NAMES,
    NQH6,
    NQZ5,
    OPEN_NS,
    SPREAD,
    csv_text,
    definition_record,
    header,
    other_record,
    read,
    write,
)
from numpy.typing import NDArray

from flow_gl.core.errors import DataError, UsageError
from flow_gl.core.items import FeedGap, FileEnd, FileStart, Mapping, Trades
from flow_gl.core.schema import TRADE, FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.files.file_sequence import FileSequence
from flow_gl.feed.files.replay import FilesFeed, read_items, scan
from tests.kit.trades import make_trades

WALL_NS = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def trades() -> NDArray[np.void]:
    """Make about 40 minutes of three instruments."""
    return make_trades(20_000, ids=(NQZ5, NQZ5, NQH6, SPREAD))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, trades: NDArray[np.void]) -> Path:
    return write(tmp_path_factory.mktemp("files") / "nq.dbn", header(), trades)


def rows_of(items: list[object]) -> NDArray[np.void]:
    return np.concatenate([np.empty(0, TRADE), *(item.rows for item in items if isinstance(item, Trades))])


def event_now(feed: FilesFeed, wall_ns: int) -> int:
    clock = feed.clock()
    return clock.anchor_event + int((wall_ns - clock.anchor_wall) * clock.rate)


@pytest.mark.parametrize("speed", [0.1, 1.0, 37.5, 10_000.0, math.inf])
def test_every_trade_comes_once_and_in_order_at_every_speed(path: Path, trades: NDArray[np.void], speed: float) -> None:
    feed = FilesFeed([path], speed=speed)
    feed.start()
    items: list[object] = []
    wall_ns, step = WALL_NS, int(min(SECOND_NS, 10 * SECOND_NS / speed)) if speed < math.inf else SECOND_NS
    for _ in range(300_000):
        items += feed.poll(wall_ns)
        if feed.is_ended():
            break
        wall_ns += step
        if speed < 1 and len(items) > 2_000:
            feed.set_speed(100)
            step = SECOND_NS // 10
            speed = 100
    assert rows_of(items).tobytes() == trades.tobytes()
    assert feed.status().state == FeedState.ENDED
    assert feed.clock().rate == 0
    assert event_now(feed, wall_ns + 10**12) == trades["ts_event"].max()


@settings(max_examples=40)
@given(data=st.data())
def test_the_clock_never_passes_a_trade_not_yet_delivered(
    path: Path, trades: NDArray[np.void], data: st.DataObject
) -> None:
    feed = FilesFeed(
        [path], speed=data.draw(st.sampled_from([1.0, 60.0, 2_000.0])), bulk=data.draw(st.integers(1, 500))
    )
    feed.start()
    ts_event, wall_ns, handed = trades["ts_event"], WALL_NS, 0
    disorder = int((np.maximum.accumulate(ts_event) - ts_event).max())
    for step in data.draw(st.lists(st.integers(-5 * SECOND_NS, 5 * SECOND_NS), min_size=5, max_size=60)):
        if data.draw(st.booleans()):
            feed.set_speed(data.draw(st.sampled_from([0.1, 5.0, 10_000.0, math.inf])))
        handed += len(rows_of(feed.poll(wall_ns)))
        if handed < len(trades):
            assert event_now(feed, wall_ns) <= ts_event[handed] + disorder
        if handed:
            assert feed.clock().rate == 0 or event_now(feed, wall_ns) >= ts_event[:handed].max() - disorder
        wall_ns += step


def test_at_speed_one_a_second_of_wall_time_is_a_second_of_trades(path: Path, trades: NDArray[np.void]) -> None:
    feed = FilesFeed([path], speed=1.0)
    feed.start()
    handed = 0
    for second in range(30):
        handed += len(rows_of(feed.poll(WALL_NS + second * SECOND_NS)))
        due = trades["ts_event"][0] + second * SECOND_NS
        assert handed == int(np.argmax(trades["ts_event"] > due))
        assert event_now(feed, WALL_NS + second * SECOND_NS) == due
    assert feed.status().state == FeedState.REPLAY


def test_at_maximum_speed_a_poll_returns_one_batch(path: Path, trades: NDArray[np.void]) -> None:
    feed = FilesFeed([path], speed=math.inf, bulk=3_000)
    feed.start()
    sizes = []
    while not feed.is_ended():
        rows = rows_of(feed.poll(WALL_NS))
        sizes.append(len(rows))
        assert event_now(feed, WALL_NS) == trades["ts_event"][: sum(sizes)].max()
    assert len(sizes) == 7
    assert max(sizes) == 3_000
    assert sum(sizes) == len(trades)


def test_a_laptops_sleep_stops_the_replay_instead_of_skipping_ahead(path: Path, trades: NDArray[np.void]) -> None:
    feed = FilesFeed([path], speed=1.0)
    feed.start()
    feed.poll(WALL_NS)
    rows = rows_of(feed.poll(WALL_NS + 3_600 * SECOND_NS))
    assert rows["ts_event"].max() <= trades["ts_event"][0] + SECOND_NS
    before = event_now(feed, WALL_NS + 3_600 * SECOND_NS)
    assert rows_of(feed.poll(WALL_NS)).size == 0
    assert event_now(feed, WALL_NS) == before


def test_a_change_of_speed_takes_effect_without_a_jump(path: Path, trades: NDArray[np.void]) -> None:
    feed = FilesFeed([path], speed=1.0)
    feed.start()
    feed.poll(WALL_NS)
    feed.poll(WALL_NS + SECOND_NS)
    feed.set_speed(20.0)
    assert event_now(feed, WALL_NS + SECOND_NS) == trades["ts_event"][0] + SECOND_NS
    feed.poll(WALL_NS + 2 * SECOND_NS)
    assert event_now(feed, WALL_NS + 2 * SECOND_NS) == trades["ts_event"][0] + 21 * SECOND_NS
    feed.set_speed(math.inf)
    feed.poll(WALL_NS + 2 * SECOND_NS)
    assert feed.is_ended()


def test_a_replay_from_a_time_delivers_everything_before_it_immediately(path: Path, trades: NDArray[np.void]) -> None:
    from_ns = OPEN_NS + 600 * SECOND_NS
    feed = FilesFeed([path], speed=1.0, from_ns=from_ns, bulk=1_000)
    feed.start()
    assert feed.status().state == FeedState.CATCHING_UP
    items: list[object] = []
    while feed.status().state == FeedState.CATCHING_UP:
        items += feed.poll(WALL_NS)
        assert event_now(feed, WALL_NS) <= from_ns
    before = int(np.argmax(trades["ts_event"] >= from_ns))
    assert 0 < before < len(trades)
    assert len(rows_of(items)) == before
    assert event_now(feed, WALL_NS) == from_ns
    items += feed.poll(WALL_NS + SECOND_NS)
    assert len(rows_of(items)) == int(np.argmax(trades["ts_event"] > from_ns + SECOND_NS))


def test_a_replay_cannot_begin_after_the_last_trade(path: Path) -> None:
    feed = FilesFeed([path], from_ns=OPEN_NS + 10**15)
    with pytest.raises(UsageError, match=r"the replay cannot start at .*: the last trade is at 2025-11-23"):
        feed.start()


@pytest.mark.parametrize("speed", [0.0, 0.09, 10_001.0, -1.0, math.nan, -math.inf])
def test_a_speed_out_of_range_is_refused(path: Path, speed: float) -> None:
    with pytest.raises(UsageError, match=r"speed: expected 0.1 to 10,000 or max"):
        FilesFeed([path], speed=speed)
    feed = FilesFeed([path])
    with pytest.raises(UsageError, match="speed"):
        feed.set_speed(speed)


def test_before_the_first_poll_the_clock_is_at_the_first_trade(path: Path, trades: NDArray[np.void]) -> None:
    feed = FilesFeed([path])
    assert feed.poll(WALL_NS) == []
    feed.start()
    assert (feed.clock().anchor_event, feed.clock().rate) == (trades["ts_event"][0], 0.0)
    assert not feed.is_ended()


def test_progress_goes_from_0_to_1(path: Path) -> None:
    feed = FilesFeed([path], speed=math.inf, bulk=5_000, summary=scan([path]))
    feed.start()
    seen = [feed.status().progress]
    while not feed.is_ended():
        feed.poll(WALL_NS)
        seen.append(feed.status().progress)
    assert seen[0] == 0.0
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert 0.1 < seen[1] < 0.4


def test_a_closed_feed_delivers_nothing_more(path: Path) -> None:
    feed = FilesFeed([path])
    feed.close()
    feed = FilesFeed([path])
    feed.start()
    feed.poll(WALL_NS)
    feed.close()
    feed.close()
    assert feed.poll(WALL_NS + SECOND_NS) == []
    assert feed.is_ended()


def test_damage_is_in_the_status_and_the_trades_before_it_are_delivered(tmp_path: Path) -> None:
    trades = make_trades(500)
    path = write(tmp_path / "nq.dbn", header(), trades[:400], b"\0" * 48)
    feed = FilesFeed([path], speed=math.inf)
    feed.start()
    items = feed.poll(WALL_NS)
    assert rows_of(items).tobytes() == trades[:400].tobytes()
    assert feed.status().state == FeedState.ENDED
    assert feed.status().message.startswith("nq.dbn: damaged at byte ")
    assert scan([path]).messages == (feed.status().message,)


def test_a_file_with_an_invalid_start_is_refused_by_start(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        FilesFeed([tmp_path / "none.dbn"]).start()
    with pytest.raises(DataError, match="trades are needed"):
        FilesFeed([write(tmp_path / "x.dbn", header())]).start()
    with pytest.raises(DataError, match="at least one file"):
        FilesFeed([]).start()


def days(folder: Path, *, gap_s: int = 3_600) -> tuple[NDArray[np.void], list[Path]]:
    first = make_trades(1_000)
    start = int(first["ts_event"].max()) + gap_s * SECOND_NS
    second = make_trades(1_000, seed=2, start_ns=start)
    return np.concatenate([first, second]), [
        write(folder / "a.dbn", header(), first),
        write(folder / "b.csv", csv_text(second).encode()),
    ]


def test_files_one_after_the_other_are_one_stream(tmp_path: Path) -> None:
    trades, paths = days(tmp_path)
    rows, _, messages = read(*paths)
    assert rows.tobytes() == trades.tobytes()
    assert messages == []
    summary = scan(paths)
    assert (summary.trades, summary.first_ts, summary.last_ts) == (
        2_000,
        trades["ts_event"].min(),
        trades["ts_event"].max(),
    )
    feed = FilesFeed(paths, speed=math.inf)
    feed.start()
    assert rows_of(feed.poll(WALL_NS)).tobytes() == trades.tobytes()


def test_files_given_in_any_order_are_read_in_time_order(tmp_path: Path) -> None:
    trades, (first, second) = days(tmp_path)
    nothing = write(tmp_path / "nothing.dbn", header())
    for paths in itertools.permutations([first, second, nothing]):
        rows, _, _ = read(*paths)
        assert rows.tobytes() == trades.tobytes()
        assert scan(paths).paths == (nothing, first, second)
        feed = FilesFeed(paths, speed=math.inf)
        feed.start()
        assert rows_of(feed.poll(WALL_NS)).tobytes() == trades.tobytes()


def test_files_whose_headers_do_not_overlap_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trades, _ = days(tmp_path)
    begins = [0, 400, 1_300, len(trades)]
    starts = [int(trades["ts_recv"][at]) for at in begins[:-1]] + [int(trades["ts_recv"][-1]) + 1]
    paths = [
        write(tmp_path / f"{at}.dbn", header(start_ns=start, end_ns=end), trades[first:last])
        for at, (start, end, first, last) in enumerate(zip(starts, starts[1:], begins, begins[1:], strict=False))
    ]
    monkeypatch.setattr("flow_gl.feed.files.replay.read_part", None)
    for order in itertools.permutations(paths):
        assert read(*order)[0].tobytes() == trades.tobytes()


def test_files_whose_headers_are_out_of_order_are_refused(tmp_path: Path) -> None:
    trades, _ = days(tmp_path)
    first = write(tmp_path / "a.dbn", header(start_ns=1_000, end_ns=2_000), trades[1_000:])
    second = write(tmp_path / "b.dbn", header(start_ns=2_000, end_ns=3_000), trades[:1_000])
    with pytest.raises(DataError, match=f"{second} begins at 2025-11-23 23:00:00.000 UTC, before {first} at .* order"):
        read(first, second)


def test_overlapping_files_are_refused_with_both_names_and_times(tmp_path: Path) -> None:
    _, (first, second) = days(tmp_path, gap_s=-60)
    for refuse in (scan, lambda paths: FilesFeed(paths).start(), lambda paths: list(read_items(paths))):
        with pytest.raises(DataError) as raised:
            refuse([first, second])
        assert str(raised.value).startswith(f"{second} begins at ")
        assert f"before {first} ends at " in str(raised.value)
        assert str(raised.value).endswith(": they overlap")


def test_an_overlap_found_during_the_replay_ends_it_with_one_line(tmp_path: Path) -> None:
    _, paths = days(tmp_path, gap_s=-60)
    summary = scan(paths[:1])
    feed = FilesFeed(paths, speed=math.inf, summary=summary)
    feed.start()
    rows = rows_of(feed.poll(WALL_NS))
    assert len(rows) == 1_000
    assert feed.status().state == FeedState.FAILED
    assert feed.status().message.endswith("they overlap")
    assert feed.is_ended()


def test_a_file_given_twice_is_refused(tmp_path: Path) -> None:
    _, (first, _) = days(tmp_path)
    with pytest.raises(DataError, match="given twice"):
        scan([first, first])


def test_after_a_damaged_file_there_is_a_gap_up_to_the_next(tmp_path: Path) -> None:
    trades, paths = days(tmp_path)
    write(paths[0], header(), trades[:700], b"\xff" * 48)
    items = list(read_items(paths))
    gap = FeedGap(int(trades["ts_event"][699]), int(trades["ts_event"][1_000]))
    at = items.index(gap)
    assert len(rows_of(items[:at])) == 700
    assert rows_of(items[at:]).tobytes() == trades[1_000:].tobytes()


def test_a_gap_waits_for_its_end_in_a_replay(tmp_path: Path) -> None:
    trades, paths = days(tmp_path, gap_s=60)
    write(paths[0], header(), trades[:2], b"\xff" * 48)
    feed = FilesFeed(paths, speed=1.0)
    feed.start()
    wall_ns, items = WALL_NS, []
    while not any(isinstance(item, FeedGap) for item in items):
        assert len(rows_of(items)) <= 2
        wall_ns += SECOND_NS // 2
        items += feed.poll(wall_ns)
    assert event_now(feed, wall_ns) >= trades["ts_event"][1_000]


def test_definitions_come_first_wherever_they_are_in_the_file(tmp_path: Path) -> None:
    _, (first, second) = days(tmp_path)
    record = definition_record(3, NQZ5, "NQZ5", tick_size=250_000_000, quantity=20_000_000_000)
    definitions = write(tmp_path / "def.dbn", header(schema=dbn.Schema.DEFINITION), record)
    items = list(read_items([first, second, definitions]))
    kinds = [type(item).__name__ for item in items]
    assert kinds.index("Definition") < kinds.index("Trades")
    chosen = scan([first, definitions]).choose()
    assert chosen.definition is not None
    assert (chosen.definition.tick_size, chosen.definition.point_value) == (250_000_000, 20.0)


def test_a_scan_distinguishes_the_instruments(path: Path, trades: NDArray[np.void]) -> None:
    summary = scan([path])
    assert summary.instruments[0].symbol == "NQZ5"
    for one in summary.instruments:
        mine = trades[trades["instrument_id"] == one.instrument_id]
        assert (one.trades, one.volume) == (len(mine), int(mine["size"].sum()))
        assert (one.first_ts, one.last_ts) == (mine["ts_event"][0], mine["ts_event"][-1])
    assert [one.is_outright for one in summary.instruments if one.symbol == "NQZ5-NQH6"] == [False]


@settings(max_examples=40)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=200), st.integers(1, 60))
def test_counts_of_a_scan_do_not_depend_on_where_batches_end(ids: list[int], size: int) -> None:
    from flow_gl.feed.files.file_part import _Tally

    trades = make_trades(len(ids))
    trades["instrument_id"] = ids
    tally = _Tally()
    for at in range(0, len(trades), size):
        tally.add(trades[at : at + size])
    assert tally.ids.tolist() == sorted(set(ids))
    for index, instrument_id in enumerate(tally.ids):
        mine = trades[trades["instrument_id"] == instrument_id]
        assert tally.trades[index] == len(mine)
        assert tally.volume[index] == mine["size"].sum()
        assert (tally.first_ts[index], tally.last_ts[index]) == (mine["ts_event"][0], mine["ts_event"][-1])


def test_the_busiest_outright_is_chosen_and_a_spread_only_if_nothing_else_trades(tmp_path: Path) -> None:
    trades = make_trades(100, ids=(SPREAD,))
    trades["instrument_id"][:10] = NQZ5
    trades["instrument_id"][10:15] = NQH6
    assert scan([write(tmp_path / "x.dbn", header(), trades)]).choose().symbol == "NQZ5"
    trades["instrument_id"] = SPREAD
    assert scan([write(tmp_path / "y.dbn", header(), trades)]).choose().symbol == "NQZ5-NQH6"


@pytest.mark.parametrize(
    ("volumes", "chosen"),
    [
        ({"XYZ": 5}, "XYZ"),
        ({"XYZ": 5, "ABC": 9}, "ABC"),
        ({"XYZ": 5, "ABC": 5}, "XYZ"),  # the lower id
        ({"XYZ": 5, "NQZ5-NQH6": 90}, "XYZ"),
        ({"XYZ": 90, "NQZ5": 5, "NQH6": 5}, "NQZ5"),
        ({"NQZ5 C25000": 5, "UD:1V: VT 2024": 90}, "NQZ5 C25000"),
    ],
)
def test_a_share_is_charted_if_no_outright_trades(tmp_path: Path, volumes: dict[str, int], chosen: str) -> None:
    ids = {symbol: 11 + at for at, symbol in enumerate(volumes)}
    trades = make_trades(len(ids), ids=tuple(ids.values()))
    trades["instrument_id"] = list(ids.values())
    trades["size"] = list(volumes.values())
    path = write(tmp_path / "x.dbn", header(names=ids), trades)
    assert scan([path]).choose().symbol == chosen


def test_a_definition_takes_precedence_over_the_symbol(tmp_path: Path) -> None:
    trades = make_trades(100, ids=(NQZ5, NQH6, NQH6))
    spread = definition_record(3, NQH6, "NQH6", kind="S", quantity=2**63 - 1)
    summary = scan([write(tmp_path / "x.dbn", header(schema=None), spread, trades)])
    assert summary.choose().symbol == "NQZ5"


def test_a_symbol_is_found_by_contract_by_request_and_by_id(tmp_path: Path) -> None:
    names = {"NQ.v.0": NQZ5}
    path = write(tmp_path / "x.dbn", header(names=names, stype_in=dbn.SType.CONTINUOUS), make_trades(10))
    summary = scan([path])
    for symbol in ("NQ.v.0", "nq.V.0", str(NQZ5)):
        assert summary.choose(symbol).instrument_id == NQZ5


def test_an_unknown_symbol_is_refused_with_what_the_file_contains(path: Path) -> None:
    with pytest.raises(DataError, match=r"ESZ5 is not in nq.dbn; it holds NQZ5, "):
        scan([path]).choose("ESZ5")


def test_a_symbol_without_trades_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "x.dbn", header(), make_trades(10))
    with pytest.raises(DataError, match=r"NQH6 is named in x.dbn but never trades; NQZ5 do"):
        scan([path]).choose("NQH6")


def test_a_file_without_names_is_charted_by_its_busiest_instrument(tmp_path: Path) -> None:
    trades = make_trades(100, ids=(NQH6, NQZ5, NQZ5))
    chosen = scan([write(tmp_path / "x.dbn", header(schema=None, names={}), trades)]).choose()
    assert (chosen.instrument_id, chosen.name) == (NQZ5, str(NQZ5))


def test_mixed_records_around_the_trades_change_nothing(tmp_path: Path) -> None:
    trades = make_trades(300)
    parts = [part for row in trades for part in (row.tobytes(), other_record(14, 160))]
    rows, _, _ = read(write(tmp_path / "x.dbn", header(schema=None), *parts))
    assert rows.tobytes() == trades.tobytes()


def test_names_come_before_the_trades(path: Path) -> None:
    feed = FilesFeed([path], speed=1.0)
    feed.start()
    items = feed.poll(WALL_NS)
    assert [type(item) for item in items] == [FileStart, Mapping, Mapping, Mapping, Trades]


def test_trades_of_an_unnamed_id_are_reported(tmp_path: Path) -> None:
    trades = make_trades(100)
    trades["instrument_id"][50] ^= 1 << 9
    summary = scan([write(tmp_path / "x.dbn", header(), trades)])
    assert summary.messages == (f"trades of instruments that no file names: 1 (ids {NQZ5 ^ 1 << 9})",)
    assert summary.choose().trades == 99


def three_files(folder: Path) -> list[Path]:
    return [
        write(folder / f"{at}.dbn", header(), make_trades(100, seed=at, start_ns=OPEN_NS + at * 10**12))
        for at in range(3)
    ]


def test_a_replay_of_several_files_reports_which_one_it_reads_and_where_each_ends(tmp_path: Path) -> None:
    feed = FilesFeed(three_files(tmp_path), speed=math.inf, bulk=60, yield_ends=True)
    feed.start()
    said: list[str] = []
    ends: list[tuple[int, int]] = []
    trades = 0
    while not feed.is_ended():
        said.append(feed.status().message)
        for item in feed.poll(WALL_NS):
            trades += len(item.rows) if isinstance(item, Trades) else 0
            if isinstance(item, FileEnd):
                ends.append((item.index, trades))
    assert list(dict.fromkeys(said)) == [f"reading {number} of 3 files" for number in (1, 2, 3)]
    assert feed.status().message == ""
    assert ends == [(0, 100), (1, 200), (2, 300)]


@pytest.mark.parametrize("done", [0, 1, 2, 3])
@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_skipped_files_leave_the_rest_unchanged(tmp_path: Path, done: int, damaged: int) -> None:
    paths = three_files(tmp_path)
    paths[damaged].write_bytes(paths[damaged].read_bytes()[:-30])
    parts = scan(paths).parts
    whole = read_items(paths)
    everything = [_shape(item) for item in whole]
    rest = FileSequence(paths, known=dict(zip(paths, parts, strict=True)))
    for part in parts[:done]:
        rest.skip(part)
    left = [_shape(item) for item in rest]
    assert (rest.trades, rest.messages, rest.damage) == (whole.trades, whole.messages, whole.damage)
    # Each file gives its start, its names and one batch; the gap after the damaged file precedes the next file's batch.
    passed = done * (1 + len(NAMES) + 1) + (damaged + 1 < done)
    assert left == everything[passed:]


def _shape(item: object) -> object:
    return item.rows.tobytes() if isinstance(item, Trades) else item


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_read_and_its_damage_reported(tmp_path: Path, members: int) -> None:
    trades = make_trades(3_000)
    data = header() + trades.tobytes()
    cuts = [len(data) * n // members for n in range(members + 1)]
    packed = b"".join(gzip.compress(data[start:end]) for start, end in pairwise(cuts))
    rows, _, messages = read(write(tmp_path / "x.dbn.gz", packed))
    assert rows.tobytes() == trades.tobytes()
    assert messages == []
    rows, _, messages = read(write(tmp_path / "x.dbn.gz", packed[:-400]))
    assert 0 < len(rows) < len(trades)
    assert rows.tobytes() == trades[: len(rows)].tobytes()
    assert "the gzip stream is cut off" in messages[0]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((1000, 5000), [(1000, 3000)]),  # no file was requested for the 2,000 s between
        ((3000, 5000), []),  # one range starts where the other ends
        ((None, 5000), []),  # a recording has no end, so nothing is claimed
    ],
)
def test_time_covered_by_no_file_is_missing_not_quiet(
    tmp_path: Path, ends: tuple[int | None, int | None], expected: list[tuple[int, int]]
) -> None:
    paths = []
    for at, end in zip((0, 3000), ends, strict=True):
        start_ns = OPEN_NS + at * SECOND_NS
        rows = make_trades(50, ids=(NQZ5,))
        rows["ts_event"] += start_ns - int(rows["ts_event"][0])
        end_ns = None if end is None else OPEN_NS + end * SECOND_NS
        paths.append(write(tmp_path / f"{at}.dbn", header(start_ns=start_ns, end_ns=end_ns), rows))
    gaps = [FeedGap(*(OPEN_NS + at * SECOND_NS for at in gap)) for gap in expected]
    assert [item for item in read_items(paths) if isinstance(item, FeedGap)] == gaps
    summary = scan(paths)
    rest = FileSequence(paths, known=dict(zip(summary.paths, summary.parts, strict=True)))
    rest.skip(summary.parts[0])
    assert [item for item in rest if isinstance(item, FeedGap)] == gaps, "also behind a file that is skipped"
