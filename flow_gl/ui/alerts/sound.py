"""Plays sounds through miniaudio, on a device that stays open, so that a sound begins within one period of it.

The device is opened by a thread, because that may take seconds. Its own thread asks for samples every `PERIOD_MS`; it
takes the sounds that wait and mixes them. A sound counts as played only once the device has taken its first samples.
"""

import ctypes
import sys
import threading
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.log import get_logger
from flow_gl.ui.alerts.tones import RATE_HZ

PERIOD_MS: Final = 10
"""How often the device asks for samples, which bounds the delay of a sound."""
SILENT_NS: Final = 2_000_000_000
"""A device that has requested nothing for this long is lost: unplugged, or its server is gone."""
RETRY_NS: Final = 10_000_000_000
"""A device that could not be opened, or is lost, is tried again after this time."""
TOO_LATE_NS: Final = 500_000_000
"""A sound that the device has not taken by then is dropped: it would mislead."""
MAX_VOICES: Final = 4
"""Sounds that play at the same time; a new one replaces the oldest."""


_ALSA_HANDLER: Final = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)(lambda *_: None)
"""Takes the place of ALSA's own handler. Kept here, because ALSA keeps only its address."""


def _keep_alsa_quiet() -> None:
    """Keep ALSA from writing to the terminal where there is no sound card: the header says so instead."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_ALSA_HANDLER)
    except (OSError, AttributeError):
        return


@dataclass(slots=True)
class Voice:
    """A sound on its way."""

    samples: NDArray[np.float32]
    asked_ns: int
    began_ns: int = 0
    """Monotonic time at which the device took its first samples; 0 before."""
    at: int = 0

    @property
    def is_played(self) -> bool:
        return self.began_ns != 0


class Sounder:
    """A sound device.

    Parameters
    ----------
    is_null : play into miniaudio's null device, for tests and measurements
    """

    def __init__(self, *, is_null: bool = False, clock: Clock = SYSTEM) -> None:
        self._is_null: Final = is_null
        self._clock: Final = clock
        self._waiting: Final[deque[Voice]] = deque()
        self._voices: list[Voice] = []
        self._device: Any = None
        self._thread: threading.Thread | None = None
        self._problem = ""
        self._asked_ns = 0
        """Monotonic time at which the device last asked for samples; 0 before the first."""
        self._tried_ns = -RETRY_NS
        self._lock: Final = threading.Lock()
        self._is_closed = False
        self.volume = 0.6

    @property
    def problem(self) -> str:
        """Why no sound can be heard, a few words; "" if it can, or if that is not known yet."""
        if self._device is not None and self._is_lost():
            return "the sound device has stopped"
        return self._problem

    @property
    def is_ready(self) -> bool:
        """Whether a sound requested now would be played."""
        return self._device is not None and self._asked_ns != 0 and not self._is_lost()

    def prepare(self) -> None:
        """Open the device, in a thread, unless it is open. Cheap: may be called in every frame."""
        now = self._clock.monotonic_ns()
        is_busy = self._thread is not None and self._thread.is_alive()
        if is_busy or self._is_closed or (self._device is not None and not self._is_lost()):
            return
        if now - self._tried_ns < RETRY_NS:
            return
        self._tried_ns = now
        self._thread = threading.Thread(target=self._open, name="sound", daemon=True)
        self._thread.start()

    def play(self, samples: NDArray[np.float32]) -> Voice | None:
        """Play a sound (mono, RATE_HZ) as soon as possible; None if there is no device that would."""
        if not self.is_ready:
            return None
        voice = Voice(samples, self._clock.monotonic_ns())
        self._waiting.append(voice)
        return voice

    def wait_until_ready(self, seconds: float) -> bool:
        """Wait for the device; return whether it is ready."""
        self.prepare()
        deadline = self._clock.monotonic_ns() + int(seconds * 1e9)
        while not self.is_ready and self._clock.monotonic_ns() < deadline:
            self._clock.sleep(0.005)
        return self.is_ready

    def close(self) -> None:
        """Stop and close the device. Idempotent."""
        self._is_closed = True
        with self._lock:
            self._close_device()

    def _is_lost(self) -> bool:
        since = self._asked_ns or self._tried_ns
        return self._clock.monotonic_ns() - since > SILENT_NS

    def _open(self) -> None:
        try:
            import miniaudio
        except ImportError:
            self._problem = "miniaudio is not installed: pip install flow_gl[alerts]"
            return
        _keep_alsa_quiet()
        with self._lock:
            self._close_device()
            if self._is_closed:
                return
            null = miniaudio.Backend.NULL
            backends = [null] if self._is_null else [one for one in miniaudio.Backend if one is not null]
            # Without this list miniaudio takes its null device where there is no other, and nothing would be heard.
            try:
                device = miniaudio.PlaybackDevice(
                    output_format=miniaudio.SampleFormat.SIGNED16,
                    nchannels=1,
                    sample_rate=RATE_HZ,
                    buffersize_msec=PERIOD_MS,
                    backends=backends,
                    app_name="flow_gl",
                )
                stream = self._stream()
                next(stream)
                self._asked_ns = 0
                device.start(stream)
            except Exception as error:  # miniaudio's own errors, and those of its C library
                self._problem = "no sound device"
                get_logger("view").info("no sound device", extra={"error": error})
                return
            self._problem = ""
            self._device = device

    def _close_device(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except Exception as error:
                get_logger("view").info("the sound device did not close", extra={"error": error})

    def _stream(self) -> Generator[bytes, int, None]:
        """Yield samples (int16, mono) as the device asks for them. Runs in the device's thread."""
        frames = yield b""
        while True:
            now = self._clock.monotonic_ns()
            self._asked_ns = now
            if not self._waiting and not self._voices:
                frames = yield bytes(2 * frames)
                continue
            while self._waiting:
                voice = self._waiting.popleft()
                if now - voice.asked_ns <= TOO_LATE_NS:
                    voice.began_ns = now
                    self._voices = [*self._voices, voice][-MAX_VOICES:]
            mixed = np.zeros(frames, np.float32)
            for voice in self._voices:
                part = voice.samples[voice.at : voice.at + frames]
                mixed[: len(part)] += part
                voice.at += len(part)
            self._voices = [voice for voice in self._voices if voice.at < len(voice.samples)]
            frames = yield (np.clip(mixed * self.volume, -1.0, 1.0) * 32767).astype(np.int16).tobytes()
