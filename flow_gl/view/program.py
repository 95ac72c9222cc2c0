"""The view program: opens a window (or a headless target), runs frames over an engine's link, and ends cleanly.

`run_view` is all that a command line needs. It is cheap to import; OpenGL, the overlays and the window's library are
loaded when it runs, while the engine is still starting in its own process.
"""

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import EXIT_DISPLAY
from flow_gl.core.log import get_logger
from flow_gl.core.schema import FeedState
from flow_gl.core.stderr import print_message
from flow_gl.core.system import interrupts
from flow_gl.core.system.interrupts import Pending
from flow_gl.ui.link import Link, LinkState
from flow_gl.ui.state.options import ViewOptions

if TYPE_CHECKING:
    from flow_gl.gl.surface.context import Window
    from flow_gl.ui.input.action import Request
    from flow_gl.view.frame_loop import FrameLoop
    from flow_gl.view.windows.others import OtherWindows
    from flow_gl.view.windows.secondary import SecondaryWindow

__all__ = ["ViewOptions", "run_view"]

HEADLESS_FPS: Final = 60.0
SETTLE_S: Final = 0.6
"""Delay between the end of the feed and the picture, without a duration: axes and blends have settled."""
FREEZE_AFTER_FRAMES: Final = 60
_ON_THE_WAY: Final = frozenset({FeedState.STARTING, FeedState.CONNECTING, FeedState.CATCHING_UP})
_MAX_DT_S: Final = 0.25
"""Longest animation step, after an idle period or a stopped process."""


def run_view(
    options: ViewOptions, link: Link, *, clock: Clock = SYSTEM, secondary: "SecondaryWindow | None" = None
) -> int:
    """Draw until the window is closed, the duration has elapsed or, if headless without a duration, the feed has ended.

    Parameters
    ----------
    options : what to draw, and how
    link : the engine, already started; the caller closes it
    clock : source of wall and monotonic time
    secondary : given if this is a secondary window

    Returns
    -------
    exit code : 0, or the link's own where the engine could not run (`link.message` says why)

    Raises
    ------
    DisplayError
        without a display, without OpenGL 3.3, without a video encoder
    FlowError
        where the picture or the video cannot be written
    """
    # From here on a signal is only recorded: raised during the import of compiled code, it would abort the process.
    with interrupts.deferred() as pending:
        return _run(options, link, clock, pending, secondary)


def _run(options: ViewOptions, link: Link, clock: Clock, pending: Pending, secondary: "SecondaryWindow | None") -> int:
    from flow_gl.gl.surface import lost_display, window_system

    window_system.prepare(options.settings.window_system)
    # The overlays first: they must be imported before the window's library.
    from flow_gl.ui.paint.gui import Gui
    from flow_gl.ui.state.view_state import ViewState
    from flow_gl.ui.workspaces.saved import SavedWorkspaces, default_folder
    from flow_gl.view import opening
    from flow_gl.view.frame_loop import FrameLoop
    from flow_gl.view.window_place import PlacementTracker, open_surface, unplaced, wanted_place

    is_remembering = options.remember and not options.headless
    saved = SavedWorkspaces((options.workspaces or default_folder()) if is_remembering else None)
    state = ViewState(workspaces=saved)
    last, problems = opening.restore(state, options, secondary)
    surface, window = open_surface(options, last.window)
    try:
        scale = state.scale(surface.content_scale, surface.size)
        handle = None if window is None else window.handle
        gui = Gui(state.palette, scale=scale, window=handle)
        loop = FrameLoop(surface, link, state, gui, clock)
        loop.alerts = opening.alerts_of(options, is_main=secondary is None)
        state.start = options.start
        state.drawings.kept = options.drawings or state.drawings.kept
        others: OtherWindows | None = None
        if is_remembering and window is not None:
            saved.window = PlacementTracker(window, last.window)
            saved.window.put(wanted_place(options.settings, last.window))
            others = opening.others_of(options, clock, secondary)
            others.begin(loop, saved.window, last)
        if is_remembering and secondary is None:
            from flow_gl.ui.keys import key_file

            state.keys, state.hints.is_on = key_file.load(options.keys or key_file.default_path()), True
        problems += [unplaced(options.settings) if window else ""]
        problems += [loop.alerts.warning, state.drawings.kept.warning, state.keys.warning]
        for line in filter(None, problems):
            get_logger("view").warning(line)
            loop.overlays.notes.add(line, clock.monotonic_ns() / 1e9, lasts_s=12.0)
        try:
            program = Program(loop, window, options, clock, interrupts=pending, others=others)
            with lost_display.watched(program.lose_display, exit_code=EXIT_DISPLAY) if window else nullcontext():
                program.run()
        finally:
            loop.alerts.close()
            if others is not None:
                others.close()
            if is_remembering and secondary is None:
                opening.remember(loop)
            loop.release()
            gui.close()
    finally:
        surface.close()
    return link.exit_code if link.state is LinkState.FAILED else 0


def _rate(options: ViewOptions, window: "Window | None") -> float:
    if window is not None:
        return float(window.refresh_hz)
    return float(options.settings.video_fps) if options.video else options.settings.fps or HEADLESS_FPS


class Program:
    """The loop around the frames.

    Parameters
    ----------
    loop : the frame
    window : None where there is none
    interrupts : a signal that requests the end
    others : the program's other windows; None without a window
    """

    def __init__(
        self,
        loop: "FrameLoop",
        window: "Window | None",
        options: ViewOptions,
        clock: Clock,
        *,
        interrupts: Pending | None = None,
        others: "OtherWindows | None" = None,
    ) -> None:
        from flow_gl.gl.timing import FrameTimes
        from flow_gl.view.monitor_watch import MonitorWatch
        from flow_gl.view.pacing import Garbage, Pacer
        from flow_gl.view.video.pictures import PictureSaver
        from flow_gl.view.video.session import VideoSession

        self._loop: Final = loop
        self._window: Final = window
        self._options: Final = options
        self._clock: Final = clock
        self._interrupts: Final = interrupts or Pending()
        self._others: Final = others
        self._periods: Final = FrameTimes(512)
        self._work: Final = FrameTimes(512)
        self._garbage: Final = Garbage(clock)
        self._pacer: Final = Pacer(
            clock, refresh_hz=_rate(options, window), cap_fps=options.settings.fps, is_synced=window is not None
        )
        self._saver: Final = PictureSaver(options.screenshot_dir)
        self._video: Final = VideoSession(loop.surface, options, clock, loop.note, self._cursor)
        self._counted_from_ns: int | None = None
        self._ended_ns: int | None = None
        self._figures_due_ns = 0
        self._title = options.title
        self._is_quitting = False
        self._monitors: Final = None if window is None else MonitorWatch(window, clock, loop.note)
        self._awaited: list[str] = ["first bubbles", "first frame"]

    def run(self) -> None:
        """Draw frames until there is a reason to end, then finish picture and video."""
        clock, loop = self._clock, self._loop
        last_ns = clock.monotonic_ns()
        frames = 0
        try:
            while True:
                start_ns = clock.monotonic_ns()
                period_s = (start_ns - last_ns) / 1e9
                last_ns = start_ns
                self._exchange()
                self._read_below_overlays(start_ns)
                loop.run_frame(min(self._pacer.steady(period_s), _MAX_DT_S))
                self._periods.add(1e3 * period_s)
                self._work.add((clock.monotonic_ns() - start_ns) / 1e6)
                self._count(start_ns)
                if loop.below_overlays is None:
                    self._offer(start_ns)
                if self._window is not None:  # the sign is for the user
                    loop.state.video_sign = self._video.sign
                    loop.state.pictures.is_keeping = self._video.is_keeping
                if self._monitors is not None and self._monitors.poll() and self._window is not None:
                    self._pacer.follow(self._window.refresh_hz)
                self._serve_requests()
                is_over = self._is_over(start_ns)
                if is_over and self._options.screenshot is not None:
                    from flow_gl.view.video.pictures import save_picture

                    loop.run_for_picture()
                    save_picture(loop, self._options.screenshot)
                loop.surface.swap()
                if self._awaited:
                    self._note_start()
                if is_over:
                    self._video.finish(is_urgent=self._is_asked_to_end(), draw=self._draw_once)
                    return
                self._measure(start_ns)
                frames += 1
                if frames == FREEZE_AFTER_FRAMES:
                    self._garbage.freeze()
                self._wait()
        finally:
            self._garbage.restore()
            if self._monitors is not None:
                self._monitors.close()
            self._saver.close()
            self._video.close()

    def _offer(self, start_ns: int) -> None:
        self._video.offer(start_ns, is_feed_up=self._counted_from_ns is not None)

    def _read_below_overlays(self, start_ns: int) -> None:
        """Let a video without overlays take the next frame's picture before they are drawn."""
        loop = self._loop
        is_below = self._video.is_on and not loop.state.pictures.has_overlays
        loop.below_overlays = partial(self._offer, start_ns) if is_below else None

    def _count(self, now_ns: int) -> None:
        """Note when the feed began to run and when it ended: durations count from there."""
        link = self._loop.link
        engine = link.engine
        state = None if engine is None else int(engine.status["state"])
        is_ended = link.state in (LinkState.FAILED, LinkState.ENDED) or state in (FeedState.ENDED, FeedState.FAILED)
        is_up = engine is not None and not engine.status["compiling"] and state not in _ON_THE_WAY
        if state in (FeedState.REPLAY, FeedState.DEMO):
            # These have trades: the chart is up with the first of them.
            is_up = is_up and any(market.session["trade_count"] for market in link.markets)
        if self._counted_from_ns is None and (is_ended or is_up):
            self._counted_from_ns = now_ns
        if not is_ended:
            self._ended_ns = None
        elif self._ended_ns is None:
            self._ended_ns = now_ns

    def _note_start(self) -> None:
        """Log when there was a first frame, and when one with bubbles: what a start costs (`flow-gl bench start`)."""
        has_bubbles = any(market.session["trade_count"] for market in self._loop.link.markets)
        while self._awaited and (self._awaited[-1] == "first frame" or has_bubbles):
            get_logger("view").info(self._awaited.pop())

    def _exchange(self) -> bool:
        """Exchange news with the program's other windows. Returns whether something here has changed."""
        others, window = self._others, self._window
        if others is None:
            return False
        is_new = others.exchange()
        if is_new:
            self._loop.wake()
        if window is not None and window.is_closing and not others.may_close():
            window.stay_open()
        return is_new

    def _is_asked_to_end(self) -> bool:
        must_close = self._others is not None and self._others.must_close
        return self._is_quitting or must_close or self._interrupts.number != 0 or self._loop.surface.is_closing

    def _is_over(self, now_ns: int) -> bool:
        if self._is_asked_to_end():
            return True
        if self._window is None and (self._loop.link.state is LinkState.FAILED or self._has_feed_failed()):
            return True  # headless: there is no user who could retry
        if self._options.duration_s is not None:
            counted = self._counted_from_ns
            return counted is not None and now_ns - counted >= self._options.duration_s * 1e9
        ended = self._ended_ns
        return self._window is None and ended is not None and now_ns - ended >= SETTLE_S * 1e9

    def _has_feed_failed(self) -> bool:
        engine = self._loop.link.engine
        return engine is not None and int(engine.status["state"]) == FeedState.FAILED

    def lose_display(self) -> None:
        """The window is gone: save what can be saved, and report why the program ends."""
        self._video.rescue()
        print_message("error: lost the connection to the X server")

    def _draw_once(self) -> None:
        self._loop.run_frame(0.0)
        self._loop.surface.swap()

    def _cursor(self) -> tuple[int, int] | None:
        """Return where a video shows the mouse, px from the top left of the window; None if it does not."""
        if self._window is None or not self._loop.state.pictures.has_cursor:
            return None
        from flow_gl.gl.surface.mouse import mouse_px

        return mouse_px(self._window)

    def _serve_requests(self) -> None:
        loop = self._loop
        for text in self._saver.news():
            loop.note(text)
        requests = loop.input.take_requests()
        if not requests:
            return
        from flow_gl.view.video.requests import serve

        for request in requests:
            if not self._serve_window(request):
                serve(request, loop, self._saver, self._video, self._clock)

    def _serve_window(self, request: "Request") -> bool:
        """Carry out a request about windows; return whether it was one."""
        from flow_gl.ui.input.action import Request
        from flow_gl.view.monitor_watch import to_next_monitor

        others = self._others
        if request is Request.QUIT and others is not None:
            others.quit()
        elif request is Request.QUIT:
            self._is_quitting = True
        elif request is Request.CLOSE_WINDOW:
            self._is_quitting = others is None or others.may_close()
        elif request is Request.NEW_WINDOW and others is not None:
            others.open_window()
        elif request is Request.FULLSCREEN and self._window is not None:
            if self._loop.state.workspaces.window is not None:
                self._loop.state.workspaces.window.place()  # it is restored to this place
            self._window.set_fullscreen(not self._window.is_fullscreen)
        elif request is Request.NEXT_MONITOR and self._window is not None:
            self._loop.note(to_next_monitor(self._window))
        else:
            return False
        return True

    def _measure(self, now_ns: int) -> None:
        """Update the frame time statistics twice a second."""
        if now_ns < self._figures_due_ns or self._periods.count < 2:
            return
        self._figures_due_ns = now_ns + 500_000_000
        start = self._loop.state.start
        if start is not None and self._window is not None and start.title != self._title:
            import glfw

            self._title = start.title
            glfw.set_window_title(self._window.handle, start.title)
        figures = self._loop.figures
        figures.frame_p50_ms, figures.frame_p99_ms, figures.frame_max_ms = self._periods.percentiles()
        figures.work_p50_ms, figures.work_p99_ms, figures.work_max_ms = self._work.percentiles()
        periods = self._periods.window()
        figures.recent_ms = periods.astype("float32")
        figures.fps = 1000.0 / max(1e-3, float(periods[-60:].mean()))

    def _wait(self) -> None:
        """Wait until the next frame: for the monitor, for the clock, or for an event if the picture is idle."""
        from flow_gl.view.pacing import IDLE_LOOK_S, IDLE_REDRAW_S

        loop, window, clock = self._loop, self._window, self._clock
        if loop.gui.has_input:
            loop.wake()  # it came while swap waited
        if not loop.is_at_rest or self._video.is_on:
            wait_s = self._pacer.wait_s()
            self._garbage.maybe_collect(wait_s)
            clock.sleep(wait_s)
            if window is not None:
                window.poll()
            return
        until_ns = clock.monotonic_ns() + int(IDLE_REDRAW_S * 1e9)
        self._garbage.maybe_collect(IDLE_LOOK_S)
        while clock.monotonic_ns() < until_ns and not loop.surface.is_closing:
            before_ns = clock.monotonic_ns()
            if window is None:
                clock.sleep(IDLE_LOOK_S)
            else:
                window.poll(IDLE_LOOK_S)
                if clock.monotonic_ns() - before_ns < 0.9e9 * IDLE_LOOK_S:
                    loop.wake()
            if self._exchange() or loop.poll_engine() or self._is_over(clock.monotonic_ns()):
                break
        # An idle period is not a slow frame.
        self._periods.clear()
        self._work.clear()
