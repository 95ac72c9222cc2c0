"""The soak test itself: a few minutes of market time with many faults, and a check that it notices a wrong number."""

import json
from pathlib import Path

import numpy as np

from benchmarks.local_gateway import LocalGateway
from benchmarks.soak import ARM, run
from benchmarks.soak_numbers import Comparison, Unbroken


def test_a_short_soak_ends_with_the_numbers_of_an_undisturbed_run(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    run(seed=4, minutes=0.06, every=60.0, json_path=path)
    figures = json.loads(path.read_text())
    assert figures["numbers_equal"]
    assert figures["faults_in_all"] > 0
    assert figures["rows_compared"] > 100


def test_a_lost_trade_is_noticed() -> None:
    gateways = LocalGateway()
    contracts = gateways.contracts
    whole, short = (Unbroken(contracts, tick=gateways.tick, arm=ARM) for _ in range(2))
    tape = gateways.tape(count=2000)
    tape = tape[np.isin(tape["instrument_id"], [contract.instrument_id for contract in contracts])]
    whole.pipeline.process(tape)
    short.pipeline.process(np.delete(tape, len(tape) // 2))
    for side in (whole, short):
        side.pipeline.finish()
    found = [
        line
        for contract, mine, other in zip(contracts, short.stores, whole.stores, strict=True)
        for line in Comparison(contract.symbol, mine, other).look(is_final=True)
    ]
    assert any("bubbles at level 0 differ" in line for line in found)
    assert any("session.trade_count" in line for line in found)
