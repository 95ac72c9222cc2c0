"""Choose the feed of a spec, and the charts that it fills."""

import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from flow_gl.core.errors import UsageError
from flow_gl.core.market.instrument import KNOWN_ROOTS
from flow_gl.core.market.names import Name
from flow_gl.core.schema import CHARTS
from flow_gl.core.spec import KEY_VARIABLE, DemoSpec, EngineSpec, FilesSpec, LiveSpec
from flow_gl.core.units import parse_time_ns
from flow_gl.feed.base import Feed

if TYPE_CHECKING:
    from flow_gl.feed.files.choices import Choice
    from flow_gl.feed.files.scan import FileSummary
    from flow_gl.runtime.replay_snapshots import ReplaySnapshots
    from flow_gl.services.replay_cache.file_cache import FileCache

MAX_OFFERED: Final = 2_000
"""Most symbols of files that a list of symbols offers."""
OTHERS_NAMED: Final = 6
"""Most instruments without a chart that are named in the note to the user."""


@dataclass(frozen=True, slots=True)
class ReplayFiles:
    """The files of a replay, and the cache for data derived from them."""

    summary: "FileSummary"
    charts: tuple[tuple[int, str], ...]
    """Instrument and name of each chart."""
    cache: "FileCache | None"
    """None: nothing is kept between runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A feed that is not started yet, and its charts."""

    feed: Feed
    symbols: list[str]
    """Requested symbols, one chart each."""
    names: tuple[Name, ...] = ()
    """How each is followed; empty: by its spelling."""
    instrument_ids: tuple[int, ...] = ()
    """Instruments of the charts where they are known beforehand; 0 where mappings give them later."""
    are_parents: bool = False
    offered: tuple[str, ...] = ()
    """Symbols that the feed can chart, the busiest first."""
    addable_stype: str = ""
    """Type (`stype_in`) of the other symbols that can be requested; "" if none can be."""
    note: str = ""
    """One line to show the user."""
    damage: tuple[str, ...] = ()
    """One line per damaged place in the files."""
    snapshots: "ReplaySnapshots | None" = None
    """The stored snapshots of the files."""
    files: "ReplayFiles | None" = None
    """The files of a replay; None for other feeds."""
    begins_ns: int = 0
    """Approximate event time of the first trades, ns; 0 for now."""


def make_plan(spec: EngineSpec, on_progress: Callable[[float], None] | None = None) -> Plan:
    """Choose the feed. Raises FlowError if a file, a symbol, a number or the key is wrong.

    Parameters
    ----------
    spec : the engine's spec
    on_progress : called with the share done, 0..1, while files are scanned
    """
    if isinstance(spec.feed, FilesSpec):
        return _plan_files(spec.feed, spec, on_progress)
    if isinstance(spec.feed, DemoSpec):
        return _plan_demo(spec.feed, spec.resume_ns)
    assert isinstance(spec.feed, LiveSpec)  # a server's charts have no feed: `runtime.remote`
    return _plan_live(spec.feed)


def _plan_files(spec: FilesSpec, engine: EngineSpec, on_progress: Callable[[float], None] | None) -> Plan:
    from flow_gl.feed.files.choices import Found
    from flow_gl.feed.files.replay import FilesFeed, scan
    from flow_gl.runtime.file_summaries import CachedParts
    from flow_gl.runtime.replay_snapshots import ReplaySnapshots
    from flow_gl.services.replay_cache.file_cache import FileCache

    cache = FileCache(is_beside=spec.cache_beside) if spec.cache else None
    summary = scan(spec.paths, on_progress=on_progress, cache=CachedParts(cache) if cache else None)
    chosen = [summary.choose(symbol) for symbol in spec.symbols] or summary.requested()[:CHARTS] or [summary.choose()]
    if len({(one.name, one.only_id) for one in chosen}) < len(chosen):
        raise UsageError(f"symbols: each may be charted once, got {', '.join(spec.symbols)}")
    from_ns = parse_time_ns(spec.from_time, after_ns=summary.first_ts) if spec.from_time else 0
    from_ns = min(max(from_ns, engine.resume_ns), summary.last_ts) if engine.resume_ns else from_ns
    charts = [(one.pinned or one.only_id, one.name) for one in chosen]
    snapshots = None
    if cache:
        joined = summary.joined()
        snapshots = ReplaySnapshots(summary.paths, spec=engine, charts=charts, cache=cache, joined=joined)
    feed = FilesFeed(
        spec.paths,
        speed=_speed(spec.speed),
        from_ns=from_ns or None,
        summary=summary,
        done=snapshots.find(_handed_over_at_once(summary, spec.speed, from_ns)) if snapshots else 0,
        yield_ends=snapshots is not None,
    )
    if spec.is_held:
        feed.hold()
    # Damage is reported first: missing trades matter more than the names of uncharted contracts.
    notes = [*summary.messages, _others(summary, chosen)]
    return Plan(
        feed,
        [one.name for one in chosen],
        names=tuple(one.follow() for one in chosen),
        instrument_ids=tuple(one.pinned or one.unnamed for one in chosen),
        note="; ".join(note for note in notes if note),
        damage=summary.damage,
        snapshots=snapshots,
        files=ReplayFiles(summary, tuple(charts), cache),
        offered=tuple(dict.fromkeys(choice.name for choice in Found(summary.parts).choices()))[:MAX_OFFERED],
        begins_ns=summary.first_ts,
    )


def _handed_over_at_once(summary: "FileSummary", speed: float | None, from_ns: int) -> int:
    """Count the leading files that are read without pacing: all at highest speed, else those before `from_ns`."""
    if speed is None:
        return len(summary.parts)
    return next((at for at, part in enumerate(summary.parts) if part.last_ts >= from_ns), len(summary.parts))


def _others(summary: "FileSummary", chosen: "list[Choice]") -> str:
    """List the instruments that trade in the files and have no chart, busiest first."""
    charted = {(one.instrument_id, one.symbol) for choice in chosen for one in choice.instruments}
    others = [one for one in summary.instruments if one.trades and (one.instrument_id, one.symbol) not in charted]
    if not others:
        return ""
    shared = Counter(one.name for one in summary.instruments if one.trades)
    labels = {one: one.name if shared[one.name] == 1 else f"{one.name}#{one.instrument_id}" for one in others}
    names = ", ".join(f"{labels[one]} ({one.trades:,})" for one in others[:OTHERS_NAMED])
    more = f" and {len(others) - OTHERS_NAMED} more" if len(others) > OTHERS_NAMED else ""
    return f"not charted: {names}{more}"


def _plan_demo(spec: DemoSpec, resume_ns: int) -> Plan:
    from flow_gl.feed.synthetic.contracts import CONTRACTS, contracts_of
    from flow_gl.feed.synthetic.demo import SyntheticFeed

    feed = SyntheticFeed(spec, resume_ns=resume_ns)
    symbols = [contract.requested for contract in contracts_of(tuple(spec.symbols))]
    offered = tuple(contract.requested for contract in CONTRACTS.values())
    return Plan(feed, symbols, offered=offered, begins_ns=feed.clock().anchor_event)


def _plan_live(spec: LiveSpec) -> Plan:
    from flow_gl.core.system.folders import recordings_dir
    from flow_gl.feed.live.hours import Hours
    from flow_gl.feed.live.request import checked_key
    from flow_gl.feed.live.supervisor import LiveFeed
    from flow_gl.runtime.earlier import EarlierFeed, EarlierSessions
    from flow_gl.runtime.resumed import ResumedFeed

    checked_key(os.environ.get(KEY_VARIABLE, ""))
    import databento  # noqa: F401 - takes seconds on a busy machine; in this thread heartbeats continue

    received = structs.replace(spec, symbols=(*spec.symbols, *spec.uncharted))

    def make_live(hours: Hours) -> LiveFeed:
        feed = LiveFeed(received, api_key=os.environ.get(KEY_VARIABLE, ""), hours=hours)
        for symbol in spec.uncharted:
            feed.release(symbol)
        return feed

    are_parents = spec.stype_in == "parent"
    feed = ResumedFeed(received.symbols, make_live, are_parents=are_parents)
    usual = [f"{root}.v.0" for root in KNOWN_ROOTS] if spec.stype_in == "continuous" else []
    options: dict[str, Any] = {
        "are_parents": are_parents,
        "offered": () if are_parents else tuple(dict.fromkeys((*spec.symbols, *usual))),
        "addable_stype": "" if are_parents else spec.stype_in,
    }
    # A parent symbol's contract is chosen by the running session's volumes, so nothing earlier has a chart.
    if not spec.recording or not spec.earlier_sessions or are_parents:
        return Plan(feed, list(spec.symbols), **options)
    folder = Path(spec.record_dir) if spec.record_dir else recordings_dir()
    earlier = EarlierSessions(folder, dataset=spec.dataset, count=spec.earlier_sessions)
    return Plan(EarlierFeed(feed, earlier), list(spec.symbols), **options)


def _speed(speed: float | None) -> float:
    return math.inf if speed is None else speed
