"""The connection to a bus, against one in memory that loses connections, consumers, rows and engines.

All of it runs in virtual time, so a busy machine is no silent engine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FeedError
from flow_gl.core.spec import BusServers, BusSpec
from flow_gl.protocol import bus as contract
from flow_gl.protocol.bus import Log, Topic
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Kind, Part
from flow_gl.protocol.messages import Command
from flow_gl.runtime.remote import backoff, bus, bus_chart
from flow_gl.services.bus.connect import BusLoginError
from tests.kit import virtual_time
from tests.kit.bus import TOPIC, FakeBus, Publisher, block, description
from tests.kit.waiting import PATIENCE_S
from tests.remote.test_connection import Notes

ES = Topic("GLBX.MDP3", "ES.v.0")


class Received(Notes):
    """Notes what it is told, and the bubbles of each chart."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Rows] = []

    def rows(self, block: Rows) -> None:
        self.blocks.append(block)
        if block.kind is Kind.BUBBLE and block.level == 0:
            self.calls.append(("rows", block.sequence))

    def ids(self, chart: int = 0) -> list[int]:
        """The bubbles that a chart has now."""
        found: list[int] = []
        for one in self.blocks:
            if (one.kind, one.level, one.symbol) == (Kind.BUBBLE, 0, chart):
                found = [] if one.part is Part.NEWEST else found
                found += one.rows["id"].tolist()
        return found

    @property
    def states(self) -> list[str]:
        return [message.state for message in self.named("status")]


class Rig:
    """A connection to a bus in memory."""

    def __init__(self, fake: FakeBus, **spec: Any) -> None:
        self.fake = fake
        self.notes = Received()
        self.connection = bus.BusConnection(
            BusSpec(bus=BusServers(("nats://127.0.0.1:4222",)), **spec), "", self.notes, SYSTEM
        )
        self._task = asyncio.create_task(self.connection.run())

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                assert not self._task.done(), self._task.result()
                await asyncio.sleep(0.002)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeBus:
    """A bus whose clocks run fast."""
    found = FakeBus()
    monkeypatch.setattr(bus, "connect", found.connect)
    monkeypatch.setattr(backoff, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(bus, "RETRY_S", 0.001)
    monkeypatch.setattr(bus, "LOOK_S", 0.02)
    monkeypatch.setattr(bus, "WATCH_S", 0.005)
    return found


def play(fake: FakeBus, scene: Callable[[Publisher, Rig], Awaitable[None]], **spec: Any) -> Received:
    """Publish the beginning of a session, connect, and play a scene."""

    async def run() -> Received:
        publisher = Publisher(fake.js)
        await publisher.begin()
        await publisher.rows(block(Kind.BUBBLE, 0, 4))
        await publisher.state(block(Kind.SESSION, 1, 1))
        rig = Rig(fake, **spec)
        try:
            await scene(publisher, rig)
            return rig.notes
        finally:
            await rig.close()

    return virtual_time.run(run())


def test_a_late_joiner_has_everything_and_then_what_comes(fake: FakeBus) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(lambda: rig.notes.ids() == [*range(4)])
        await publisher.rows(block(Kind.BUBBLE, 4, 2))
        await publisher.status()
        await rig.until(lambda: rig.notes.ids() == [*range(6)] and rig.notes.states)

    notes = play(fake, scene)
    (connected,) = notes.named("connected")
    assert [one.symbol for one in connected.instruments] == ["NQ.v.0"]
    assert (connected.source, connected.dataset, connected.settings["arm"]) == ("test", "GLBX.MDP3", 123)
    assert [one.kind for one in notes.blocks if one.kind is Kind.SESSION]
    assert notes.states[0] == "live"
    assert notes.named("lost", "stopped", "silent") == []


def test_history_is_read_before_the_rows_that_follow_it(fake: FakeBus) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        await publisher.rows(block(Kind.BUBBLE, 0, 4), log=Log.HISTORY)
        await publisher.chapter()
        await publisher.rows(block(Kind.BUBBLE, 4, 5))
        fake.js.remove(TOPIC.stream(Log.ROWS), publisher.after)  # the rows of the history are gone
        await rig.close()
        again = Rig(fake)
        await again.until(lambda: again.notes.ids() == [*range(9)])
        await again.close()

    play(fake, scene)
    assert fake.js.first_seqs == [3]


def test_a_lost_connection_is_resumed_unnoticed_where_it_was(fake: FakeBus) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(lambda: rig.notes.ids() == [*range(4)])
        await fake.lose()
        await publisher.rows(block(Kind.BUBBLE, 4, 3))
        await rig.until(lambda: rig.notes.ids() == [*range(7)])

    notes = play(fake, scene)
    assert notes.named("lost", "stopped") == []
    assert fake.js.first_seqs == [1, 3]
    assert fake.attempts == 2


def test_lost_consumers_are_made_again(fake: FakeBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_chart, "STALE_S", 0.05)

    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(lambda: rig.notes.ids() == [*range(4)])
        fake.js.kill_readers()
        await publisher.rows(block(Kind.BUBBLE, 4, 3))
        await rig.until(lambda: rig.notes.ids() == [*range(7)])

    assert play(fake, scene).named("lost", "stopped") == []
    assert fake.attempts == 1


def test_a_long_absence_is_reported_with_its_reason(fake: FakeBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "UNSEEN_S", 0.05)

    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(lambda: rig.notes.ids() == [*range(4)])
        fake.refusal = FeedError("127.0.0.1:4222: no connection: Connection refused")
        await fake.lose()
        await rig.until(lambda: len(rig.notes.named("lost")) > 1)
        await publisher.rows(block(Kind.BUBBLE, 4, 3))
        fake.refusal = None
        await rig.until(lambda: rig.notes.ids() == [*range(7)])

    notes = play(fake, scene)
    assert notes.named("lost")[0] == "127.0.0.1:4222: no connection: Connection refused"
    assert len(notes.named("connected")) == 2


def test_a_refused_login_is_final_until_the_user_asks(fake: FakeBus) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        fake.refusal = BusLoginError("the bus refuses the login")
        await fake.lose()
        await rig.until(lambda: rig.notes.named("stopped"))
        attempts = fake.attempts
        await asyncio.sleep(0.05)
        assert fake.attempts == attempts
        fake.refusal = None
        rig.connection.retry()
        await publisher.rows(block(Kind.BUBBLE, 4, 1))
        await rig.until(lambda: rig.notes.ids() == [*range(5)])

    async def begin(publisher: Publisher, rig: Rig) -> None:
        await rig.until(rig.notes.ids)
        await scene(publisher, rig)

    assert play(fake, begin).named("stopped") == ["the bus refuses the login"]


@pytest.mark.parametrize(("step", "said"), [(1, "update this program"), (-1, "update the engine")])
def test_another_version_of_the_bus_is_final(fake: FakeBus, step: int, said: str) -> None:
    async def run() -> Received:
        await Publisher(fake.js).begin(description(version=contract.VERSION + step))
        rig = Rig(fake)
        await rig.until(lambda: rig.notes.named("stopped"))
        await rig.close()
        return rig.notes

    notes = virtual_time.run(run())
    (reason,) = notes.named("stopped")
    assert said in reason
    assert reason.startswith("127.0.0.1:4222: the bus has version")
    assert notes.named("lost", "connected") == []


def test_an_engine_of_another_version_in_mid_session_is_final(fake: FakeBus) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(rig.notes.ids)
        await publisher.describe(description(version=contract.VERSION + 1))
        await rig.until(lambda: rig.notes.named("stopped"))

    assert "update this program" in play(fake, scene).named("stopped")[0]


def test_rows_that_do_not_follow_are_read_again_from_the_beginning(fake: FakeBus) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(lambda: rig.notes.ids() == [*range(4)])
        # What was missing is in the history by the time of the second reading.
        await publisher.rows(block(Kind.BUBBLE, 0, 8), log=Log.HISTORY)
        await publisher.chapter()
        await publisher.rows(block(Kind.BUBBLE, 8, 2))
        await rig.until(lambda: rig.notes.ids() == [*range(10)])

    notes = play(fake, scene)
    assert [one.sequence for one in notes.blocks if (one.kind, one.level) == (Kind.BUBBLE, 0)] == [0, 0]
    assert notes.named("lost", "stopped") == []


@pytest.mark.parametrize("is_other_chart", [False, True])
def test_a_bus_without_the_chart_is_reported_and_tried_again(fake: FakeBus, is_other_chart: bool) -> None:
    async def run() -> list[str]:
        if is_other_chart:
            await Publisher(fake.js, ES).begin()
        rig = Rig(fake, symbols=("NQ.v.0",))
        await rig.until(lambda: rig.notes.named("lost"))
        publisher = Publisher(fake.js)
        await publisher.begin()
        await publisher.rows(block(Kind.BUBBLE, 0, 2))
        await rig.until(lambda: rig.notes.ids() == [0, 1])
        await rig.close()
        return rig.notes.named("lost")

    said = "the bus has no chart NQ.v.0; it has: ES.v.0" if is_other_chart else "no engine has published on this bus"
    assert said in virtual_time.run(run())[0]


def test_a_missing_stream_is_reported(fake: FakeBus) -> None:
    async def run() -> list[str]:
        publisher = Publisher(fake.js)
        await publisher.begin()
        del fake.js.streams[TOPIC.stream(Log.ROWS)]
        rig = Rig(fake)
        await rig.until(lambda: rig.notes.named("lost"))
        await rig.close()
        return rig.notes.named("lost")

    assert (
        virtual_time.run(run())[0] == "127.0.0.1:4222: a stream of the bus is missing: its engine has to publish again"
    )


def test_charts_have_the_order_in_which_they_were_published_or_that_of_the_user(fake: FakeBus) -> None:
    async def run(**spec: Any) -> list[str]:
        rig = Rig(fake, **spec)
        await rig.until(lambda: rig.notes.named("connected"))
        await rig.close()
        return [one.symbol for one in rig.notes.named("connected")[0].instruments]

    async def both() -> list[list[str]]:
        for topic in (TOPIC, ES):
            await Publisher(fake.js, topic).begin()
        return [await run(), await run(symbols=("ES.v.0", "NQ.v.0")), await run(symbols=("ES.v.0",))]

    assert virtual_time.run(both()) == [["NQ.v.0", "ES.v.0"], ["ES.v.0", "NQ.v.0"], ["ES.v.0"]]


def test_a_chart_that_was_not_asked_for_at_the_start_is_added_and_one_that_is_not_there_is_refused(
    fake: FakeBus,
) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        second = Publisher(fake.js, ES)
        await second.begin()
        await second.rows(block(Kind.BUBBLE, 0, 3))
        await second.state(block(Kind.SESSION, 1, 1))
        await rig.until(lambda: ("offered", ("ES.v.0", "NQ.v.0")) in rig.notes.calls)
        await rig.until(lambda: rig.notes.ids() == [*range(4)])
        assert rig.connection.add("CL.v.0") == "CL.v.0 is not on the bus; its charts: ES.v.0, NQ.v.0"
        assert rig.connection.add("ES.v.0") == ""
        await rig.until(lambda: rig.notes.ids(1) == [*range(3)])
        await publisher.rows(block(Kind.BUBBLE, 4, 2))
        await rig.until(lambda: rig.notes.ids() == [*range(6)])

    notes = play(fake, scene, symbols=("NQ.v.0",))
    symbols = [[one.symbol for one in message.instruments] for message in notes.named("connected")]
    assert symbols[0] == ["NQ.v.0"]
    assert symbols[-1] == ["NQ.v.0", "ES.v.0"]
    assert notes.ids() == [*range(6)], "nothing of the other one came twice"


def test_a_chart_that_begins_later_is_added(fake: FakeBus) -> None:
    async def scene(_: Publisher, rig: Rig) -> None:
        await rig.until(rig.notes.ids)
        second = Publisher(fake.js, ES)
        await second.begin()
        await second.rows(block(Kind.BUBBLE, 0, 3))
        await rig.until(lambda: rig.notes.ids(chart=1) == [0, 1, 2])

    connected = play(fake, scene).named("connected")[-1]
    assert [one.symbol for one in connected.instruments] == ["NQ.v.0", "ES.v.0"]


def test_a_chart_without_an_engine_is_reported_and_the_others_continue(
    fake: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "SILENT_S", 0.3)

    async def scene(publisher: Publisher, rig: Rig) -> None:
        second = Publisher(fake.js, ES, holder="two")
        await second.begin()
        await rig.until(lambda: rig.notes.ids() and len(rig.notes.named("connected")[-1].instruments) > 1)
        await second.status()
        while not rig.notes.named("silent"):
            await publisher.status()
            await asyncio.sleep(0.01)
        assert rig.notes.states[-1] == "reconnecting"
        assert rig.notes.named("status")[-1].message == "no engine publishes ES.v.0 now"
        await second.status()
        await rig.until(lambda: len(rig.notes.named("silent")) > 1)

    assert play(fake, scene).named("silent")[:2] == [frozenset({1}), frozenset()]


def test_an_engine_that_has_ended_is_not_missed(fake: FakeBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "SILENT_S", 0.02)

    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(rig.notes.ids)
        await publisher.status("ended")
        await rig.until(lambda: "ended" in rig.notes.states)
        await asyncio.sleep(0.1)

    notes = play(fake, scene)
    assert notes.named("silent") == []
    assert notes.states[-1] == "ended"


def test_the_end_of_an_engine_is_reported_once_no_other_has_taken_over(
    fake: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "SILENT_S", 0.1)
    monkeypatch.setattr(bus, "SAY_S", 0.01)

    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(rig.notes.ids)
        await publisher.status()
        await publisher.status(engine="ended")
        await publisher.status()  # of the other engine
        await rig.until(lambda: len(rig.notes.states) > 4)
        assert {one.engine for one in rig.notes.named("status")} == {"running"}
        await publisher.status(engine="ended")
        await rig.until(lambda: rig.notes.named("status")[-1].engine == "ended")

    assert play(fake, scene).named("silent") == []


def test_a_status_from_before_the_connection_is_not_taken_for_the_present(
    fake: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "SILENT_S", 0.05)

    async def run() -> Received:
        publisher = Publisher(fake.js)
        await publisher.begin()
        await publisher.status()
        rig = Rig(fake)
        await rig.until(lambda: rig.notes.states)
        await rig.close()
        return rig.notes

    assert set(virtual_time.run(run()).states) == {"reconnecting"}


def test_a_new_contract_is_described(fake: FakeBus) -> None:
    async def scene(publisher: Publisher, rig: Rig) -> None:
        await rig.until(rig.notes.ids)
        instrument = msgspec.structs.replace(publisher.chart.instrument, contract="NQH6")
        await publisher.describe(description(instrument=instrument))
        await rig.until(lambda: len(rig.notes.named("connected")) > 1)

    assert play(fake, scene).named("connected")[-1].instruments[0].contract == "NQH6"


def test_a_bus_takes_no_commands(fake: FakeBus) -> None:
    async def scene(_: Publisher, rig: Rig) -> None:
        assert await rig.connection.send(Command("set_speed", 2.0)) == "a bus accepts no commands"

    play(fake, scene)
