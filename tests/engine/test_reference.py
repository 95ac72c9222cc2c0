"""The size reference is a step that few bubbles exceed and that does not flicker."""

import random

import pytest

from flow_gl.core.units import SECOND_NS
from flow_gl.engine.kernels.reference import SETTLED, START, STEPS, volume_bin_nb
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from tests.kit.trades import trades_of

BASE = 1_764_280_800 * SECOND_NS


def _twin(volumes):
    """The rule in plain Python, recounted from the whole list for every bubble."""
    steps, step, path = STEPS.tolist(), STEPS.tolist().index(START), []
    for count in range(1, len(volumes) + 1):
        seen = volumes[:count]

        def few_exceed(limit, seen=seen):
            return 200 * sum(volume > limit for volume in seen) <= len(seen)

        if count >= SETTLED:
            if count == SETTLED:
                step = 0
            rose = False
            while not few_exceed(steps[step]):
                step, rose = step + 1, True
            if not rose and step and few_exceed(steps[step - 1] * 17 // 20):
                step -= 1
        path.append(steps[step])
    return path


@pytest.mark.parametrize("seed", range(4))
def test_the_size_reference_after_every_bubble_follows_the_rule(seed):
    rng = random.Random(seed)
    volumes = [min(250, int(rng.lognormvariate(2.5, 0.8)) + 1) for _ in range(300)]
    volumes += [rng.randint(1, 4) for _ in range(300)]
    pipeline, sink, path = Pipeline(), Collector(), []
    pipeline.attach(1, sink)
    for n, volume in enumerate(volumes):
        pipeline.process(trades_of([(1, BASE + n * SECOND_NS, 100, volume, "BA"[n % 2])]))
        pipeline.advance(BASE + (n + 1) * SECOND_NS + SECOND_NS // 2)
        pipeline.publish()
        path.append(int(sink.tables["session"]["reference"][0]))
    assert path == _twin(volumes)


def test_the_size_reference_does_not_depend_on_batches():
    rng = random.Random(5)
    trades = trades_of([(1, BASE + n * SECOND_NS, 100, rng.randint(1, 90), "B") for n in range(3000)])
    ends = []
    for size in (1, 7, 3000):
        pipeline, sink = Pipeline(), Collector()
        pipeline.attach(1, sink)
        for start in range(0, len(trades), size):
            pipeline.process(trades[start : start + size])
            pipeline.publish()
        ends.append(int(sink.tables["session"]["reference"][0]))
    assert len(set(ends)) == 1


def test_bins_are_exact_to_255_and_within_a_hundredth_beyond():
    assert [volume_bin_nb(volume) for volume in range(256)] == list(range(256))
    bins = [volume_bin_nb(volume) for volume in range(1, 200_000)]
    assert bins == sorted(bins)
    for volume in (1000, 12_345, 10**9):
        assert volume_bin_nb(volume) < volume_bin_nb(volume + volume // 100)
