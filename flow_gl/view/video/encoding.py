"""The work of the encoder's process: pictures in shared memory become files.

A recording and the newest seconds are two streams of the same pictures, so that a recording begins and ends with the
picture at which the user requested it.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import FlowError
from flow_gl.store.shm import Segment
from flow_gl.view.video import messages
from flow_gl.view.video.codec import Encoder
from flow_gl.view.video.cursor import draw_cursor
from flow_gl.view.video.files import Newest, VideoFile
from flow_gl.view.video.messages import PIXEL_BYTES, Begin, Done, Failed, Free, Picture, Ready, Record, Save, Stop


class Encoding:
    """Executes the commands on the view's lines until they end, then completes the file that is open.

    Parameters
    ----------
    commands : lines from the view
    answers : lines to the view
    """

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands: Final = commands
        self._answers: Final = answers
        self._begin = Begin("", 0, 0, 0, 1, 0.0)
        self._segment: Segment | None = None
        self._slots: NDArray[np.uint8] = np.zeros((0, 0, 0, PIXEL_BYTES), np.uint8)
        self._recording: tuple[Encoder, VideoFile] | None = None
        self._keeping: tuple[Encoder, Newest] | None = None

    def run(self) -> None:
        """Execute commands until there are no more: also those that a view has left behind that was killed."""
        for line in self._commands:
            self._execute(messages.to_encoder.decode(line))
        self._stop()

    def _execute(self, message: messages.ToEncoder) -> None:
        try:
            match message:
                case Begin():
                    self._start(message)
                case Picture():
                    self._encode(message)
                case Record():
                    self._record(Path(message.path))
                case Stop():
                    self._stop()
                case Save():
                    self._save(Path(message.path))
        except FlowError as error:
            self._say(Failed(str(error)))

    def _start(self, begin: Begin) -> None:
        self._stop()
        self._keeping = None
        self._begin = begin
        if self._segment is not None:
            self._segment.close()
        self._segment = Segment.attach(begin.segment)
        shape = (begin.slots, begin.height, begin.width, PIXEL_BYTES)
        self._slots = np.frombuffer(self._segment.buffer, np.uint8, int(np.prod(shape))).reshape(shape)
        encoder = self._encoder(lambda _: None)  # so that a lack of encoders is reported now
        if begin.keep_s:
            newest = Newest(begin.keep_s)
            self._keeping = self._encoder(newest.take), newest
        self._say(Ready(encoder.codec))

    def _encoder(self, take: Callable[[bytes], None]) -> Encoder:
        return Encoder(self._begin.width, self._begin.height, self._begin.fps, take)

    def _encode(self, message: Picture) -> None:
        picture = np.ascontiguousarray(self._slots[message.slot, ::-1])
        self._say(Free(message.slot))
        if message.cursor is not None:
            draw_cursor(picture, *message.cursor)
        if self._keeping is not None:
            encoder, newest = self._keeping
            encoder.add(picture, message.repeats)
            newest.drop_old(encoder.units_per_second)
        if self._recording is not None:
            encoder, file = self._recording
            try:
                encoder.add(picture, message.repeats)
            except FlowError as error:
                self._recording = None
                self._say(Failed(str(error), str(file.path)))

    def _record(self, path: Path) -> None:
        self._stop()
        try:
            file = VideoFile(path)
        except FlowError as error:
            self._say(Failed(str(error), str(path)))
            return
        self._recording = self._encoder(file.write), file

    def _stop(self) -> None:
        """Complete the recording, if there is one."""
        recording, self._recording = self._recording, None
        if recording is None:
            return
        encoder, file = recording
        try:
            encoder.close()
        except FlowError as error:
            self._say(Failed(str(error), str(file.path)))
            return
        file.close()
        self._say(Done(str(file.path), encoder.frames / self._begin.fps))

    def _save(self, path: Path) -> None:
        if self._keeping is None:
            raise FlowError(f"{path}: there is no recent video to save")
        encoder, newest = self._keeping
        # The newest pictures are still in the encoder: its stream ends here, and another one continues it.
        encoder.close()
        newest.next_stream(encoder.units)
        self._keeping = self._encoder(newest.take), newest
        seconds = newest.save(path)
        self._say(Done(str(path), seconds / max(1, encoder.units_per_second)))

    def _say(self, message: messages.FromEncoder) -> None:
        with suppress(BrokenPipeError):  # the view has ended
            self._answers.write(messages.line(message))
            self._answers.flush()
