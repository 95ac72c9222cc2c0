"""Lines and labels are kept only while nothing that affects them has changed."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.schema import GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.gl.view import Rect, View
from flow_gl.layers import chart
from flow_gl.layers.base import LAYERS, Scene, Style
from flow_gl.layers.labels.layout import ALL, CVD_SCALE, LEVELS, LINES, PRICE, PRICE_SCALE, TIME, LabelLayout, Numbers
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import JOBS, FrameScheduler
from tests.kit.events import plant_one_of_each, with_marks
from tests.kit.gl_context import draw
from tests.kit.markets import START_NS, make_market, make_scene
from tests.layers.test_cached_layers import fire

FRAME_S = 1 / 144
PERIOD_S, DELAY_S = JOBS["labels"].period_s, JOBS["labels"].delay_s
LEVELS_PERIOD_S = JOBS["levels"].period_s
PASSING = {"now_ns", "wall_s", "price_view", "cvd_view"}


class Layout:
    """One chart's label layout with its scheduler, and whether another job takes every frame."""

    def __init__(self, scene: Scene, *, is_busy: bool = False) -> None:
        self._scheduler: Final = FrameScheduler()
        self._layout: Final = LabelLayout(self._scheduler)
        self._other: Final = self._scheduler.add("overlays")
        self._is_busy: Final = is_busy
        self.begin(scene)

    def begin(self, scene: Scene, numbers: Numbers = Numbers()) -> int:  # noqa: B008  # immutable
        """Draw a frame; return what moved labels in it."""
        self._scheduler.begin_frame(scene.wall_s)
        if self._is_busy:
            self._other.run_now("input")
        return self._layout.begin_frame(scene, numbers)

    def why(self) -> list[str]:
        """Return the causes in the last second."""
        return [rate.cause for rate in self._scheduler.recent() if rate.name == "labels"]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(make_market(200))


def other(value: Any) -> Any:
    """Return a different value of the same type."""
    if value is None or isinstance(value, int | float):
        return not value if isinstance(value, bool) else (value or 0) + 7
    if isinstance(value, str | tuple):
        return value[:0] or (Rect(10.0, 10.0, 5.0, 5.0),)
    if isinstance(value, Style):
        return replace(value, threshold=0.31)
    return replace(value, width=value.width + 1) if hasattr(value, "width") else make_market(10).reader


def next_frame(scene: Scene, shift_px: float = 0.2) -> Scene:
    """Return the same a moment later."""
    shift_ns = int(shift_px * scene.price_view.ns_per_px)
    return replace(
        scene,
        wall_s=scene.wall_s + FRAME_S,
        now_ns=scene.now_ns + shift_ns,
        price_view=replace(scene.price_view, t_right_ns=scene.price_view.t_right_ns + shift_ns),
        cvd_view=replace(scene.cvd_view, t_right_ns=scene.cvd_view.t_right_ns + shift_ns),
    )


def test_labels_stay_while_only_time_passes(scene: Scene) -> None:
    layout = Layout(scene)
    assert not layout.begin(next_frame(scene))
    assert not layout.begin(next_frame(next_frame(scene)))


@pytest.mark.parametrize("name", [field.name for field in fields(Scene) if field.init and field.name not in PASSING])
def test_any_other_change_of_the_scene_lays_labels_out_again(scene: Scene, name: str) -> None:
    layout = Layout(scene, is_busy=True)
    assert layout.begin(replace(next_frame(scene), **{name: other(getattr(scene, name))}))


@pytest.mark.parametrize("pane", ["price_view", "cvd_view"])
@pytest.mark.parametrize("name", [field.name for field in fields(View) if field.name != "t_right_ns"])
def test_a_changed_axis_lays_labels_out_again(scene: Scene, pane: str, name: str) -> None:
    layout = Layout(scene, is_busy=True)
    later = next_frame(scene)
    view = getattr(later, pane)
    is_scale = name in {"y_top", "y_per_px"}
    own = CVD_SCALE | PRICE if pane == "cvd_view" else PRICE_SCALE | PRICE | LEVELS
    moved = layout.begin(replace(later, **{pane: replace(view, **{name: other(getattr(view, name))})}))
    assert moved == (own if is_scale else ALL)
    assert layout.why()[0] == "view"  # the first frame is one, too
    assert len(layout.why()) == (2 if is_scale else 1)


def test_new_numbers_lay_labels_out_immediately(scene: Scene) -> None:
    layout = Layout(scene, is_busy=True)
    assert layout.begin(next_frame(scene), Numbers("new"))
    assert not layout.begin(next_frame(next_frame(scene)), Numbers("new"))


def test_new_numbers_move_only_what_shows_them(scene: Scene) -> None:
    numbers = {"price": PRICE, "lines": LINES, "other": ALL}
    for name, moved in numbers.items():
        assert Layout(scene, is_busy=True).begin(next_frame(scene), Numbers(**{name: "new"})) == moved
        late = replace(next_frame(scene), wall_s=scene.wall_s + PERIOD_S + DELAY_S)
        for then in (next_frame(scene, 1.21), late):
            assert Layout(scene, is_busy=True).begin(then, Numbers(**{name: "new"})) == moved | TIME


def test_new_numbers_do_not_put_off_what_moves_with_time(scene: Scene) -> None:
    layout, moved, waits = Layout(scene, is_busy=True), 0, 0
    while not moved & TIME:
        scene, waits = next_frame(scene, 0.0), waits + 1
        moved = layout.begin(scene, Numbers(price=waits))
    assert PERIOD_S <= waits * FRAME_S <= PERIOD_S + DELAY_S + 2 * FRAME_S


def test_levels_follow_time_after_their_period_in_a_frame_without_another_job(scene: Scene) -> None:
    layout = Layout(scene)
    scene, waits = next_frame(scene, 0.8), 1
    assert layout.begin(scene) == TIME
    moved = 0
    while not moved & LEVELS:
        scene, waits = next_frame(scene, 0.0), waits + 1
        moved = layout.begin(scene)
    assert moved == LEVELS
    assert LEVELS_PERIOD_S <= waits * FRAME_S <= LEVELS_PERIOD_S + 2 * FRAME_S
    assert layout.begin(next_frame(scene, 0.1)) == 0


def test_levels_wait_no_longer_than_their_job_may_and_no_farther_than_two_pixels(scene: Scene) -> None:
    for shift_px in (0.0, 0.4):
        layout = Layout(scene, is_busy=True)
        shown = next_frame(scene, 1.01)
        assert layout.begin(shown) == TIME
        waits, moved_px, moved = 0, 1.01, 0
        while not moved & LEVELS:
            shown, waits, moved_px = next_frame(shown, shift_px), waits + 1, moved_px + shift_px
            moved = layout.begin(shown)
        assert waits * FRAME_S <= LEVELS_PERIOD_S + JOBS["levels"].delay_s + FRAME_S
        assert moved_px <= 2.0 + shift_px
        assert shift_px or waits > 1


def test_a_saved_picture_lays_everything_out_for_new_numbers(scene: Scene) -> None:
    scheduler = FrameScheduler()
    layout = LabelLayout(scheduler)
    for price in range(2):
        scheduler.begin_frame(scene.wall_s, may_defer=False)
        assert layout.begin_frame(scene, Numbers(price=price)) == ALL


def test_a_move_by_a_whole_pixel_lays_labels_out_in_any_frame(scene: Scene) -> None:
    assert Layout(scene, is_busy=True).begin(next_frame(scene, 1.01))


def test_a_move_by_most_of_a_pixel_lays_labels_out_in_a_frame_without_another_job(scene: Scene) -> None:
    assert [Layout(scene, is_busy=busy).begin(next_frame(scene, 0.8)) for busy in (False, True)] == [TIME, 0]
    assert not Layout(scene).begin(next_frame(scene, 0.7))


def test_after_a_while_labels_are_laid_out_even_if_nothing_moved(scene: Scene) -> None:
    for is_busy, within_s in ((False, PERIOD_S), (True, PERIOD_S + DELAY_S)):
        layout = Layout(scene, is_busy=is_busy)
        waits = [0.0]
        while not layout.begin(replace(scene, wall_s=scene.wall_s + waits[-1])):
            waits.append(waits[-1] + FRAME_S)
        assert within_s <= waits[-1] <= within_s + 2 * FRAME_S


def test_labels_that_move_by_themselves_are_laid_out_in_every_frame(scene: Scene) -> None:
    scheduler = FrameScheduler()
    layout = LabelLayout(scheduler)
    for frame in range(3):
        scheduler.begin_frame(1.0 + frame * FRAME_S)
        assert layout.begin_frame(scene, Numbers()) == ALL
        layout.forget()


def drawn(stack: ChartStack, scene: Scene) -> NDArray[np.uint8]:
    """Begin a frame that is soon followed by others."""
    stack.chart.jobs.begin_frame(scene.wall_s)
    return draw(stack, scene)


@pytest.fixture
def pair(context: HeadlessContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ChartStack, ChartStack]]:
    """Yield a normal chart, and one whose lines and labels are laid out in every frame.

    Each has its own font atlas: a number between pixels is blended from texels, and rounding depends on the atlas.
    """

    class Always(LabelLayout):
        def begin_frame(self, *seen: Any) -> int:
            super().begin_frame(*seen)
            return ALL

    context.make_current()
    resources = SharedResources(), SharedResources()
    as_it_is = ChartStack(resources[0], FrameScheduler())
    monkeypatch.setattr(chart, "LabelLayout", Always)
    stacks = as_it_is, ChartStack(resources[1], FrameScheduler())
    for stack in stacks:
        stack.setup()
    yield stacks
    for stack in stacks:
        stack.release()
    for one in resources:
        one.release()


def test_a_market_looks_the_same_as_with_labels_laid_out_in_every_frame(
    pair: tuple[ChartStack, ChartStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without labels that move by whole pixels with time, which may be laid out a little later.
    layers = frozenset({"price", "bubbles", "counts", "profile", "levels", "cvd", "gaps"})
    market = make_market(300, is_published=False)
    market.advance(200)
    scene = make_scene(market)
    scene = replace(scene, style=Style(is_visible=layers))
    laid = []
    upload = pair[0].chart.batches.text.upload
    monkeypatch.setattr(pair[0].chart.batches.text, "upload", lambda: (laid.append(1), upload()))
    for frame in range(120):
        if frame % 9 == 8:
            market.advance(1)
        if frame == 60:
            scene = replace(scene, hover_id=int(market.rows["id"][180]), crosshair_px=(300.0, 120.0))
        scene = next_frame(scene, 0.05)
        scene = replace(scene, now_ns=max(scene.now_ns, market.now_ns - SECOND_NS))
        if 20 <= frame < 40:  # an automatic scale follows CVD
            cvd_view = scene.cvd_view
            scene = replace(scene, cvd_view=replace(cvd_view, y_top=cvd_view.y_top + 3 * cvd_view.y_per_px))
        a, b = drawn(pair[0], scene), drawn(pair[1], scene)
        bottom = int(scene.cvd_view.rect.bottom)
        np.testing.assert_array_equal(a[:bottom], b[:bottom], err_msg=f"frame {frame}")
    assert 30 <= len(laid) <= 60  # a new scale, a new row, a deferred profile, a fifth of a second


def test_scales_that_glide_look_the_same_as_with_everything_laid_out_in_every_frame(
    context: HeadlessContext, pair: tuple[ChartStack, ChartStack]
) -> None:
    context.target.resize(1280, 720)
    context.begin()
    market = make_market(300, seed=3, gap=(60, 130, GapKind.NO_TRADES))
    plant_one_of_each(market)
    scene = with_marks(make_scene(market, 1280, 720, span_s=280))
    pointed = replace(scene, style=Style(is_visible=frozenset(LAYERS)), crosshair_px=(400.0, 600.0))
    fire(market, START_NS + 200 * SECOND_NS, 1)
    pointed.reader.refresh()
    for stack in pair:
        for number in range(20):  # the flash of the cross ends
            drawn(stack, replace(pointed, wall_s=pointed.wall_s + number))
    scene = replace(pointed, wall_s=pointed.wall_s + 20)
    pictures = []
    for frame in range(24):
        scene = replace(scene, wall_s=scene.wall_s + FRAME_S)
        moves = (("price_view", frame % 3 != 1), ("cvd_view", frame % 3 != 0))
        for pane, is_moved in moves:
            view = getattr(scene, pane)
            shift = (1.7 if frame < 12 else -2.3) * view.y_per_px
            moved = replace(view, y_top=view.y_top + shift, y_per_px=view.y_per_px * 1.01)
            scene = replace(scene, **{pane: moved if is_moved else view})
        a, b = drawn(pair[0], scene), drawn(pair[1], scene)
        np.testing.assert_array_equal(a, b, err_msg=f"frame {frame}")
        pictures.append(a)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_a_gap_in_view_does_not_lay_labels_out_more_often(stack: ChartStack, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(make_market(200, gap=(60, 130, GapKind.NO_TRADES)))
    pictures = [drawn(stack, scene)]
    laid = []
    upload = stack.chart.batches.under.upload
    monkeypatch.setattr(stack.chart.batches.under, "upload", lambda: (laid.append(1), upload()))
    for _ in range(72):
        scene = next_frame(scene, 0.05)
        pictures.append(drawn(stack, scene))
    assert 4 <= len(laid) <= 8  # half a second
    assert not np.array_equal(pictures[0], pictures[-1])


def test_a_flash_fades_frame_by_frame(stack: ChartStack) -> None:
    market = make_market(200)
    scene = replace(make_scene(market), style=Style(is_visible=frozenset({"events"})))
    drawn(stack, scene)
    fire(market, market.now_ns, 1)
    strengths = []
    for _ in range(30):
        scene = next_frame(scene, 0.01)
        strengths.append(int(drawn(stack, scene)[100:200, 2].astype(int).sum()))
    assert len(set(strengths)) > 20


def test_labels_of_low_volume_nodes_are_right_of_the_live_edge_and_of_no_bubble(stack: ChartStack) -> None:
    found = 0
    for seed in range(6):
        for behind_s in (0, 60):
            market = make_market(600, seed=seed)
            edge_ns = market.now_ns - behind_s * SECOND_NS
            scene = make_scene(market, 1920, 1080, span_s=300, edge_ns=edge_ns)
            scene = replace(scene, live_x_px=scene.price_view.screen_x(market.now_ns))
            boxes: list[LabelBox] = []
            stack.collect_labels(boxes)
            stack.update(scene)
            stack.collect_labels(None)
            nodes = [box for box in boxes if box.text.startswith("LVN")]
            assert all(box.rect.x > scene.live_x_px for box in nodes)
            found += len(nodes)
    assert found > 0
