"""Unusual but valid records give the same numbers through CSV, DBN, live and a recording."""

import datetime as dt
import io
from collections.abc import Callable

import databento_dbn as dbn
import numpy as np
import pytest
import zstandard

from flow_gl.core.items import Mapping
from flow_gl.core.schema import TRADE, UNDEF_PRICE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.feed.files.replay import read_items
from flow_gl.feed.live.intake import Intake
from tests.services.recorder_rig import Run

START = int(dt.datetime(2025, 11, 28, 15, tzinfo=dt.UTC).timestamp()) * SECOND_NS
SATURDAY = int(dt.datetime(2025, 11, 29, 17, tzinfo=dt.UTC).timestamp()) * SECOND_NS
NAME, UNNAMED = 158704, 101


def trades(count: int = 8, **columns: object) -> np.ndarray:
    rows = np.zeros(count, TRADE)
    rows["length"], rows["publisher_id"], rows["instrument_id"] = 12, 1, NAME
    rows["ts_event"] = START + np.arange(count) * SECOND_NS
    rows["ts_recv"] = rows["ts_event"] + 100
    rows["price"] = 25_000 * SECOND_NS + np.arange(count) * 250_000_000
    rows["size"], rows["action"], rows["sequence"] = 2, ord("T"), np.arange(count)
    rows["side"] = np.resize(np.frombuffer(b"ABN", np.uint8), count)
    for name, values in columns.items():
        rows[name] = values
    return rows


def at(name: str, value: int, *, row: int = 3, **others: int) -> np.ndarray:
    rows = trades()
    rows[name][row] = value
    for other, its in others.items():
        rows[other][row] = its
    return rows


CASES = {
    "plain": trades(),
    "bad ts_recv, flagged": at("ts_recv", START, flags=8),
    "a report 700 s late": at("ts_recv", START + 703 * SECOND_NS),
    "no ts_recv": at("ts_recv", -1),
    "every flag": trades(flags=[0, 1, 2, 4, 8, 128, 130, 255]),
    "small and negative prices": trades(price=[-60_500, -60_000, 0, 500, 25, -25, 60_000, 6_400_500]),
    "no price": at("price", UNDEF_PRICE),
    "size 0": at("size", 0),
    "another action": at("action", ord("C")),
    "no time": at("ts_event", -1, ts_recv=-1),
    "on a Saturday": trades(ts_event=SATURDAY + np.arange(8) * SECOND_NS, ts_recv=SATURDAY + np.arange(8) * SECOND_NS),
}


def encoded(rows):
    metadata = dbn.Metadata(
        dataset="GLBX.MDP3",
        start=START,
        stype_in=dbn.SType.RAW_SYMBOL,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.TRADES,
        symbols=[],
        mappings=[],
    )
    return metadata.encode() + rows.tobytes()


def from_dbn(rows, folder):
    (folder / "x.dbn.zst").write_bytes(zstandard.compress(encoded(rows)))
    return [Mapping(NAME, "NQZ5"), *read_items([folder / "x.dbn.zst"])]


def from_csv(*, is_pretty: bool) -> Callable:
    def make(rows, folder):
        out = io.BytesIO()
        days = [(dt.date(2025, 1, 1), dt.date(2026, 1, 1), "NQZ5")]
        coder = dbn.Transcoder(
            *(out, dbn.Encoding.CSV, dbn.Compression.NONE),
            pretty_px=is_pretty,
            pretty_ts=is_pretty,
            map_symbols=True,
            symbol_interval_map={NAME: days},
        )
        coder.write(encoded(rows))
        coder.flush()
        (folder / "x.csv").write_bytes(out.getvalue())
        return list(read_items([folder / "x.csv"]))

    return make


def from_live(rows, folder):
    assert folder
    intake, items = Intake(("NQZ5",), is_parent=False, masked_key="****"), []
    intake.begin(start=START, origin=START, earliest_ns=0, replays=1)
    kinds = dbn.SType.RAW_SYMBOL
    named = bytes(dbn.SymbolMappingMsg(1, NAME, START, kinds, "NQZ5", kinds, "NQZ5", 0, 0))
    chunks = [named, *(row.tobytes() for row in rows)]
    assert intake.take(chunks, SATURDAY + 60 * SECOND_NS, items) is None
    return items


def from_recording(rows, folder):
    run = Run(folder / "r", wall_ns=START)
    run.recorder.note(Mapping(NAME, "NQZ5", "NQZ5"))
    run.feed(rows, at_once=1)
    run.recorder.close()
    return [Mapping(NAME, "NQZ5"), *read_items(sorted((folder / "r").rglob("*.dbn.zst")))]


PATHS = {
    "csv": from_csv(is_pretty=True),
    "raw csv": from_csv(is_pretty=False),
    "live": from_live,
    "recording": from_recording,
}


def numbers(items, calendar):
    sink = Collector()
    pipeline = Pipeline(sessions=calendar)
    pipeline.attach(NAME, sink)
    for item in items:
        pipeline.take(item)
    pipeline.finish()
    summary = pipeline.instruments[NAME]
    sessions = [(one.trade_date, int(one.session["unscheduled"][0]), one.poc) for one in sink.sessions]
    rows = sink.bubble_rows().tolist()
    return summary.symbol, summary.trades, summary.volume, summary.rejections, summary.late, sessions, rows


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", CASES)
def test_every_path_gives_the_same_numbers(tmp_path, case, path):
    calendar, rows = SessionCalendar(), CASES[case]
    expected = numbers(from_dbn(rows, tmp_path), calendar)
    assert expected[1] + sum(expected[3].values()) == len(rows)
    assert numbers(PATHS[path](rows, tmp_path), calendar) == expected
