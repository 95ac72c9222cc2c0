"""Read frames back through a ring of pixel buffers: no frame waits for its own pixels.

A frame requests its pixels (`glReadPixels` into a buffer). A frame later the buffer is mapped, a thread copies it out
of the driver's memory, and a frame after that it is unmapped. The frame's thread never copies pixels itself.
"""

import ctypes
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DisplayError
from flow_gl.core.system.platform.processes import lower_priority
from flow_gl.gl.api import GL, buffer_data, map_buffer_range, read_pixels

_BUFFERS: Final = 4
_MAX_VIEWS: Final = 16
_NICENESS: Final = 10
"""Of the thread that copies: it must not take the core of the frame that has just asked it."""
_PACK: Final = GL.GL_PIXEL_PACK_BUFFER
Deliver = Callable[[NDArray[np.uint8]], None]
"""Copies pixels away: uint8 (height, width, 4), RGBA, bottom row first. Called on a separate thread."""


class PixelRing:
    """Pixel buffers for frames of one size.

    Parameters
    ----------
    width, height : size of the frames, px
    """

    def __init__(self, width: int, height: int) -> None:
        self.size: Final = width, height
        self._nbytes: Final = width * height * 4
        self._free: Final = deque(int(GL.glGenBuffers(1)) for _ in range(_BUFFERS))
        self._all: Final = tuple(self._free)
        self._asked: Final[deque[tuple[int, Deliver]]] = deque()
        """Buffers that the GPU fills, the oldest first."""
        self._views: Final[dict[int, NDArray[np.uint8]]] = {}
        """The pixels of mapped buffers, by address; each is read only while its buffer is mapped."""
        self._mapped = 0
        """Number of buffers that are mapped: being copied, or copied."""
        self._jobs: Final[queue.SimpleQueue[tuple[NDArray[np.uint8], Deliver, int] | None]] = queue.SimpleQueue()
        self._copied: Final[queue.SimpleQueue[int]] = queue.SimpleQueue()
        """Buffers whose copy is done."""
        for buffer in self._all:
            GL.glBindBuffer(_PACK, buffer)
            buffer_data(_PACK, self._nbytes, 0, GL.GL_STREAM_READ)
        GL.glBindBuffer(_PACK, 0)
        self._thread: Final = threading.Thread(target=self._copy, name="pixels", daemon=True)
        self._thread.start()

    def ask(self, deliver: Deliver) -> bool:
        """Request the pixels of the bound framebuffer; return False if all buffers are in use."""
        self.step()
        if not self._free:
            return False
        buffer = self._free.popleft()
        width, height = self.size
        GL.glBindBuffer(_PACK, buffer)
        GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
        read_pixels(0, 0, width, height, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, 0)
        GL.glBindBuffer(_PACK, 0)
        self._asked.append((buffer, deliver))
        return True

    def step(self) -> None:
        """Unmap what has been copied, and deliver what was requested before this frame."""
        while not self._copied.empty():
            self._unmap(self._copied.get())
        while self._asked:
            self._map(*self._asked.popleft())
        GL.glBindBuffer(_PACK, 0)

    def drain(self) -> None:
        """Wait until all requested pixels have been delivered."""
        self.step()
        while self._mapped:
            self._unmap(self._copied.get())
        GL.glBindBuffer(_PACK, 0)

    def release(self) -> None:
        """Deliver what was requested and free the buffers."""
        self.drain()
        self._jobs.put(None)
        self._thread.join()
        GL.glDeleteBuffers(len(self._all), np.array(self._all, np.uint32))

    def _map(self, buffer: int, deliver: Deliver) -> None:
        GL.glBindBuffer(_PACK, buffer)
        address = map_buffer_range(_PACK, 0, self._nbytes, GL.GL_MAP_READ_BIT)
        if not address:
            raise DisplayError("the driver could not map the pixel buffer")
        self._mapped += 1
        self._jobs.put((self._pixels_at(address), deliver, buffer))

    def _pixels_at(self, address: int) -> NDArray[np.uint8]:
        """Return the pixels at an address. Drivers map the same few buffers to the same addresses."""
        pixels = self._views.get(address)
        if pixels is None:
            if len(self._views) >= _MAX_VIEWS:
                self._views.clear()
            width, height = self.size
            memory = (ctypes.c_ubyte * self._nbytes).from_address(address)
            pixels = np.frombuffer(memoryview(memory), np.uint8).reshape(height, width, 4)
            self._views[address] = pixels
        return pixels

    def _unmap(self, buffer: int) -> None:
        GL.glBindBuffer(_PACK, buffer)
        GL.glUnmapBuffer(_PACK)
        self._free.append(buffer)
        self._mapped -= 1

    def _copy(self) -> None:
        if sys.platform == "linux":  # there, of this thread alone
            lower_priority(_NICENESS)
        while (job := self._jobs.get()) is not None:
            pixels, deliver, buffer = job
            try:
                deliver(pixels)
            finally:
                self._copied.put(buffer)
