"""The demo's first two minutes have an event of every kind."""

import numpy as np
import pytest

from flow_gl.core.event_kinds import EVENT_NAMES, EventKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.spec import DemoSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.feed.synthetic.demo import HISTORY_S, OPEN_NS, SyntheticFeed, TradeMaker
from flow_gl.feed.synthetic.episodes import FIRST_MINUTES, Episode
from flow_gl.feed.synthetic.steering import BEFORE_NS, TARGET

LIVE_NS = OPEN_NS + int(HISTORY_S * SECOND_NS)
FIRST_S = 120
FIRST_NS = LIVE_NS + int(min(one.at_s for one in FIRST_MINUTES) * SECOND_NS)
"""When the first episode begins."""


@pytest.mark.parametrize("seed", [1, 10, 87, 88])
def test_the_demo_has_an_event_of_every_kind_within_two_minutes(seed: int) -> None:
    """By chance, seed 10 would have a quiet NQ, seed 87 a burst of ES and seed 88 an order that moves CVD too far."""
    charts: dict[int, Collector] = {}

    def chart(instrument_id: int) -> Collector:
        return charts.setdefault(instrument_id, Collector())

    pipeline = Pipeline(sessions=SessionCalendar(), sink_for=chart)
    feed = SyntheticFeed(DemoSpec(seed=seed, length_s=FIRST_S, speed=None))
    while not feed.is_ended():
        for item in feed.poll(1):
            pipeline.take(item)
    pipeline.advance(LIVE_NS + (FIRST_S + 1) * SECOND_NS)
    events = np.concatenate([one.event_rows() for one in charts.values()])
    is_live = (events["ts_event"] > LIVE_NS) & (events["ts_event"] <= LIVE_NS + FIRST_S * SECOND_NS)
    found = {EventKind(kind).name.lower() for kind in events["kind"][is_live].tolist()}
    assert found == set(EVENT_NAMES)


def test_episodes_change_no_earlier_trade() -> None:
    plain, planned = (TradeMaker(episodes=episodes).take(FIRST_S) for episodes in ((), FIRST_MINUTES))
    before = [rows[rows["ts_event"] < FIRST_NS] for rows in (plain, planned)]
    assert len(before[0]) > 100_000
    assert np.array_equal(*before)
    assert not np.array_equal(plain, planned)


def test_cvd_is_steered_within_reach_of_zero_in_the_last_hour_alone() -> None:
    """Seed 2's night ends at 6,465 contracts; another contract is not touched."""
    plain, planned = (TradeMaker(seed=2, episodes=episodes).take(-30.0) for episodes in ((), FIRST_MINUTES))
    es = next(one for one in TradeMaker().contracts if one.root == "ES").instrument_id
    for rows, low, high in ((plain, 5000, 8000), (planned, TARGET - 700, TARGET + 700)):
        ours = rows[rows["instrument_id"] == es]
        signs = np.where(ours["side"] == ord("B"), 1, np.where(ours["side"] == ord("A"), -1, 0))
        assert low < int((signs * ours["size"].astype(np.int64)).sum()) < high
    before_ns = LIVE_NS - BEFORE_NS
    assert np.array_equal(*(rows[rows["ts_event"] < before_ns] for rows in (plain, planned)))
    others = [rows[(rows["instrument_id"] != es) & (rows["ts_event"] < FIRST_NS)] for rows in (plain, planned)]
    assert all(np.array_equal(others[0][name], others[1][name]) for name in ("ts_event", "price", "size", "side"))


def test_an_episode_changes_only_its_own_contract() -> None:
    episode = Episode("ES", 10.0, 20.0, imbalance=0.8, drift=0.0, activity=2.0, volatility=0.1)
    nq = [
        TradeMaker(symbols=("NQ", "ES"), history_s=0.0, episodes=episodes).take(60.0) for episodes in ((), (episode,))
    ]
    nq = [rows[rows["instrument_id"] == TradeMaker(symbols=("NQ",)).contracts[0].instrument_id] for rows in nq]
    fields = ("ts_event", "price", "size", "side")
    assert len(nq[0]) > 50
    assert all(np.array_equal(nq[0][field], nq[1][field]) for field in fields)


def test_an_episode_has_its_large_orders() -> None:
    orders = ((10.0, 900), (15.0, -700), (99.0, 800))
    episode = Episode("ES", 10.0, 20.0, imbalance=0.0, drift=0.0, activity=2.0, orders=orders)
    rows = TradeMaker(symbols=("ES",), history_s=0.0, episodes=(episode,)).take(60.0)
    found = []
    for sequence in np.unique(rows["sequence"]).tolist():
        records = rows[rows["sequence"] == sequence]
        if records["size"].sum() > 500:
            found.append(
                (int(records["ts_event"][0] - OPEN_NS) / SECOND_NS, int(records["size"].sum()), records["side"][0])
            )
    (bought_s, *bought), (sold_s, *sold) = found
    assert (bought, sold) == ([900, ord("B")], [700, ord("A")])
    assert 10 <= bought_s < 12
    assert 15 <= sold_s < 17


def test_a_market_with_a_chosen_rate_or_start_has_no_episodes() -> None:
    for options in ({"rate": 300.0, "history_s": 60.0}, {"start_ns": OPEN_NS}):
        feed = SyntheticFeed(DemoSpec(length_s=60, speed=None, **options))  # type: ignore[arg-type]
        parts = []
        while not feed.is_ended():
            parts += [item.rows for item in feed.poll(1) if hasattr(item, "rows")]
        assert np.array_equal(np.concatenate(parts), TradeMaker(**options).take(60))  # type: ignore[arg-type]
