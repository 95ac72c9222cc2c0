"""Sounds: their waveforms, and a device that is present, absent or lost."""

import sys

import numpy as np
import pytest

from flow_gl.core.alerts import Condition
from flow_gl.core.event_kinds import EventKind
from flow_gl.ui.alerts import tones
from flow_gl.ui.alerts.sound import Sounder
from flow_gl.ui.alerts.tones import LONGEST_S, RATE_HZ
from tests.kit.waiting import PATIENCE_S, until

KINDS = [(Condition.EVENT, kind) for kind in EventKind] + [(one, 0) for one in Condition if one != Condition.EVENT]


def test_sounds_are_short_in_range_and_start_and_end_softly():
    for condition, kind in KINDS:
        for direction in (-1, 0, 1):
            samples = tones.sound(condition, kind, direction)
            assert 0.05 * RATE_HZ < len(samples) <= LONGEST_S * RATE_HZ
            assert 0.5 < np.abs(samples).max() <= 1.0
            assert max(abs(samples[0]), abs(samples[-1])) < 0.02


def test_every_kind_and_direction_has_its_own_sound():
    sounds = {tones.sound(c, k, d).tobytes() for c, k in KINDS for d in (-1, 1) if c != Condition.SECOND_VOLUME}
    assert len(sounds) == 2 * (len(KINDS) - 1) - 1  # the feed's is its own mirror image


def pitch(samples):
    spectrum = np.abs(np.fft.rfft(samples))
    return np.fft.rfftfreq(len(samples), 1 / RATE_HZ)[spectrum.argmax()]


def test_bullish_rises_and_bearish_falls():
    for direction in (-1, 1):
        samples = tones.sound(Condition.EVENT, EventKind.ZERO_CROSS, direction)
        half = len(samples) // 2
        assert (pitch(samples[half:]) - pitch(samples[:half])) * direction > 100


def test_without_the_package_the_problem_names_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    sounder = Sounder()
    sounder.prepare()
    until(lambda: sounder.problem, "no problem is said")
    assert not sounder.is_ready
    assert "flow_gl[alerts]" in sounder.problem
    assert sounder.play(np.zeros(10, np.float32)) is None


def test_without_a_device_a_problem_is_reported_and_no_sound_counts_as_played(monkeypatch):
    miniaudio = pytest.importorskip("miniaudio")

    def fail(**_):
        raise miniaudio.MiniaudioError("no suitable audio backend found")

    monkeypatch.setattr(miniaudio, "PlaybackDevice", fail)
    sounder = Sounder()
    sounder.prepare()
    until(lambda: sounder.problem, "no problem is said")
    assert not sounder.is_ready
    assert sounder.problem == "no sound device"
    assert sounder.play(np.zeros(10, np.float32)) is None
    sounder.close()


def test_a_device_that_stops_asking_for_samples_is_a_problem():
    pytest.importorskip("miniaudio")
    sounder = Sounder(is_null=True)
    assert sounder.wait_until_ready(PATIENCE_S)
    assert sounder.problem == ""
    sounder._device.stop()
    sounder._asked_ns -= 3_000_000_000
    assert sounder.problem == "the sound device has stopped"
    assert sounder.play(np.zeros(10, np.float32)) is None
    sounder.close()


def test_a_sound_is_played_completely_and_counts_once_the_device_took_it():
    stream = (sounder := Sounder())._stream()
    next(stream)
    assert stream.send(480) == bytes(960)
    samples = np.linspace(0.1, 0.9, 700, dtype=np.float32)
    sounder._device, sounder.volume = object(), 1.0
    voice = sounder.play(samples)
    assert not voice.is_played
    played = np.frombuffer(stream.send(480) + stream.send(480), np.int16) / 32767
    assert voice.is_played
    assert np.abs(played[:700] - samples).max() < 1e-4
    assert not played[700:].any()
    sounder._device = None
