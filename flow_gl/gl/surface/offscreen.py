"""An off-screen framebuffer: the headless target, and the target of pictures of any size."""

from flow_gl.core.errors import DisplayError
from flow_gl.gl.api import GL


class Offscreen:
    """A colour target of `width` x `height` pixels, RGBA8. Raises DisplayError if the driver refuses the size."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.handle = int(GL.glGenFramebuffers(1))
        self._color = int(GL.glGenRenderbuffers(1))
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Change the size. The contents are lost. Raises DisplayError."""
        most = int(GL.glGetIntegerv(GL.GL_MAX_RENDERBUFFER_SIZE))
        if not (0 < width <= most and 0 < height <= most):
            raise DisplayError(f"picture size must be 1..{most} pixels each way, was {width}x{height}")
        self.width, self.height = width, height
        GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, self._color)
        GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, GL.GL_RGBA8, width, height)
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self.handle)
        GL.glFramebufferRenderbuffer(GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0, GL.GL_RENDERBUFFER, self._color)
        if GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER) != GL.GL_FRAMEBUFFER_COMPLETE:
            raise DisplayError(f"the driver provides no framebuffer of {width}x{height} pixels")
        self.bind()

    def bind(self) -> None:
        """Make it the target of drawing."""
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self.handle)
        GL.glViewport(0, 0, self.width, self.height)

    def release(self) -> None:
        GL.glDeleteFramebuffers(1, [self.handle])
        GL.glDeleteRenderbuffers(1, [self._color])
