"""One impossible or implausible price among normal ones changes neither them nor their levels."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import Mapping
from flow_gl.core.schema import PRICE_SCALE, TickSource
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.checkpoint import decode
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from tests.engine.twin import TICK
from tests.kit.trades import trades_of

START = 1_764_280_800 * SECOND_NS
MARKET = 25_400 * PRICE_SCALE
DEFAULT_RULES = [
    (1, START + n * SECOND_NS // 10, MARKET + n % 8 * TICK, 1 + (n % 8) ** 2, "AB"[n % 2]) for n in range(600)
]
ODD = {
    "0.01": 10_000_000,
    "0.0001": 100_000,
    "1e-9": 1,
    "-37.63": -37_630_000_000,
    "2.54": 2_540_000_000,
    "1 million": 10**15 + TICK,
    "10 million": 10**16,
    "70 million": 7 * 10**16,
    "9 billion": 9 * 10**18,
}

WITH_MANY_ROWS = {"0.01", "1 million"}
"""Those for which a profile has millions of rows, which takes a second."""


def run(rows, symbol="NQZ5", cuts=()):
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    if symbol:
        pipeline.map(Mapping(1, symbol))
    start = 0
    for stop in (*cuts, len(rows)):
        pipeline.process(trades_of(rows[start:stop]))
        pipeline.publish()
        start = stop
    pipeline.finish()
    return pipeline, sink


def with_odd(at, price, size=1):
    rows = list(DEFAULT_RULES)
    rows[at] = (1, rows[at][1], price, size, "A")
    return rows


@pytest.mark.parametrize("symbol", ["NQZ5", ""])
@pytest.mark.parametrize(
    "at", [0, pytest.param(1, marks=pytest.mark.slow), 300, pytest.param(599, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "price",
    [
        pytest.param(price, id=name, marks=[pytest.mark.slow] if name in WITH_MANY_ROWS else [])
        for name, price in ODD.items()
    ],
)
def test_one_odd_price_does_not_reject_other_trades(price, at, symbol):
    pipeline, sink = run(with_odd(at, price), symbol)
    summary = pipeline.instruments[1]
    assert summary.trades + summary.rejected == 600
    assert summary.rejected <= 1
    finished = sink.sessions[0]
    volume = finished.buy + finished.sell + finished.unsided
    held = dict(zip(finished.price.tolist(), volume.tolist(), strict=True))
    expected = {}
    for row in with_odd(at, price):
        if not (summary.rejected and row[2] == price):
            expected[row[2]] = expected.get(row[2], 0) + row[3]
    assert held == expected
    mean = Fraction(sum(p * v for p, v in expected.items()), sum(expected.values()) * PRICE_SCALE)
    assert finished.session["vwap"][0] == pytest.approx(float(mean), rel=1e-12)
    exact = {}
    for _, ts, at_price, size, _ in with_odd(at, price):
        if at_price in expected:
            sums = exact.setdefault(ts // SECOND_NS, [0, 0])
            sums[0] += at_price * size
            sums[1] += size
    for bubble in sink.bubble_rows():
        average = Fraction(*exact[int(bubble["id"])])
        # If the first prices were dropped for the others, the open bubble's sum was rounded once.
        assert abs(int(bubble["price"]) - average) <= (TICK if at < 2 else Fraction(1, 2))


@pytest.mark.parametrize("price", [10_000_000, 100_000, -37_630_000_000, 2_540_000_000])
def test_an_odd_price_off_the_known_tick_leaves_the_levels_alone(price):
    usual = run(DEFAULT_RULES[:300] + DEFAULT_RULES[301:])[1].sessions[0]
    found = run(with_odd(300, price))[1].sessions[0]
    for name in ("poc", "vah", "val", "value_area"):
        assert getattr(found, name) == getattr(usual, name)
    assert found.lvn.tolist() == usual.lvn.tolist()
    assert found.hvn.tolist() == usual.hvn.tolist()


@pytest.mark.parametrize("price", [10_000_000, MARKET + 100_000_000, MARKET + 240_000_000])
def test_an_odd_price_off_the_known_tick_leaves_the_instruments_tick_to_the_detectors(price):
    """The price counts in the row of the tick below; the other events and the developing levels are as without it."""
    start = START // (60 * SECOND_NS) * 60 * SECOND_NS
    rows = [(1, start + n * SECOND_NS, MARKET + n % 8 * TICK, 1 + n % 8, "AB"[n % 2]) for n in range(55)]
    rows += [(1, start + 56 * SECOND_NS + n, MARKET + (20 + n) * TICK, 12, "B") for n in range(4)]
    rows += [(1, start + (61 + n) * SECOND_NS, MARKET + n % 3 * TICK, 9, "A") for n in range(60)]
    odd = (1, rows[30][1] + 1, price, 1, "N")
    usual, found = (run(those)[1] for those in (rows, [*rows[:31], odd, *rows[31:]]))
    assert EventKind.STACKED_IMBALANCE in usual.event_rows()["kind"].tolist()
    assert found.event_rows().tobytes() == usual.event_rows().tobytes()
    minutes, expected = found.log_rows("minutes"), usual.log_rows("minutes")
    for name in ("poc", "vah", "val"):
        assert minutes[name].tolist() == expected[name].tolist()
    (finished,) = found.sessions
    assert finished.instrument[0]["tick_size"] == TICK
    assert finished.instrument[0]["tick_source"] == TickSource.TABLE


def test_detectors_follow_a_tick_that_becomes_known_or_finer():
    """Without a name, then with one: the rows that are counted so far are added up by the tick that is known now."""
    start = START // (60 * SECOND_NS) * 60 * SECOND_NS
    rows = [(1, start + n * SECOND_NS, MARKET + n % 8 * TICK, 1 + n % 8, "AB"[n % 2]) for n in range(150)]
    rows[3] = (1, rows[3][1], MARKET + 110_000_000, 2, "N")
    rows[100] = (1, rows[100][1], MARKET + 5_000_000, 2, "N")
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of(rows[:80]))
    pipeline.map(Mapping(1, "NQZ5"))
    pipeline.process(trades_of(rows[80:]))
    pipeline.finish()
    known = run(rows)[1].log_rows("minutes")
    minutes = sink.log_rows("minutes")
    for name in ("poc", "vah", "val", "volume"):
        assert minutes[name][1:].tolist() == known[name][1:].tolist()


def test_a_published_profile_contains_the_odd_price_too():
    sink = run(with_odd(300, 10_000_000))[1]
    profile = sink.tables["profile"][0]
    count = int(profile["count"])
    price = profile["base"] + profile["row"][:count] * profile["tick_size"] * profile["ticks_per_row"]
    assert price.tolist() == [0, *range(MARKET, MARKET + 8 * TICK, TICK)]
    assert profile["total"] == sum(profile[side][:count].sum() for side in ("buy", "sell", "unsided"))


def test_an_odd_first_price_survives_a_checkpoint():
    rows = with_odd(0, 10**16)
    whole = run(rows, cuts=(5,))[1].sessions[0]
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    pipeline.map(Mapping(1, "NQZ5"))
    pipeline.process(trades_of(rows[:5]))
    state = decode(pipeline.keep())
    again, rest = Pipeline(), Collector()
    again.attach(1, rest)
    again.resume(state)
    again.process(trades_of(rows[5:]))
    again.finish()
    assert rest.sessions[0].price.tolist() == whole.price.tolist()
    assert rest.sessions[0].session["vwap"] == whole.session["vwap"]


def test_two_alternating_price_ranges_are_both_accepted():
    rows = [(1, START + n * SECOND_NS // 10, (MARKET, 10**16)[n % 2], 1, "B") for n in range(50)]
    pipeline, sink = run(rows, "NQZ5")
    assert (pipeline.instruments[1].trades, pipeline.instruments[1].rejected) == (50, 0)
    finished = sink.sessions[0]
    assert (finished.price.tolist(), finished.buy.tolist()) == ([MARKET, 10**16], [25, 25])


def test_prices_far_off_the_range_do_not_change_the_defined_tick():
    pipeline, _ = run(with_odd(0, 10**16))
    assert pipeline.instruments[1].tick_source is TickSource.TABLE
    assert pipeline.instruments[1].tick_size == TICK


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 2**32 - 1), st.sampled_from("ABN")), min_size=1))
def test_the_largest_sizes_add_up_exactly(draws):
    rows = [
        (1, START + n * SECOND_NS // 4, MARKET + ticks * TICK, size, side)
        for n, (ticks, size, side) in enumerate(draws)
    ]
    _, sink = run(rows)
    finished, bubbles = sink.sessions[0], sink.bubble_rows()
    buy = sum(size for _, size, side in draws if side == "B")
    sell = sum(size for _, size, side in draws if side == "A")
    assert (finished.session["cvd"][0], bubbles["buy"].sum(), bubbles["sell"].sum()) == (buy - sell, buy, sell)
    volume = sum(size for _, size, _ in draws)
    mean = Fraction(sum(row[2] * row[3] for row in rows), volume * PRICE_SCALE)
    assert finished.session["vwap"][0] == pytest.approx(float(mean), rel=1e-12)
    for bubble in bubbles:
        inside = [row for row in rows if row[1] // SECOND_NS == bubble["id"]]
        assert bubble["price"] == round(Fraction(sum(r[2] * r[3] for r in inside), sum(r[3] for r in inside)))
    assert np.array_equal(finished.price, np.unique([row[2] for row in rows]))


def test_a_normal_price_after_a_bad_one_is_accepted_with_the_other_normal_ones():
    prices = (150.0, 150.01, 150.005, 0.0001, 449.99, 150.02)
    rows = [(1, START + n * SECOND_NS, round(price * PRICE_SCALE), 3, "B") for n, price in enumerate(prices)]
    pipeline, sink = run(rows, "")
    assert pipeline.instruments[1].rejected == 0
    assert sink.sessions[0].price.tolist() == sorted(row[2] for row in rows)
    profile = sink.tables["profile"][0]
    assert (profile["count"], profile["base"], profile["total"]) == (6, 100_000, 18)


def test_a_guessed_tick_creates_no_extra_rows():
    usual = run(DEFAULT_RULES[1:], "")[1].sessions[0]
    found = run(with_odd(0, 1), "")[1].sessions[0]
    for name in ("poc", "vah", "val", "value_area"):
        assert getattr(found, name) == getattr(usual, name)
    assert found.lvn.tolist() == usual.lvn.tolist()
