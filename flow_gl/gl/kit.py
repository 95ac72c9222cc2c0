"""What all charts of one context share: programs and the texture of labels."""

from typing import Final

from flow_gl.gl.fonts import FontAtlas
from flow_gl.gl.shaders import ShaderLibrary


class Kit:
    """Programs and fonts of the current context."""

    def __init__(self) -> None:
        self.shaders: Final = ShaderLibrary()
        self.atlas: Final = FontAtlas()

    def release(self) -> None:
        self.shaders.release()
        self.atlas.release()
