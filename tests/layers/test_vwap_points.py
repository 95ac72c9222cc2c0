"""VWAP begins with its session's first trade, holds where nothing traded, and is read as it is drawn."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.items import FeedGap, Mapping, Trades
from flow_gl.core.schema import PRICE_SCALE, GapKind
from flow_gl.core.units import HOUR_NS, MINUTE_NS, SECOND_NS
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.lines.vwap_points import points_of, vwap_at
from flow_gl.layers.sessions import sessions_shown
from tests.kit.charted import ChartedPipeline
from tests.kit.levels import with_lines
from tests.kit.trades import FILES_OPEN_NS, NQZ5, trades_of

MONDAY_NS = FILES_OPEN_NS + 24 * HOUR_NS
RUNS = (
    (FILES_OPEN_NS + 7_300_000_000, 140),
    (FILES_OPEN_NS + 421_000_000_000, 95),
    (FILES_OPEN_NS + 583_000_000_000, 80),
    (MONDAY_NS + 20_500_000_000, 100),
    (MONDAY_NS + 210_000_000_000, 130),
)
"""When trading begins, ns, and for how many seconds it goes on: two sessions."""
LOST = FILES_OPEN_NS + 450_000_000_000, FILES_OPEN_NS + 462_000_000_000
"""Records are missing, within a minute."""


def make_runs(seed: int) -> NDArray[np.void]:
    random, rows, price = np.random.default_rng(seed), [], 98_000
    for start, seconds in RUNS:
        for ts in start + np.append(0, np.sort(random.integers(0, seconds * 1000, seconds * 3))) * 1_000_000:
            price += int(random.integers(-3, 4))
            if not LOST[0] < ts < LOST[1]:
                rows.append((NQZ5, int(ts), price * 250_000_000, int(random.integers(1, 40)), "ABN"[len(rows) % 3]))
    return trades_of(rows)


def scene_of(trades: NDArray[np.void], *, batch: int | None = None, upto: int | None = None) -> Scene:
    """Return a chart of the engine's numbers for the first trades, aggregated in batches of a size."""
    made = ChartedPipeline(("NQZ5",))
    made.take(Mapping(NQZ5, "NQZ5", "NQZ5"))
    trades = trades[:upto]
    for start in range(0, len(trades), batch or len(trades)):
        made.take(Trades(trades[start : start + (batch or len(trades))]))
    made.take(FeedGap(*LOST))
    made.pipeline.publish()
    reader = made.readers()[0]
    now_ns, rect = int(trades["ts_event"][-1]) + SECOND_NS, Rect(0, 0, 1000, 600)
    view = View(rect, now_ns, 26 * HOUR_NS / 1000, 98_500, 2.0)
    return with_lines(
        Scene(
            reader=reader,
            price_view=view,
            cvd_view=view,
            profile_rect=rect,
            lod=0,
            style=Style(is_visible=frozenset({"levels"})),
            now_ns=now_ns,
            live_x_px=900.0,
            wall_s=0.0,
        )
    )


def oracle(trades: NDArray[np.void], start_ns: int, until_ns: int) -> tuple[float, float]:
    """Return VWAP and deviation of the trades from a time to another, in plain Python."""
    rows = [
        (int(row["price"]), int(row["size"]))
        for row in trades
        if start_ns <= row["ts_event"] <= until_ns and row["size"]
    ]
    volume = sum(size for _, size in rows)
    first, second = sum(price * size for price, size in rows), sum(price * price * size for price, size in rows)
    variance = second * volume - first * first
    return first / volume / PRICE_SCALE, float(variance**0.5) / volume / PRICE_SCALE


@pytest.mark.parametrize("seed", range(4))
def test_the_points_are_the_vwap_of_the_trades_until_then(seed: int) -> None:
    trades = make_runs(seed)
    scene = scene_of(trades)
    sessions = sessions_shown(scene)
    assert len(sessions) == 2
    checked = 0
    for session, runs in zip(sessions, (RUNS[:3], RUNS[3:]), strict=True):
        ts = trades["ts_event"][(trades["ts_event"] >= session.start_ns) & (trades["ts_event"] < session.end_ns)]
        first = trades[trades["ts_event"] == ts[0]][0]
        times, values = points_of(scene, session, 0, 2**62)
        assert times[0] == ts[0] == runs[0][0]
        assert tuple(values[0]) == (first["price"] / PRICE_SCALE, 0.0)
        assert (np.diff(times) > 0).all()
        for (start, seconds), (end, _) in pairwise(runs):
            before = int(ts[ts < start + (seconds + 1) * SECOND_NS][-1])
            expected = pytest.approx(oracle(trades, session.start_ns, before), abs=1e-6)
            for t_ns in (before, before + 1, (before + end) // 2, end):
                assert vwap_at(scene, session, t_ns) == expected, "it holds during the halt"
            assert {before, end} <= set(times.tolist()), "the ends of the halt are points"
            checked += 1
        for minute in range(int(ts[0]) // MINUTE_NS + 1, int(ts[-1]) // MINUTE_NS + 1):
            expected = pytest.approx(oracle(trades, session.start_ns, minute * MINUTE_NS - 1), abs=1e-6)
            assert vwap_at(scene, session, minute * MINUTE_NS) == expected
            checked += 1
        expected = pytest.approx(oracle(trades, session.start_ns, int(ts[-1])), abs=1e-6)
        assert vwap_at(scene, session, int(ts[-1]) + 1_000_000_000_000) == expected
    assert checked >= 13


def test_within_a_minute_records_that_are_missing_change_nothing() -> None:
    scene = scene_of(make_runs(1))
    session = sessions_shown(scene)[0]
    assert GapKind.FEED in scene.reader.gaps["kind"]
    held = {vwap_at(scene, session, t_ns) for t_ns in (LOST[0], sum(LOST) // 2, LOST[1])}
    assert max(held) == pytest.approx(min(held), abs=1e-9)
    around = [vwap_at(scene, session, LOST[0] - 20 * SECOND_NS), vwap_at(scene, session, LOST[1] + 10 * SECOND_NS)]
    assert around[0] not in held
    assert around[1] not in held


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_paused", [False, True])
def test_the_value_that_is_read_lies_on_the_line_that_is_drawn(seed: int, *, is_paused: bool) -> None:
    scene, random = scene_of(make_runs(seed)), np.random.default_rng(seed)
    if is_paused:
        scene = replace(scene, until_ns=MONDAY_NS + 240 * SECOND_NS)
    for session in sessions_shown(scene):
        times, values = points_of(scene, session, 0, 2**62)
        xs = times - times[0]
        for t_ns in (times[0] - MINUTE_NS + random.integers(0, int(xs[-1]) + 2 * MINUTE_NS, 300)).tolist():
            drawn = [float(np.interp(t_ns - int(times[0]), xs, column)) for column in values.T]
            assert vwap_at(scene, session, t_ns) == pytest.approx(drawn, abs=1e-9)


def test_a_part_of_the_line_lies_on_the_whole_line() -> None:
    scene = scene_of(make_runs(2))
    session = sessions_shown(scene)[0]
    times, values = points_of(scene, session, 0, 2**62)
    for left in range(int(times[0]) - MINUTE_NS, int(times[-1]) + MINUTE_NS, 7 * SECOND_NS):
        some, those = points_of(scene, session, left, left + 50 * SECOND_NS)
        assert some[0] <= max(left, times[0])
        assert some[-1] >= min(left + 50 * SECOND_NS, times[-1])
        for column in range(2):
            expected = np.interp(some - times[0], times - times[0], values[:, column])
            assert those[:, column] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("batch", [1, 17, 4096])
@pytest.mark.parametrize("upto", [40, 400, 900, None])
def test_the_line_does_not_depend_on_how_trades_were_read(batch: int, upto: int | None) -> None:
    trades = make_runs(3)
    found = [
        [points_of(scene, session, 0, 2**62) for session in sessions_shown(scene)]
        for scene in (scene_of(trades, batch=batch, upto=upto), scene_of(trades, upto=upto))
    ]
    assert_equal(*found)


def assert_equal(a: Sequence[tuple[NDArray, NDArray]], b: Sequence[tuple[NDArray, NDArray]]) -> None:
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        assert one[0].tolist() == other[0].tolist()
        assert one[1].tolist() == other[1].tolist()


def test_in_a_session_s_first_minute_the_line_goes_from_the_first_trade_to_the_newest_value() -> None:
    trades = make_runs(0)
    scene = scene_of(trades, upto=60)
    session = sessions_shown(scene)[-1]
    assert not len(scene.lines.vwaps.times), "its first minute has not ended"
    times, values = points_of(scene, session, 0, 2**62)
    newest = int(trades["ts_event"][59])
    assert times.tolist() == [int(trades["ts_event"][0]), newest, newest + SECOND_NS]
    assert tuple(values[0]) == (trades["price"][0] / PRICE_SCALE, 0.0)
    assert values[-1] == pytest.approx(oracle(trades[:60], session.start_ns, newest), abs=1e-6)


def test_without_its_first_minute_a_session_s_line_begins_with_the_first_one_that_is_known() -> None:
    scene = scene_of(make_runs(0))
    session = sessions_shown(scene)[0]
    rows = scene.lines.vwaps
    second, values = int(rows.times[1]), rows.values[1].copy()
    later = SimpleNamespace(times=rows.times[1:], values=rows.values[1:])
    scene = replace(scene, lines=SimpleNamespace(vwaps=later))  # type: ignore[arg-type]
    times, found = points_of(scene, session, 0, 2**62)
    assert times[0] == second
    assert tuple(found[0]) == tuple(values)
    assert vwap_at(scene, session, session.start_ns) == tuple(values)
