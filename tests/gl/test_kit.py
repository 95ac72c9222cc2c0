"""Long pieces of work of several charts do not meet in one frame, and none waits for long."""

import numpy as np

from flow_gl.gl.kit import Kit, Turn

EVERY_S, PATIENCE_S, FRAME_S = 0.05, 0.1, 1 / 60


class _Kit(Kit):
    """The turns, without programs and fonts."""

    def __init__(self) -> None:
        self.may_wait = True
        self._turn_s = -1.0


def _turns(count: int, kit: Kit | None = None) -> list[Turn]:
    kit = kit or _Kit()
    return [Turn(kit, every_s=EVERY_S, patience_s=PATIENCE_S) for _ in range(count)]


def test_turns_are_taken_in_different_frames_and_none_waits_long() -> None:
    turns = _turns(3)
    taken: list[list[float]] = [[], [], []]
    met = 0
    for frame in range(1, 600):
        now_s = frame * FRAME_S
        are_now = [turn.is_now(now_s) for turn in turns]
        for own, is_now in zip(taken, are_now, strict=True):
            if is_now:
                own.append(now_s)
        met += sum(are_now) > 1
    assert met <= 1  # the first time is at once
    for own in taken:
        assert np.diff(own).min() >= EVERY_S - 1e-9
        assert np.diff(own).max() <= EVERY_S + PATIENCE_S + FRAME_S


def test_work_that_comes_seldom_does_not_meet_either() -> None:
    one, other = _turns(2)
    assert [one.is_now(1.0), other.is_now(1.0)] == [True, True]
    assert [one.is_now(9.0), other.is_now(9.0)] == [True, False]
    assert other.is_now(9.0 + FRAME_S)


def test_who_finds_every_frame_taken_does_not_wait_for_ever() -> None:
    kit = _Kit()
    turn = Turn(kit, every_s=EVERY_S, patience_s=PATIENCE_S)
    turn.is_now(1.0)
    taken = []
    for frame in range(1, 60):
        now_s = 1.0 + frame * FRAME_S
        kit.take_turn(now_s)
        if turn.is_now(now_s):
            taken.append(now_s)
    assert len(taken) >= 5
    assert np.diff([1.0, *taken]).max() <= EVERY_S + PATIENCE_S + 2 * FRAME_S


def test_a_clock_that_stands_makes_every_frame_a_turn() -> None:
    for turn in _turns(2):
        assert [turn.is_now(5.0) for _ in range(3)] == [True] * 3


def test_before_a_pause_nothing_waits() -> None:
    kit = _Kit()
    turns = _turns(3, kit)
    assert [turn.is_now(1.0) for turn in turns] == [True] * 3
    kit.may_wait = False
    assert [turn.is_now(1.0 + 0.2 * EVERY_S) for turn in turns] == [True] * 3
