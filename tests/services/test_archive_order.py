"""The archive writes each bucket once and whole, whichever of its two rows is published first."""

import random
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from flow_gl.core.schema import BUBBLE, CVD_POINT, INSTRUMENT, ROLL_LIST
from flow_gl.core.units import SECOND_NS
from flow_gl.services.archive.database import open_engine, parse_url, prepare_database
from flow_gl.services.archive.market import MarketArchive
from flow_gl.store.market import MarketStore
from tests.services.days import DAY_START, utc_day

COUNT = 400


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    url = parse_url(f"sqlite:///{tmp_path / 'archive.sqlite3'}")
    found = open_engine(url)
    prepare_database(found, url)
    return found


def make_rows(count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    rows = np.zeros(count, BUBBLE), np.zeros(count, CVD_POINT)
    for kind in rows:
        kind["id"] = DAY_START // SECOND_NS + np.arange(count)
        kind["ts_event"] = kind["id"] * SECOND_NS
    rows[0]["ts_last"] = rows[0]["ts_event"] + 1
    rows[0]["trade_count"] = rows[0]["buy"] = rows[1]["close"] = np.arange(1, count + 1)
    return rows


def make_store(*, base_capacity: int = 1 << 10) -> MarketStore:
    store = MarketStore.local(base_capacity=base_capacity)
    name(store, "NQZ5", 100)
    return store


def name(store: MarketStore, symbol: str, instrument_id: int) -> None:
    record = np.zeros(1, INSTRUMENT)
    record["symbol"], record["requested"], record["instrument_id"] = symbol.encode(), b"NQ.v.0", instrument_id
    record["tick_size"], record["bucket_ns"] = 250_000_000, SECOND_NS
    store.instrument.write(record)


def write(archive: MarketArchive, engine: Engine) -> int:
    with engine.begin() as connection:
        count = archive.write(connection)
    archive.keep()
    return count


def kept(engine: Engine, table: str, value: str) -> list[tuple[str, int, int]]:
    with engine.connect() as connection:
        found = connection.execute(sa.text(f"SELECT symbol, id, {value} FROM {table} ORDER BY id"))
        return [tuple(row) for row in found]


@pytest.mark.parametrize("seed", range(6))
def test_no_row_is_lost_and_none_is_paired_with_another_bucket(engine: Engine, seed: int) -> None:
    rng, store, (bubbles, points) = random.Random(seed), make_store(), make_rows()
    archive = MarketArchive(store, utc_day)
    at = [0, 0]
    while at != [COUNT, COUNT]:
        kind = rng.choice([0, 1])
        stop = min(COUNT, at[kind] + rng.randrange(40))
        (store.bubbles[0], store.cvd[0])[kind].append((bubbles, points)[kind][at[kind] : stop])
        at[kind] = stop
        if rng.random() < 0.5:
            write(archive, engine)
            assert len(kept(engine, "bubbles", "buy")) == len(kept(engine, "cvd", "close"))
    while write(archive, engine):
        pass
    assert archive.behind == archive.missed == 0
    ids = bubbles["id"].tolist()
    assert kept(engine, "bubbles", "buy") == [("NQZ5", one, at + 1) for at, one in enumerate(ids)]
    assert kept(engine, "cvd", "close") == [("NQZ5", one, at + 1) for at, one in enumerate(ids)]


@pytest.mark.parametrize("is_bubble_first", [True, False])
def test_the_last_bucket_before_a_roll_stays_with_its_contract(engine: Engine, is_bubble_first: bool) -> None:
    store, (bubbles, points) = make_store(), make_rows(6)
    archive = MarketArchive(store, utc_day)
    first, second = (store.bubbles[0], bubbles), (store.cvd[0], points)
    if not is_bubble_first:
        first, second = second, first
    first[0].append(first[1][:4])
    second[0].append(second[1][:3])
    write(archive, engine)
    rolls = np.zeros(1, ROLL_LIST)
    rolls["count"] = rolls["total"] = 1
    roll = rolls["roll"][0, 0]
    roll["from_symbol"], roll["to_symbol"], roll["from_id"], roll["to_id"] = b"NQZ5", b"NQH6", 100, 200
    roll["last_ts"], roll["first_ts"] = bubbles["ts_last"][3], bubbles["ts_event"][4]
    store.rolls.write(rolls)
    name(store, "NQH6", 200)
    first[0].append(first[1][4:])
    write(archive, engine)
    second[0].append(second[1][3:])
    while write(archive, engine):
        pass
    symbols = ["NQZ5"] * 4 + ["NQH6"] * 2
    assert [row[0] for row in kept(engine, "bubbles", "buy")] == symbols
    assert [row[0] for row in kept(engine, "cvd", "close")] == symbols
    assert archive.behind == 0


def test_a_bucket_that_was_overwritten_in_one_ring_is_left_out_and_counted(engine: Engine) -> None:
    store, (bubbles, points) = make_store(base_capacity=64), make_rows(100)
    archive = MarketArchive(store, utc_day)
    store.bubbles[0].append(bubbles[:64])
    store.cvd[0].append(points)
    while write(archive, engine):
        pass
    assert [row[1] for row in kept(engine, "bubbles", "buy")] == bubbles["id"][36:64].tolist()
    assert [row[1] for row in kept(engine, "cvd", "close")] == bubbles["id"][36:64].tolist()
    assert archive.missed == 36
