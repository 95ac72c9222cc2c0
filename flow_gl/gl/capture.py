"""Screenshots of the framebuffer: read its pixels, and write them as PNG.

OpenGL returns rows bottom up; they are flipped here.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import FlowError
from flow_gl.core.system.files import write_whole
from flow_gl.gl.api import GL

Picture = NDArray[np.uint8]
"""uint8 (height, width, 3), RGB, top row first."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_picture(width: int, height: int) -> Picture:
    """Read the bound framebuffer. Waits until drawing has finished."""
    pixels = np.empty((height, width, 3), np.uint8)
    GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
    GL.glBindBuffer(GL.GL_PIXEL_PACK_BUFFER, 0)
    GL.glReadPixels(0, 0, width, height, GL.GL_RGB, GL.GL_UNSIGNED_BYTE, pixels)
    return np.ascontiguousarray(pixels[::-1])


def write_png(path: Path, picture: Picture) -> None:
    """Write a PNG file atomically. Raises FlowError if it cannot be written."""
    try:
        write_whole(path, png_of(picture))
    except OSError as error:
        raise FlowError(f"{path}: the picture cannot be written: {error.strerror}") from error


def png_of(picture: Picture) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    height, width, _ = picture.shape
    lines = np.zeros((height, 1 + width * 3), np.uint8)
    # No PNG filter: flat areas and repeated lines compress best unfiltered.
    lines[:, 1:] = picture.reshape(height, width * 3)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(lines.tobytes(), 6)
    chunks = b"".join(_chunk(name, body) for name, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")))
    return _PNG_SIGNATURE + chunks


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
