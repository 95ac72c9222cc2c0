"""The engine's thread asks to run soon after it wakes, and changes nothing else."""

import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from flow_gl.runtime.urgency import ask_for_short_slices

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can be asked")


def asked_in_a_thread(policy: int) -> tuple[bool, int, int]:
    """Return whether the system accepted it, and policy and nice value afterwards, in a separate thread."""

    def ask() -> tuple[bool, int, int]:
        os.sched_setscheduler(0, policy, os.sched_param(0))
        is_taken = ask_for_short_slices()
        return is_taken, os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.getpriority(os.PRIO_PROCESS, 0)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ask).result()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the call's number is not known")
def test_policy_and_priority_stay_unchanged() -> None:
    assert asked_in_a_thread(os.SCHED_OTHER) == (True, os.SCHED_OTHER, os.getpriority(os.PRIO_PROCESS, 0))


def test_a_scheduling_policy_chosen_by_the_user_is_left_alone() -> None:
    assert asked_in_a_thread(os.SCHED_BATCH)[:2] == (False, os.SCHED_BATCH)


def test_nothing_is_requested_on_an_unknown_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "abacus")
    assert asked_in_a_thread(os.SCHED_OTHER)[0] is False
