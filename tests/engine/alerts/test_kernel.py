"""Alert rules on trades: the kernel against plain Python, in any batches, across session opens and checkpoints."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from flow_gl.core.alerts import ALERT, Condition, EngineRule, Level
from flow_gl.core.schema import TRADE, UNDEF_PRICE
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.alerts.market_alerts import MarketAlerts
from flow_gl.engine.kernels.alerts import BLOCK
from tests.engine.alerts.oracle import Alert, Move, Open, Oracle, Trade

TICK = 250_000_000
Step = Trade | Move | Open


def rules_for(rng: random.Random) -> list[EngineRule]:
    def rule(number: int, condition: Condition, **more: object) -> EngineRule:
        cool_down = rng.choice([0, SECOND_NS // 2, 10 * SECOND_NS])
        return EngineRule(
            id=number,
            condition=condition,
            cool_down_ns=cool_down,
            direction=rng.choice([0, 0, 1, -1]),
            **more,  # type: ignore[arg-type]
        )

    levels = [rule(n + 1, Condition.LEVEL, level=level, price=(100 + n % 3) * TICK) for n, level in enumerate(Level)]
    return [
        *levels,
        rule(20, Condition.CVD, least=rng.choice([0, 5, 20])),
        rule(21, Condition.BUBBLE, least=rng.choice([5, 30])),
        rule(22, Condition.SECOND_VOLUME, least=rng.choice([5, 30])),
        rule(23, Condition.SECOND_DELTA, least=rng.choice([1, 10])),
    ]


def steps_for(rng: random.Random, count: int) -> list[Step]:
    ts, tick, steps = 1_700_000_000 * SECOND_NS, 100, []
    moving = [level for level in Level if level not in (Level.CUSTOM, Level.VWAP)]
    for _ in range(count):
        kind = rng.random()
        if kind < 0.004:
            steps.append(Open())
            ts += 3600 * SECOND_NS
        elif kind < 0.06:
            steps.append(Move(rng.choice(moving), rng.choice([None, *((100 + n) * TICK for n in range(-3, 4))])))
        ts += rng.choice([0, 0, 1000, SECOND_NS // 5, 2 * SECOND_NS, -SECOND_NS // 3])
        tick = max(90, min(110, tick + rng.choice([-2, -1, -1, 0, 0, 0, 1, 1, 2])))
        steps.append(Trade(ts, tick * TICK, rng.choice([1, 1, 2, 7, 25]), rng.choice("BBAAN")))
    return steps


def words_of(trades: Sequence[Trade]) -> np.ndarray:
    rows = np.zeros(len(trades), TRADE)
    rows["action"] = ord("T")
    for name, values in (("ts_event", "ts"), ("price", "price"), ("size", "size")):
        rows[name] = [getattr(trade, values) for trade in trades]
    rows["side"] = [ord(trade.side) for trade in trades]
    words = rows.view(np.int64)
    words.flags.writeable = False
    return words


class Runner:
    """Feed steps to `MarketAlerts` in batches of at most `most` trades."""

    def __init__(self, rules: Sequence[EngineRule], bucket_ns: int) -> None:
        self.alerts = MarketAlerts()
        self.alerts.configure(rules)
        self.bucket_ns = bucket_ns
        self.found: list[np.ndarray] = []

    def run(self, steps: Sequence[Step], sizes: "random.Random | int") -> list[Alert]:
        batch: list[Trade] = []
        most = self._most(sizes)
        for step in steps:
            if isinstance(step, Trade):
                batch.append(step)
                if len(batch) >= most:
                    self._take(batch)
                    most = self._most(sizes)
                continue
            self._take(batch)
            if isinstance(step, Move):
                self.alerts.set_level(step.level, UNDEF_PRICE if step.price is None else step.price)
            else:
                self.alerts.end_second()
                self.found.append(self.alerts.collect())
                self.alerts.begin()
                self.alerts.set_cvd(0)
        self._take(batch)
        return alerts_of(self.found)

    def _most(self, sizes: "random.Random | int") -> int:
        return sizes if isinstance(sizes, int) else sizes.choice([1, 2, 3, 50, BLOCK, 1000])

    def _take(self, batch: list[Trade]) -> None:
        self.alerts.take(words_of(batch), bucket_ns=self.bucket_ns, tick_size=TICK)
        self.found.append(self.alerts.collect())
        batch.clear()


def alerts_of(found: Sequence[np.ndarray]) -> list[Alert]:
    rows = np.concatenate([np.zeros(0, ALERT), *found])
    names = ("rule", "ts_event", "price", "value", "direction")
    return [tuple(int(row[name]) for name in names) for row in rows]  # type: ignore[misc]


def without_vwap_value(alerts: list[Alert]) -> list[Alert]:
    """The kernel's VWAP value is a float, so it is compared separately."""
    vwap = int(Level.VWAP) + 1
    return [(*one[:3], 0, one[4]) if one[0] == vwap else one for one in alerts]


@pytest.mark.parametrize("seed", range(12))
def test_the_kernel_fires_what_plain_python_fires_in_any_batches(seed: int) -> None:
    rng = random.Random(seed)
    rules, steps = rules_for(rng), steps_for(rng, 3000)
    bucket_ns = rng.choice([SECOND_NS // 10, SECOND_NS, 60 * SECOND_NS])
    expected = Oracle(rules, bucket_ns).run(steps)
    whole = Runner(rules, bucket_ns).run(steps, 10_000)
    assert without_vwap_value(whole) == without_vwap_value(expected)
    assert len({alert[0] for alert in expected}) >= 8  # most rules have fired, so the comparison is meaningful
    assert Runner(rules, bucket_ns).run(steps, 1) == whole
    assert Runner(rules, bucket_ns).run(steps, rng) == whole
    vwap = int(Level.VWAP) + 1
    pairs = zip(whole, expected, strict=True)
    assert all(abs(ours[3] - theirs[3]) <= 1000 for ours, theirs in pairs if ours[0] == vwap)


@pytest.mark.parametrize("seed", range(4))
def test_alerts_continue_after_a_checkpoint(seed: int) -> None:
    rng = random.Random(100 + seed)
    rules, steps = rules_for(rng), steps_for(rng, 2000)
    whole = Runner(rules, SECOND_NS).run(steps, 100)
    cut = rng.randrange(200, 1800)
    first = Runner(rules, SECOND_NS)
    before = first.run(steps[:cut], 100)
    second = Runner([], SECOND_NS)
    second.alerts.resume(first.alerts.keep())
    assert before + second.run(steps[cut:], 100) == whole


def fired(rule: EngineRule, prices: Sequence[int], *, gap_ns: int = SECOND_NS) -> list[tuple[int, int]]:
    """Return number and direction of the alerts for trades at these prices in ticks."""
    start = 1_700_000_000 * SECOND_NS
    steps = [Trade(start + n * gap_ns, price * TICK, 1, "B") for n, price in enumerate(prices)]
    return [((ts - start) // gap_ns, way) for _, ts, _, _, way in Runner([rule], SECOND_NS).run(steps, 3)]


def test_a_level_is_reached_by_the_first_trade_at_or_beyond_it_after_trades_on_the_other_side() -> None:
    rule = EngineRule(id=1, condition=Condition.LEVEL, price=100 * TICK, cool_down_ns=0)
    assert fired(rule, [98, 99, 100, 101, 102]) == [(2, 1)]
    assert fired(rule, [98, 99, 103, 102]) == [(2, 1)]
    assert fired(rule, [102, 101, 100, 99]) == [(2, -1)]
    assert fired(rule, [100, 100, 101]) == []
    assert fired(rule, [100, 99, 100, 100, 99, 100]) == [(2, 1), (5, 1)]


def test_a_rule_does_not_fire_again_before_its_cool_down_is_over() -> None:
    rule = EngineRule(id=1, condition=Condition.LEVEL, price=100 * TICK, cool_down_ns=10 * SECOND_NS)
    prices = [99, 100] * 20
    assert [n for n, _ in fired(rule, prices)] == [1, 11, 21, 31]
    late = EngineRule(id=1, condition=Condition.LEVEL, price=100 * TICK, cool_down_ns=10 * SECOND_NS + 1)
    assert [n for n, _ in fired(late, prices)] == [1, 13, 25, 37]


def test_cvd_fires_beyond_the_value_and_arms_again_within_it() -> None:
    rule = EngineRule(id=1, condition=Condition.CVD, least=3, cool_down_ns=0)
    start = 1_700_000_000 * SECOND_NS
    sides = "BBBBBAAABBAAAAAAAAA"
    steps = [Trade(start + n * SECOND_NS, 100 * TICK, 1, side) for n, side in enumerate(sides)]
    found = Runner([rule], SECOND_NS).run(steps, 4)
    assert [((ts - start) // SECOND_NS, value, way) for _, ts, _, value, way in found] == [
        (3, 4, 1),
        (9, 4, 1),
        (17, -4, -1),
    ]


def test_a_session_that_opens_beyond_a_custom_level_fires_but_market_levels_are_armed_again() -> None:
    start = 1_700_000_000 * SECOND_NS
    own = EngineRule(id=1, condition=Condition.LEVEL, price=100 * TICK)
    poc = EngineRule(id=2, condition=Condition.LEVEL, level=Level.POC)
    steps = [
        Move(Level.POC, 100 * TICK),
        Trade(start, 98 * TICK, 1, "B"),
        Open(),
        Move(Level.POC, 100 * TICK),
        Trade(start + 3600 * SECOND_NS, 103 * TICK, 1, "B"),
    ]
    assert [alert[0] for alert in Runner([own, poc], SECOND_NS).run(steps, 10)] == [1]


def test_a_level_that_moves_through_price_does_not_fire() -> None:
    start = 1_700_000_000 * SECOND_NS
    rule = EngineRule(id=1, condition=Condition.LEVEL, level=Level.POC)
    steps = [
        Move(Level.POC, 100 * TICK),
        Trade(start, 101 * TICK, 1, "B"),
        Move(Level.POC, 105 * TICK),
        Trade(start + SECOND_NS, 101 * TICK, 1, "B"),
        Trade(start + 2 * SECOND_NS, 105 * TICK, 1, "B"),
    ]
    assert [(alert[1] - start) // SECOND_NS for alert in Runner([rule], SECOND_NS).run(steps, 10)] == [2]


def test_the_clock_ends_a_second_once_and_250_ms_after_it() -> None:
    start = 1_700_000_000 * SECOND_NS
    runner = Runner([EngineRule(id=1, condition=Condition.SECOND_DELTA, least=5, cool_down_ns=0)], SECOND_NS)
    runner.run([Trade(start, 100 * TICK, 7, "A")], 1)
    runner.alerts.pass_time(start + SECOND_NS + 249_999_999)
    assert not len(runner.alerts.collect())
    runner.alerts.pass_time(start + SECOND_NS + 250_000_000)
    assert alerts_of([runner.alerts.collect()]) == [(1, start + SECOND_NS, 100 * TICK, -7, -1)]
    runner.alerts.pass_time(start + 3 * SECOND_NS)
    runner.found.clear()
    assert runner.run([Trade(start + 5 * SECOND_NS, 100 * TICK, 1, "A")], 1) == []


def test_a_level_moves_with_the_first_trade_at_or_after_its_time_in_any_batches() -> None:
    start = 1_700_000_000 * SECOND_NS
    rule = EngineRule(id=1, condition=Condition.LEVEL, level=Level.POC, cool_down_ns=0)
    trades = [Trade(start + n * SECOND_NS, price * TICK, 1, "B") for n, price in enumerate([99, 101, 99, 101, 105])]
    runner = Runner([rule], SECOND_NS)
    runner.alerts.move_level(Level.POC, 100 * TICK, start + SECOND_NS)
    runner.alerts.move_level(Level.POC, 104 * TICK, start + 3 * SECOND_NS)
    # The trade at 1 s crosses 100 upwards, at 2 s downwards; then 104 counts, which is crossed at 4 s.
    assert [(one[1] - start) // SECOND_NS for one in runner.run(trades, 10)] == [1, 2, 4]
