"""Screenshots and video of the framebuffer.

A screenshot waits for its pixels. A video reads each frame into one of two pixel buffers and maps the other one, filled
a frame earlier, so that reading does not wait for the GPU. OpenGL returns rows bottom up; they are flipped here.
"""

import ctypes
import struct
import zlib
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DisplayError, FlowError
from flow_gl.core.system import mp4
from flow_gl.core.system.files import write_whole
from flow_gl.core.system.packages import install_advice
from flow_gl.gl.api import GL, buffer_data

Picture = NDArray[np.uint8]
"""uint8 (height, width, 3), RGB, top row first."""

_FRAGMENTED: Final = "frag_keyframe+empty_moov+default_base_moof"
_CODECS: Final = ("libx264", "libopenh264", "mpeg4")
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def read_picture(width: int, height: int) -> Picture:
    """Read the bound framebuffer. Waits until drawing has finished."""
    pixels = np.empty((height, width, 3), np.uint8)
    GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
    GL.glBindBuffer(GL.GL_PIXEL_PACK_BUFFER, 0)
    GL.glReadPixels(0, 0, width, height, GL.GL_RGB, GL.GL_UNSIGNED_BYTE, pixels)
    return np.ascontiguousarray(pixels[::-1])


class PixelReader:
    """Reads the pixels of successive frames without waiting, one frame late."""

    def __init__(self, width: int, height: int) -> None:
        self.width: Final = width
        self.height: Final = height
        self._nbytes: Final = width * height * 4
        self._buffers: Final = [int(GL.glGenBuffers(1)) for _ in range(2)]
        for buffer in self._buffers:
            GL.glBindBuffer(GL.GL_PIXEL_PACK_BUFFER, buffer)
            buffer_data(GL.GL_PIXEL_PACK_BUFFER, self._nbytes, 0, GL.GL_STREAM_READ)
        GL.glBindBuffer(GL.GL_PIXEL_PACK_BUFFER, 0)
        self._frames = 0

    def read(self) -> Picture | None:
        """Start reading the bound framebuffer and return the previous frame; None on the first call."""
        GL.glBindBuffer(GL.GL_PIXEL_PACK_BUFFER, self._buffers[self._frames & 1])
        GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
        GL.glReadPixels(0, 0, self.width, self.height, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, ctypes.c_void_p(0))
        self._frames += 1
        return self._take() if self._frames > 1 else None

    def finish(self) -> Picture | None:
        """Return the last frame that was requested; None if there is none."""
        if self._frames == 0:
            return None
        self._frames += 1
        return self._take()

    def _take(self) -> Picture:
        GL.glBindBuffer(GL.GL_PIXEL_PACK_BUFFER, self._buffers[self._frames & 1])
        address = GL.glMapBufferRange(GL.GL_PIXEL_PACK_BUFFER, 0, self._nbytes, GL.GL_MAP_READ_BIT)
        if not address:
            raise DisplayError("the driver could not map the pixel buffer")
        memory = (ctypes.c_ubyte * self._nbytes).from_address(int(address))
        pixels = np.frombuffer(memoryview(memory), np.uint8).reshape(self.height, self.width, 4)
        picture = np.ascontiguousarray(pixels[::-1, :, :3])
        GL.glUnmapBuffer(GL.GL_PIXEL_PACK_BUFFER)
        GL.glBindBuffer(GL.GL_PIXEL_PACK_BUFFER, 0)
        return picture

    def release(self) -> None:
        GL.glDeleteBuffers(2, np.array(self._buffers, np.uint32))


def write_png(path: Path, picture: Picture) -> None:
    """Write a PNG file atomically. Raises FlowError if it cannot be written."""
    height, width, _ = picture.shape
    lines = np.zeros((height, 1 + width * 3), np.uint8)
    # No PNG filter: flat areas and repeated lines compress best unfiltered.
    lines[:, 1:] = picture.reshape(height, width * 3)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(lines.tobytes(), 6)
    chunks = b"".join(_chunk(name, body) for name, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")))
    try:
        write_whole(path, _PNG_SIGNATURE + chunks)
    except OSError as error:
        raise FlowError(f"{path}: the picture cannot be written: {error.strerror}") from error


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


class VideoWriter:
    """An MP4 file with a constant frame rate, in H.264 if an encoder is available.

    It is written in fragments of one second (`core.system.mp4`), so that an interrupted file plays up to that point.

    Raises
    ------
    DisplayError
        if PyAV is not installed or has no working encoder
    FlowError
        if the file cannot be written; what was written so far plays, and a file without a frame is removed
    """

    def __init__(self, path: Path, width: int, height: int, *, frames_per_second: int = 60) -> None:
        av = _import_av()
        self.path: Final = path
        self.frames = 0
        """Frames in the video so far, including repeated ones."""
        # Encoders need an even width and height.
        self._size: Final = width & ~1, height & ~1
        self._av: Final = av
        self._time_base: Final = Fraction(1, frames_per_second)
        self._last: Any = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Each fragment is flushed at once, so that the file plays even if the program is killed.
            options = {"movflags": _FRAGMENTED, "flush_packets": "1"}
            self._container = av.open(str(path), "w", format="mp4", options=options)
        except (OSError, av.FFmpegError) as error:
            mp4.leave_whole(path)
            raise self._failure(error) from error
        try:
            self._stream = self._add_stream(frames_per_second)
        except DisplayError:
            mp4.leave_whole(path)
            raise

    def _add_stream(self, frames_per_second: int) -> Any:
        reasons = []
        for codec in _CODECS:
            try:
                stream = self._container.add_stream(codec, rate=Fraction(frames_per_second))
            except (self._av.FFmpegError, ValueError) as error:
                reasons.append(f"{codec}: {error}")
                continue
            stream.width, stream.height = self._size
            stream.pix_fmt = "yuv420p"
            stream.gop_size = frames_per_second
            if codec == "libx264":
                stream.options = {"crf": "18", "preset": "veryfast"}
            else:
                stream.bit_rate = 8_000_000
            return stream
        raise DisplayError(f"no video encoder works: {'; '.join(reasons)}")

    def add(self, picture: Picture) -> None:
        """Append a frame of the size given to the constructor."""
        width, height = self._size
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
        self._last = frame.reformat(format="yuv420p")
        self._last.time_base = self._time_base
        self.repeat()

    def repeat(self) -> None:
        """Append the last frame again."""
        self._last.pts = self.frames
        self.frames += 1
        self._mux(self._last)

    def skip(self, frames: int) -> None:
        """Extend the last frame by this many frames without writing them."""
        self.frames += frames

    def close(self) -> None:
        """Flush the encoder and finish the file. Raises FlowError."""
        self._mux(None)
        try:
            self._container.close()
        except (OSError, self._av.FFmpegError) as error:
            mp4.leave_whole(self.path)
            raise self._failure(error) from error

    def abandon(self) -> None:
        """Close a file that can no longer be written. The part that plays is kept."""
        with suppress(OSError, self._av.FFmpegError):
            self._container.close()
        mp4.leave_whole(self.path)

    def _mux(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (OSError, self._av.FFmpegError) as error:
            self.abandon()
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> FlowError:
        return FlowError(f"{self.path}: the video cannot be written: {getattr(error, 'strerror', None) or error}")


def _import_av() -> Any:
    try:
        import av
    except ImportError as error:
        raise DisplayError(f"video needs PyAV, which is not installed: {install_advice('video')}") from error
    return av
