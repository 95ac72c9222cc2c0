"""Header, price plate and CVD plate show the same moment in every frame, however fast the market is."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from flow_gl.core.schema import SESSION
from flow_gl.gl.text import TextBatch, TextStyle
from flow_gl.layers import header
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels import axes
from flow_gl.ui.overlays import words
from flow_gl.ui.paint.painter import Painter
from tests.kit.markets import TICK
from tests.kit.pilot import HeadlessPilot

FRAMES = 300


class Screen(HeadlessPilot):
    """A chart in a fast market and its texts: every frame has a new price and a new CVD.

    Attributes
    ----------
    in_header : texts last uploaded by the header's layer
    on_plates : texts of the price plate and of the CVD plate
    by_overlays : texts given to Dear ImGui in its last build
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.in_header: list[str] = []
        self.on_plates: dict[str, str] = {}
        self.by_overlays: list[str] = []
        screen = self

        class NotingBatch(TextBatch):
            added: ClassVar[list[str]] = []
            kept: ClassVar[dict[int, list[str]]] = {}

            def add(self, text: str, x_px: float, y_px: float, style: TextStyle, **options: Any) -> None:
                self.added.append(text)
                super().add(text, x_px, y_px, style, **options)

            def keep(self, slot: int) -> None:
                self.kept[slot] = self.added.copy()
                self.added.clear()
                super().keep(slot)

            def upload(self) -> None:
                screen.in_header = [text for slot in sorted(self.kept) for text in self.kept[slot]]
                super().upload()

        add_plate, write = axes.add_plate, Painter.text

        def noted(chart: Chart, scene: Scene, text: str, y: float, **colors: Any) -> None:
            screen.on_plates["price" if y < scene.cvd_view.rect.y else "cvd"] = text
            add_plate(chart, scene, text, y, **colors)

        def written(painter: Painter, x: float, y: float, text: str, *look: Any, **options: Any) -> None:
            screen.by_overlays.append(text)
            write(painter, x, y, text, *look, **options)

        monkeypatch.setattr(header, "TextBatch", NotingBatch)
        monkeypatch.setattr(axes, "add_plate", noted)
        monkeypatch.setattr(Painter, "text", written)
        super().__init__("NQZ5", size=(1280, 720))
        self.record = np.zeros(1, SESSION)
        self.random = np.random.default_rng(3)
        self.frames(3)
        self.link.stores[0].session.read(self.record)

    def trade(self) -> None:
        """Publish a few trades, so that price and CVD change, and sometimes their number of digits."""
        self.record["last_price"] += TICK * int(self.random.integers(-3, 4))
        self.record["cvd"] += int(self.random.integers(-400, 401))
        self.record["trade_count"] += 5
        self.record["last_ts"] += 1000
        self.link.stores[0].session.write(self.record)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    found = Screen(monkeypatch)
    yield found
    found.close()


@pytest.mark.parametrize("has_reference", [False, True])
def test_header_and_plates_show_the_same_trade_in_every_frame(screen: Screen, *, has_reference: bool) -> None:
    if has_reference:
        screen.press("r")
    seen = set()
    for _ in range(FRAMES):
        screen.trade()
        screen.frames(1)
        price, *cvds = screen.in_header
        assert price == screen.on_plates["price"] == words.price(int(screen.record["last_price"][0]), TICK)
        cvd = words.signed(int(screen.record["cvd"][0]))
        assert cvds[-1] == (f"session {cvd}" if has_reference else f"CVD {cvd}")
        assert screen.on_plates["cvd"] == cvd
        seen.add((price, *cvds))
    assert len(seen) > FRAMES * 0.9


def test_trades_that_arrive_during_a_frame_are_not_shown_in_it(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh = screen.loop.overlays.refresh

    def late(*frame: Any) -> None:
        screen.trade()
        refresh(*frame)

    monkeypatch.setattr(screen.loop.overlays, "refresh", late)
    for _ in range(FRAMES):
        before = screen.record.copy()
        screen.frames(1)
        assert screen.in_header[0] == screen.on_plates["price"] == words.price(int(before["last_price"][0]), TICK)
        assert screen.in_header[1] == f"CVD {words.signed(int(before['cvd'][0]))}"
        assert screen.on_plates["cvd"] == words.signed(int(before["cvd"][0]))


def test_the_overlays_do_not_draw_price_or_cvd_themselves(screen: Screen) -> None:
    screen.press("r")
    for _ in range(60):
        screen.trade()
        screen.by_overlays.clear()
        screen.frames(1)
        for text in screen.in_header:
            assert text not in screen.by_overlays


def test_wider_numbers_move_their_neighbours_in_the_same_frame(screen: Screen) -> None:
    screen.frames(30)
    screen.record["cvd"] = 7
    screen.link.stores[0].session.write(screen.record)
    screen.frames(30)
    screen.record["cvd"] = -1_234_567
    screen.link.stores[0].session.write(screen.record)
    assert screen.frames(1) == 1, "the overlays are built in this frame"
