"""One frame of the view: input, refresh, advance, freeze, update, overlays, draw.

A window and a headless target run the same frame. The loop around it (pacing, video, exit) is in `view.program`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from flow_gl.core.clock import Clock
from flow_gl.core.commands import Command, Configure, Seek, SetSpeed, Step
from flow_gl.core.settings import difference, merge
from flow_gl.gl.api import clear
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.surface.context import Surface
from flow_gl.gl.timing import LayerTimer
from flow_gl.gl.view import Rect
from flow_gl.store.market import MarketReader
from flow_gl.ui import comparison_pane, scenes
from flow_gl.ui.alerts.center import AlertCenter, Now
from flow_gl.ui.input.handler import InputHandler
from flow_gl.ui.link import Link
from flow_gl.ui.overlays import status
from flow_gl.ui.overlays.frame import ChartFrame, Figures, Frame
from flow_gl.ui.overlays.stack import Overlays
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state import chart_list, price_links
from flow_gl.ui.state.layout import arrange
from flow_gl.ui.state.motion import MotionClock
from flow_gl.ui.state.needed_symbols import NeededSymbols
from flow_gl.ui.state.panel_layout import PanelLayout
from flow_gl.ui.state.size_floor import contracts
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.axis_room import AxisRoom
from flow_gl.view.chart_parts import ChartParts
from flow_gl.view.frame_scheduler import SOON_S, FrameScheduler

if TYPE_CHECKING:
    from flow_gl.gl.resources import SharedResources
    from flow_gl.layers.base import Scene
    from flow_gl.layers.stack import ChartStack


_SHOWN_AT_REST: Final = ("state", "is_held", "seeks", "seeking", "loop_end", "indexed", "speed")
"""Fields of the status that a picture at rest depends on."""


class FrameLoop:
    """The view's frame.

    Parameters
    ----------
    surface : a window or a headless target, its context current
    link : the engine
    state : what is shown and how
    gui : overlays over the same surface
    clock : the program's clock
    resources : what the charts share on the GPU; by default the loop makes its own
    """

    def __init__(
        self,
        surface: Surface,
        link: Link,
        state: ViewState,
        gui: Gui,
        clock: Clock,
        *,
        resources: "SharedResources | None" = None,
    ) -> None:
        self.surface: Final = surface
        self.link: Final = link
        self.state: Final = state
        self.gui: Final = gui
        self.figures: Final = Figures()
        self.scheduler: Final = FrameScheduler()
        self.overlays: Final = Overlays(self.scheduler)
        self.input: Final = InputHandler(state, self.overlays, self.send)
        self.frame: Frame | None = None
        """The last frame."""
        self.refused: Final[list[tuple[str, str]]] = []
        """Symbols that will not come, with one line on why, for the program's other windows."""
        self.layer_timer: LayerTimer | None = None
        """While set, measures GPU time per layer, at the cost of extra calls."""
        self.below_overlays: Callable[[], None] | None = None
        """Called in each frame once the charts are drawn, before the overlays are."""
        self.alerts = AlertCenter()
        self._clock: Final = clock
        self._motion: Final = MotionClock()
        self._parts: Final = ChartParts(self.scheduler, resources)
        self._shown: Sequence[MarketReader] = ()
        """The market of each chart."""
        self._generation = link.generation
        self._restarts = link.restarts
        self._started_with: Final = self.state.aggregation
        """Every engine is started with these settings; what has changed since is sent to the next one too."""
        self._speed: SetSpeed | None = None
        self._overlay_job: Final = self.scheduler.add("overlays")
        self._needed: Final = NeededSymbols()
        self._axis_room: Final = AxisRoom(self.scheduler)
        self._size_floor_job: Final = self.scheduler.add("size floor")
        self._since_overlays_s = 0.0
        self._style: tuple[object, ...] = ()
        """The inputs from which the overlays' size and colours were derived."""
        self._panels = PanelLayout(Rect(0.0, 0.0, 1.0, 1.0))
        self._activity: tuple[object, ...] = ()
        """The state of engine and window in the last frame; () if the market was running."""

    def run_frame(self, dt_s: float) -> None:
        """Draw one frame, `dt_s` seconds after the previous one, without the swap."""
        self._run(dt_s, may_defer=dt_s < SOON_S)

    def run_for_picture(self) -> None:
        """Draw a frame in which no job is deferred, so that a saved picture shows a single moment."""
        self._run(0.0, may_defer=False)

    def _run(self, dt_s: float, *, may_defer: bool) -> None:
        now_s = self._now_s()
        self.scheduler.begin_frame(now_s, may_defer=may_defer)
        size = self.surface.size
        scale = self.state.scale(self.surface.content_scale, size)
        self.surface.begin()
        self._since_overlays_s += dt_s
        cause = self._overlays_cause_of_input(size, scale, now_s)
        if cause:
            self._begin_overlays(size, scale)
            self._take_input(now_s)
        self._refresh()
        self._panels = self.state.lay_out_panels(Rect(0.0, 0.0, *map(float, size)), scale, self.link.engine)
        moment, charts = self._advance(dt_s, now_s, scale, size)
        frame = self._freeze(moment, charts)
        self.overlays.refresh(self.gui.painter, frame, self.state)
        drawn = self._update(frame)
        news = self.overlays.take_news(frame, self.state)
        if not cause:
            cause = news or ("time" if self._overlay_job.may_run("time") else "")
            if cause:
                self._begin_overlays(size, scale)
        self.frame = frame
        if cause:
            self._build_overlays(frame, cause)
        self._note_activity(frame, now_s)
        # Draw last: an upload between draws may have to wait for them.
        self._draw(drawn)
        if self.below_overlays is not None:
            self.below_overlays()
        self.gui.draw()

    def label_boxes(self) -> list[LabelBox]:
        """Draw a frame and return the boxes of all its texts, for tests."""
        boxes: list[LabelBox] = []
        self.gui.painter.boxes = boxes
        for stack in self._parts.stacks():
            stack.collect_labels(boxes)
        self._style = ()  # the overlays are built again
        self.run_for_picture()
        self.gui.painter.boxes = None
        for stack in self._parts.stacks():
            stack.collect_labels(None)
        return boxes

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _overlays_cause_of_input(self, size: tuple[int, int], scale: float, now_s: float) -> str:
        """Return why the overlays must be built in this frame: "input" or "style"; "" if they need not be.

        After input they are built in every frame for a while, because a tooltip may appear or a held key repeat.
        """
        if self.gui.has_input:
            self.scheduler.stay_awake("input", now_s)
        style = (size, scale, self.state.palette)
        is_new, self._style = style != self._style, style
        return "style" if is_new else "input" if self.scheduler.is_awake_for("input", now_s) else ""

    def _begin_overlays(self, size: tuple[int, int], scale: float) -> None:
        self.gui.set_look(self.state.palette, scale)
        self.gui.begin(*size, self._since_overlays_s)
        self._since_overlays_s = 0.0

    def _take_input(self, now_s: float) -> None:
        """Apply keyboard and mouse to what the last frame showed."""
        if self.frame is None:
            return
        self.input.handle(self.frame, self.gui.painter, self.gui.take_presses())
        if self.input.was_busy or self.input.is_dragging:
            self.scheduler.stay_awake("input", now_s)

    def _build_overlays(self, frame: Frame, cause: str) -> None:
        if cause != "time":
            self._overlay_job.run_now(cause)
        is_full = cause in ("input", "style", "state") or not self.scheduler.may_defer
        commands, chosen = self.overlays.draw(self.gui.painter, frame, self.state, is_full=is_full)
        for command in commands:
            self.send(command)
        self.input.act(chosen.actions, frame, chosen.place)
        self.gui.build()

    def release(self) -> None:
        """Free what is on the GPU."""
        self._parts.release()

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing moves, so that the next frame may wait for news."""
        return self.frame is not None and not self.scheduler.awake_for(self._now_s())

    def poll_engine(self) -> bool:
        """Poll the engine between frames. Returns whether it has news that the picture does not show yet."""
        self.link.poll()
        if self.link.engine is not None:
            self.link.engine.refresh()
        return not self.is_at_rest or self.alerts.has_news(self.link.markets) or self._activity_now() != self._activity

    def note(self, text: str) -> None:
        """Show the user a note for a few seconds."""
        now_s = self._now_s()
        self.overlays.notes.add(text, now_s)
        self.scheduler.stay_awake("note", now_s)

    def wake(self, cause: str = "input") -> None:
        """Keep drawing for a moment."""
        self.scheduler.stay_awake(cause, self._now_s())

    def _note_activity(self, frame: Frame, now_s: float) -> None:
        """Keep frames coming while the market runs, after anything has changed, and while a note fades."""
        is_held = frame.engine is not None and bool(frame.engine.status["is_held"])
        is_running = not is_held and any(chart.condition.is_live and not chart.waiting for chart in frame.charts)
        # In a running market, the dependencies of a picture at rest are not even read.
        activity = () if is_running and self.state.pause is None else self._activity_now()
        if not activity or activity != self._activity:
            self.scheduler.stay_awake("market", now_s)
        self._activity = activity
        if not self.overlays.notes.is_empty:
            self.scheduler.stay_awake("note", now_s)

    def _activity_now(self) -> tuple[object, ...]:
        """The dependencies of a picture at rest; cheap to compare."""
        link = self.link
        engine = link.engine
        state = () if engine is None else tuple(engine.status[name].item() for name in _SHOWN_AT_REST)
        heads = [0 if self.state.pause else market.store.session.version for market in link.markets]
        return (link.state, link.generation, state, self.surface.size, *heads)

    def send(self, command: Command) -> None:
        if isinstance(command, Configure):
            self.state.aggregation = merge(self.state.aggregation, command.changes)
        elif isinstance(command, SetSpeed):
            self._speed = command
        elif isinstance(command, Seek | Step):
            self.alerts.expect_seek()
        self.link.send(command)

    def _refresh(self) -> None:
        """Bring the readers up to date; while paused, only the engine's status, and a market that has just come."""
        link = self.link
        link.poll()
        if link.generation != self._generation:
            had_engine = self._generation != 0
            self._generation = link.generation
            self._parts.renew_stacks()
            self._motion.reset()
            self.state.new_engine()
            if had_engine:
                self._take_over()
        if link.engine is not None:
            link.engine.refresh()
        for market in link.markets:
            market.refresh(logs_only=self.state.pause is not None and market.changes > 0)

    def _take_over(self) -> None:
        """Switch to new stores: send the new engine the settings of the last one, and end a pause."""
        if self.link.owns_engine:
            if changes := difference(self._started_with, self.state.aggregation):
                self.link.send(Configure(changes))
            if self._speed is not None:
                self.link.send(self._speed)
        if self.state.pause is not None:
            self.state.pause = None
        if self.link.restarts != self._restarts:
            self._restarts = self.link.restarts
            self.overlays.notes.add("the engine was restarted; the chart continues", self._now_s(), lasts_s=6.0)

    def _advance(
        self, dt_s: float, now_s: float, scale: float, size: tuple[int, int]
    ) -> tuple[scenes.Moment, list[ChartFrame]]:
        """Move on what changes from frame to frame: the time shown, axes, levels of detail, alerts.

        Returns
        -------
        moment : what all charts of the frame share
        charts : those that are shown, without their scenes
        """
        link, state, wall_ns = self.link, self.state, self._clock.wall_ns()
        shown_ns = self._motion.step(link.engine, wall_ns, dt_s)
        event_ns = state.pause.event_ns if state.pause else shown_ns
        moment = scenes.Moment(
            event_ns=event_ns, wall_ns=wall_ns, steady_s=now_s, dt_s=dt_s, scale=scale, screen_px=size
        )
        now = Now(wall_ns, shown_ns, state.is_muted)
        for note in (*self.alerts.look(link, now), *state.drawings.follow(self.alerts.book)):
            self.overlays.notes.add(note, now_s, lasts_s=6.0)
        self._shown = shown = chart_list.resolve(state, link.markets)
        self._needed.follow(state, shown, link, self.alerts.book)
        refused = link.refusals()
        self.refused.extend(refused)
        for note in chart_list.request_missing(state, shown, link, refused):
            self.overlays.notes.add(note, now_s, lasts_s=6.0)
        count = len(shown)
        if self._parts.charts is not state.charts or len(self._parts.parts) != count:
            self._parts.follow(state.charts)
        visible = state.visible_charts(count) if count else [0]
        axis = self._axis_room.width_px(self._parts, shown, visible if count else [], self.frame, scale)
        area = self._panels.charts
        parts = {"scale": scale, "cvd_share": state.cvd_share, "axis_px": axis, "arrangement": state.arrangement}
        parts |= comparison_pane.layout_parts(state, visible, link.markets)
        layouts = arrange(area, len(visible), **parts, has_ribbon="ribbon" in state.filters.layers)
        charts = []
        for index, layout in zip(visible, layouts, strict=True):
            market = shown[index] if index < count else None
            new = status.new_bubbles(market) if state.pause and market is not None else 0
            age_ns, paused_new = (wall_ns - state.pause.wall_ns, new) if state.pause else (0, None)
            condition = status.condition(link, market, wall_ns=wall_ns, paused_new=paused_new, shown_age_ns=age_ns)
            chart = ChartFrame(index=index, layout=layout, market=market, condition=condition, paused_new=new)
            chart.waiting = status.awaiting(link, market, condition)
            if market is not None:
                if not chart.waiting:
                    self._parts.parts[index].axes.look(market, state, state.charts[index], moment)
                at = index if shown is link.markets else link.markets.index(market)
                chart.badge = self.alerts.badge(at, now)
            charts.append(chart)
        if not event_ns:  # a drag before the feed has a time must not stop the chart at the epoch
            state.time.follow()
        # After what is folded is known: the first frame with other folds must have the scale that belongs to them.
        state.time.fit(layouts[0].price.width, event_ns, state.charts[visible[0]].timeline)
        self._apply_percentile()
        for chart in charts:
            if chart.market is not None and not chart.waiting:
                axes, own = self._parts.parts[chart.index].axes, state.charts[chart.index]
                axes.advance(chart.market, chart.layout, state, own, moment)
        for own in state.charts:
            if own.link:
                price_links.follow(scenes.linked(charts, state, moment), state.link_unit, state.links)
                break
        return moment, charts

    def _freeze(self, moment: scenes.Moment, charts: list[ChartFrame]) -> Frame:
        """Freeze everything that this frame shows. Changes no state: `charts` are this frame's own."""
        for chart in charts:
            chart.scene = self._scene(chart, moment)
        scenes.share_crosshair(charts, self.state)
        return Frame(
            link=self.link,
            wall_ns=moment.wall_ns,
            steady_s=moment.steady_s,
            event_ns=moment.event_ns,
            scale=moment.scale,
            gui_scale=moment.scale / self.gui.pixels_per_point,
            charts=charts,
            figures=self.figures,
            jobs=self.scheduler,
            markets=self._shown,
            chart_count=len(self._shown) or 1,
            panels=self._panels,
            alerts=self.alerts,
        )

    def _scene(self, chart: ChartFrame, moment: scenes.Moment) -> "Scene | None":
        if chart.market is None or chart.waiting:
            return None
        own, covered = self.state.charts[chart.index], self.overlays.covered(chart.index)
        is_live = chart.condition.is_live
        return scenes.build(chart.market, chart.layout, self.state, own, moment, is_live=is_live, covered=covered)

    def _apply_percentile(self) -> None:
        """Find what "hide the smallest x %" is in contracts, now and then."""
        percentile = self.state.filters.percentile
        if percentile > 0.0 and self._size_floor_job.may_run("time"):
            for own, market in zip(self.state.charts, self._shown, strict=False):
                own.size_floor_from_percentile = contracts(market, percentile)

    def _update(self, frame: Frame) -> "list[tuple[ChartStack, Scene]]":
        """Bring all charts on the GPU in step with the frame. Returns those to draw."""
        drawn = []
        for chart in frame.charts:
            if chart.scene is not None:
                stack = self._parts.parts[chart.index].stack or self._parts.stack(chart.index)
                stack.counters.reset()
                stack.update(chart.scene, chart.header)
                drawn.append((stack, chart.scene))
        return drawn

    def _draw(self, drawn: "list[tuple[ChartStack, Scene]]") -> None:
        counters = self.figures.counters
        counters.reset()
        clear(self.state.palette.ground)
        if self.layer_timer is not None:
            self.layer_timer.begin_frame()
        for stack, scene in drawn:
            stack.draw(scene, timer=self.layer_timer)
            counters.add(stack.counters)
