"""With one symbol, `detect` finds its events of the whole study and passes only its trades to the detectors."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from flow_gl.core.errors import DataError
from flow_gl.core.items import Definition, Mapping
from flow_gl.dbn.writing import write_dbn
from flow_gl.engine.pipeline import Pipeline
from flow_gl.runtime.detect import pools, work
from flow_gl.runtime.detect.instrument_filter import InstrumentFilter
from flow_gl.runtime.detect.plan import SessionRange
from flow_gl.runtime.detect.study import Options, StudyRun
from tests.detect.market import ES, NQ, day_of_trades, write_days
from tests.detect.test_study import SETTINGS
from tests.services.recorder_rig import Run

ALONE = Options(workers=1, is_cached=False)


@pytest.fixture
def processed(monkeypatch):
    """The ids of all trades that reached a pipeline, by the call."""
    found = []
    process = Pipeline.process
    monkeypatch.setattr(
        Pipeline, "process", lambda pipeline, rows: found.append(rows["instrument_id"]) or process(pipeline, rows)
    )
    return found


def events_of(study):
    return [(one.symbol, session.trade_date, session.events) for one in study.sets[0] for session in one.sessions]


@pytest.mark.parametrize("symbol", ["NQZ5", "101"])
def test_one_instruments_events_are_those_of_the_whole_study(tmp_path, processed, symbol):
    paths = write_days(tmp_path, 5)
    whole = StudyRun(paths, [SETTINGS], ALONE).run().of(symbol)
    processed.clear()
    one = StudyRun(paths, [SETTINGS], ALONE, symbol=symbol).run()
    assert events_of(one) == events_of(whole)
    assert any(events for _, _, events in events_of(one))
    assert set(np.concatenate(processed).tolist()) == {NQ}


def test_a_continuous_symbol_keeps_every_contract_that_it_meant(tmp_path):
    paths = []
    for number, instrument_id in enumerate((NQ, NQ, ES)):
        paths.append(tmp_path / f"day{number}.dbn.zst")
        write_dbn(paths[-1], day_of_trades(number, ids=(instrument_id,), count=4000), symbols={instrument_id: "NQ.v.0"})
    study = StudyRun(paths, [SETTINGS], ALONE, symbol="NQ.v.0").run()
    assert {one.instrument_id for one in study.sets[0]} == {NQ, ES}
    assert events_of(study) == events_of(StudyRun(paths, [SETTINGS], ALONE).run().of("NQ.v.0"))


def test_an_instrument_named_after_its_first_trades_keeps_them(tmp_path):
    rows = day_of_trades(0, count=4000, ids=(NQ, ES))
    run = Run(tmp_path, wall_ns=int(rows["ts_event"][0]))
    run.recorder.note(Mapping(ES, "ESZ5", "ES.v.0"))
    run.feed(rows[:1000])
    run.recorder.note(Mapping(NQ, "NQZ5", "NQ.v.0"), position=run.tape.head)
    run.feed(rows[1000:])
    run.recorder.close()
    (path,) = tmp_path.glob("*.dbn.zst")
    (market,) = StudyRun([path], [SETTINGS], ALONE, symbol="NQ.v.0").run().sets[0]
    assert sum(session.trades for session in market.sessions) == int((rows["instrument_id"] == NQ).sum())


@pytest.mark.parametrize("symbol", ["XX", "777", "NQH6"])
def test_a_symbol_without_trades_is_refused_before_anything_is_detected(tmp_path, processed, symbol):
    path = tmp_path / "day.dbn.zst"
    write_dbn(path, day_of_trades(0, count=2000, ids=(NQ, ES)), symbols={NQ: "NQZ5", ES: "ESZ5"})
    with pytest.raises(DataError, match=f"{symbol} is not in day.dbn.zst; it holds NQZ5, ESZ5"):
        StudyRun([path], [SETTINGS], ALONE, symbol=symbol).run()
    assert processed == []


def test_a_symbol_is_found_in_small_letters(tmp_path):
    paths = write_days(tmp_path, 1)
    small, capital = (StudyRun(paths, [SETTINGS], ALONE, symbol=symbol).run() for symbol in ("nqz5", "NQZ5"))
    assert events_of(small) == events_of(capital) != []


def test_a_cluster_reads_only_the_wanted_instrument(monkeypatch):
    """The stand-in for `distributed` runs each task at once, in this process."""
    called = []

    class Client:
        loop = None

        def __init__(self, *_arguments, **_options):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        def submit(self, function, *arguments, **options):
            called.append((function, arguments, options["instruments"]))
            return len(called)

        def cancel(self, futures):
            pass

    stand_in = SimpleNamespace(Client=Client, as_completed=lambda _futures, **_loop: [], KilledWorker=RuntimeError)
    monkeypatch.setitem(sys.modules, "distributed", stand_in)
    monkeypatch.setattr(pools, "_check_workers", lambda *_arguments: None)
    instruments = InstrumentFilter("NQZ5", frozenset({NQ}))
    task = pools.Task(SessionRange((), (), (), 0, 1, False), (SETTINGS,), instruments)
    assert list(pools.run_cluster([task], scheduler="tcp://127.0.0.1:8786")) == []
    assert called == [(work.detect, (task.session_range, task.sets), instruments)]


def test_what_has_another_name_is_not_read():
    instruments = InstrumentFilter("NQZ5", frozenset())
    assert instruments.with_named(Mapping(ES, "ESZ5", "ES.v.0")) is instruments
    assert instruments.with_named(Mapping(NQ, "NQZ5")).ids == {NQ}
    assert instruments.with_named(Definition(NQ, "NQZ5", 250_000_000, 20.0, True)).ids == {NQ}
    assert InstrumentFilter("", frozenset()).with_named(Mapping(NQ, "")).ids == set()
