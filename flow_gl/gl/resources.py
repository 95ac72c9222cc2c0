"""The GPU resources that all charts of an OpenGL context share: shader programs, the font atlas, the row renderer."""

from typing import Final

from flow_gl.gl.drawing import RowDrawing
from flow_gl.gl.fonts import FontAtlas
from flow_gl.gl.shaders import ShaderLibrary


class SharedResources:
    """The shared resources of the current context."""

    def __init__(self) -> None:
        self.shaders: Final = ShaderLibrary()
        self.atlas: Final = FontAtlas()
        self.row_drawing: Final = RowDrawing()

    def begin_draw(self) -> None:
        """Bind the shared vertex array and the atlas. Other code may have bound its own since the last chart."""
        self.row_drawing.begin()
        self.atlas.bind()

    def release(self) -> None:
        self.shaders.release()
        self.atlas.release()
        self.row_drawing.release()
