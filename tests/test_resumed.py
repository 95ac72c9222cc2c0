"""A restart: the recording is read back, the gateway sends the rest, and the numbers equal an undisturbed run's."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.items import FeedGap, Item, Mapping, Trades
from flow_gl.core.schema import TRADE, FeedState
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.ledger import RESUME_OVERLAP_NS
from flow_gl.feed.live.supervisor import LiveFeed
from flow_gl.runtime.recovered import NOTHING, Recorded, recorded_of
from flow_gl.runtime.resumed import ResumedFeed
from flow_gl.services.recording.file import ExpectedRun
from flow_gl.services.recording.folder import recorded
from flow_gl.services.recording.recorder import Recorder
from flow_gl.store.ring import Ring
from tests.feed.live_rig import FakeCalendar, Rig
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import DATASET, ES, KEY, NEXT_NQ, NQ, OPEN_NS, Contract, make_tape, of
from tests.kit.crash import close_descriptors
from tests.kit.numbers import numbers_of

TAPE = make_tape()
BOTH = ("NQ.v.0", "ES.v.0")


class Run(Rig):
    """A run from the feed to the recorder, driven step by step."""

    def __init__(
        self, gateway: GatewayProcess, directory: Path, *, published: int, symbols: tuple[str, ...] = BOTH, **options
    ) -> None:
        calendar = FakeCalendar()
        wall_ns = int(TAPE["ts_recv"][published - 1]) + SECOND_NS
        super().__init__(gateway, wall_ns=wall_ns, calendar=calendar)

        def make_live(hours: Hours) -> LiveFeed:
            spec = LiveSpec(symbols=symbols, dataset=DATASET, gateway="127.0.0.1", port=gateway.port)
            return LiveFeed(spec, api_key=KEY, hours=hours, clock=self.clock, draw=lambda: 0.5)

        self.feed = ResumedFeed(symbols, make_live, calendar=calendar, **options)  # type: ignore[assignment]
        self._tape = Ring(memoryview(bytearray(Ring.nbytes(TRADE, 1 << 13))), TRADE, 1 << 13)
        self.recorder = Recorder(directory, dataset=DATASET, session_of=calendar.session_at, clock=self.clock)
        self.recorder.start(self._tape, expected=ExpectedRun(repeats_gaps=False), is_threaded=False)
        self.feed.resume(self._recorded)
        self.feed.start()
        self._noted = 0

    def _recorded(self) -> Recorded | None:
        found = self.recorder.take_recovered()
        return recorded_of(found) if found else NOTHING

    def record(self) -> None:
        for item in self.items[self._noted :]:
            if isinstance(item, Trades):
                self._tape.append(item.rows)
            else:
                self.recorder.note(item, position=self._tape.head)
        self._noted = len(self.items)
        self.clock.advance(1)
        self.recorder.write_due()

    def crash(self) -> None:
        """Simulate the end of the process: nothing is flushed, and the system releases the file."""
        self.record()
        self.close()
        close_descriptors(recorded(self.recorder.directory, DATASET, 20251128)[-1])

    def end(self) -> None:
        self.record()
        self.recorder.close()
        self.close()


@pytest.fixture(scope="module")
def process() -> Iterator[GatewayProcess]:
    gateway = GatewayProcess()
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(process: GatewayProcess) -> GatewayProcess:
    process("fresh", published=2000)
    return process


def count(until: int, *contracts: Contract) -> int:
    return len(of(TAPE[:until], *contracts or (NQ, ES)))


def asked_from(gateway: GatewayProcess) -> list[int]:
    """Return the time from which each connection requested trades."""
    connections = gateway("stats")["connections"]
    return [int(connection["subscriptions"][-1]["start"]) for connection in connections]


def unbroken(gateway: GatewayProcess, directory: Path) -> list[Item]:
    """Return the result of a run that saw the whole tape."""
    gateway("fresh", published=len(TAPE))
    run = Run(gateway, directory, published=len(TAPE))
    run.until_trades(count(len(TAPE)))
    run.end()
    return run.items


def recorded_once(gateway: GatewayProcess, directory: Path, *, until: int = 3000, torn_bytes: int = 0) -> None:
    """Run until some trades are recorded, then die."""
    run = Run(gateway, directory, published=2000)
    run.until_trades(count(2000))
    run.record()
    gateway("publish", count=until - 2000)
    run.until_trades(count(until))
    run.crash()
    (path,) = recorded(directory, DATASET, 20251128)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - torn_bytes)


@pytest.mark.parametrize("torn_bytes", [0, 7])
def test_after_a_kill_the_recording_is_read_back_and_only_the_rest_requested(
    gateway: GatewayProcess, tmp_path: Path, torn_bytes: int
) -> None:
    recorded_once(gateway, tmp_path / "a", torn_bytes=torn_bytes)
    gateway("publish", count=1000)
    run = Run(gateway, tmp_path / "a", published=4000)
    run.until_state(FeedState.LIVE)
    gateway("publish", count=2000)
    run.until_trades(count(len(TAPE)))
    run.end()
    assert len(run.trades) == count(len(TAPE)), "each trade once"
    last = min(int(of(TAPE[:3000], one)["ts_event"].max()) for one in (NQ, ES))
    if not torn_bytes:
        assert asked_from(gateway)[-1] == last - RESUME_OVERLAP_NS
    assert int(TAPE["ts_event"][0]) < asked_from(gateway)[-1] <= last - RESUME_OVERLAP_NS
    assert 0 < run.feed.repeated < count(3000)
    assert run.states[0] is FeedState.CATCHING_UP
    assert not run.gaps
    expected = unbroken(gateway, tmp_path / "b")
    for contract in (NQ, ES):
        instrument_id = contract.instrument_id
        assert numbers_of(run.items, instrument_id) == numbers_of(expected, instrument_id)
    paths = [recorded(tmp_path / name, DATASET, 20251128)[0] for name in "ab"]
    ours, theirs = (np.concatenate([one.rows for one in read(path)]) for path in paths)
    assert ours.tobytes() == theirs.tobytes()


def test_a_recording_with_the_open_is_enough_but_a_late_first_trade_needs_the_gateway(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    recorded_once(gateway, tmp_path)
    run = Run(gateway, tmp_path, published=3000)
    run.poll()
    assert run.feed.status().known_from == OPEN_NS
    run.until_state(FeedState.LIVE)
    assert run.feed.status().known_from == OPEN_NS
    assert asked_from(gateway)[-1] > OPEN_NS
    run.end()
    late = of(TAPE[:2000], NQ)[300:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flow_gl.runtime.resumed.COVERED_NS", int(late["ts_event"][0]) - OPEN_NS - 1)
        quiet = Run(gateway, tmp_path / "other", published=3000, symbols=("NQ.v.0",))
        quiet.feed.resume(lambda: Recorded("", (Mapping(NQ.instrument_id, "NQZ5", "NQ.v.0"),), late, ()))
        quiet.until_state(FeedState.LIVE)
    assert asked_from(gateway)[-1] == OPEN_NS
    assert quiet.feed.status().known_from == OPEN_NS
    quiet.end()


def test_a_recording_that_begins_after_a_gap_is_known_from_its_first_trade(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    late = of(TAPE[:2000], NQ)[300:]
    first_ts = int(late["ts_event"][0])
    names, gaps = (Mapping(NQ.instrument_id, "NQZ5", "NQ.v.0"),), (FeedGap(OPEN_NS, first_ts),)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flow_gl.runtime.resumed.COVERED_NS", first_ts - OPEN_NS - 1)
        run = Run(gateway, tmp_path, published=3000, symbols=("NQ.v.0",))
        run.feed.resume(lambda: Recorded("", names, late, gaps))
        run.until_state(FeedState.LIVE)
    assert asked_from(gateway)[-1] > first_ts
    assert run.feed.status().known_from == first_ts
    run.end()


def read(path: Path) -> list[Trades]:
    from flow_gl.feed.files.replay import read_items

    return [item for item in read_items([path]) if isinstance(item, Trades)]


def test_the_session_is_charted_without_the_gateway_and_the_gap_filled_when_it_is_back(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    recorded_once(gateway, tmp_path)
    gateway("listen", on=False)
    run = Run(gateway, tmp_path, published=4000)
    run.until_state(FeedState.RECONNECTING, skipping=False)
    assert run.count == count(3000)
    newest = int(of(TAPE[:3000], NQ, ES)["ts_event"].max())
    assert run.gaps == [FeedGap(newest)]
    gateway("publish", count=1000)
    gateway("listen", on=True)
    run.until_trades(count(4000))
    run.until_state(FeedState.LIVE)
    assert run.gaps[-1].start == newest
    assert run.gaps[-1].filled
    run.end()


def test_a_symbol_that_now_maps_to_another_contract_gets_its_whole_session(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    recorded_once(gateway, tmp_path)
    gateway("remap", requested="NQ.v.0", symbol="NQH6")
    run = Run(gateway, tmp_path, published=3000)
    run.until_state(FeedState.LIVE)
    gateway("publish", count=1000)
    both = of(TAPE[:4000], NEXT_NQ, ES)
    run.until(lambda: len(of(run.trades, NEXT_NQ, ES)) >= len(both), what="the new contract's session")
    for contract in (NEXT_NQ, ES):
        assert of(run.trades, contract).tobytes() == of(both, contract).tobytes()
    assert of(run.trades, NQ).tobytes() == of(TAPE[:3000], NQ).tobytes(), "the old contract's trades, once"
    run.end()


def test_a_newly_requested_symbol_gets_its_whole_session(gateway: GatewayProcess, tmp_path: Path) -> None:
    first = Run(gateway, tmp_path, published=2000, symbols=("NQ.v.0",))
    first.until_trades(count(2000, NQ))
    first.crash()
    run = Run(gateway, tmp_path, published=2000)
    run.until_state(FeedState.LIVE)
    for contract in (NQ, ES):
        assert of(run.trades, contract).tobytes() == of(TAPE[:2000], contract).tobytes()
    run.end()


def test_a_symbol_that_is_added_before_the_feed_is_live_comes_after_it_and_a_restart_reads_it_back(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    first = Run(gateway, tmp_path, published=2000, symbols=("NQ.v.0",))
    first.until_trades(count(2000, NQ))
    first.crash()
    run = Run(gateway, tmp_path, published=2000, symbols=("NQ.v.0",))
    run.feed.add("ES.v.0")
    run.until_state(FeedState.LIVE)
    run.until(lambda: run.count >= count(2000) and not run.feed.status().known_spans, what="the added symbol")
    gateway("publish", count=500)
    run.until_trades(count(2500))
    for contract in (NQ, ES):
        assert of(run.trades, contract).tobytes() == of(TAPE[:2500], contract).tobytes()
    run.crash()
    third = Run(gateway, tmp_path, published=2500)
    third.until_trades(count(2500))
    third.until_state(FeedState.LIVE)
    for contract in (NQ, ES):
        assert of(third.trades, contract).tobytes() == of(TAPE[:2500], contract).tobytes()
    assert asked_from(gateway)[-1] > int(TAPE["ts_event"][1900]), "only the rest is asked for"
    third.end()


def test_a_recording_without_the_sessions_beginning_is_replayed_instead_of_read_back(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    late = TAPE[TAPE["ts_event"] > TAPE["ts_event"][0] + 40 * SECOND_NS][:500]
    found = Recorded("", (Mapping(NQ.instrument_id, "NQZ5", "NQ.v.0"),), of(late, NQ), ())
    run = Run(gateway, tmp_path, published=2000, symbols=("NQ.v.0",))
    run.feed.resume(lambda: found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flow_gl.runtime.resumed.BEGIN_NS", 20 * SECOND_NS)
        run.until_state(FeedState.LIVE)
    assert run.trades.tobytes() == of(TAPE[:2000], NQ).tobytes(), "in order, none late"
    run.end()


def test_parents_are_requested_completely_and_duplicates_dropped(gateway: GatewayProcess, tmp_path: Path) -> None:
    recorded_once(gateway, tmp_path)
    run = Run(gateway, tmp_path, published=3000, are_parents=True)
    run.until_state(FeedState.LIVE)
    assert asked_from(gateway)[-1] < int(TAPE["ts_event"][0])
    assert run.feed.repeated == count(3000)
    for contract in (NQ, ES):
        assert of(run.trades, contract).tobytes() == of(TAPE[:3000], contract).tobytes()
    run.end()
