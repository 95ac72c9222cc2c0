"""Tasks end although an error hides their cancellation."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from flow_gl.core.system import tasks


async def _hide_the_cancellation() -> None:
    """Raise an error in place of the cancellation, as asyncio.wait_for can."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise TimeoutError from None


def _run(attempt: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Cancel a task that repeats an attempt after each error. Returns it once it has ended."""

    async def repeat() -> None:
        while True:
            with suppress(TimeoutError):
                await attempt()

    async def main() -> asyncio.Task[None]:
        task = asyncio.create_task(repeat())
        await asyncio.sleep(0)
        await asyncio.wait_for(tasks.cancel(task), 30)
        return task

    return asyncio.run(main())


def test_a_task_is_cancelled_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 0.0)
    left = [3]

    async def attempt() -> None:
        left[0] -= 1
        await (_hide_the_cancellation() if left[0] > 0 else asyncio.sleep(60))

    assert _run(attempt).cancelled()
    assert left[0] == 0


def test_a_task_that_asks_ends_at_the_first_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 60.0)
    attempts = [0]

    async def attempt() -> None:
        tasks.end_if_cancelled()
        attempts[0] += 1
        await _hide_the_cancellation()

    assert _run(attempt).cancelled()
    assert attempts[0] == 1


def test_a_task_that_is_not_cancelled_continues() -> None:
    async def main() -> str:
        tasks.end_if_cancelled()
        with suppress(TimeoutError):
            async with asyncio.timeout(0):  # it cancels the task for a moment
                await asyncio.sleep(60)
        tasks.end_if_cancelled()
        return "here"

    assert asyncio.run(main()) == "here"


def test_errors_of_ended_tasks_are_left_to_their_owner() -> None:
    async def fail() -> None:
        raise OSError("lost")

    async def main() -> BaseException | None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await tasks.cancel(task)
        return task.exception()

    assert isinstance(asyncio.run(main()), OSError)
