"""What all charts of one context share: programs, the texture of labels, what rows are drawn with."""

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
        self._turn_s = -1.0

    def take_turn(self, now_s: float) -> bool:
        """Ask to do something long that may wait a frame: one of all who ask in a frame may."""
        if now_s == self._turn_s:
            return False
        self._turn_s = now_s
        return True

    def release(self) -> None:
        self.shaders.release()
        self.atlas.release()
        self.rows.release()
