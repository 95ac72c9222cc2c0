"""Ends asyncio tasks for certain.

A task's cancellation can be lost: if an error arrives in the same step of the loop, `asyncio.wait_for` of Python 3.11
raises the error in its place, and some libraries do the same. A task that retries after errors would then never
end, and its owner would wait for it forever.
"""

import asyncio
from typing import Any, Final

AGAIN_S: Final = 0.5
"""After this a task that has not ended is cancelled again."""


def end_if_cancelled() -> None:
    """Raise CancelledError if the current task has been cancelled. Call this before an attempt is repeated.

    Not in a task that uses a TaskGroup: in Python 3.11 a failed group leaves its parent marked as cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until all have ended. Their errors are left in them, as if retrieved."""
    left: set[asyncio.Task[Any]] = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()
