"""From a spec to a feed: which one, and which charts it fills."""

import math
import os
from dataclasses import dataclass

from flow_gl.core.spec import KEY_VARIABLE, DemoSpec, EngineSpec, FilesSpec, LiveSpec
from flow_gl.feed.base import Feed


@dataclass(frozen=True, slots=True)
class Plan:
    """A feed, not started, and the charts that go with it."""

    feed: Feed
    symbols: list[str]
    """Requested symbols, one chart each."""
    instrument_ids: tuple[int, ...] = ()
    """Instruments of the charts where they are known beforehand."""
    are_parents: bool = False
    note: str = ""
    """What the user should know, one line."""


def make_plan(spec: EngineSpec) -> Plan:
    """Choose the feed. Raises FlowError where a file, a symbol, a number or the key is wrong."""
    if isinstance(spec.feed, FilesSpec):
        return _plan_files(spec.feed, spec.resume_ns)
    if isinstance(spec.feed, DemoSpec):
        return _plan_demo(spec.feed, spec.resume_ns)
    return _plan_live(spec.feed)


def _plan_demo(spec: DemoSpec, resume_ns: int) -> Plan:
    from flow_gl.feed.synthetic import SyntheticFeed
    from flow_gl.feed.synthetic_contracts import contracts_of

    feed = SyntheticFeed(
        seed=spec.seed,
        rate=spec.rate,
        symbols=spec.symbols,
        start_ns=spec.start_ns,
        history_s=spec.history_s,
        halts=spec.halts,
        bursts=spec.bursts,
        speed=_speed(spec.speed),
        resume_ns=resume_ns,
        length_s=spec.length_s,
    )
    return Plan(feed, [contract.requested for contract in contracts_of(tuple(spec.symbols))])


def _plan_live(spec: LiveSpec) -> Plan:
    from flow_gl.feed.databento_live import LiveFeed

    feed = LiveFeed(
        symbols=tuple(spec.symbols),
        dataset=spec.dataset,
        stype_in=spec.stype_in,
        api_key=os.environ.get(KEY_VARIABLE, ""),
        gateway=spec.gateway,
        port=spec.port,
    )
    return Plan(feed, list(spec.symbols), are_parents=spec.stype_in == "parent")


def _speed(speed: float | None) -> float:
    return math.inf if speed is None else speed
