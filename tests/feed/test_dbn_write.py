"""Databento's own client reads what flow_gl writes."""

from datetime import UTC, datetime
from pathlib import Path

import databento
import numpy as np
import pytest
from databento.common.symbology import InstrumentMap

from flow_gl.core.errors import DataError
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import OPEN_NS, TradeMaker

FIELDS = ("instrument_id", "ts_event", "price", "size", "flags", "ts_recv", "ts_in_delta", "sequence")


@pytest.fixture(scope="module")
def market() -> tuple[np.ndarray, dict[int, str]]:
    maker = TradeMaker(seed=4, start_ns=OPEN_NS)
    return maker.take(120), maker.symbols()


@pytest.mark.parametrize("name", ["session.dbn", "session.dbn.zst"])
def test_the_official_client_reads_every_field_back(
    tmp_path: Path, market: tuple[np.ndarray, dict[int, str]], name: str
) -> None:
    trades, symbols = market
    path = tmp_path / name
    write_dbn(path, trades, symbols=symbols)
    store = databento.DBNStore.from_bytes(path.read_bytes())
    read = store.to_ndarray()
    assert len(read) == len(trades) > 200
    for field in FIELDS:
        assert np.array_equal(read[field].astype(np.int64), trades[field].astype(np.int64)), field
    assert [chr(side) for side in trades["side"]] == [side.decode() for side in read["side"]]
    assert set(read["action"]) == {b"T"}
    assert store.dataset == "GLBX.MDP3"
    assert store.schema == "trades"
    day = datetime.fromtimestamp(OPEN_NS / 1e9, UTC).date()
    names = InstrumentMap()
    names.insert_metadata(store.metadata)
    assert {number: names.resolve(number, day) for number in symbols} == symbols


def test_no_trades_and_nameless_trades_are_refused(tmp_path: Path, market: tuple[np.ndarray, dict[int, str]]) -> None:
    trades, _ = market
    with pytest.raises(ValueError, match="at least one trade"):
        write_dbn(tmp_path / "x.dbn", trades[:0], symbols={})
    with pytest.raises(ValueError, match="without a symbol"):
        write_dbn(tmp_path / "x.dbn", trades, symbols={})


def test_a_missing_folder_is_one_clear_line(tmp_path: Path, market: tuple[np.ndarray, dict[int, str]]) -> None:
    trades, symbols = market
    with pytest.raises(DataError, match=r"cannot write .*gone"):
        write_dbn(tmp_path / "gone" / "x.dbn", trades, symbols=symbols)
