"""What a trader sees after a day of faults: bubbles, CVD, profile and events equal those of an undisturbed run.

The clock closes buckets as in the engine, which is where a fault could cause harm unnoticed.
"""

import random

import numpy as np
import pytest

from flow_gl.core.items import Definition
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from tests.feed.conftest import COUNT
from tests.feed.live_rig import Rig
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, NQ, make_tape, of

TAPE = make_tape(COUNT)
PUBLISHED = 500
LEVELS = 4


class Numbers:
    """A pipeline and its results per instrument."""

    def __init__(self) -> None:
        self.sinks: dict[int, Collector] = {}
        self.pipeline = Pipeline(AggregationSettings(arm=20), sink_for=self._sink)

    def _sink(self, instrument_id: int) -> Collector:
        return self.sinks.setdefault(instrument_id, Collector(lods=LEVELS))


def unbroken(published: int) -> Numbers:
    numbers = Numbers()
    for contract in (NQ, ES):
        numbers.pipeline.define(Definition(contract.instrument_id, contract.symbol, 250_000_000, None, True))
    numbers.pipeline.process(of(TAPE[:published], NQ, ES))
    numbers.pipeline.finish()
    return numbers


class Engine:
    """Polls the feed and processes its items like the engine."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.numbers = Numbers()
        self._done = 0
        poll = rig.poll

        def poll_and_aggregate() -> None:
            poll()
            self._aggregate()

        rig.poll = poll_and_aggregate  # type: ignore[method-assign]

    def _aggregate(self) -> None:
        pipeline, feed = self.numbers.pipeline, self.rig.feed
        pipeline.set_known_spans(feed.status().known_spans)
        for item in self.rig.items[self._done :]:
            pipeline.take(item)
        self._done = len(self.rig.items)
        status, clock = feed.status(), feed.clock()
        if status.state in (FeedState.LIVE, FeedState.CLOSED):
            event_now = clock.anchor_event + int((self.rig.clock.wall - clock.anchor_wall) * clock.rate)
            pipeline.advance(min(event_now, status.known_until))


def one_fault(rng: random.Random, rig: Rig, among: int = 6) -> None:
    """Do one of the first so many kinds; a gateway is mute only where all it sent has been taken."""
    gateway = rig.gateway
    match rng.randrange(among):
        case 0:
            gateway("reset")
        case 1:
            gateway("end")
        case 2:
            gateway("raw", hex=rng.randbytes(rng.randrange(50, 400)).hex())
        case 3:
            gateway("skip", count=rng.randrange(1, 40))
        case 4:
            gateway("plan", plan={"replay_only": rng.randrange(1, 300)})
            gateway("half_record")
        case 5:
            gateway("mute", on=True)
            gateway("publish", count=rng.randrange(60))
            rig.clock.advance(20.0)
            rig.settle()
            gateway("mute", on=False)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_day_of_faults_every_number_equals_an_undisturbed_run(gateway: GatewayProcess, seed: int) -> None:
    rng = random.Random(seed)
    rig = Rig(gateway, wall_ns=int(TAPE["ts_event"][499]) + SECOND_NS)
    engine = Engine(rig)
    rig.start()
    rig.until_state(FeedState.LIVE)
    for step in range(40):
        gateway("publish", count=rng.randrange(1, 60))
        newest = int(TAPE["ts_event"][gateway("stats")["published"] - 1])
        rig.clock.advance(max(newest + SECOND_NS // 2 - rig.clock.wall, 0) / SECOND_NS)
        if rng.random() < 0.5:
            gateway("heartbeat")
        rig.settle()
        if step % 4 == 3:
            rig.until_state(FeedState.LIVE)
            one_fault(rng, rig)
    rig.until_state(FeedState.LIVE)
    published = gateway("stats")["published"]
    rig.until_trades(len(of(TAPE[:published], NQ, ES)))
    rig.until(lambda: rig.feed.status().state is FeedState.LIVE and rig.gaps[-1].filled, what="the last gap filled")
    engine.numbers.pipeline.finish()
    rig.close()

    assert len(rig.gaps) >= 10
    expected = unbroken(published)
    for contract in (NQ, ES):
        got, want = engine.numbers.sinks[contract.instrument_id], expected.sinks[contract.instrument_id]
        for level in range(LEVELS):
            np.testing.assert_array_equal(got.bubble_rows(level), want.bubble_rows(level))
            np.testing.assert_array_equal(got.cvd_rows(level), want.cvd_rows(level))
        np.testing.assert_array_equal(got.event_rows(), want.event_rows())
        assert len(want.event_rows()) > 0
        for name in ("session", "profile"):
            np.testing.assert_array_equal(got.tables[name], want.tables[name])
        assert got.tables["session"]["late"] == 0
        gaps = got.tables["gaps"]
        assert not [kind for kind in gaps["gap"]["kind"][0][: gaps["count"][0]] if kind == 1], "all were filled"
