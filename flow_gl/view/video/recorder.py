"""Video of a surface: records to a file, keeps the newest seconds, counts what it drops.

A video has a constant frame rate in real time: frame k shows the picture at k / fps seconds. Where drawing is slower,
a picture is repeated. Where encoding is slower, pictures are dropped, and counted.
"""

import ctypes
import queue
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DisplayError, FlowError
from flow_gl.core.spec import environment_for
from flow_gl.core.system import children
from flow_gl.core.system.platform.line_process import LineProcess
from flow_gl.gl.surface.context import Surface
from flow_gl.store.shm import Segment
from flow_gl.view.video import messages
from flow_gl.view.video.messages import PIXEL_BYTES, Begin, Done, Failed, Free, Picture, Ready, Record, Save, Stop
from flow_gl.view.video.readback import PixelRing

COMMAND: Final = children.command("flow_gl.view.video")
SLOTS: Final = 6
"""Pictures that may wait for the encoder."""
_LOOK_S: Final = 0.05
"""How often the encoder's process is looked at: that is a call of the system."""
START_S: Final = 30.0
"""How long the encoder's process may take to start while the program waits for it."""


class Recorder:
    """The video of a surface.

    Parameters
    ----------
    surface : what is drawn; its size now is the video's, later sizes are cut or padded
    fps : frames a second
    keep_s : how many of the newest seconds can be saved afterwards; 0 for none
    cursor : returns where the mouse is, px from the top left; None where it is not to be drawn

    Attributes
    ----------
    path : the file that is being recorded; None while none is
    dropped : frames of the recording that show an older picture, because the encoder was too slow
    error : why the last recording ended before it was stopped
    is_ready : the encoder works
    is_asked : something was recorded, or is

    Raises
    ------
    FlowError
        if the encoder's process cannot be started or there is no shared memory for it
    """

    def __init__(
        self,
        surface: Surface,
        *,
        fps: int,
        keep_s: float = 0.0,
        cursor: Callable[[], tuple[int, int] | None] | None = None,
    ) -> None:
        self._surface: Final = surface
        self._fps: Final = fps
        self._cursor: Final = cursor or (lambda: None)
        self.path: Path | None = None
        self.dropped = 0
        self.error: FlowError | None = None
        self.is_ready = False
        self.is_asked = False
        self._size: Final = surface.size
        self._keep_s: Final = keep_s
        self._ring: PixelRing | None = None
        self._began_ns = 0
        self._number = -1
        """Number of the newest frame whose picture was requested; -1 before the first."""
        self._slots: Final = deque(range(SLOTS))
        self._answers: Final[queue.SimpleQueue[messages.FromEncoder]] = queue.SimpleQueue()
        """What the encoder answered, but for the free slots."""
        self._news: Final[list[str]] = []
        self._pending = 0
        """Files that the encoder has not completed yet."""
        self._was_gone = False
        """Whether the encoder's process had ended at the last look."""
        self._looked_s = -_LOOK_S
        width, height = self._size
        shape = (SLOTS, height, width, PIXEL_BYTES)
        self._segment: Final = Segment.create(f"video{id(self) % 10_000}", int(np.prod(shape)))
        self._pixels: Final[NDArray[np.uint8]] = np.frombuffer(self._segment.buffer, np.uint8).reshape(shape)
        try:
            self._process: Final = LineProcess(COMMAND, environment=environment_for(), name="video", on_line=self._hear)
        except OSError as error:
            self._segment.close()
            raise FlowError(f"the video encoder cannot be started: {error.strerror or error}") from error
        self._send(Begin(self._segment.name, width, height, SLOTS, fps, keep_s))

    @property
    def pid(self) -> int:
        """Process id of the encoder."""
        return self._process.process.pid

    @property
    def is_gone(self) -> bool:
        """Whether the encoder's process has ended."""
        return self._process.has_ended

    @property
    def is_on(self) -> bool:
        """Whether pictures are needed: for a recording or for the newest seconds."""
        return not self._was_gone and (self.path is not None or self._keep_s > 0)

    @property
    def is_working(self) -> bool:
        """Whether a file is not complete yet."""
        return self._pending > 0

    @property
    def seconds(self) -> float:
        """Length of the recording so far."""
        return (self._number + 1) / self._fps

    def wait_ready(self) -> None:
        """Wait until the encoder works. Raises DisplayError or FlowError."""
        end_s = time.monotonic() + START_S
        while not self.is_ready and self.error is None and time.monotonic() < end_s:
            self.poll()
            time.sleep(0.005)
        if self.error is not None:
            raise self.error
        if not self.is_ready:
            raise FlowError(f"the video encoder did not start within {START_S:.0f} s")

    def record(self, path: Path) -> None:
        """Begin a file with the next picture."""
        if self._ring is not None:
            self._ring.drain()  # earlier pictures are not in the file
        self.path, self.dropped, self.error, self._number, self.is_asked = path, 0, None, -1, True
        self._pending += 1
        self._send(Record(str(path)))

    def stop(self) -> None:
        """Complete the file in the background. Idempotent."""
        if self.path is None:
            return
        self.path = None
        if self._ring is not None:
            self._ring.drain()
        self._send(Stop())

    def save(self, path: Path) -> None:
        """Write the newest seconds to a file in the background."""
        if self._ring is not None:
            self._ring.drain()
        self._pending += 1
        self._send(Save(str(path)))

    def offer(self, now_ns: int) -> None:
        """Read the current picture back if a frame of the video is due at `now_ns` (monotonic)."""
        self.poll()
        if not self.is_on or not self.is_ready:
            return
        if self._number < 0:
            self._began_ns = now_ns
        # Half a frame of grace: a picture drawn a little early is the one that is due.
        number = int((now_ns - self._began_ns) * self._fps / 1e9 + 0.5)
        if number <= self._number:
            return
        self._surface.begin()
        ring = self._ring_now()
        repeats, cursor = number - self._number - 1, self._cursor()
        slot = self._slots.popleft() if self._slots else None
        if slot is None or not ring.ask(lambda pixels: self._deliver(pixels, Picture(slot, repeats, cursor))):
            if slot is not None:
                self._slots.append(slot)
            self.dropped += 1
            ring.step()
            return
        self._number = number

    def poll(self) -> None:
        """Take the encoder's answers."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s, self._was_gone = now_s, self.is_gone
        if self._was_gone:
            self._process.lines()  # waits until all that it wrote was heard
        while not self._answers.empty():
            self._take(self._answers.get())
        if self._was_gone and (self._pending or (self.error is None and not self.is_ready)):
            self._pending = 0
            self._fail(FlowError("the video encoder has ended"))

    def _hear(self, line: bytes) -> None:
        """Take a line of the encoder, in the thread that reads them: a slot is free again with no work in a frame."""
        with suppress(msgspec.MsgspecError):  # a library has printed something
            message = messages.from_encoder.decode(line)
            if isinstance(message, Free):
                self._slots.append(message.slot)
            else:
                self._answers.put(message)

    def _take(self, message: messages.FromEncoder) -> None:
        match message:
            case Ready():
                self.is_ready = True
            case Done(path=path, seconds=seconds):
                self._pending -= 1
                self._news.append(f"saved {path} ({seconds:.0f} s)")
            case Failed(text=text):
                self._fail(FlowError(text) if self.is_ready else DisplayError(text))

    def news(self) -> list[str]:
        """Return one line for each file that is complete or has failed, since the last call."""
        self.poll()
        found = list(self._news)
        self._news.clear()
        return found

    def close(self, wait_s: float = 60.0) -> None:
        """Complete the file and end the process. Idempotent."""
        self.stop()
        if self._ring is not None:
            self._ring.release()
            self._ring = None
        self._end(wait_s)

    def rescue(self, wait_s: float = 10.0) -> None:
        """Complete the file without the pictures that the lost surface still holds."""
        self.path = None
        self._end(wait_s)

    def _end(self, wait_s: float) -> None:
        self._process.end(wait_s)
        self._process.lines()  # waits, as above
        self.poll()
        self._process.close()
        self._segment.close()

    def _ring_now(self) -> PixelRing:
        """Return the ring for the surface's size."""
        if self._ring is not None and self._ring.size != self._surface.size:
            self._ring.release()
            self._ring = None
        if self._ring is None:
            self._ring = PixelRing(*self._surface.size)
        return self._ring

    def _deliver(self, pixels: NDArray[np.uint8], message: Picture) -> None:
        """Copy pixels to their slot, with the top left corner in its place, and notify the encoder."""
        slot = self._pixels[message.slot]
        height, width = min(len(slot), len(pixels)), min(slot.shape[1], pixels.shape[1])
        if slot.shape == pixels.shape:
            # NumPy would hold the interpreter's lock while it copies, and a frame would wait for it.
            ctypes.memmove(slot.ctypes.data, pixels.ctypes.data, slot.nbytes)
        else:
            slot[:] = 0
            slot[len(slot) - height :, :width] = pixels[len(pixels) - height :, :width]
        self._send(message)

    def _send(self, message: messages.ToEncoder) -> None:
        self._process.send(messages.line(message))  # if it has ended, `poll` reports it

    def _fail(self, error: FlowError) -> None:
        self._pending = max(0, self._pending - 1)
        self.path, self.error = None, error
        self._news.append(str(error))
