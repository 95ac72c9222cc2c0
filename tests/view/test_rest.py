"""A chart in which nothing moves is drawn once per second."""

from collections import Counter

from flow_gl.ui.state.options import ViewOptions
from flow_gl.view.program import Program
from tests.kit.pilot import HeadlessPilot

PAUSED_AFTER = 90


def test_a_paused_picture_comes_to_rest() -> None:
    pilot = HeadlessPilot("NQZ5", size=(320, 200))
    loop, clock, link = pilot.loop, pilot.time, pilot.link
    begun_s: list[float] = []
    run_frame = loop.run_frame

    def counted(dt_s: float) -> None:
        begun_s.append(clock.monotonic_ns() / 1e9)
        if len(begun_s) == PAUSED_AFTER:
            loop.state.toggle_pause(clock.wall_ns(), link.now_ns)
        run_frame(dt_s)

    loop.run_frame = counted  # type: ignore[method-assign]
    Program(loop, None, ViewOptions(headless=True, duration_s=6.0), clock).run()
    pilot.close()
    frames = Counter(int(at_s) for at_s in begun_s)
    assert frames[0] >= 60
    assert [frames[second] for second in range(3, 6)] == [1, 1, 1]
