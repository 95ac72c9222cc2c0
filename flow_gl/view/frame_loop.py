"""One frame of the view, from input to the last draw call: poll, refresh, freeze, update, overlays, draw.

A window and a headless target run the same frame. The loop around it (pacing, recording, the end) is `app`'s.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from flow_gl.core.clock import Clock
from flow_gl.core.commands import Command, Configure, SetSpeed
from flow_gl.gl.api import clear
from flow_gl.gl.context import Surface
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.timing import LayerTimer
from flow_gl.gl.view import Rect
from flow_gl.store.market import MarketReader
from flow_gl.ui import scenes, status
from flow_gl.ui.alerts import AlertWatch
from flow_gl.ui.axis_width import axis_px, axis_texts
from flow_gl.ui.frame import ChartFrame, Figures, Frame
from flow_gl.ui.gui import Gui
from flow_gl.ui.input_handler import InputHandler
from flow_gl.ui.layout import arrange
from flow_gl.ui.link import Link
from flow_gl.ui.motion import MotionClock
from flow_gl.ui.overlays import Overlays
from flow_gl.ui.size_filter import contracts
from flow_gl.ui.state import ViewState
from flow_gl.ui.turns import OverlayTurns

if TYPE_CHECKING:
    from flow_gl.gl.kit import Kit
    from flow_gl.layers.base import Scene
    from flow_gl.layers.stack import ChartStack

_FLOOR_EVERY_S: Final = 2.0
_RARE_S: Final = 0.05
"""Frames so far apart do not leave anything to the next one."""
_SETTLE_S: Final = 0.35
"""What waits for its turn has had it when nothing has moved for so long."""
_BUSY_AFTER_INPUT_S: Final = 0.6
"""Eased axes and blends come to rest in this time."""


class FrameLoop:
    """The view's frame.

    Parameters
    ----------
    surface : a window or a headless target, its context current
    link : the engine
    state : what is shown and how
    gui : overlays over the same surface
    clock : the program's clock
    """

    def __init__(self, surface: Surface, link: Link, state: ViewState, gui: Gui, clock: Clock) -> None:
        self.surface: Final = surface
        self.link: Final = link
        self.state: Final = state
        self.gui: Final = gui
        self.figures: Final = Figures()
        self.overlays: Final = Overlays()
        self.input: Final = InputHandler(state, self.overlays, self._send)
        self.frame: Frame | None = None
        """The last frame."""
        self.content_scale: float | None = None
        """Overrides the surface's."""
        self.layer_timer: LayerTimer | None = None
        """Counts the GPU's time by layer, for who asks; it costs calls."""
        self._clock: Final = clock
        self._motion: Final = MotionClock()
        self._kit: Kit | None = None
        self._stacks: list[ChartStack] = []
        self._watches: list[AlertWatch] = []
        self._generation = link.generation
        self._restarts = link.restarts
        self._rules: dict[type[Command], Command] = {}
        """Settings sent to the engine, to be told to the next one too."""
        self._turns: Final = OverlayTurns()
        self._since_overlays_s = 0.0
        self._floor_due_s = 0.0
        self._seen: tuple[object, ...] = ()
        self._busy_until_s = 0.0
        self._settled_s = 0.0
        self._frames = 0

    def run_frame(self, dt_s: float) -> None:
        """Draw one frame, `dt_s` after the one before. All but the swap."""
        self._run(dt_s, may_wait=dt_s < _RARE_S)

    def run_for_picture(self) -> None:
        """Draw one more frame, all labels laid out and all texts formed anew: a picture says one thing only."""
        for stack in self._stacks:
            stack.chart.move()
        self._turns.touch(self._clock.monotonic_ns() / 1e9)
        self.overlays.form_anew()
        self._run(0.0, may_wait=False)

    def _run(self, dt_s: float, *, may_wait: bool) -> None:
        """`may_wait`: what takes long may be done in one of the next frames."""
        if self._kit is not None:
            self._kit.may_wait = may_wait
        size = self.surface.size
        scale = self.content_scale or self.surface.content_scale
        steady_s = self._clock.monotonic_ns() / 1e9
        self.gui.send()
        self.surface.begin()
        self._since_overlays_s += dt_s
        look = (size, scale * self.state.text_scale, self.state.palette)
        is_built = self._turns.is_touched(self.gui, look, steady_s)
        if is_built:
            self._begin_overlays(size, scale)
            self._take_input(steady_s)
        self._refresh()
        frame = self._freeze(dt_s, steady_s, scale, size)
        drawn = self._update(frame, may_wait=may_wait)
        is_due = not is_built and self._are_overlays_due(frame)
        if is_due:
            self._begin_overlays(size, scale)
        self.frame = frame
        if is_built or is_due:
            self._build_overlays(frame, is_urgent=self._turns.is_whole or not may_wait)
        # Only now, with all that is sent on its way: what is sent in between drawing may have to wait for it.
        self._draw(drawn)
        self.gui.draw()

    def _take_turn(self, steady_s: float) -> bool:
        """Ask to do something in this frame that takes long and may wait."""
        return self._kit is None or self._kit.take_turn(steady_s)

    def _are_overlays_due(self, frame: Frame) -> bool:
        """Texts that are due are formed first, in a frame of their own where there is time for it."""
        has_turn = self._kit is None or self._kit.has_turn(frame.steady_s)
        if has_turn and self.overlays.prepare(self.gui.pen, frame, self.state):
            self._take_turn(frame.steady_s)
        return self._turns.is_due(
            frame,
            self.state,
            has_notes=not self.overlays.notes.is_empty,
            take_turn=lambda: self._take_turn(frame.steady_s),
        )

    def _begin_overlays(self, size: tuple[int, int], scale: float) -> None:
        self.gui.set_look(self.state.palette, scale * self.state.text_scale)
        self.gui.begin(*size, self._since_overlays_s)
        self._since_overlays_s = 0.0

    def _take_input(self, steady_s: float) -> None:
        """Apply keyboard and mouse against what the last frame showed."""
        if self.frame is None:
            return
        self.input.handle(self.frame, self.gui.pen)
        if self.input.was_busy:
            self._busy_until_s = steady_s + _BUSY_AFTER_INPUT_S
            self._turns.touch(steady_s)

    def _build_overlays(self, frame: Frame, *, is_urgent: bool) -> None:
        commands, chosen = self.overlays.draw(
            self.gui.pen, frame, self.state, self._area(), is_whole=self._turns.is_whole
        )
        for command in commands:
            self._send(command)
        self.input.act(chosen, frame)
        self.gui.build(is_urgent=is_urgent)
        self._turns.built(frame.steady_s)

    def release(self) -> None:
        """Free what is on the GPU."""
        self._release_stacks()
        if self._kit is not None:
            self._kit.release()

    def _release_stacks(self) -> None:
        for stack in self._stacks:
            stack.release()
        self._stacks.clear()

    def is_moving(self) -> bool:
        """Something in the picture moves or has just changed: it is to be drawn again at once."""
        frame = self.frame
        if frame is None:
            return True
        steady_s = self._clock.monotonic_ns() / 1e9
        if steady_s < self._busy_until_s or not self.overlays.notes.is_empty or self.input.is_dragging:
            return True
        is_running = any(chart.said.is_live and not chart.waiting for chart in frame.charts)
        if self._look() != self._seen or (is_running and self.state.pause is None):
            self._settled_s = steady_s + _SETTLE_S
        return steady_s < self._settled_s or self.gui.is_waiting

    def has_news(self) -> bool:
        """Look at the engine between frames: is there something that a picture at rest does not show yet?"""
        self.link.poll()
        if self.link.engine is not None:
            self.link.engine.refresh()
        return self.is_moving()

    def note(self, text: str) -> None:
        """Tell the user, for a few seconds."""
        self.overlays.notes.add(text, self._clock.monotonic_ns() / 1e9)

    def wake(self) -> None:
        """Draw at full rate for a moment: there was input."""
        self._busy_until_s = self._clock.monotonic_ns() / 1e9 + _BUSY_AFTER_INPUT_S

    def _look(self) -> tuple[object, ...]:
        """What a picture at rest depends on; cheap to ask."""
        link = self.link
        engine = link.engine
        state = -1 if engine is None else int(engine.status["state"])
        heads = () if self.state.pause else tuple(market.store.session.version for market in link.markets)
        return (link.state, link.generation, state, self.surface.size, heads)

    def _area(self) -> Rect:
        x, y, width, height = self.gui.central
        return Rect(round(x), round(y), max(1.0, round(width)), max(1.0, round(height)))

    def _send(self, command: Command) -> None:
        if isinstance(command, Configure):
            known = self._rules.get(Configure, Configure())
            assert isinstance(known, Configure)
            command_now = Configure(
                arm=known.arm if command.arm is None else command.arm,
                value_area=known.value_area if command.value_area is None else command.value_area,
                value_area_step=known.value_area_step if command.value_area_step is None else command.value_area_step,
            )
            self._rules[Configure] = command_now
        elif isinstance(command, SetSpeed):
            self._rules[SetSpeed] = command
        self.link.send(command)

    def _refresh(self) -> None:
        """Bring the readers up to date; while paused, only the engine's status."""
        link = self.link
        link.poll()
        if link.generation != self._generation:
            had_engine = self._generation != 0
            self._generation = link.generation
            self._release_stacks()
            self._watches.clear()
            self._motion.reset()
            self.state.new_engine()
            if had_engine:
                self._take_over()
        if link.engine is not None:
            link.engine.refresh()
        if self.state.pause is None:
            for market in link.markets:
                market.refresh()

    def _take_over(self) -> None:
        """Go on with other stores: a new engine learns what the last one was told, a pause has nothing to hold."""
        for command in self._rules.values():
            self.link.send(command)
        if self.state.pause is not None:
            self.state.pause = None
        if self.link.restarts != self._restarts:
            self._restarts = self.link.restarts
            self.overlays.notes.add(
                "the engine was restarted; the picture goes on", self._clock.monotonic_ns() / 1e9, lasts_s=6.0
            )

    def _freeze(self, dt_s: float, steady_s: float, scale: float, size: tuple[int, int]) -> Frame:
        """Decide everything that this frame shows."""
        link, state = self.link, self.state
        wall_ns = self._clock.wall_ns()
        shown_ns = self._motion.step(link.engine, wall_ns, dt_s)
        event_ns = state.pause.event_ns if state.pause else shown_ns
        count = len(link.markets)
        state.ensure_charts(max(1, count))
        while len(self._watches) < count:
            self._watches.append(AlertWatch())
        visible = state.visible_charts(count) if count else [0]
        axis = self._axis_px(visible if count else [], scale)
        layouts = arrange(self._area(), len(visible), scale=scale, cvd_share=state.cvd_share, axis_px=axis)
        state.time.fit(layouts[0].price.width)
        moment = scenes.Moment(event_ns=event_ns, steady_s=steady_s, dt_s=dt_s, scale=scale, screen_px=size)
        self._floors(steady_s)
        charts = []
        for index, layout in zip(visible, layouts, strict=True):
            market = link.markets[index] if index < count else None
            new = _new_bubbles(market) if state.pause and market is not None else 0
            said = status.condition(
                link,
                market,
                wall_ns=wall_ns,
                paused_new=new if state.pause else None,
                shown_age_ns=wall_ns - state.pause.wall_ns if state.pause else 0,
            )
            chart = ChartFrame(index=index, layout=layout, market=market, said=said, paused_new=new)
            chart.waiting = status.awaiting(link, market, said)
            if market is not None and not chart.waiting:
                chart.scene = scenes.build(market, layout, state, state.charts[index], moment, is_live=said.is_live)
            if market is not None:
                chart.badge = self._watches[index].look(market, wall_ns=wall_ns, event_ns=shown_ns)
            charts.append(chart)
        self._seen = self._look()
        return Frame(
            link=link,
            wall_ns=wall_ns,
            steady_s=steady_s,
            event_ns=event_ns,
            scale=scale,
            gui_scale=scale / self.gui.pixels_per_point,
            charts=charts,
            figures=self.figures,
            chart_count=max(1, count),
        )

    def _axis_px(self, visible: list[int], scale: float) -> float:
        """How wide the price axes of the charts that are shown must be: all alike, so that they span the same time."""
        if self._kit is None:
            return 0.0
        shown = {chart.index: chart.layout for chart in self.frame.charts} if self.frame else {}
        texts: list[str] = []
        for index in visible:
            layout = shown.get(index)
            heights = (layout.price.height, layout.cvd.height) if layout else (0.0, 0.0)
            texts += axis_texts(self.link.markets[index], self.state.charts[index], heights)
        return axis_px(self._kit.atlas, texts, scale)

    def _floors(self, steady_s: float) -> None:
        """What a share of bubbles amounts to in contracts, now and then."""
        percentile = self.state.filters.percentile
        if percentile <= 0.0 or steady_s < self._floor_due_s:
            return
        self._floor_due_s = steady_s + _FLOOR_EVERY_S
        for own, market in zip(self.state.charts, self.link.markets, strict=False):
            own.floor_from_percentile = contracts(market, percentile)

    def _update(self, frame: Frame, *, may_wait: bool) -> "list[tuple[ChartStack, Scene]]":
        """Bring all charts on the GPU in step with the frame; those that are to be drawn."""
        while len(self._stacks) < len(self.link.markets):
            self._stacks.append(self._new_stack())
        drawn = [(self._stacks[chart.index], chart.scene) for chart in frame.charts if chart.scene is not None]
        self._frames += 1
        for number, (stack, scene) in enumerate(drawn, start=self._frames):
            stack.counters.reset()
            stack.update(scene, may_wait=may_wait and len(drawn) > 1 and number % 2 == 1)
        return drawn

    def _draw(self, drawn: "list[tuple[ChartStack, Scene]]") -> None:
        counters = self.figures.counters
        counters.reset()
        clear(self.state.palette.ground)
        if self.layer_timer is not None:
            self.layer_timer.begin_frame()
        for stack, scene in drawn:
            stack.draw(scene, timer=self.layer_timer)
            _add(counters, stack.counters)

    def _new_stack(self) -> "ChartStack":
        """Set up a chart's layers. What all of them need is loaded for the first one: before there is a chart, the
        window says what is awaited, and that should be there at once."""
        from flow_gl.gl.kit import Kit
        from flow_gl.layers.stack import ChartStack

        if self._kit is None:
            self._kit = Kit()
        stack = ChartStack(self._kit)
        stack.setup()
        return stack


def _new_bubbles(market: MarketReader) -> int:
    """Bubbles that have closed since the picture was stopped."""
    return market.store.bubbles[0].head - market.heads[0]


def _add(total: FrameCounters, part: FrameCounters) -> None:
    total.uploaded_bytes += part.uploaded_bytes
    total.overlay_bytes += part.overlay_bytes
    total.draw_calls += part.draw_calls
    total.instances += part.instances
    total.rows_copied += part.rows_copied


def picture_name(frame: Frame | None, wall_ns: int) -> str:
    """Name of a saved picture: what it shows and when it was taken, in the user's own zone."""
    names = "-".join(chart.name for chart in frame.charts if chart.market) if frame else ""
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in names)
    taken = datetime.fromtimestamp(wall_ns // 1_000_000_000)
    return f"flow_gl_{safe or 'chart'}_{taken:%Y-%m-%d_%H%M%S}.png"
