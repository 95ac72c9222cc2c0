"""DBN files against the official client, and the reports about damaged ones."""

from pathlib import Path

import databento as db
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
    definition_record,
    frames,
    header,
    mapping_record,
    other_record,
    read,
    write,
)

from flow_gl.core.errors import DataError
from flow_gl.core.items import Definition, FileStart, Mapping, Trades
from flow_gl.core.schema import TRADE, UNDEF_PRICE
from flow_gl.core.units import DAY_NS, MINUTE_NS
from flow_gl.dbn import layout as dbn_layout
from flow_gl.dbn import reading as our_dbn
from flow_gl.dbn.reading import DbnReader
from flow_gl.dbn.records import read_definition
from flow_gl.feed.files.replay import read_items, scan
from tests.kit.trades import make_trades

REAL = {
    "nq-20251123.trades.dbn.zst": (6_971, {"NQZ5": 6_931, "NQH6": 32, "NQM6": 1, "NQZ5-NQH6": 7}),
    "nq-20251128.trades.dbn.zst": (90_954, {"NQZ5": 90_562, "NQH6": 217, "NQZ5-NQH6": 175}),
    "esh4-20231225.trades.dbn.zst": (2_973, {"ESH4": 2_973}),
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_read_byte_for_byte_as_the_official_client_reads_it(real_data: Path, name: str) -> None:
    rows, notices, messages = read(real_data / name)
    assert rows.tobytes() == db.DBNStore.from_bytes((real_data / name).read_bytes()).to_ndarray().tobytes()
    assert len(rows) == REAL[name][0]
    assert all(isinstance(notice, Mapping) for notice in notices)
    assert messages == []


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_has_the_known_number_of_trades_of_each_instrument(real_data: Path, name: str) -> None:
    summary = scan([real_data / name])
    assert {one.symbol: one.trades for one in summary.instruments} == REAL[name][1]
    assert summary.trades == REAL[name][0]
    assert summary.dataset == "GLBX.MDP3"


def test_real_days_have_the_known_buy_sell_and_unsided_contracts(real_data: Path) -> None:
    facts = {
        "nq-20251123.trades.dbn.zst": ("NQZ5", 4_486, 4_513, 162),
        "nq-20251128.trades.dbn.zst": ("NQZ5", 71_616, 75_251, 33),
        "esh4-20231225.trades.dbn.zst": ("ESH4", 5_322, 4_526, 44),
    }
    for name, (symbol, *expected) in facts.items():
        rows, _, _ = read(real_data / name)
        chosen = scan([real_data / name]).choose()
        assert chosen.symbol == symbol
        mine = rows[rows["instrument_id"] == chosen.instrument_id]
        assert [int(mine["size"][mine["side"] == ord(side)].sum()) for side in "BAN"] == expected
        assert chosen.volume == sum(expected)


def test_a_live_recording_of_eight_kinds_gives_its_20_mappings_2_definitions_and_2_trades(real_data: Path) -> None:
    path = real_data / "live-mixed-20231115.dbn.zst"
    rows, notices, messages = read(path)
    store = db.DBNStore.from_bytes(path.read_bytes())
    assert len(rows) == 2
    assert [(row["ts_event"], row["price"], row["size"]) for row in rows] == [
        (record.ts_event, record.price, record.size) for record in store if isinstance(record, dbn.TradeMsg)
    ]
    mappings = [notice for notice in notices if isinstance(notice, Mapping)]
    assert mappings == [
        Mapping(record.instrument_id, record.stype_out_symbol, record.stype_in_symbol, record.ts_event)
        for record in store
        if isinstance(record, dbn.SymbolMappingMsg)
    ]
    assert len(mappings) == 20
    assert len(notices) == 22
    assert messages == []


def test_every_record_of_the_live_recording_is_counted(real_data: Path) -> None:
    from flow_gl.dbn.frames import decompressed

    with (real_data / "live-mixed-20231115.dbn.zst").open("rb") as file:
        reader = DbnReader(decompressed(file))
        list(reader.items())
    assert reader.kinds.total() == 46
    assert not reader.unknown_kinds
    kinds = {
        name.split("-1")[0] if name.startswith("ohlcv") else name
        for name in map(dbn_layout.KIND_NAMES.get, reader.kinds)
    }
    assert len(kinds) == 8


def test_real_definitions_give_tick_size_point_value_and_class(real_data: Path) -> None:
    found: list[object] = []
    for name in ("es-nq-definitions-20240630.dbn.zst", "es-spread-definitions.dbn.zst"):
        sequence = read_items([real_data / name])
        with pytest.raises(DataError, match="it holds 2 definition records; trades are needed"):
            found.extend(sequence)
    definitions = {item.symbol: item for item in found if isinstance(item, Definition)}
    assert (definitions["ESU4"].tick_size, definitions["ESU4"].point_value) == (250_000_000, 50.0)
    assert (definitions["NQU4"].tick_size, definitions["NQU4"].point_value) == (250_000_000, 20.0)
    assert definitions["ESU4"].is_outright
    for spread in ("ESH5-ESM5", "ESM4-ESU4"):
        assert (definitions[spread].tick_size, definitions[spread].point_value) == (50_000_000, None)
        assert not definitions[spread].is_outright


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("parts", [0, 1, 5])
def test_every_version_is_read_plain_and_in_zstd_frames(tmp_path: Path, version: int, parts: int) -> None:
    trades = make_trades(3_000, ids=(NQZ5, NQH6, SPREAD))
    data = header(version=version) + trades.tobytes()
    path = write(tmp_path / "x.dbn", frames(data, parts=parts) if parts else data)
    rows, notices, messages = read(path)
    assert rows.tobytes() == trades.tobytes()
    assert rows.tobytes() == db.DBNStore.from_bytes(path.read_bytes()).to_ndarray().tobytes()
    assert {(notice.symbol, notice.instrument_id) for notice in notices} == set(NAMES.items())
    assert messages == []


@pytest.mark.parametrize("version", [1, 2, 3])
def test_notices_keep_their_place_between_trades(tmp_path: Path, version: int) -> None:
    trades = make_trades(100)
    path = write(
        tmp_path / "x.dbn",
        header(version=version, schema=None, names={}),
        mapping_record(version, NQZ5, "NQZ5", "NQ.v.0"),
        trades[:60],
        definition_record(version, NQZ5, "NQZ5", quantity=20_000_000_000),
        other_record(14, 160),
        trades[60:],
        mapping_record(version, NQH6, "NQH6", "NQ.v.0", 99),
    )
    items = list(read_items([path]))
    kinds = [len(item.rows) if isinstance(item, Trades) else item for item in items]
    assert kinds == [
        FileStart({}),
        Mapping(NQZ5, "NQZ5", "NQ.v.0", OPEN_NS),
        60,
        Definition(NQZ5, "NQZ5", 250_000_000, 20.0, is_outright=True),
        40,
        Mapping(NQH6, "NQH6", "NQ.v.0", 99),
    ]
    rows, _, _ = read(path)
    assert rows.tobytes() == trades.tobytes()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_definition_layout_is_the_official_one(version: int) -> None:
    record = definition_record(version, 7, "ESZ5-ESH6", kind="S", tick_size=50_000_000, quantity=2**63 - 1)
    decoder = dbn.DBNDecoder(upgrade_policy=dbn.VersionUpgradePolicy.AS_IS)
    decoder.write(header(version=version, schema=None, names={}) + record)
    official = decoder.decode()[-1]
    assert (official.raw_symbol, str(official.instrument_class)) == ("ESZ5-ESH6", "S")
    ours = read_definition(record, version)
    assert ours == Definition(7, "ESZ5-ESH6", official.min_price_increment, None, is_outright=False)


def test_record_lengths_are_the_official_ones() -> None:
    by_kind = {
        0: dbn.TradeMsg, 1: dbn.MBP1Msg, 10: dbn.MBP10Msg, 18: dbn.StatusMsg, 20: dbn.ImbalanceMsg,
        32: dbn.OHLCVMsg, 160: dbn.MBOMsg, 177: dbn.CMBP1Msg, 192: dbn.CBBOMsg, 195: dbn.BBOMsg,
    }  # fmt: skip
    changed = {
        19: (dbn.InstrumentDefMsgV1, dbn.InstrumentDefMsgV2, dbn.InstrumentDefMsg),
        21: (dbn.ErrorMsgV1, dbn.ErrorMsg, dbn.ErrorMsg),
        22: (dbn.SymbolMappingMsgV1, dbn.SymbolMappingMsg, dbn.SymbolMappingMsg),
        23: (dbn.SystemMsgV1, dbn.SystemMsg, dbn.SystemMsg),
        24: (dbn.StatMsgV1, dbn.StatMsgV1, dbn.StatMsg),
    }
    for version in (1, 2, 3):
        words = dbn_layout.words_by_kind(version, has_ts_out=False) * 4
        for kind, message in by_kind.items():
            assert words[kind] == message.size_hint % 256 or words[kind] == message.size_hint, kind
        for kind, messages in changed.items():
            assert int(dbn_layout.words_by_kind(version, has_ts_out=False)[kind]) * 4 == messages[version - 1].size_hint


def test_trades_followed_by_a_send_time_are_read_without_it(tmp_path: Path) -> None:
    trades = make_trades(500)
    longer = np.zeros((500, 56), np.uint8)
    longer[:, :48] = trades.view(np.uint8).reshape(-1, 48)
    longer[:, 0] = 14
    path = write(tmp_path / "x.dbn", header(ts_out=True) + longer.tobytes())
    rows, _, messages = read(path)
    assert rows.tobytes() == trades.tobytes()
    assert messages == []


def test_a_continuous_symbol_is_reported_as_requested_and_a_roll_at_its_own_time(tmp_path: Path) -> None:
    import datetime as dt
    from types import SimpleNamespace

    days = [dt.date(2025, 11, 23), dt.date(2025, 11, 24), dt.date(2025, 11, 25)]
    intervals = [
        SimpleNamespace(start_date=days[0], end_date=days[1], symbol=str(NQZ5)),
        SimpleNamespace(start_date=days[1], end_date=days[2], symbol=str(NQH6)),
    ]
    metadata = dbn.Metadata(
        dataset="GLBX.MDP3", start=OPEN_NS, stype_in=dbn.SType.CONTINUOUS, stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.TRADES, symbols=["NQ.v.0"],
        mappings=[SimpleNamespace(raw_symbol="NQ.v.0", intervals=intervals)], version=3,
    )  # fmt: skip
    midnight = 1_763_942_400_000_000_000
    trades = make_trades(50_000, start_ns=midnight - MINUTE_NS)
    before = int((trades["ts_recv"] < midnight).sum())
    items = list(read_items([write(tmp_path / "x.dbn", metadata.encode(), trades)]))
    assert items[1] == Mapping(NQZ5, "", "NQ.v.0", midnight - DAY_NS)
    at = items.index(Mapping(NQH6, "", "NQ.v.0", midnight))
    assert sum(len(item.rows) for item in items[2:at]) == before
    assert np.concatenate([item.rows for item in items if isinstance(item, Trades)]).tobytes() == trades.tobytes()


@settings(max_examples=60)
@given(data=st.data())
def test_any_mix_of_records_in_any_slices_gives_its_trades_in_order(data: st.DataObject) -> None:
    trades = make_trades(40)
    kinds = data.draw(st.lists(st.sampled_from(["trade", "mbo", "map", "odd"]), max_size=60))
    stream, count = bytearray(header(schema=None, names={})), 0
    for kind in kinds:
        if kind == "trade" and count < len(trades):
            stream += trades[count].tobytes()
            count += 1
        elif kind == "map":
            stream += mapping_record(3, NQZ5, "NQZ5", "NQ.v.0")
        else:
            stream += other_record(14, 160) if kind == "mbo" else other_record(9, 99)
    size = data.draw(st.integers(1, len(stream)))
    reader = DbnReader(bytes(stream[at : at + size]) for at in range(0, len(stream), size))
    items = list(reader.items())
    rows = [item.rows for item in items if isinstance(item, Trades)]
    assert b"".join(part.tobytes() for part in rows) == trades[:count].tobytes()
    assert sum(isinstance(item, Mapping) for item in items) == kinds.count("map")
    assert reader.unknown_kinds.total() == kinds.count("odd")


def test_a_file_longer_than_a_chunk_is_read_in_batches(tmp_path: Path) -> None:
    trades = make_trades(2 * our_dbn.CHUNK_TRADES + 5)
    sizes = [
        len(item.rows) for item in read_items([write(tmp_path / "x.dbn", header(), trades)]) if isinstance(item, Trades)
    ]
    assert sum(sizes) == len(trades)
    assert max(sizes) <= our_dbn.CHUNK_TRADES + 2**20 // TRADE.itemsize


def damaged(trades: np.ndarray, at: int, **fields: int) -> bytes:
    rows = trades.copy()
    for name, value in fields.items():
        rows[name][at] = value
    return rows.tobytes()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"length": 0}, "expected a record of at least 16 bytes, got a length of 0"),
        ({"length": 3}, "expected a record of at least 16 bytes, got a length of 12"),
        ({"length": 13}, "a record of trades takes 48 bytes, its length says 52"),
        ({"length": 11}, "a record of trades takes 48 bytes, its length says 44"),
        ({"rtype": 19}, "a record of definition takes 520 bytes, its length says 48"),
        ({"rtype": 10}, "a record of mbp-10 takes 368 bytes, its length says 48"),
        ({"side": ord("X")}, "expected side A, B or N, got byte 0x58"),
        ({"action": 0x80}, "expected an action code, got byte 0x80"),
        ({"ts_event": 5}, "expected ts_event between 1990 and 2100, got 5 ns"),
        ({"ts_event": OPEN_NS + (1 << 50)}, "does not belong to ts_recv"),
        ({"ts_event": OPEN_NS + (1 << 56)}, "ts_event jumps from"),
        ({"ts_event": OPEN_NS - (1 << 48), "ts_recv": -1}, "ts_event jumps from"),
    ],
)
def test_a_damaged_record_ends_reading_and_keeps_the_trades_before_it(
    tmp_path: Path, fields: dict[str, int], said: str
) -> None:
    trades = make_trades(2_000)
    head = header()
    path = write(tmp_path / "x.dbn", head, damaged(trades, 1_234, **fields))
    rows, _, messages = read(path)
    assert rows.tobytes() == trades[:1_234].tobytes()
    assert len(messages) == 1
    place = f"byte {len(head) + 1_234 * 48:,} (record 1,235)"
    assert messages[0].startswith(f"x.dbn: damaged at {place}: ")
    assert said in messages[0]
    assert messages[0].endswith("; the 1,234 trades before it are kept")


def test_a_damaged_record_among_other_kinds_is_reported_with_its_position(tmp_path: Path) -> None:
    trades = make_trades(10)
    head = header(schema=None, names={})
    other = other_record(14, 160)
    path = write(tmp_path / "x.dbn", head, trades[:3], other, other, damaged(trades[3:], 2, side=0))
    rows, _, messages = read(path)
    assert rows.tobytes() == trades[:5].tobytes()
    assert f"byte {len(head) + 5 * 48 + 2 * 56:,} (record 8): expected side A, B or N" in messages[0]


def test_a_record_of_unknown_kind_is_skipped_and_counted(tmp_path: Path) -> None:
    trades = make_trades(10)
    path = write(tmp_path / "x.dbn", header(), trades[:4], other_record(30, 99), trades[4:])
    rows, _, messages = read(path)
    assert rows.tobytes() == trades.tobytes()
    assert messages == ["x.dbn: records of unknown kind (0x63) skipped: 1"]


@pytest.mark.parametrize(
    "fields",
    [
        {"ts_recv": -1},
        {"ts_recv": 0},
        {"ts_recv": 77},
        {"ts_recv": OPEN_NS + (1 << 60)},
        {"ts_recv": OPEN_NS - 3_000_000_000, "flags": 8},
        {"flags": 255},
        {"price": 1},
        {"price": -60_500},
        {"price": -(2**63) + 1},
        {"price": UNDEF_PRICE},
        {"size": 0},
        {"size": 2**32 - 1},
        {"depth": 3},
        {"sequence": 0},
        {"ts_event": -1},
        {"ts_event": -1, "ts_recv": -1},
        {"action": ord("R"), "ts_event": -1},
        {"action": ord("C"), "side": ord("X")},
        {"action": ord("N"), "ts_event": 5},
    ],
)
@pytest.mark.parametrize("at", [0, 5, 9])
def test_a_valid_record_never_ends_reading(tmp_path: Path, fields: dict[str, int], at: int) -> None:
    trades = make_trades(10)
    data = damaged(trades, at, **fields)
    path = write(tmp_path / "x.dbn", header(), data)
    rows, _, messages = read(path)
    assert rows.tobytes() == data
    assert not [message for message in messages if "damaged at" in message]
    summary = scan([path])
    assert summary.damage == ()
    assert OPEN_NS <= summary.first_ts <= summary.last_ts < OPEN_NS + MINUTE_NS


@pytest.mark.parametrize(("field", "value"), [("ts_recv", OPEN_NS + (1 << 55)), ("ts_recv", 77), ("ts_event", -1)])
def test_an_odd_time_of_one_record_does_not_make_files_overlap(tmp_path: Path, field: str, value: int) -> None:
    trades = make_trades(40)
    trades[field][19] = value
    first = write(tmp_path / "a.dbn", header(), trades[:20].tobytes())
    second = write(tmp_path / "b.dbn", header(), trades[20:].tobytes())
    assert scan([first, second]).trades == 40


def test_impossible_cme_prices_and_sizes_are_reported(tmp_path: Path) -> None:
    trades = make_trades(10)
    trades["price"][4] += 1
    trades["size"][6] = 2_000_000
    rows, _, messages = read(write(tmp_path / "x.dbn", header(), trades.tobytes()))
    assert rows.tobytes() == trades.tobytes()
    said = "x.dbn: implausible prices or sizes for a CME market: 2 (charted anyway; the file may be damaged)"
    assert messages == [said]


@pytest.mark.parametrize("bit", range(63))
def test_any_flipped_bit_in_a_price_is_detected(tmp_path: Path, bit: int) -> None:
    trades = make_trades(9)
    trades["price"][5] ^= 1 << bit
    rows, _, messages = read(write(tmp_path / "x.dbn", header(), trades))
    assert rows.tobytes() == trades.tobytes()
    assert "implausible prices or sizes for a CME market: 1" in messages[0]


def test_undefined_prices_and_zero_sizes_are_passed_on_for_the_engine_to_count(tmp_path: Path) -> None:
    trades = make_trades(10)
    trades["price"][3] = 2**63 - 1
    trades["size"][4] = 0
    rows, _, messages = read(write(tmp_path / "x.dbn", header(), trades))
    assert rows.tobytes() == trades.tobytes()
    assert messages == []
    assert scan([tmp_path / "x.dbn"]).instruments[0].volume == int(np.delete(trades, 3)["size"].sum())


@pytest.mark.parametrize("cut", [1, 15, 16, 47])
def test_a_file_cut_inside_a_record_keeps_the_complete_ones(tmp_path: Path, cut: int) -> None:
    trades = make_trades(100)
    path = write(tmp_path / "x.dbn", header(), trades[:70], trades[70].tobytes()[:cut])
    rows, _, messages = read(path)
    assert rows.tobytes() == trades[:70].tobytes()
    assert f"the file ends {cut} bytes into a record: it is cut off" in messages[0]


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.95])
def test_a_cut_zstd_file_keeps_what_can_be_decompressed(tmp_path: Path, cut: float) -> None:
    trades = make_trades(40_000)
    data = frames(header() + trades.tobytes(), parts=3)
    rows, _, messages = read(write(tmp_path / "x.dbn.zst", data[: int(len(data) * cut)]))
    assert 0 < len(rows) < len(trades)
    assert rows.tobytes() == trades[: len(rows)].tobytes()
    assert len(rows) > len(trades) * cut - 2 * 131_072 // 48
    assert "the file ends inside a zstd block: it is cut off" in messages[0]


def test_damage_that_only_the_checksum_detects_is_reported(tmp_path: Path) -> None:
    trades = make_trades(3_000)
    data = bytearray(frames(header() + trades.tobytes(), checksum=True))
    data[-1] ^= 0xFF
    rows, _, messages = read(write(tmp_path / "x.dbn.zst", bytes(data)))
    assert rows.tobytes() == trades.tobytes()
    assert (
        "the checksum of a zstd frame does not match, what was read since compressed byte 0 may be wrong" in messages[0]
    )


def test_garbage_after_a_complete_frame_is_reported(tmp_path: Path) -> None:
    trades = make_trades(3_000)
    rows, _, messages = read(write(tmp_path / "x.dbn.zst", frames(header() + trades.tobytes()), b"garbage"))
    assert rows.tobytes() == trades.tobytes()
    assert "expected a zstd frame (28 b5 2f fd), got 67 61 72 62" in messages[0]


def test_concatenated_files_are_reported_as_such(tmp_path: Path) -> None:
    trades = make_trades(20)
    whole = header() + trades.tobytes()
    rows, _, messages = read(write(tmp_path / "x.dbn", whole, whole))
    assert rows.tobytes() == trades.tobytes()
    assert "a second DBN header begins here" in messages[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"DBN", "the file ends inside its DBN header: it is cut off"),
        (b"DBN\x03\x10\x00\x00\x00abc", "the file ends inside its DBN header: it is cut off"),
        (b"DBN\x09\x10\x00\x00\x00" + bytes(16), "expected DBN version 1, 2 or 3, got 9"),
        (b"DBN\x03\xff\xff\xff\xff" + bytes(16), "the DBN header is damaged: it claims 4,294,967,303 bytes"),
        (b"DBN\x03\x10\x00\x00\x00" + bytes(16), "the DBN header is damaged"),
        (
            bytes(range(200)),
            "expected DBN or Databento's CSV, plain, zstd or gzip; its content begins with 00 01 02 03",
        ),
        (b"\x1f\x8b\x08\x00" + bytes(99), "the gzip stream is"),
        (b"PK\x03\x04" + bytes(99), "it is a zip archive: unpack it first"),
        (b"\x51\x2a\x4d\x18\x10\x00\x00\x00DBZ\x01" + bytes(99), "the file is DBZ, the predecessor of DBN"),
        (b"\x28\xb5\x2f\xfd", "the file ends inside a frame's header: it is cut off"),
        (b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", "it decompresses to nothing"),
        (header(), "it holds no records; trades are needed"),
        (header() + make_trades(1).tobytes()[:20], "no trade precedes it"),
        (header(schema=None) + other_record(20, 1) * 3, "it holds 3 mbp-1 records; trades are needed"),
    ],
)  # fmt: skip
def test_a_file_with_an_invalid_start_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = write(tmp_path / "x.dbn", content)
    with pytest.raises(DataError) as raised:
        scan([path])
    assert said in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("schema", [dbn.Schema.MBP_1, dbn.Schema.TBBO, dbn.Schema.MBO, dbn.Schema.OHLCV_1S])
def test_a_file_of_another_schema_is_refused_with_its_name(tmp_path: Path, schema: dbn.Schema) -> None:
    path = write(tmp_path / "x.dbn", header(schema=schema) + other_record(20, 1))
    with pytest.raises(DataError, match=f"it holds the schema {schema}; trades is needed"):
        scan([path])


def test_paths_without_a_readable_file_are_reported(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path, "this is a directory"),
        (tmp_path / "none.dbn", "no such file"),
        ("/dev/zero", "a regular file"),
    ):
        with pytest.raises(DataError, match=said):
            scan([path])
