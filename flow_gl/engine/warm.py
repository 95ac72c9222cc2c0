"""Compiling every kernel ahead of its first real use."""

from collections.abc import Callable
from typing import Final

import numpy as np

from flow_gl.core.alerts import Condition, EngineRule, Level
from flow_gl.core.schema import TRADE
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.store.market import MarketStore

STAGES: Final = ("bubbles and CVD", "several instruments", "levels of detail", "profile and levels")

_RULES: Final = (
    EngineRule(id=1, condition=Condition.LEVEL, level=Level.VWAP),
    EngineRule(id=2, condition=Condition.LEVEL, level=Level.POC),
    EngineRule(id=3, condition=Condition.SECOND_DELTA, least=1e9),
)


def warm_up(progress: Callable[[str, int, int], None] | None = None) -> None:
    """Compile every kernel, or load its machine code from the cache.

    This takes seconds the first time, and a fraction of a second afterwards.

    Parameters
    ----------
    progress : called with the name of the current stage, the number of finished stages, and the number of stages
    """
    report = progress or (lambda _name, _done, _all: None)
    trades = np.zeros(8, TRADE)
    trades["action"], trades["side"], trades["size"] = ord("T"), ord("B"), 1
    trades["ts_event"] = np.arange(1, 9) * SECOND_NS
    trades["price"] = np.arange(100, 108) * 250_000_000
    trades["instrument_id"] = 1
    pipeline = Pipeline()
    pipeline.set_alerts(_RULES)
    pipeline.chart(1, MarketStore.local())
    steps: tuple[Callable[[], object], ...] = (
        lambda: pipeline.process(trades),
        lambda: pipeline.process(_mixed(trades)),
        lambda: pipeline.advance(MINUTE_NS),
        pipeline.publish,
    )
    for done, (name, step) in enumerate(zip(STAGES, steps, strict=True)):
        report(name, done, len(STAGES))
        step()
    report("done", len(STAGES), len(STAGES))


def _mixed(trades: np.ndarray) -> np.ndarray:
    mixed = trades.copy()
    mixed["instrument_id"][::2] = 2
    mixed["ts_event"] += 10_000_000_000
    return mixed
