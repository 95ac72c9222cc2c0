"""The sounds of alerts, made here: two or three short notes, rising for bullish and falling for bearish.

Each kind of condition has its own pitch and colour, so that an ear learns them. A sound is at most 0.4 s long.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import Condition
from flow_gl.core.event_kinds import EventKind

RATE_HZ: Final = 48_000
LONGEST_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class _Tone:
    """Pitch of the lowest note, steps to the others in semitones, and strength of the overtones."""

    pitch_hz: float
    steps: tuple[int, ...]
    overtones: tuple[float, ...]
    note_s: float = 0.11


_OF_EVENTS: Final[dict[int, _Tone]] = {
    EventKind.ZERO_CROSS: _Tone(660.0, (0, 7), (1.0, 0.3)),
    EventKind.LARGE_TRADE: _Tone(330.0, (0, 12), (1.0, 0.5, 0.35), 0.09),
    EventKind.ABSORPTION: _Tone(440.0, (0, 3, 7), (1.0, 0.15), 0.09),
    EventKind.DIVERGENCE: _Tone(523.25, (0, 4), (1.0, 0.0, 0.4)),
    EventKind.STACKED_IMBALANCE: _Tone(392.0, (0, 2, 4), (1.0, 0.25, 0.1), 0.07),
}
_OF_CONDITIONS: Final[dict[int, _Tone]] = {
    Condition.LEVEL: _Tone(880.0, (0, 5), (1.0, 0.1)),
    Condition.CVD: _Tone(587.33, (0, 7, 12), (1.0, 0.2), 0.08),
    Condition.BUBBLE: _Tone(261.63, (0, 7), (1.0, 0.6, 0.3)),
    Condition.SECOND_VOLUME: _Tone(311.13, (0, 0), (1.0, 0.4), 0.07),
    Condition.SECOND_DELTA: _Tone(349.23, (0, 5), (1.0, 0.4), 0.07),
    Condition.FEED: _Tone(220.0, (6, 0, 6), (1.0, 0.5, 0.25, 0.1), 0.12),
}


@lru_cache(maxsize=64)
def sound(condition: int, event: int, direction: int) -> NDArray[np.float32]:
    """Return a sound: mono samples at RATE_HZ, within -1..1, float32.

    Parameters
    ----------
    condition : `core.alerts.Condition`
    event : `core.event_kinds.EventKind`, with an event
    direction : +1 rising, -1 falling, 0 the lowest note repeated
    """
    tone = _OF_EVENTS.get(event) if condition == Condition.EVENT else _OF_CONDITIONS.get(condition)
    tone = tone or _OF_CONDITIONS[Condition.LEVEL]
    steps = tone.steps if direction > 0 else tone.steps[::-1] if direction < 0 else (tone.steps[0],) * len(tone.steps)
    samples = np.concatenate([_note(tone, tone.pitch_hz * 2 ** (step / 12)) for step in steps])
    samples = samples[: int(LONGEST_S * RATE_HZ)]
    return np.asarray(0.9 * samples / np.abs(samples).max(), np.float32)


def _note(tone: _Tone, pitch_hz: float) -> NDArray[np.float64]:
    count = int(tone.note_s * RATE_HZ)
    seconds = np.arange(count) / RATE_HZ
    wave = sum(
        part * np.sin(2 * np.pi * pitch_hz * (number + 1) * seconds) for number, part in enumerate(tone.overtones)
    )
    # 4 ms of rise and a fall to nothing: no click at either end.
    envelope = np.minimum(1.0, seconds / 0.004) * np.exp(-seconds / (0.45 * tone.note_s))
    envelope *= np.minimum(1.0, (tone.note_s - seconds) / 0.01)
    return np.asarray(wave * envelope)
