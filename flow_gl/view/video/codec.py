"""Encode pictures to a fragmented MP4 stream: H.264, on a hardware encoder if one works.

A fragment is one second and begins with a keyframe, so that a file may begin and end with any of them.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DisplayError, FlowError
from flow_gl.core.system.packages import install_advice

CODECS: Final = ("h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox", "libx264", "libopenh264", "mpeg4")
"""In the order in which they are tried: hardware first."""
_MOVFLAGS: Final = "frag_keyframe+empty_moov+default_base_moof"
_BITS_PER_PIXEL: Final = 0.12
"""For encoders without constant quality: 15 Mbit/s at 1920x1080 and 60 frames a second."""


class _Pipe:
    """The part of a file that the muxer needs: it is given the stream's bytes, and never seeks."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take: Final = take
        self.error: FlowError | None = None
        """Why the bytes could not be taken. PyAV would replace it with its own error."""

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self._take(bytes(data))
            except FlowError as error:
                self.error = error
        return len(data)


class Encoder:
    """An encoder of pictures of one size.

    Parameters
    ----------
    width, height : size of the pictures, px; an odd one loses its last line or column
    fps : frames a second of the video
    take : called with the stream's bytes
    codecs : names of encoders, the first that works is used

    Attributes
    ----------
    codec : name of the encoder in use
    frames : frames so far, repeated ones included

    Raises
    ------
    DisplayError
        if PyAV is not installed or no encoder works
    """

    def __init__(
        self, width: int, height: int, fps: int, take: Callable[[bytes], None], codecs: Sequence[str] = CODECS
    ) -> None:
        av = import_av()
        # Encoders need an even width and height.
        self._size: Final = width & ~1, height & ~1
        self._av: Final = av
        self._time_base: Final = Fraction(1, fps)
        self.frames = 0
        self._last: Any = None
        self.codec = self._working(codecs, fps)
        self._pipe: Final = _Pipe(take)
        self._container: Final = av.open(self._pipe, "w", format="mp4", options={"movflags": _MOVFLAGS})
        self._stream: Final = self._container.add_stream(self.codec, rate=Fraction(fps))
        self._set_up(self._stream, self.codec, fps)

    @property
    def units_per_second(self) -> int:
        """Decode times of the stream in a second; 0 before its first bytes."""
        return round(1 / self._stream.time_base) if self._stream.time_base else 0

    @property
    def units(self) -> int:
        """Decode times that the frames take so far."""
        return round(self.frames * self._time_base * self.units_per_second)

    def add(self, picture: NDArray[np.uint8], repeats: int = 0) -> None:
        """Repeat the last picture a number of times, then append this one. Raises what `take` raises.

        Parameters
        ----------
        picture : uint8 (height, width, 4), RGBA, top row first
        """
        if self._last is not None:
            for _ in range(repeats):
                self._append(self._last)
        width, height = self._size
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgba")
        self._last = frame.reformat(format="yuv420p")
        self._last.time_base = self._time_base
        self._append(self._last)

    def close(self) -> None:
        """Finish the stream. Raises what `take` raises."""
        if self.frames:
            self._mux(None)
        self._container.close()
        self._check()

    def _append(self, frame: Any) -> None:
        frame.pts = self.frames
        self.frames += 1
        self._mux(frame)

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
        self._check()

    def _check(self) -> None:
        if self._pipe.error is not None:
            raise self._pipe.error

    def _working(self, codecs: Sequence[str], fps: int) -> str:
        """Return the first encoder that can be opened: one may be compiled in without its hardware."""
        reasons = []
        for name in codecs:
            try:
                context = self._av.CodecContext.create(name, "w")
                context.framerate, context.time_base = Fraction(fps), self._time_base
                self._set_up(context, name, fps)
                context.open()
            except (self._av.FFmpegError, ValueError) as error:
                reasons.append(f"{name}: {error}")
            else:
                return name
        raise DisplayError(f"no video encoder works: {'; '.join(reasons)}")

    def _set_up(self, encoder: Any, codec: str, fps: int) -> None:
        """Set a stream or a codec context up."""
        encoder.width, encoder.height = self._size
        encoder.pix_fmt = "yuv420p"
        encoder.gop_size = fps
        if codec == "libx264":
            encoder.options = {"crf": "18", "preset": "veryfast", "bf": "0", "sc_threshold": "0"}
        else:
            encoder.bit_rate = round(self._size[0] * self._size[1] * fps * _BITS_PER_PIXEL)


def import_av() -> Any:
    """Return PyAV. Raises DisplayError if it is not installed."""
    try:
        import av
    except ImportError as error:
        raise DisplayError(f"video needs PyAV, which is not installed: {install_advice('video')}") from error
    return av
