"""New prices are on the axes at once; levels follow soon, and before a picture is saved or comes to rest."""

from collections.abc import Iterator

import numpy as np
import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.palette import DARK
from flow_gl.core.schema import FeedState
from flow_gl.gl.context import HeadlessContext
from flow_gl.ui.gui import Gui
from flow_gl.ui.state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from tests.ui.local import LocalLink

FRAME_S = 1 / 144


class Screen:
    """Charts of a local engine, and the last prices that each of them has laid out."""

    def __init__(self, context: HeadlessContext, *symbols: str) -> None:
        self.link = LocalLink(*symbols)
        self.clock = ManualClock(self.link.now_ns)
        self.state = ViewState()
        self.gui = Gui(DARK, scale=1.0)
        self.loop = FrameLoop(context, self.link, self.state, self.gui, self.clock)
        self.state.select(0, len(symbols))
        self.frames(2)
        self.laid: list[list[int]] = [[] for _ in symbols]
        for laid, stack in zip(self.laid, self.loop._stacks, strict=True):

            def upload(laid: list[int] = laid, chart=stack.chart, upload=stack.chart.text.upload) -> None:  # type: ignore[no-untyped-def]
                laid.append(chart.last_price)
                upload()

            stack.chart.text.upload = upload  # type: ignore[method-assign]
        self.frames(140)

    def pass_time(self, seconds: float = FRAME_S) -> None:
        self.clock.advance(int(seconds * 1e9))
        self.link.beat(self.clock.wall_ns())

    def frames(self, count: int, *, every_s: float = FRAME_S) -> None:
        for _ in range(count):
            self.pass_time(every_s)
            self.loop.run_frame(every_s)

    def print_all(self) -> list[int]:
        """A print in every market, a tick higher."""
        prices = []
        for market, store in zip(self.link.markets, self.link.stores, strict=True):
            session = np.array([market.session])
            session["last_price"] += market.tick_size
            session["vwap"] = session["last_price"]
            store.session.write(session)
            prices.append(int(session["last_price"][0]))
        return prices

    def drawn(self) -> list[int]:
        """The last price on each axis."""
        return [laid[-1] for laid in self.laid]

    def levels(self) -> list[int]:
        """The VWAP that each chart has taken in: it is the last price here."""
        return [int(stack.chart._profile_drawn[1]) for stack in self.loop._stacks]


@pytest.fixture
def context() -> Iterator[HeadlessContext]:
    context = HeadlessContext(1280, 360)
    yield context
    context.close()


@pytest.fixture
def two(context: HeadlessContext) -> Iterator[Screen]:
    screen = Screen(context, "NQZ5", "ESZ5")
    yield screen
    screen.loop.release()
    screen.gui.close()


def test_prints_are_laid_out_in_the_frame_that_takes_them_in(two: Screen) -> None:
    for _ in range(5):
        now = two.print_all()
        two.frames(1)
        assert two.drawn() == now
        two.frames(9)


def test_a_picture_has_all_of_them(two: Screen) -> None:
    for _ in range(4):
        now = two.print_all()
        two.pass_time()
        two.loop.run_for_picture()
        assert two.drawn() == two.levels() == now


def test_nothing_waits_in_a_frame_that_is_not_followed_soon(two: Screen) -> None:
    for _ in range(3):
        now = two.print_all()
        two.frames(1, every_s=0.2)
        assert two.drawn() == two.levels() == now


def test_what_waits_is_drawn_before_the_picture_comes_to_rest(two: Screen) -> None:
    for frames in range(1, 9):
        two.link.say(state=FeedState.LIVE)
        two.frames(30)
        now = two.print_all()
        two.frames(frames % 2)
        two.link.say(state=FeedState.ENDED)
        two.frames(1)
        drawn = 0
        while not two.loop.is_at_rest:
            two.frames(1)
            drawn += 1
            assert drawn < 100
        assert two.drawn() == two.levels() == now
