"""Long jobs do not run in the same frame, no job waits long, and the cause of each run is recorded."""

import math

import numpy as np
import pytest

from flow_gl.core.jobs import Job, JobRate
from flow_gl.view import frame_scheduler
from flow_gl.view.frame_scheduler import AWAKE_S, JOBS, FrameScheduler, Timing

PERIOD_S, DELAY_S, FRAME_S = 0.05, 0.1, 1 / 60


@pytest.fixture(autouse=True)
def _timing(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"work": Timing(PERIOD_S, DELAY_S), "glance": Timing(PERIOD_S, 0.0), "rare": Timing(PERIOD_S, math.inf)}
    monkeypatch.setattr(frame_scheduler, "JOBS", JOBS | own)


@pytest.fixture
def scheduler() -> FrameScheduler:
    return FrameScheduler()


def frames(scheduler: FrameScheduler, *jobs: Job, count: int = 600) -> list[list[float]]:
    """Run frames in which every job has work; return the times at which each ran."""
    ran: list[list[float]] = [[] for _ in jobs]
    for frame in range(1, count):
        scheduler.begin_frame(frame * FRAME_S)
        for own, job in zip(ran, jobs, strict=True):
            if job.may_run("trades"):
                own.append(scheduler.now_s)
    return ran


def test_jobs_run_in_different_frames_without_long_waits(scheduler: FrameScheduler) -> None:
    ran = frames(scheduler, *(scheduler.add("work") for _ in range(3)))
    times = [now_s for own in ran for now_s in own[1:]]  # all run in their first frame
    assert len(set(times)) == len(times)
    for own in ran:
        assert np.diff(own).min() >= PERIOD_S - 1e-9
        assert np.diff(own).max() <= PERIOD_S + 3 * FRAME_S


def test_with_more_work_than_frames_all_run_equally_often(scheduler: FrameScheduler) -> None:
    ran = frames(scheduler, *(scheduler.add("work") for _ in range(6)))
    counts = [len(own) for own in ran]
    assert max(counts) < 1.1 * min(counts)
    assert sum(counts) > 550


def test_rare_jobs_do_not_run_in_the_same_frame_either(scheduler: FrameScheduler) -> None:
    one, other = scheduler.add("work"), scheduler.add("work")
    for now_s, expected in ((1.0, [True, True]), (9.0, [True, False]), (9.0 + FRAME_S, [False, True])):
        scheduler.begin_frame(now_s)
        assert [one.may_run("trades"), other.may_run("trades")] == expected


def test_a_job_blocked_in_every_frame_runs_after_its_longest_delay(scheduler: FrameScheduler) -> None:
    urgent, patient = scheduler.add("work"), scheduler.add("work")
    ran = []
    for frame in range(60):
        scheduler.begin_frame(1.0 + frame * FRAME_S)
        urgent.run_now("view")
        if patient.may_run("trades"):
            ran.append(scheduler.now_s)
    assert len(ran) >= 5
    assert np.diff(ran).max() <= PERIOD_S + DELAY_S + 2 * FRAME_S


def test_an_optional_job_waits_for_a_free_frame_indefinitely(scheduler: FrameScheduler) -> None:
    urgent, rare = scheduler.add("work"), scheduler.add("rare")
    scheduler.begin_frame(1.0)
    assert rare.may_run("first")
    for frame in range(200):
        scheduler.begin_frame(2.0 + frame * FRAME_S)
        urgent.run_now("view")
        assert not rare.may_run("trades")
    scheduler.begin_frame(9.0)
    assert rare.may_run("trades")


def test_a_job_that_never_waits_blocks_no_other(scheduler: FrameScheduler) -> None:
    glance, work = scheduler.add("glance"), scheduler.add("work")
    for frame in range(1, 100):
        scheduler.begin_frame(frame * 10 * FRAME_S)
        assert [glance.may_run("time"), work.may_run("trades")] == [True, True]


def test_a_jobs_period_can_be_overridden_but_not_another_job(scheduler: FrameScheduler) -> None:
    one, other = scheduler.add("work"), scheduler.add("work")
    scheduler.begin_frame(1.0)
    assert one.may_run("trades")
    scheduler.begin_frame(1.0 + 0.2 * PERIOD_S)
    assert not one.may_run("trades")
    assert one.may_run("moved", is_early=True)
    scheduler.begin_frame(1.0 + 0.4 * PERIOD_S)
    other.run_now("view")
    assert not one.may_run("moved", is_early=True)


def test_a_job_runs_at_most_once_at_one_time(scheduler: FrameScheduler) -> None:
    job = scheduler.add("work")
    asked = []
    for _ in range(3):
        scheduler.begin_frame(5.0)
        asked.append(job.may_run("trades"))
    assert asked == [True, False, False]


def test_if_no_frame_follows_soon_nothing_is_deferred(scheduler: FrameScheduler) -> None:
    jobs = [scheduler.add("work") for _ in range(3)]
    assert [job.may_run("before the first frame") for job in jobs] == [True] * 3
    scheduler.begin_frame(0.2 * PERIOD_S, may_defer=False)
    assert [job.may_run("picture") for job in jobs] == [True] * 3


def test_an_unknown_job_is_an_error(scheduler: FrameScheduler) -> None:
    with pytest.raises(KeyError, match="tea"):
        scheduler.add("tea")


def test_the_scheduler_lists_what_ran_in_the_last_second_and_why(scheduler: FrameScheduler) -> None:
    job = scheduler.add("work")
    scheduler.begin_frame(1.0)
    job.run_now("forgotten by then")
    scheduler.stay_awake("input", 9.0)
    for frame in range(5):
        scheduler.begin_frame(9.1 + 0.1 * frame)
        job.may_run("trades")
    job.run_now("view")
    assert scheduler.recent() == [
        JobRate("frame", "input", 5),
        JobRate("work", "trades", 5),
        JobRate("work", "view", 1),
    ]


def test_frames_continue_for_as_long_as_a_cause_requires(scheduler: FrameScheduler) -> None:
    assert scheduler.awake_for(0.0) == []
    scheduler.stay_awake("input", 1.0)
    scheduler.stay_awake("market", 1.0)
    assert scheduler.awake_for(1.0 + 0.9 * AWAKE_S["market"]) == ["input", "market"]
    assert scheduler.awake_for(1.0 + 1.1 * AWAKE_S["market"]) == ["input"]
    assert scheduler.is_awake_for("input", 1.5)
    assert not scheduler.is_awake_for("note", 1.5)
    assert scheduler.awake_for(1.1 + AWAKE_S["input"]) == []


def test_every_job_runs_before_the_picture_rests() -> None:
    waits = {name: timing.period_s + timing.delay_s for name, timing in JOBS.items() if name != "size floor"}
    assert {name: wait for name, wait in waits.items() if wait > AWAKE_S["market"]} == {}


def test_cheap_jobs_of_one_name_run_in_different_frames(scheduler: FrameScheduler) -> None:
    one, other, third = (scheduler.add("glance") for _ in range(3))
    expected = {1.0: [True, False, False], 1.0 + FRAME_S: [False, True, True], 1.0 + 2 * FRAME_S: [False] * 3}
    for now_s, runs in expected.items():
        scheduler.begin_frame(now_s)
        assert [job.may_run("time") for job in (one, other, third)] == runs
    scheduler.begin_frame(2.0, may_defer=False)
    assert all(job.may_run("time") for job in (one, other, third))
