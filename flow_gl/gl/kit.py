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
        self.row_drawing: Final = RowDrawing()

    def begin_draw(self) -> None:
        """Bind what all drawing needs, once for all of it: other drawing may have come in between."""
        self.row_drawing.begin()
        self.atlas.bind()

    def release(self) -> None:
        self.shaders.release()
        self.atlas.release()
        self.row_drawing.release()
