"""Lines and labels stay as they are only where nothing of them is another."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from flow_gl.core.schema import GapKind
from flow_gl.gl.kit import Kit
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.stack import ChartStack
from flow_gl.layers.still import LATE_S, LATEST_S, Still
from tests.gl_context import draw
from tests.layers.test_cached_layers import fire
from tests.market_factory import SECOND, make_market, make_scene

FRAME_S = 1 / 144
PASSING = {"now_ns", "wall_s", "price_view", "cvd_view"}


def has_time(_: float) -> bool:
    """A frame without other long work."""
    return True


def has_none(_: float) -> bool:
    """A frame with it."""
    return False


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(make_market(200))


def other(value: Any) -> Any:
    """A value of the same kind that is another one."""
    if value is None or isinstance(value, int | float):
        return not value if isinstance(value, bool) else (value or 0) + 7
    if isinstance(value, str | tuple):
        return value[:0]
    if isinstance(value, Style):
        return replace(value, threshold=0.31)
    return replace(value, width=value.width + 1) if hasattr(value, "width") else make_market(10).reader


def next_frame(scene: Scene, shift_px: float = 0.2) -> Scene:
    """The same a moment later."""
    shift_ns = int(shift_px * scene.price_view.ns_per_px)
    return replace(
        scene,
        wall_s=scene.wall_s + FRAME_S,
        now_ns=scene.now_ns + shift_ns,
        price_view=replace(scene.price_view, t_right_ns=scene.price_view.t_right_ns + shift_ns),
        cvd_view=replace(scene.cvd_view, t_right_ns=scene.cvd_view.t_right_ns + shift_ns),
    )


def test_while_only_time_passes_they_stay(scene: Scene) -> None:
    still = Still(has_time)
    assert not still.holds(scene, (1,))
    assert still.holds(next_frame(scene), (1,))
    assert still.holds(next_frame(scene), (1,))


@pytest.mark.parametrize("name", [field.name for field in fields(Scene) if field.name not in PASSING])
def test_whatever_a_scene_says_else_moves_them(scene: Scene, name: str) -> None:
    still = Still(has_time)
    still.holds(scene, ())
    later = replace(next_frame(scene), **{name: other(getattr(scene, name))})
    assert not still.holds(later, ())


@pytest.mark.parametrize("pane", ["price_view", "cvd_view"])
@pytest.mark.parametrize("name", [field.name for field in fields(View) if field.name != "t_right_ns"])
def test_another_axis_moves_them(scene: Scene, pane: str, name: str) -> None:
    still = Still(has_time)
    still.holds(scene, ())
    later = next_frame(scene)
    view = getattr(later, pane)
    assert not still.holds(replace(later, **{pane: replace(view, **{name: other(getattr(view, name))})}), ())


def test_a_whole_pixel_a_while_or_a_clock_that_stands_moves_them(scene: Scene) -> None:
    for later in (next_frame(scene, 1.01), replace(scene, wall_s=scene.wall_s + 1.01 * LATEST_S), scene):
        still = Still(has_none)
        still.holds(scene, ())
        assert not still.holds(later, ())


def test_they_move_a_little_sooner_where_a_frame_has_time_for_it(scene: Scene) -> None:
    for later in (next_frame(scene, 0.8), replace(scene, wall_s=scene.wall_s + 1.01 * LATE_S)):
        for take_turn in (has_time, has_none):
            still = Still(take_turn)
            still.holds(scene, ())
            assert still.holds(later, ()) == (take_turn is has_none)


def test_no_frame_is_asked_for_its_time_before(scene: Scene) -> None:
    asked: list[float] = []
    still = Still(lambda wall_s: not asked.append(wall_s))
    still.holds(scene, ())
    assert still.holds(next_frame(scene, 0.7), ())
    assert not asked


def test_a_new_price_alone_may_wait_for_the_next_frame(scene: Scene) -> None:
    still = Still(has_time)
    still.holds(scene, ("old",))
    later = next_frame(scene)
    assert still.holds(later, ("new",), may_wait=True)
    assert not still.holds(next_frame(later), ("new",))


@pytest.mark.parametrize("change", ["axis", "hover", "pixel", "time"])
def test_what_is_seen_beside_a_new_price_does_not_wait(scene: Scene, change: str) -> None:
    still = Still(has_time)
    still.holds(scene, ("old",))
    later = next_frame(scene)
    later = {
        "axis": replace(later, price_view=replace(later.price_view, y_top=later.price_view.y_top + 1.0)),
        "hover": replace(later, hover_id=5),
        "pixel": next_frame(scene, 1.01),
        "time": replace(later, wall_s=scene.wall_s + 1.01 * LATE_S),
    }[change]
    assert not still.holds(later, ("new",), may_wait=True)


@pytest.fixture
def pair(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ChartStack, ChartStack]]:
    """A chart as it is, and one whose lines and labels are laid out in every frame."""
    own = Kit()
    stacks = ChartStack(kit), ChartStack(own)
    for stack in stacks:
        stack.setup()
    monkeypatch.setattr(stacks[1].chart._still, "holds", lambda *_, **__: False)
    yield stacks
    for stack in stacks:
        stack.release()
    own.release()


def test_a_market_looks_the_same_as_when_they_are_laid_out_in_every_frame(
    pair: tuple[ChartStack, ChartStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without what moves by whole pixels with time: that may come up to a tenth of a second later.
    layers = frozenset({"price", "bubbles", "counts", "profile", "levels", "cvd", "gaps"})
    market = make_market(300, is_published=False)
    market.advance(200)
    scene = make_scene(market)
    scene = replace(scene, style=Style(is_visible=layers))
    laid = []
    upload = pair[0].chart.text.upload
    monkeypatch.setattr(pair[0].chart.text, "upload", lambda: (laid.append(1), upload()))
    for frame in range(120):
        if frame % 9 == 8:
            market.advance(1)
        if frame == 60:
            scene = replace(scene, hover_id=int(market.rows["id"][180]), crosshair_px=(300.0, 120.0))
        scene = next_frame(scene, 0.05)
        scene = replace(scene, now_ns=max(scene.now_ns, market.now_ns - SECOND))
        a, b = draw(pair[0], scene), draw(pair[1], scene)
        bottom = int(scene.cvd_view.rect.bottom)
        np.testing.assert_array_equal(a[:bottom], b[:bottom], err_msg=f"frame {frame}")
    assert 10 <= len(laid) <= 40  # a row's print, a profile that waited for its turn, a tenth of a second


def test_a_gap_in_view_moves_them_no_oftener_than_time_does(stack: ChartStack, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(make_market(200, gap=(60, 130, GapKind.NO_TRADES)))
    pictures = [draw(stack, scene)]
    laid = []
    upload = stack.chart.under.upload
    monkeypatch.setattr(stack.chart.under, "upload", lambda: (laid.append(1), upload()))
    for _ in range(72):
        scene = next_frame(scene, 0.05)
        pictures.append(draw(stack, scene))
    assert 4 <= len(laid) <= 8  # half a second
    assert not np.array_equal(pictures[0], pictures[-1])


def test_a_flash_fades_frame_by_frame(stack: ChartStack) -> None:
    market = make_market(200)
    scene = replace(make_scene(market), style=Style(is_visible=frozenset({"marks"})))
    draw(stack, scene)
    fire(market.store, market.now_ns, 1)
    strengths = []
    for _ in range(30):
        scene = next_frame(scene, 0.01)
        strengths.append(int(draw(stack, scene)[100:200, 2].astype(int).sum()))
    assert len(set(strengths)) > 20
