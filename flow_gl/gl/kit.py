"""What all charts of one context share: programs, the texture of labels, what rows are drawn with."""

import math
from typing import Final

from flow_gl.gl.drawing import RowDrawing
from flow_gl.gl.fonts import FontAtlas
from flow_gl.gl.shaders import ShaderLibrary


class Kit:
    """Programs, fonts and indices of the current context."""

    def __init__(self) -> None:
        self.shaders: Final = ShaderLibrary()
        self.atlas: Final = FontAtlas()
        self.rows: Final = RowDrawing()
        self.may_wait = True
        """Another frame comes soon. Else nothing waits for its turn: everybody has one."""
        self._turn_s = -1.0

    def begin_draw(self) -> None:
        """Bind what all drawing needs, once for all of it: other drawing may have come in between."""
        self.rows.begin()
        self.atlas.bind()

    def has_turn(self, now_s: float) -> bool:
        """Nobody has taken this frame's turn yet."""
        return not self.may_wait or now_s != self._turn_s

    def take_turn(self, now_s: float) -> bool:
        """Ask to do something long that may wait a frame: one of all who ask in a frame may."""
        if not self.has_turn(now_s):
            return False
        self._turn_s = now_s
        return True

    def release(self) -> None:
        self.shaders.release()
        self.atlas.release()
        self.rows.release()


class Turn:
    """Long work that comes again and again: at most every `every_s`, in a frame without other such work.

    Parameters
    ----------
    kit : whose turns it shares
    patience_s : it is kept waiting so long at most
    """

    def __init__(self, kit: Kit, *, every_s: float, patience_s: float) -> None:
        self._kit: Final = kit
        self._every_s: Final = every_s
        self._patience_s: Final = patience_s
        self._taken_s = -math.inf
        self._asked_s: float | None = None

    def is_resting(self, now_s: float) -> bool:
        """It was done so lately that nobody need ask whether there is work."""
        return 0.0 < now_s - self._taken_s < self._every_s and self._kit.may_wait

    def take(self, now_s: float) -> None:
        """It is done now, whoever's turn it is."""
        self._taken_s, self._asked_s = now_s, None

    def is_now(self, now_s: float) -> bool:
        """Ask in every frame in which there is work; with True it is to be done, and counts as done."""
        if self.is_resting(now_s):
            return False
        if self._asked_s is None or now_s < self._asked_s:
            self._asked_s = now_s
        # The first time is at once. A clock that stands (in a test) gives no turns: then every frame is one.
        is_overdue = not 0.0 < now_s - self._taken_s < math.inf or now_s - self._asked_s >= self._patience_s
        if not (self._kit.take_turn(now_s) or is_overdue):
            return False
        self.take(now_s)
        return True
