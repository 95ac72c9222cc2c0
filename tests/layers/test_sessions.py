"""Each session shows its own levels, profile and name within its own time."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.labels.session_names import session_names
from flow_gl.layers.sessions import PROFILE_SHARE, Session, current_left, current_profile, sessions_in_view, sessions_of
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import draw
from tests.kit.markets import TICK, WEEK, Day, make_scene, make_week

ZONE = "America/New_York"
NOTHING = Style(is_visible=frozenset())
DAY_S = 24 * 3600


def drawn(resources: SharedResources, scene: Scene, *layers: str) -> NDArray[np.bool_]:
    """Return the pixels of the price pane that some layers change."""
    stack = ChartStack(resources, FrameScheduler())
    stack.setup()
    pictures = [
        draw(stack, replace(scene, style=style)) for style in (NOTHING, Style(is_visible=frozenset(layers)), NOTHING)
    ]
    stack.release()
    rect = scene.price_view.rect
    return (pictures[0] != pictures[1]).any(axis=2)[: int(rect.height), : int(rect.width)]


@pytest.fixture(params=["closed", "none"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return make_scene(make_week(), span_s=4.4 * DAY_S, lod=6, folding=request.param)


def places(scene: Scene) -> list[tuple[Session, float, float]]:
    return list(sessions_in_view(scene))


def test_sessions_extend_from_open_to_close_and_do_not_overlap(scene: Scene) -> None:
    found = places(scene)
    assert [int(one.numbers["trade_date"]) for one, _, _ in found] == [day.trade_date for day in WEEK[-len(found) :]]
    assert len(found) >= 4
    for (one, left, right), day in zip(found, WEEK[-len(found) :], strict=True):
        view = scene.price_view
        assert left == max(view.pixel_x(day.open_ns), view.rect.x)
        assert right == (view.pixel_x(day.close_ns) if one.is_finished else view.rect.right)
    assert all(a[2] <= b[1] for a, b in pairwise(found))


def test_a_level_is_drawn_only_within_its_session(resources: SharedResources, scene: Scene) -> None:
    pixels = drawn(resources, scene, "levels")
    view, found = scene.price_view, places(scene)
    own = np.zeros_like(pixels)
    for one, left, right in found:
        own[:, int(left) : int(right)] = True
        y = round(view.screen_y(int(one.levels["poc"]) / TICK))
        if view.rect.y <= y < view.rect.bottom:
            line = pixels[y, int(left) : int(right)]
            assert line.mean() > 0.4, "a dashed line over the whole stretch"
            assert line[-20:].any()
    assert not pixels[~own].any(), "nothing in the closed hours between them"


def test_finished_profiles_are_at_the_right_end_of_their_session(resources: SharedResources, scene: Scene) -> None:
    pixels = drawn(resources, scene, "profile", "earlier_profiles")
    expected = np.zeros(pixels.shape[1], bool)
    for one, left, right in places(scene):
        width = min(PROFILE_SHARE * (right - left), scene.profile_rect.width)
        begin = right - width if one.is_finished else max(scene.profile_rect.x, left)
        expected[int(begin) : int(right)] = True
        if width >= 14:
            assert pixels[:, int(right) - 2].any(), "bars reach the session's end"
    assert not pixels.any(axis=0)[~expected].any()
    without = drawn(resources, scene, "profile")
    current = next(left for one, left, _ in places(scene) if not one.is_finished)
    assert not without[:, : int(current)].any(), "earlier profiles can be switched off"


def test_a_session_left_of_the_view_draws_nothing() -> None:
    market = make_week()
    scene = make_scene(market, span_s=600, edge_ns=WEEK[-1].open_ns + 12 * 3600 * SECOND_NS)
    assert [int(one.numbers["trade_date"]) for one, _, _ in places(scene)] == [20251128]
    assert current_left(scene) == scene.price_view.rect.x


def test_in_an_earlier_session_today_s_levels_and_profile_are_not_drawn() -> None:
    scene = make_scene(make_week(), span_s=3600, lod=4, edge_ns=WEEK[1].open_ns + 9 * 3600 * SECOND_NS)
    assert current_left(scene) == scene.price_view.rect.right
    assert current_profile(scene).width == 0
    (one, left, right) = places(scene)[0]
    assert (int(one.numbers["trade_date"]), left, right) == (20251125, 0, scene.price_view.rect.right)


def test_the_session_that_just_ended_is_not_drawn_twice() -> None:
    market = make_week()
    market.reader.sessions["numbers"]["first_ts"][-1] = market.reader.session["first_ts"]
    assert [int(one.numbers["trade_date"]) for one in sessions_of(market.reader)] == [
        *(20251124, 20251125, 20251126, 20251128)
    ]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Wed 26 Nov"),
        ({"is_partial": True}, "Wed 26 Nov  partial, from 18:00"),
        ({"is_unscheduled": True}, "Wed 26 Nov  unscheduled"),
        ({"close_ns": WEEK[2].close_ns - 4 * 3600 * SECOND_NS}, "Wed 26 Nov  early close 13:00"),
        ({"instrument_id": 2}, "Wed 26 Nov  roll"),
    ],
)
def test_a_session_is_named_by_its_trade_date_and_what_is_special(changes: dict[str, int], name: str) -> None:
    fields = {field: getattr(WEEK[2], field) for field in Day.__dataclass_fields__}
    market = make_week((WEEK[1], Day(**(fields | changes)), WEEK[3]))
    session = next(one for one in sessions_of(market.reader) if one.numbers["trade_date"] == 20251126)
    names = session_names(session, ZONE)
    assert names[0] == name
    assert names[-1] == "26 Nov"


def test_a_session_without_a_calendar_has_no_name() -> None:
    market = make_week((WEEK[1], WEEK[2]))
    market.reader.session["trade_date"] = 0
    assert session_names(sessions_of(market.reader)[-1], ZONE) == []


def test_a_name_is_below_a_notice_that_covers_its_place(stack: ChartStack) -> None:
    scene = make_scene(make_week(), 1280, 720, span_s=4.4 * DAY_S, lod=6, folding="closed")
    name = session_names(places(scene)[2][0], ZONE)[0]
    found = []
    for covered in ((), (Rect(0.0, 14.0, scene.price_view.rect.width, 28.0),)):
        boxes: list[LabelBox] = []
        stack.collect_labels(boxes)
        stack.update(replace(scene, covered=covered))
        found.append(next(box.rect for box in boxes if box.text == name))
        assert not any(box.overlaps(found[-1]) for box in covered)
        assert overlaps(boxes) == []
    assert found[0].x == found[1].x
    assert found[0].bottom < 42.0 < found[1].y < 80.0
