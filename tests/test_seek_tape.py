"""A seek gives a sparse symbol, too, the tape and all other numbers of a run that was never interrupted."""

import itertools
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.commands import OpenTimeline, Play, Seek
from flow_gl.core.items import Trades
from flow_gl.core.schema import ORDER
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.files.replay import read_items
from flow_gl.runtime.seek import indexing
from flow_gl.services.replay_cache.segment import decode_contents
from flow_gl.services.replay_cache.snapshot_file import MAGIC
from flow_gl.store import market
from flow_gl.store.market import MarketReader
from tests.feed.market_files import NQH6, NQZ5, SPREAD
from tests.test_replay_snapshots import some_days, write_cut
from tests.test_replay_snapshots_rolls import within_a_file
from tests.test_seek import Rig, assert_same, orders_of, rigs, small, twin

__all__ = ("rigs", "small")

TAPE = 1 << 7
"""Orders that a tape holds here."""


@pytest.fixture(autouse=True)
def short_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "ORDER_CAPACITY", TAPE)


def lopsided_days(seed: int, *, sparse: float, stretch: int = 1) -> NDArray[np.void]:
    """Make trades of several sessions in which two of three instruments are sparse.

    Parameters
    ----------
    sparse : share of the trades of each of the two
    stretch : factor of the times between trades
    """
    rows = some_days(seed, trades=12_000)
    rows["instrument_id"] = np.random.default_rng(seed).choice(
        [NQZ5, NQH6, SPREAD], len(rows), p=[1 - 2 * sparse, sparse, sparse]
    )
    steps = np.diff(rows["ts_event"], prepend=rows["ts_event"][:1])
    delay = rows["ts_recv"] - rows["ts_event"]
    rows["ts_event"] = rows["ts_event"][0] + np.cumsum(np.where(steps < SECOND_NS, stretch * steps, steps))
    rows["ts_recv"] = rows["ts_event"] + delay
    return rows


def test_a_tape_after_a_seek_is_that_of_a_run_from_the_beginning(tmp_path: Path, rigs: list[Rig]) -> None:
    rows = lopsided_days(7, sparse=0.02)
    rig = Rig(write_cut(tmp_path, rows, [4_000, 4_100, 9_000]))
    rigs.append(rig)
    rig.send(Play(is_playing=False))
    rng, times = random.Random(11), rows["ts_event"]
    instants = [int(rng.choice(times)) + rng.choice([0, -1, SECOND_NS]) for _ in range(10)]
    full = 0
    for instant in (*instants, int(times.max()), int(times.min())):
        reached = rig.go(Seek(instant))
        expected = twin(rig, reached)
        assert [orders_of(store) for store in rig.stores] == [orders_of(store) for store in expected]
        full += all(len(orders_of(store)[1]) == TAPE * ORDER.itemsize for store in expected)
    assert full > 3, "also the sparse symbol's tape"
    assert len(rig.engine._transport.index.segments) > 10


def run_to(rig: Rig, instant: int, *, speed: int) -> None:
    """Play until an instant or just past it, in small steps."""
    while (left := instant - rig.engine._feed.position) > 0:
        rig.turn(step_ns=max(25_000_000, min(60 * SECOND_NS, left // (2 * speed))))


@pytest.mark.parametrize(("sparse", "stretch"), [(0.02, 1), (0.001, 20)])
def test_all_numbers_after_a_seek_are_those_of_a_run_that_was_never_interrupted(
    tmp_path: Path, rigs: list[Rig], sparse: float, stretch: int
) -> None:
    """Other tests compare with trades that are all aggregated at once; here the clock advances between them."""
    rows = lopsided_days(3, sparse=sparse, stretch=stretch)
    paths = write_cut(tmp_path, rows, [700, 4_000, 4_100, 9_000])
    speed = max(100, 20 * stretch)
    unbroken, seeking = Rig(paths, speed=float(speed)), Rig(paths)
    rigs += [unbroken, seeking]
    seeking.send(Play(is_playing=False))
    rng, times = random.Random(5), np.sort(rows["ts_event"])
    last_before_gap = times[:-1][np.diff(times) > 60 * SECOND_NS]
    within = [at + after_s * SECOND_NS for at, after_s in zip(last_before_gap, itertools.cycle((75, 5, 900)))]
    instants = [*rng.choices(times, k=10), *rng.sample(within, min(len(within), 8))]
    gaps, sessions = set(), set()
    for instant in sorted(map(int, instants)):
        run_to(unbroken, instant, speed=speed)
        unbroken.send(Play(is_playing=False))
        unbroken.turn(4, step_ns=SECOND_NS)
        position = unbroken.engine._feed.position
        seeking.go(Seek(int(rng.choice(rows["ts_event"]))))
        assert seeking.go(Seek(position)) == position
        seeking.turn(4, step_ns=SECOND_NS)
        for rig in (seeking, unbroken):
            rig.engine._pipeline.publish()
        assert_same(seeking.stores, unbroken.stores)
        assert seeking.status["trades"] == unbroken.status["trades"]
        for store in seeking.stores:
            reader = MarketReader(store)
            reader.refresh()
            gaps |= {(int(gap["start"]), bool(gap["open"])) for gap in reader.gaps}
            sessions.add(int(reader.session["trade_date"]))
        unbroken.send(Play(is_playing=True))
    assert {is_open for _, is_open in gaps} == {True, False}, "within a gap, and after one"
    assert len(sessions - {0}) > 1


def test_a_tape_after_a_seek_shows_the_orders_before_a_roll(tmp_path: Path, rigs: list[Rig]) -> None:
    paths = within_a_file(tmp_path)
    times = np.sort(np.concatenate([item.rows["ts_event"] for item in read_items(paths) if isinstance(item, Trades)]))
    rig = Rig(paths, symbols=("NQ.v.0",))
    rigs.append(rig)
    rig.send(Play(is_playing=False))
    rolled = 0
    for at in (len(times) - 1, 30, 400, 401, 430, 650, 720, 900):  # the contract changes after the first 400 trades
        reached = rig.go(Seek(int(times[at])))
        assert_same(rig.stores, twin(rig, reached))
        first = np.frombuffer(orders_of(rig.stores[0])[1], ORDER)["ts_event"][0]
        rolled += first <= times[399] < reached
    assert rolled > 1


def test_an_index_of_an_older_format_is_made_again(
    tmp_path: Path, rigs: list[Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = lopsided_days(7, sparse=0.02)[:3_000]
    paths = write_cut(tmp_path, rows, [1_000])
    instant = int(rows["ts_event"][2_500])
    first = Rig(paths)
    rigs.append(first)
    first.send(OpenTimeline())
    first.wait(lambda: first.status["indexed"] == 1.0)
    first.close()
    kept = sorted((tmp_path / ".flow_gl").glob("*.seek"))
    assert len(kept) > 3
    for path in kept:
        data = path.read_bytes()
        assert data.startswith(MAGIC)
        path.write_bytes(MAGIC.replace(b"2", b"1") + data[len(MAGIC) :])
    reads = []
    read = indexing.Indexing._read
    monkeypatch.setattr(indexing.Indexing, "_read", lambda *arguments: reads.append(1) or read(*arguments))
    rig = Rig(paths)
    rigs.append(rig)
    rig.go(Seek(instant))
    rig.wait(lambda: rig.status["indexed"] == 1.0)
    assert reads == [1]
    assert_same(rig.stores, twin(rig, instant))
    assert all(path.read_bytes().startswith(MAGIC) for path in kept)


def test_a_checkpoint_without_tapes_is_not_read(tmp_path: Path, rigs: list[Rig]) -> None:
    rig = Rig(write_cut(tmp_path, lopsided_days(7, sparse=0.02)[:1_000], []))
    rigs.append(rig)
    rig.send(OpenTimeline())
    rig.wait(lambda: rig.status["indexed"] == 1.0)
    contents = msgspec.msgpack.decode(rig.engine._transport.index.segments.segment(0).file.state())
    decode_contents(msgspec.msgpack.encode(contents))
    contents[0] = [point[:-1] for point in contents[0]]  # as an earlier format has them
    with pytest.raises(msgspec.ValidationError, match="length"):
        decode_contents(msgspec.msgpack.encode(contents))
