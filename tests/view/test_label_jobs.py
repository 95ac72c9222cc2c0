"""New prices appear on the axes immediately; levels follow soon, and before a picture is saved or becomes idle."""

from collections.abc import Iterator

import numpy as np
import pytest

from flow_gl.core.palette import Palette
from flow_gl.core.schema import FeedState
from flow_gl.gl.resources import SharedResources
from flow_gl.layers import stack
from flow_gl.layers.labels import levels
from flow_gl.layers.rows.chart_rows import ChartRows
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.pilot import HeadlessPilot


class Screen(HeadlessPilot):
    """Charts of a local engine, with the last prices that each has laid out and the VWAP of its levels."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *symbols: str) -> None:
        self.laid: list[list[int]] = []
        self.read: dict[str, int] = {}
        laid = self.laid

        class NotingStack(stack.ChartStack):
            def __init__(self, resources: SharedResources, jobs: FrameScheduler, rows: ChartRows | None = None) -> None:
                super().__init__(resources, jobs, rows)
                prices: list[int] = []
                laid.append(prices)
                upload = self.chart.batches.text.upload

                def noted() -> None:
                    prices.append(self.chart.shown.last_price)
                    upload()

                monkeypatch.setattr(self.chart.batches.text, "upload", noted)

        levels_of = levels.levels_of

        def read(palette: Palette, profile: np.void, session: np.void) -> list[levels.Level]:
            symbol = next(market.symbol for market in self.link.markets if market.session is session)
            self.read[symbol] = int(session["vwap"])
            return levels_of(palette, profile, session)

        monkeypatch.setattr(stack, "ChartStack", NotingStack)
        monkeypatch.setattr(levels, "levels_of", read)
        super().__init__(*symbols, size=(1280, 360))
        self.state.select(0, len(symbols))
        self.frames(142)

    def print_all(self) -> list[int]:
        """Make a trade in every market, a tick higher."""
        prices = []
        for market, store in zip(self.link.markets, self.link.stores, strict=True):
            session = np.array([market.session])
            session["last_price"] += market.tick_size
            session["vwap"] = session["last_price"]
            store.session.write(session)
            prices.append(int(session["last_price"][0]))
        return prices

    def drawn(self) -> list[int]:
        """Return the last price on each axis."""
        return [laid[-1] for laid in self.laid]

    def levels(self) -> list[int]:
        """Return the VWAP that each chart has read; here it is the last price."""
        return [self.read[market.symbol] for market in self.link.markets]


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    screen = Screen(monkeypatch, "NQZ5", "ESZ5")
    yield screen
    screen.close()


def test_new_trades_are_laid_out_in_the_frame_that_reads_them(two: Screen) -> None:
    for _ in range(5):
        now = two.print_all()
        two.frames(1)
        assert two.drawn() == now
        two.frames(9)


def test_a_saved_picture_has_all_labels(two: Screen) -> None:
    for _ in range(4):
        now = two.print_all()
        two.pass_time(two.frame_s)
        two.loop.run_for_picture()
        assert two.drawn() == two.levels() == now


def test_nothing_is_deferred_if_no_frame_follows_soon(two: Screen) -> None:
    for _ in range(3):
        now = two.print_all()
        two.frame_after(0.2)
        assert two.drawn() == two.levels() == now


def test_deferred_labels_are_drawn_before_the_picture_rests(two: Screen) -> None:
    for frames in range(1, 9):
        two.link.set_status(state=FeedState.LIVE)
        two.frames(30)
        now = two.print_all()
        two.frames(frames % 2)
        two.link.set_status(state=FeedState.ENDED)
        two.frames(1)
        drawn = 0
        while not two.loop.is_at_rest:
            two.frames(1)
            drawn += 1
            assert drawn < 100
        assert two.drawn() == two.levels() == now
