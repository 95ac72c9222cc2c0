"""The first frame in which other times are folded already has the scale that belongs to them."""

from collections.abc import Callable, Iterator

import pytest

from flow_gl.core.folds import FoldedTime
from flow_gl.ui.state.timeline import FOLDINGS
from tests.kit import local_link
from tests.kit.markets import WEEK, make_week
from tests.kit.pilot import HeadlessPilot

DATA_FROM = 0.01
"""Where all data begin when they are in view, as a share of the plot's width."""


@pytest.fixture(params=[1, 2], ids=["one chart", "two charts"])
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeadlessPilot]:
    monkeypatch.setattr(local_link, "make_market", lambda *_, **__: make_week((WEEK[0], WEEK[-1])))
    screen = HeadlessPilot(*("NQZ5", "ESZ5")[: request.param], size=(1280, 720))
    screen.frames(30)
    width = screen.charts[0].layout.price.width
    screen.state.time.set_span(30 * 86_400e9, width, screen.frame.event_ns, screen.state.charts[0].timeline)
    screen.until_idle()
    yield screen
    screen.close()


def projections(screen: HeadlessPilot, count: int) -> list[tuple[FoldedTime, float, float]]:
    """Draw frames; return what is folded, the scale, and where the data begin (a share of the width) in each."""
    found = []
    for _ in range(count):
        screen.frames(1)
        view = screen.charts[-1].scene.price_view
        begin = (view.screen_x(WEEK[0].open_ns) - view.rect.x) / view.rect.width
        found.append((view.folded, view.ns_per_px, begin))
    return found


def by_key(screen: HeadlessPilot) -> None:
    screen.key_down("h")
    screen.key_up("h")


def by_setting(screen: HeadlessPilot) -> None:
    screen.state.next_folding()


@pytest.mark.parametrize("change", [by_key, by_setting])
def test_no_frame_shows_the_old_scale_after_what_is_folded_has_changed(
    screen: HeadlessPilot, change: Callable[[HeadlessPilot], None]
) -> None:
    scales = []
    for _ in FOLDINGS:
        before = projections(screen, 3)[-1]
        change(screen)
        frames = projections(screen, 20)
        folded, scale, _ = frames[-1]
        for one in frames:
            assert one[1] == pytest.approx(before[1] if one[0] == before[0] != folded else scale, rel=1e-6)
            assert one[2] == pytest.approx(DATA_FROM, abs=0.01), "the data fill the plot in every frame"
        scales.append(scale)
    assert max(scales) > 1.2 * min(scales)
