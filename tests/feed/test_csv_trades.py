"""Databento's CSV in every notation, against the trades written and against the official client's output."""

import datetime as dt
import io
from pathlib import Path

import databento as db
import databento_dbn as dbn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_files import NAMES, NQH6, NQZ5, SPREAD, csv_text, frames, header, read, write

from flow_gl.core.errors import DataError
from flow_gl.core.items import Mapping
from flow_gl.core.schema import UNDEF_PRICE, UNDEF_TS
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.feed.files.csv_trades import CsvReader
from flow_gl.feed.files.replay import scan
from tests.kit.trades import make_trades

SYMBOLS = {instrument_id: name for name, instrument_id in NAMES.items()}


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
def test_every_notation_gives_the_trades_byte_for_byte(
    tmp_path: Path, *, pretty: bool, named: bool, compressed: bool
) -> None:
    trades = make_trades(300, ids=(NQZ5, NQH6, SPREAD))
    data = csv_text(trades, pretty=pretty, symbols=SYMBOLS if named else None).encode()
    rows, notices, messages = read(write(tmp_path / "x.csv", frames(data, parts=2) if compressed else data))
    assert rows.tobytes() == trades.tobytes()
    assert {(notice.instrument_id, notice.symbol) for notice in notices} == (set(SYMBOLS.items()) if named else set())
    assert messages == []


@pytest.mark.parametrize("pretty_ts", [True, False])
@pytest.mark.parametrize("pretty_px", [True, False])
def test_a_real_day_written_by_the_official_client_is_read_back(
    real_data: Path, tmp_path: Path, *, pretty_ts: bool, pretty_px: bool
) -> None:
    store = db.DBNStore.from_bytes((real_data / "nq-20251123.trades.dbn.zst").read_bytes())
    store.to_csv(tmp_path / "x.csv", pretty_ts=pretty_ts, pretty_px=pretty_px)
    rows, _, messages = read(tmp_path / "x.csv")
    assert rows.tobytes() == store.to_ndarray().tobytes()
    assert messages == []
    assert scan([tmp_path / "x.csv"]).choose().symbol == "NQZ5"


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_a_real_day_written_by_pandas_is_read_back(real_data: Path, tmp_path: Path) -> None:
    store = db.DBNStore.from_bytes((real_data / "nq-20251123.trades.dbn.zst").read_bytes())
    text = io.StringIO()
    store.to_df().to_csv(text)
    rows, _, messages = read(write(tmp_path / "x.csv", text.getvalue().encode()))
    assert rows.tobytes() == store.to_ndarray().tobytes()
    assert messages == []


def rewritten(text: str, names: list[str]) -> str:
    """Return the same rows with these columns, in this order."""
    lines = [line.split(",") for line in text.splitlines()]
    order = [lines[0].index(name) for name in names]
    return "\n".join(",".join(line[column] for column in order) for line in lines) + "\n"


def test_columns_may_be_in_any_order_and_optional_ones_missing(tmp_path: Path) -> None:
    trades = make_trades(200)
    text = rewritten(csv_text(trades, symbols=SYMBOLS), ["side", "symbol", "size", "price", "ts_event"])
    rows, notices, _ = read(write(tmp_path / "x.csv", text.encode()))
    for name in ("ts_event", "price", "size", "side"):
        assert (rows[name] == trades[name]).all(), name
    assert set(rows["ts_recv"]) == {UNDEF_TS}
    assert set(rows["length"]) == {12}
    assert set(rows["rtype"]) == {0}
    assert set(rows["action"]) == {ord("T")}
    assert [notice.symbol for notice in notices] == ["NQZ5"]
    assert set(rows["instrument_id"]) == {notices[0].instrument_id}


def test_ids_made_from_symbols_are_the_same_in_every_file(tmp_path: Path) -> None:
    trades = make_trades(200, ids=(NQZ5, NQH6))
    names = ["ts_event", "price", "size", "side", "symbol"]
    text = rewritten(csv_text(trades, symbols=SYMBOLS), names).splitlines(keepends=True)
    first = write(tmp_path / "a.csv", "".join(text[:100]).encode())
    second = write(tmp_path / "b.csv", "".join([text[0], *text[100:]]).encode())
    summary = scan([first, second])
    assert {one.symbol: one.trades for one in summary.instruments} == {
        SYMBOLS[instrument_id]: int((trades["instrument_id"] == instrument_id).sum()) for instrument_id in (NQZ5, NQH6)
    }


def test_an_instrument_without_name_and_id_is_named_after_its_file(tmp_path: Path) -> None:
    text = rewritten(csv_text(make_trades(5)), ["ts_event", "price", "size", "side"])
    _, notices, _ = read(write(tmp_path / "MNQZ5.trades.csv", text.encode()))
    assert [type(notice) for notice in notices] == [Mapping]
    assert notices[0].symbol == "MNQZ5"
    assert notices[0].instrument_id != 0


def test_unknown_columns_are_ignored_and_windows_line_ends_accepted(tmp_path: Path) -> None:
    trades = make_trades(50)
    lines = csv_text(trades).splitlines()
    text = "\ufeff" + "\r\n".join([lines[0] + ",note", *(line + ",x y" for line in lines[1:])]) + "\r\n\r\n"
    rows, _, messages = read(write(tmp_path / "x.csv", text.encode()))
    assert rows.tobytes() == trades.tobytes()
    assert messages == []


@settings(max_examples=60)
@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-100_000, 100_000), min_size=1), st.booleans())
def test_every_price_and_every_nanosecond_survives(prices: list[int], pretty: bool) -> None:
    trades = make_trades(len(prices))
    trades["price"] = prices
    text = csv_text(trades, pretty=pretty).encode()
    reader = CsvReader(iter([text]), default_symbol="x")
    rows = np.concatenate([item.rows for item in reader.items()])
    assert rows.tobytes() == trades.tobytes()


@pytest.mark.parametrize("pretty", [True, False])
def test_an_empty_price_is_an_undefined_one(tmp_path: Path, *, pretty: bool) -> None:
    trades = make_trades(20)
    trades["price"][7] = UNDEF_PRICE
    text = csv_text(trades, pretty=pretty).replace("9223372036.854775807" if pretty else "9223372036854775807", "")
    rows, _, _ = read(write(tmp_path / "x.csv", text.encode()))
    assert rows.tobytes() == trades.tobytes()


def test_an_undefined_receive_time_is_not_damage(tmp_path: Path) -> None:
    trades = make_trades(20)
    trades["ts_recv"][3] = UNDEF_TS
    text = csv_text(trades, pretty=False).replace("\n-1,", f"\n{2**64 - 1},")
    rows, _, messages = read(write(tmp_path / "x.csv", text.encode()))
    assert rows.tobytes() == trades.tobytes()
    assert messages == []


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("ts_event,price,size", "line 1: column side missing; the file's columns are ts_event,price,size"),
        ("time,px,qty", "line 1: columns ts_event, price, size, side missing"),
        ("ts_event,price,size,side,price", "line 1: column price appears twice"),
        ('"ts_event","price","size"', "line 1: column side missing"),
        ("ts_event;price;size;side", "missing; the file's columns are ts_event;price;size;side"),
    ],
)
def test_a_header_without_a_required_column_is_refused(tmp_path: Path, header: str, said: str) -> None:
    path = write(tmp_path / "x.csv", f"{header}\n1,2,3\n".encode())
    with pytest.raises(DataError) as raised:
        scan([path])
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)


def test_a_header_alone_holds_no_trades(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it holds no records; trades are needed"):
        scan([write(tmp_path / "x.csv", b"ts_event,price,size,side\n")])


BAD_FIELDS = [
    ("price", "24490.2500000001", "column price: expected a price (an integer in 1e-9 units, or a decimal"),
    ("price", "abc", "column price: expected a price"),
    ("price", "99999999999", "column price: expected a price"),
    ("size", "-1", "column size: expected a whole number (uint32), got '-1'"),
    ("size", "", "column size: expected a whole number (uint32), got ''"),
    ("size", "1.5", "column size: expected a whole number (uint32), got '1.5'"),
    ("side", "X", "column side: expected A, B or N, got 'X'"),
    ("side", "Bid", "column side: expected A, B or N, got 'Bid'"),
    ("side", "", "column side: expected A, B or N, got ''"),
    ("action", "X", "column action: expected T, A, C, M, R, F or N, got 'X'"),
    ("rtype", "160", "column rtype: expected 0 (trades), got '160'"),
    (
        "ts_event",
        "2025-11-23T23:00:00",
        "column ts_event: expected a time (ns since the epoch, or ISO-8601 with its zone)",
    ),
    ("ts_event", "2025-11-23T23:00:00.0000000001Z", "column ts_event: expected a time"),
    ("ts_event", "1970-01-01T00:00:00Z", "expected ts_event between 1990 and 2100, got 0 ns"),
    ("ts_event", "2025-10-01T00:00:00Z", "ts_event jumps from"),
    ("symbol", "N\x01", "column symbol: expected a symbol"),
    ("symbol", "a,b", "expected 14 columns, got 15"),
]


@pytest.mark.parametrize(("name", "value", "said"), BAD_FIELDS)
@pytest.mark.parametrize("at", [0, 3, 123, 199])
def test_a_bad_field_ends_reading_and_is_reported_with_its_line(
    tmp_path: Path, name: str, value: str, said: str, at: int
) -> None:
    trades = make_trades(200)
    lines = csv_text(trades, symbols=SYMBOLS).splitlines()
    fields = lines[at + 1].split(",")
    fields[lines[0].split(",").index(name)] = value
    lines[at + 1] = ",".join(fields)
    path = write(tmp_path / "x.csv", ("\n".join(lines) + "\n").encode())
    if at == 0:
        if "jumps" not in said:
            with pytest.raises(DataError, match=f"line {at + 2:,}: .*no trade precedes it"):
                read(path)
        return
    rows, _, messages = read(path)
    assert rows.tobytes() == trades[:at].tobytes()
    assert len(messages) == 1
    assert messages[0].startswith(f"x.csv: damaged at line {at + 2:,}: ")
    assert said in messages[0]
    assert messages[0].endswith(f"the {at:,} trades before it are kept")


@pytest.mark.parametrize("line", [b"", b"1,2,3", b"\xff\xfe\x00" * 9, b'"', b"," * 13, b"x" * 99])
def test_a_line_of_garbage_ends_reading(tmp_path: Path, line: bytes) -> None:
    trades = make_trades(100)
    lines = csv_text(trades).encode().splitlines()
    lines[60] = line
    rows, _, messages = read(write(tmp_path / "x.csv", b"\n".join(lines) + b"\n"))
    assert rows.tobytes() == trades[:59].tobytes()
    assert "line 61: " in messages[0]


@pytest.mark.parametrize("ending", ["", "\r"])
@pytest.mark.parametrize("named", [True, False])
def test_the_last_line_may_have_no_line_end(tmp_path: Path, *, ending: str, named: bool) -> None:
    trades = make_trades(100)
    text = csv_text(trades, symbols=SYMBOLS if named else None)[:-1] + ending
    rows, _, messages = read(write(tmp_path / "x.csv", text.encode()))
    assert rows.tobytes() == trades.tobytes()
    assert messages == []


@pytest.mark.parametrize("cut", [2, 12, 40, 90])
def test_an_incomplete_last_line_is_reported_as_cut_off(tmp_path: Path, cut: int) -> None:
    trades = make_trades(100)
    text = csv_text(trades, symbols=SYMBOLS)[:-cut]
    rows, notices, messages = read(write(tmp_path / "x.csv", text.encode()))
    assert rows.tobytes() == trades[:-1].tobytes()
    assert len(messages) == 1
    assert "line 101: the last line is cut off; the 99 trades" in messages[0]
    assert {notice.symbol for notice in notices} == {"NQZ5"}


def test_an_empty_symbol_is_an_instrument_without_a_name(tmp_path: Path) -> None:
    trades = make_trades(60, ids=(NQZ5, NQH6))
    rows, notices, messages = read(
        write(tmp_path / "x.csv", csv_text(trades, symbols={NQZ5: "NQZ5", NQH6: ""}).encode())
    )
    assert rows.tobytes() == trades.tobytes()
    assert [(notice.instrument_id, notice.symbol) for notice in notices] == [(NQZ5, "NQZ5")]
    assert messages == []


def test_an_empty_symbol_without_an_id_is_named_after_its_file(tmp_path: Path) -> None:
    text = rewritten(csv_text(make_trades(20), symbols={NQZ5: ""}), ["symbol", "ts_event", "price", "size", "side"])
    _, notices, _ = read(write(tmp_path / "MNQZ5.csv", text.encode()))
    assert [notice.symbol for notice in notices] == ["MNQZ5"]


@pytest.mark.parametrize("pretty", [True, False])
def test_small_and_negative_prices_are_read_in_either_notation(tmp_path: Path, *, pretty: bool) -> None:
    trades = make_trades(6)
    trades["price"] = [-60_000, -1, 0, 1, 102_804_687_500, -(2**63) + 1]
    rows, _, messages = read(write(tmp_path / "x.csv", csv_text(trades, pretty=pretty).encode()))
    assert rows.tobytes() == trades.tobytes()
    assert messages == []


def test_ambiguous_whole_number_prices_are_read_as_databento_writes_them_with_a_note(
    tmp_path: Path,
) -> None:
    text = "ts_event,price,size,side\n2025-11-24T00:00:00Z,46123,1,B\n"
    rows, _, messages = read(write(tmp_path / "x.csv", text.encode()))
    assert rows["price"].tolist() == [46123]
    assert messages == [
        "x.csv: prices are whole numbers, read in units of 1e-9 as Databento writes them: 46123 is 0.000046123"
    ]


def test_prices_with_an_exponent_are_decimals(tmp_path: Path) -> None:
    lines = "".join(f"2025-11-24T00:00:00Z,{price},1,B\n" for price in ("-6.05e-05", "6e-05", "0.0064005"))
    rows, _, _ = read(write(tmp_path / "x.csv", f"ts_event,price,size,side\n{lines}".encode()))
    assert rows["price"].tolist() == [-60_500, 60_000, 6_400_500]


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_headers_and_fields_may_be_quoted(tmp_path: Path, *, pretty: bool, line_end: str, mark: str) -> None:
    trades = make_trades(300, ids=(NQZ5, NQH6))
    trades["price"][3] = -1
    lines = csv_text(trades, pretty=pretty, symbols={NQZ5: "NQZ5", NQH6: ""}).splitlines()
    text = mark + line_end.join(",".join(f'"{field}"' for field in line.split(",")) for line in lines)
    rows, notices, messages = read(write(tmp_path / "x.csv", text.encode()))
    assert rows.tobytes() == trades.tobytes()
    assert [notice.symbol for notice in notices] == ["NQZ5"]
    assert messages == []


@pytest.mark.parametrize("pretty_px", [True, False])
@pytest.mark.parametrize("pretty_ts", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_the_output_of_the_official_encoder_is_read_back(
    tmp_path: Path, *, pretty_px: bool, pretty_ts: bool, named: bool
) -> None:
    trades = make_trades(400, ids=(NQZ5, NQH6))
    trades["price"][:9] = [0, 1, -1, -60_500, 102_804_687_500, UNDEF_PRICE, 2**63 - 2, -(2**63) + 1, 25]
    trades["size"][:3] = [0, 2**32 - 1, 1]
    trades["flags"] = np.arange(400) % 256
    trades["ts_recv"][10:13] = [UNDEF_TS, trades["ts_event"][11] - 3 * SECOND_NS, trades["ts_event"][12] + 10**15]
    out = io.BytesIO()
    transcoder = dbn.Transcoder(
        out,
        dbn.Encoding.CSV,
        dbn.Compression.NONE,
        pretty_px=pretty_px,
        pretty_ts=pretty_ts,
        map_symbols=named,
        symbol_interval_map={NQZ5: [(dt.date(2025, 1, 1), dt.date(2026, 1, 1), "NQZ5")]} if named else None,
    )
    transcoder.write(header(names={"NQZ5": NQZ5}) + trades.tobytes())
    transcoder.flush()
    rows, notices, messages = read(write(tmp_path / "x.csv", out.getvalue()))
    assert rows.tobytes() == trades.tobytes()
    assert [notice.symbol for notice in notices] == (["NQZ5"] if named else [])
    assert messages == []


def test_an_endless_line_is_not_read_into_memory(tmp_path: Path) -> None:
    trades = make_trades(10)
    rows, _, messages = read(write(tmp_path / "x.csv", csv_text(trades).encode(), b"1" * 200_000, b"\n"))
    assert rows.tobytes() == trades.tobytes()
    assert "line 12: expected 13 columns, got 1" in messages[0]


def test_line_numbers_continue_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flow_gl.feed.files.csv_trades._BLOCK_BYTES", 5_000)
    trades = make_trades(2_000)
    lines = csv_text(trades, pretty=False).splitlines()
    lines[1_555] += ",1"
    data = ("\n".join(lines) + "\n").encode()
    reader = CsvReader((data[at : at + 999] for at in range(0, len(data), 999)), default_symbol="x")
    batches: list[np.ndarray] = []
    with pytest.raises(DamageError, match="line 1,556: expected 13 columns, got 14"):
        batches.extend(item.rows for item in reader.items())
    assert np.concatenate(batches).tobytes() == trades[:1_554].tobytes()
    assert len(batches) > 10
