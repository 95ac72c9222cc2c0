"""Alerts of whole sessions in the pipeline, in any batches, across opens, checkpoints and changed rules."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flow_gl.core.alerts import Condition, EngineRule, Level
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.engine.checkpoint import decode
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from tests.engine.alerts.oracle import Move, Open, Oracle, Trade
from tests.engine.alerts.test_kernel import TICK, alerts_of, without_vwap_value, words_of

NEW_YORK = ZoneInfo("America/New_York")
RULES = (
    *(EngineRule(id=n + 1, condition=Condition.LEVEL, level=level, price=1000 * TICK) for n, level in enumerate(Level)),
    EngineRule(id=20, condition=Condition.CVD, least=200, cool_down_ns=0),
    EngineRule(id=21, condition=Condition.BUBBLE, least=80),
    EngineRule(id=22, condition=Condition.SECOND_VOLUME, least=120, direction=1),
    EngineRule(id=23, condition=Condition.SECOND_DELTA, least=60),
    EngineRule(id=30, condition=Condition.EVENT, cool_down_ns=0),
    EngineRule(id=31, condition=Condition.EVENT, event=EventKind.LARGE_TRADE, least=12, direction=-1),
    EngineRule(id=32, condition=Condition.EVENT, event=EventKind.ZERO_CROSS),
)


@pytest.fixture(scope="module")
def calendar(tmp_path_factory):
    return SessionCalendar(cache=tmp_path_factory.mktemp("sessions"))


def at(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND_NS


@pytest.fixture(scope="module")
def trades():
    """Make two sessions with a trade about every fifteen seconds, and bursts."""
    rng, found, tick = random.Random(5), [], 1000
    for start, end in (
        ("2025-11-24T18:00", "2025-11-25T16:59"),
        ("2025-11-25T18:00:01", "2025-11-26T12:00"),
    ):
        ts, stop = at(start), at(end)
        while ts < stop:
            is_burst = rng.random() < 0.02
            for _ in range(rng.randrange(10, 40) if is_burst else 1):
                ts += rng.choice([0, 0, SECOND_NS // 50]) if is_burst else rng.randrange(30 * SECOND_NS)
                tick += rng.choice([-1, 0, 0, 0, 1])
                found.append(Trade(ts, tick * TICK, rng.choice([1, 1, 2, 3, 9]), rng.choice("BBAAN")))
    return [trade for trade in found if not at("2025-11-25T17:00") <= trade.ts < at("2025-11-25T18:00")]


def rows_of(trades):
    from flow_gl.core.schema import TRADE

    rows = words_of(trades).view(TRADE).copy()
    rows["instrument_id"] = 1
    return rows


def run(rows, calendar, sizes, *, rules=RULES, resumes_at=-1):
    pipeline, sink = Pipeline(AggregationSettings(), sessions=calendar), Collector()
    pipeline.set_alerts(rules)
    pipeline.attach(1, sink)
    at_row, found = 0, []
    while at_row < len(rows):
        size = sizes if isinstance(sizes, int) else sizes.choice([1, 7, 300, 5000])
        if at_row < resumes_at <= at_row + size:
            pipeline.process(rows[at_row:resumes_at])
            found.append(sink.log_rows("alerts"))
            kept, pipeline, sink = pipeline.keep(), Pipeline(AggregationSettings(), sessions=calendar), Collector()
            pipeline.set_alerts(rules)
            pipeline.attach(1, sink)
            pipeline.resume(decode(kept))
            at_row = resumes_at
            continue
        pipeline.process(rows[at_row : at_row + size])
        at_row += size
    pipeline.finish()
    return np.concatenate([*found, sink.log_rows("alerts")]), sink


@pytest.fixture(scope="module")
def whole(trades, calendar):
    return run(rows_of(trades), calendar, len(trades))


def steps_of(trades, sink):
    """Return trades, session opens, and moves of levels at the trades that make them known."""
    moves = [
        (int(row["ts_event"]), Move(level, int(row[name])))
        for row in sink.log_rows("minutes")
        for level, name in ((Level.POC, "poc"), (Level.VAH, "vah"), (Level.VAL, "val"))
    ]
    for open_ts in (at("2025-11-24T18:00"), at("2025-11-25T18:00")):
        own = [trade for trade in trades if 0 <= trade.ts - open_ts < 23 * 60 * MINUTE_NS]
        before = [trade.price for trade in trades if 0 < open_ts - trade.ts <= 24 * 60 * MINUTE_NS]
        if before:
            moves.append((open_ts, Move(Level.PRIOR_HIGH, max(before))))
            moves.append((open_ts, Move(Level.PRIOR_LOW, min(before))))
        regular = open_ts + (15 * 60 + 30) * MINUTE_NS
        night = [trade.price for trade in own if trade.ts < regular]
        initial = [trade.price for trade in own if regular <= trade.ts < regular + 60 * MINUTE_NS]
        moves.append((regular, Move(Level.OVERNIGHT_HIGH, max(night))))
        moves.append((regular, Move(Level.OVERNIGHT_LOW, min(night))))
        moves.append((regular + 60 * MINUTE_NS, Move(Level.INITIAL_HIGH, max(initial))))
        moves.append((regular + 60 * MINUTE_NS, Move(Level.INITIAL_LOW, min(initial))))
    opens = [(at("2025-11-25T18:00"), Open())]
    keyed = [(ts, 1, move) for ts, move in moves] + [(ts, 0, one) for ts, one in opens]
    keyed += [(trade.ts, 2, trade) for trade in trades]
    # The session's last minute ends with the session, when its levels are already gone.
    gone = {
        ts for ts, move in moves if move.level is Level.POC and at("2025-11-25T16:59") < ts < at("2025-11-25T18:00")
    }
    return [
        step for ts, _, step in sorted(keyed, key=lambda one: one[:2]) if not (isinstance(step, Move) and ts in gone)
    ]


def test_conditions_on_trades_fire_as_in_plain_python_with_levels_from_the_market(trades, whole):
    alerts, sink = whole
    expected = Oracle([rule for rule in RULES if rule.condition is not Condition.EVENT], SECOND_NS).run(
        steps_of(trades, sink)
    )
    ours = alerts_of([alerts[alerts["condition"] != Condition.EVENT]])
    assert sorted(without_vwap_value(ours)) == sorted(without_vwap_value(expected))
    assert {alert[0] for alert in expected} >= {1, 2, 3, 4, 5, 20, 21, 22, 23}


def test_conditions_on_events_fire_for_every_matching_event(whole):
    alerts, sink = whole
    events = sink.event_rows()
    every = alerts[alerts["rule"] == 30]
    assert [int(ts) for ts in every["ts_event"]] == [int(ts) for ts in events["ts_event"]]
    assert len(every) > 20
    large = events[(events["kind"] == EventKind.LARGE_TRADE) & (events["strength"] >= 12) & (events["direction"] < 0)]
    expected, last = [], None
    for ts in large["ts_event"].tolist():
        if last is None or ts - last >= 10 * SECOND_NS:
            expected.append(ts)
            last = ts
    assert alerts[alerts["rule"] == 31]["ts_event"].tolist() == expected
    assert expected


def test_the_rows_do_not_depend_on_batches(trades, calendar, whole):
    rows = rows_of(trades)
    for sizes in (1000, random.Random(3)):
        assert run(rows, calendar, sizes)[0].tobytes() == whole[0].tobytes()
    few = rows[:3000]
    assert run(few, calendar, 1)[0].tobytes() == run(few, calendar, 3000)[0].tobytes()


@pytest.mark.parametrize("share", [0.1, 0.63, 0.9])
def test_alerts_continue_after_a_checkpoint(trades, calendar, whole, share):
    rows = rows_of(trades)
    assert run(rows, calendar, 2000, resumes_at=int(share * len(rows)))[0].tobytes() == whole[0].tobytes()


def test_a_rule_added_while_the_engine_runs_fires_from_then_on_like_any_other(trades, calendar, whole):
    rows, half = rows_of(trades), 2 * len(trades) // 3
    pipeline, sink = Pipeline(AggregationSettings(), sessions=calendar), Collector()
    pipeline.attach(1, sink)
    pipeline.process(rows[:half])
    rules = [rule for rule in RULES if rule.condition in (Condition.LEVEL, Condition.CVD, Condition.EVENT)]
    pipeline.set_alerts(rules)
    pipeline.process(rows[half:])
    pipeline.finish()
    late = sink.log_rows("alerts")
    since = int(rows["ts_event"][half]) + 60 * SECOND_NS  # earlier cool-downs are over
    wanted = {rule.id for rule in rules}
    same = whole[0][np.isin(whole[0]["rule"], list(wanted)) & (whole[0]["ts_event"] >= since)]
    assert late[late["ts_event"] >= since].tobytes() == same.tobytes()
    assert len(same) > 20


def test_an_unchanged_rule_keeps_its_cool_down_when_others_change(trades, calendar, whole):
    rows = rows_of(trades)
    pipeline, sink = Pipeline(AggregationSettings(), sessions=calendar), Collector()
    pipeline.attach(1, sink)
    for n, start in enumerate(range(0, len(rows), 500)):
        pipeline.set_alerts([*RULES, EngineRule(id=90 + n, condition=Condition.BUBBLE, least=1e9)])
        pipeline.process(rows[start : start + 500])
    pipeline.finish()
    assert sink.log_rows("alerts").tobytes() == whole[0].tobytes()


def test_a_rule_for_one_root_applies_only_to_its_charts(trades, calendar):
    from flow_gl.core.items import Mapping

    rows = rows_of(trades[:2000])
    counts = {}
    for root in ("NQ", "ES", "NQZ5", "NQ.v.0"):
        pipeline, sink = Pipeline(AggregationSettings(), sessions=calendar), Collector()
        pipeline.set_alerts([EngineRule(id=1, condition=Condition.CVD, least=1, symbol=root)])
        pipeline.map(Mapping(1, "NQZ5", "NQ.v.0"))
        pipeline.attach(1, sink)
        pipeline.process(rows)
        counts[root] = len(sink.log_rows("alerts"))
    assert counts["ES"] == 0
    assert counts["NQ"] == counts["NQZ5"] == counts["NQ.v.0"] > 0
