"""The mouse on the transport bar: buttons, the wheel for the speed, dragging the handle of the seek bar."""

from dataclasses import dataclass, field

from flow_gl.core.commands import Command
from flow_gl.ui.input.gestures import Mouse
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.transport.bar import ACTION_OF
from flow_gl.ui.overlays.transport.places import places_of
from flow_gl.ui.overlays.transport.seek_bar import SeekBar
from flow_gl.ui.state.view_state import ViewState


@dataclass(slots=True)
class TransportRequests:
    """The mouse's requests in a frame."""

    is_busy: bool = False
    """The mouse is on the bar or holds its handle: nothing else takes it."""
    actions: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)


class TransportTool:
    """Follows the mouse on the bar."""

    def __init__(self) -> None:
        self._bar: SeekBar | None = None
        self._notches = 0.0

    @property
    def is_dragging(self) -> bool:
        return self._bar is not None

    def handle(self, mouse: Mouse, frame: Frame, state: ViewState, bar: SeekBar | None) -> TransportRequests:
        """Apply the mouse of one frame.

        Parameters
        ----------
        bar : what the seek bar shows; None where there is no bar
        """
        requests, transport, engine = TransportRequests(), state.transport, frame.engine
        if transport.rect is None or engine is None or bar is None:
            self._bar = transport.dragged_ns = None
            return requests
        places = places_of(transport.rect, frame.scale)
        part = places.part_at(mouse.x, mouse.y) if mouse.is_free else ""
        requests.is_busy = bool(part) or self.is_dragging
        if mouse.is_pressed and part == "seek":
            self._bar = bar  # while it is held, its ends stay where they are
        elif mouse.is_pressed and part and part != "bar":
            requests.actions.append(ACTION_OF.get(part, part))
        if self._bar is not None:
            share = (mouse.x - places.seek.x) / max(1.0, places.seek.width)
            state.time.follow()
            state.pause = None
            is_over = not mouse.is_down
            at = self._bar.instant_at(share)
            requests.commands += transport.drag(at, engine, frame.wall_ns, is_over=is_over)
            if is_over:
                self._bar = None
        elif part and mouse.wheel:
            self._notches += mouse.wheel
            while abs(self._notches) >= 1.0:
                requests.actions.append("faster" if self._notches > 0 else "slower")
                self._notches -= 1.0 if self._notches > 0 else -1.0
        return requests
