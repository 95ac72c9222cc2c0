"""The scripts that take the documents' pictures find their marks in the demo, and each is in view when it is taken."""

from pathlib import Path

import pytest

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.spec import DemoSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.synthetic.demo import SyntheticFeed
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import LAYER_OF_EVENT, Scene, Style
from tests.kit.charted import ChartedPipeline
from tests.kit.events import with_marks

SCRIPTS = Path(__file__).parents[1] / "scripts"
EDGE = 0.92
"""Where the live edge is, as a share of the pane."""


@pytest.fixture(scope="module")
def scripts(monkeypatch_module):
    monkeypatch_module.syspath_prepend(str(SCRIPTS))
    import moments
    import reading

    return moments, reading


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def found(scripts):
    moments, reading = scripts
    return moments.find_moments({name: (one.kind, one.symbol) for name, one in reading.MARKS.items()}, reading.MARKET)


def scene_at(symbol: str, live_s: float, span_s: float) -> Scene:
    """Return a symbol's chart of the demo at a time after its live moment, with every kind of mark."""
    made = ChartedPipeline((f"{symbol}.v.0",), base_capacity=1 << 17)
    feed = SyntheticFeed(DemoSpec(length_s=live_s, speed=None))
    while not feed.is_ended():
        made.take(*feed.poll(1))
    made.pipeline.advance(feed.status().known_until)
    made.pipeline.publish()
    reader = made.readers()[0]
    now_ns, tick = feed.status().known_until, reader.tick_size
    rows = reader.store.bubbles[0].read(0, reader.heads[0])[1]
    rows = rows[rows["ts_event"] > now_ns - int(span_s * SECOND_NS)]
    low, high = int(rows["low"].min()) / tick, int(rows["high"].max()) / tick
    price, cvd = Rect(0, 0, 1100, 480), Rect(0, 480, 1100, 120)
    right_ns, ns_per_px = now_ns + int((1 - EDGE) * span_s * SECOND_NS), span_s * SECOND_NS / price.width
    return with_marks(
        Scene(
            reader=reader,
            price_view=View(price, right_ns, ns_per_px, high + 8, (high - low + 16) / price.height),
            cvd_view=View(cvd, right_ns, ns_per_px, 4000.0, 8000 / cvd.height),
            profile_rect=price,
            lod=0,
            style=Style(is_visible=frozenset(LAYER_OF_EVENT.values())),
            now_ns=now_ns,
            live_x_px=EDGE * price.width,
            wall_s=0.0,
        )
    )


def test_the_demo_has_a_moment_for_each_kind_of_mark(scripts, found) -> None:
    _, reading = scripts
    assert found.keys() == reading.MARKS.keys()
    assert {one.kind for one in reading.MARKS.values()} == set(EventKind)
    assert all(0 < one.live_s < 300 for one in found.values())


@pytest.mark.parametrize("name", ["large-trade", "absorption", "zero-cross", "stacked-imbalance", "divergence"])
def test_each_mark_is_in_view_when_its_picture_is_taken(scripts, found, name: str) -> None:
    _, reading = scripts
    plan, moment = reading.MARKS[name], found[name]
    for late_s in (0.0, 8.0):  # the picture before it may take some seconds
        scene = scene_at(moment.symbol, moment.live_s + plan.after_s + reading.SETTLE_S + late_s, plan.span_s)
        places = list(reading.places_of(scene, plan.kind))
        assert places
        for _, (x, _) in places:
            assert 0 < x < EDGE * scene.price_view.rect.width


def test_a_kind_that_does_not_appear_within_the_limit_is_reported(scripts) -> None:
    moments, _ = scripts
    with pytest.raises(moments.NotFoundError, match="the demo has no divergence within 30 s"):
        moments.find_moments({"divergence": (EventKind.DIVERGENCE, "NQ")}, DemoSpec(), limit_s=30)


def test_another_chart_is_taken_if_the_wanted_one_has_no_such_event(scripts) -> None:
    moments, _ = scripts
    found = moments.find_moments({"absorption": (EventKind.ABSORPTION, "YM")}, DemoSpec(), limit_s=60)
    assert found["absorption"].symbol == "ES"
