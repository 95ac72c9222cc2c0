"""Two symbols of one instrument, live: two charts with the same numbers, even after a restart from the recording."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.items import Item
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from tests.feed.live_rig import Rig
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, make_tape, of
from tests.kit.charted import ChartedPipeline
from tests.test_resumed import Run

TAPE = make_tape()
NAMES = ("ES.c.0", "ES.v.0")


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    process = GatewayProcess(published=2000)
    process("remap", requested="ES.c.0", symbol="ESZ5")
    yield process
    process.close()


def charts_of(items: list[Item]) -> list[tuple[str, str, int, bytes, bytes]]:
    """Return symbol, name, trades, bubbles and CVD of each chart."""
    made = ChartedPipeline(NAMES, pipeline=Pipeline(), base_capacity=1 << 10)
    made.take(*items)
    made.pipeline.finish()
    found = []
    for reader in made.readers():
        store = reader.store
        rows, points = (ring.read(0, ring.head)[1] for ring in (store.bubbles[0], store.cvd[0]))
        found.append(
            (reader.symbol, reader.requested, int(rows["trade_count"].sum()), rows.tobytes(), points.tobytes())
        )
    return found


def assert_two_charts(items: list[Item], trades: np.ndarray) -> None:
    first, second = charts_of(items)
    assert [first[:3], second[:3]] == [("ESZ5", name, len(trades)) for name in NAMES]
    assert first[3:] == second[3:]


def test_two_names_of_one_instrument_give_two_charts_with_the_same_numbers(gateway: GatewayProcess) -> None:
    rig = Rig(gateway, wall_ns=int(TAPE["ts_recv"][1999]) + SECOND_NS, symbols=NAMES)
    rig.start()
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=500)
    expected = of(TAPE[:2500], ES)
    rig.until_trades(len(expected))
    rig.settle()
    rig.close()
    assert rig.trades.tobytes() == expected.tobytes(), "each trade once, though two names asked for it"
    assert_two_charts(rig.items, expected)


def test_a_restart_reads_both_names_back_and_requests_only_the_rest(gateway: GatewayProcess, tmp_path: Path) -> None:
    first = Run(gateway, tmp_path, published=2000, symbols=NAMES)
    first.until_trades(len(of(TAPE[:2000], ES)))
    first.crash()
    gateway("publish", count=1000)
    expected = of(TAPE[:3000], ES)
    second = Run(gateway, tmp_path, published=3000, symbols=NAMES)
    second.until_trades(len(expected))
    second.until_state(FeedState.LIVE)
    second.settle()
    second.close()
    assert second.trades.tobytes() == expected.tobytes()
    assert second.feed.repeated < 500, "the recording's trades are not asked for again"  # type: ignore[attr-defined]
    assert [(one.symbol, one.requested) for one in second.mappings[:2]] == [("ESZ5", name) for name in NAMES]
    assert_two_charts(second.items, expected)
