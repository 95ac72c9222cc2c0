"""`flow-gl connect` against real workers: every number and pixel is that of a view beside the engine."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.commands import Configure, SetSpeed, Step
from flow_gl.core.schema import FeedState, GapKind
from flow_gl.core.spec import EngineSpec, RemoteSpec
from flow_gl.gl.resources import SharedResources
from flow_gl.layers.stack import ChartStack
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit import waiting
from tests.kit.gl_context import draw
from tests.kit.markets import WIDTHS_S, make_scene
from tests.kit.served_process import ServedMarket, serve_market


@pytest.fixture
def served() -> Iterator[ServedMarket]:
    with serve_market() as found:
        yield found


@pytest.fixture
def link(served: ServedMarket) -> Iterator[EngineLink]:
    found = EngineLink.start(EngineSpec(feed=RemoteSpec(url=served.url.replace("http", "ws", 1) + "/ws")))
    try:
        yield found
    finally:
        found.close()


def wait(served: ServedMarket, link: EngineLink, until: Callable[[], object], what: str) -> None:
    def step() -> None:
        assert not link.failure_within(0.0), link.message
        served.poll()
        link.poll()
        if link.engine is not None:
            link.engine.refresh()
        for market in link.markets:
            market.refresh()

    waiting.until(until, what, step=step)


def difference(served: ServedMarket, link: EngineLink) -> str:
    """Return what the client's store lacks of the engine's, or holds otherwise; "" if they are the same."""
    if not link.markets:
        return "no chart"
    ours, theirs = link.markets[0], served.market.reader
    theirs.refresh()
    for level in range(len(WIDTHS_S)):
        for one, other in (
            (ours.store.bubbles[level], theirs.store.bubbles[level]),
            (ours.store.cvd[level], theirs.store.cvd[level]),
        ):
            if one.read(0, one.head)[1].tobytes() != other.read(0, other.head)[1].tobytes():
                return f"closed rows at level {level}"
        mine, its = ours.open_bubble(level), theirs.open_bubble(level)
        if (None if mine is None else mine.tobytes()) != (None if its is None else its.tobytes()):
            return f"the open bubble at level {level}"
    for mine_log, its_log in zip(ours.store.logs, theirs.store.logs, strict=True):
        if mine_log.read(0, mine_log.head)[1].tobytes() != its_log.read(0, its_log.head)[1].tobytes():
            return f"a log of {its_log.dtype}"
    fields = ("session", "profile", "levels")
    return next((one for one in fields if getattr(ours, one).tobytes() != getattr(theirs, one).tobytes()), "")


def wait_for_all(served: ServedMarket, link: EngineLink) -> None:
    wait(served, link, lambda: not difference(served, link), "all numbers")
    assert difference(served, link) == ""


def state_of(link: EngineLink) -> FeedState:
    return FeedState.STARTING if link.engine is None else FeedState(int(link.engine.status["state"]))


def test_numbers_and_pixels_are_those_beside_the_engine(
    served: ServedMarket, link: EngineLink, resources: SharedResources
) -> None:
    wait_for_all(served, link)
    served.market.advance(57)
    wait_for_all(served, link)
    ours, theirs = link.markets[0], served.market.reader
    for span_s, lod in ((60.0, 0), (1500.0, 2)):
        scene = make_scene(served.market, span_s=span_s, lod=lod)
        pictures = []
        for reader in (theirs, ours):
            stack = ChartStack(resources, FrameScheduler())
            stack.setup()
            pictures.append(draw(stack, replace(scene, reader=reader)))
            stack.release()
        assert len(np.unique(pictures[0].reshape(-1, pictures[0].shape[-1]), axis=0)) > 100  # there is a chart
        assert np.array_equal(*pictures)


def test_a_lost_server_is_reported_marked_and_filled(served: ServedMarket, link: EngineLink) -> None:
    wait_for_all(served, link)
    market = link.markets[0]
    store = market.store
    (pid,) = served.workers.pids
    os.kill(pid, signal.SIGSTOP)  # a server that does not answer looks like a quiet one
    served.market.advance(100)
    wait(served, link, lambda: state_of(link) is FeedState.RECONNECTING, "the silence")
    wait(served, link, lambda: GapKind.FEED in market.open_gaps, "the gap")
    os.kill(pid, signal.SIGKILL)
    wait_for_all(served, link)
    wait(served, link, lambda: GapKind.FEED not in market.open_gaps, "the end of the gap")
    assert link.markets[0].store is store  # it goes on where it was
    wait(served, link, lambda: state_of(link) is FeedState.REPLAY, "the state")


def test_another_run_of_the_engine_takes_over_in_a_new_store(served: ServedMarket, link: EngineLink) -> None:
    wait_for_all(served, link)
    before = link.markets[0].store.name
    served.send_line("restarting", "the engine was killed (SIGKILL)")
    wait(served, link, lambda: state_of(link) is FeedState.RECONNECTING, "the restart")
    assert link.engine is not None
    assert link.engine.text("message") == "the engine was killed (SIGKILL)"
    served.send_line("running", epoch=2000)
    wait(served, link, lambda: link.markets[0].store.name != before, "the new store")
    wait_for_all(served, link)


def test_a_command_goes_to_the_server_and_settings_stay_the_servers(served: ServedMarket, link: EngineLink) -> None:
    wait_for_all(served, link)
    link.send(SetSpeed(60.0))
    wait(served, link, lambda: bool(served.commands), "the command")
    assert (served.commands[0].name, served.commands[0].value) == ("set_speed", 60.0)
    link.send(Step("event", -1, chart=0, lod=1))
    wait(served, link, lambda: len(served.commands) == 2, "the step")
    step = served.commands[1]
    assert (step.name, step.value, step.to, step.chart, step.level) == ("step", -1, "event", 0, 1)
    link.send(Configure({"arm": 100}))

    def is_said() -> bool:
        return link.engine is not None and "its own settings" in link.engine.text("message")

    wait(served, link, is_said, "the refusal")


def test_a_view_lists_the_servers_charts_and_shows_one_that_is_added_there(
    served: ServedMarket, link: EngineLink
) -> None:
    wait_for_all(served, link)
    (symbol,) = (market.requested or market.symbol for market in link.markets)
    assert link.add("ES.v.0") == f"ES.v.0 is not on the server; its charts: {symbol}"
    first = link.markets[0]
    served.add("ES.v.0")
    wait(served, link, lambda: len(link.markets) == 2, "the other chart")
    wait(served, link, lambda: link.markets[1].store.bubbles[0].head == 99, "its closed rows")
    assert link.markets[1].requested == "ES.v.0"
    assert link.markets[0] is first
    assert link.add("ES.v.0") == "", "it is there"
